//! Slashes machines that were DOWN in two health epochs in a row. The contract says whether the windows
//! suffice; who calls is paid the bounty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use super::{act, refused, start_of, unsettled};
use crate::chain::{Action, DutyChain, Fault};
use crate::clock::now;
use crate::courts::patience::Patience;
use crate::observe::Observe;

/// Looks at L2 in a row before slashes are worked on.
const LOOKS: u32 = 16;
/// What `Health` says of two settled epochs that can never be slashed for: they count already, or too
/// little of them is DOWN, which does not change any more, or their time is over.
const FINAL: [&str; 3] = ["AlreadyCounted", "TooLittleDown", "OutOfTime"];

/// An epoch and the next, of a machine.
type Pair = (OfferId, HealthEpoch);

/// The work on slashes.
pub struct Slashes<C> {
    chain: Arc<C>,
    observe: Observe,
    schedule: Schedule,
    pause: Duration,
    /// Seconds for which an epoch in which a machine was DOWN is remembered.
    kept: u64,
    /// The block to look from.
    from: Option<u64>,
    /// Epochs in which machines were called DOWN.
    down: BTreeMap<OfferId, BTreeSet<HealthEpoch>>,
    /// Pairs that nothing is to be done about.
    done: BTreeSet<Pair>,
    patience: Patience<Pair>,
}

impl<C: DutyChain> Slashes<C> {
    /// Slashes for epochs that began up to `kept` seconds ago; looks every `pause`.
    pub fn new(
        chain: Arc<C>,
        observe: Observe,
        schedule: Schedule,
        pause: Duration,
        kept: u64,
    ) -> Self {
        Self {
            chain,
            observe,
            schedule,
            pause,
            kept,
            from: None,
            down: BTreeMap::new(),
            done: BTreeSet::new(),
            patience: Patience::new(pause),
        }
    }

    /// Works until the end is asked for.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off(now())).await.is_none()
                || !shutdown.sleep(self.pause).await
            {
                return;
            }
        }
    }

    /// Looks for machines DOWN, then tries each pair of settled epochs once; one that fails keeps no
    /// other back.
    pub async fn work_off(&mut self, clock: Timestamp) {
        if let Err(fault) = self.scan(clock).await {
            self.observe.hindered("machines DOWN", fault);
        }
        self.forget(clock);
        let settled = match unsettled(&*self.chain, &self.schedule).await {
            Ok(settled) => settled,
            Err(fault) => return self.observe.hindered("settled epochs", fault),
        };
        for pair in self.pairs(settled) {
            if !self.patience.may_try(&pair) {
                continue;
            }
            match self.slash(pair).await {
                Ok(()) => {
                    self.patience.succeeded(&pair);
                    self.done.insert(pair);
                }
                Err(fault) => {
                    self.observe.hindered("slash", fault);
                    self.patience.failed(pair);
                }
            }
        }
    }

    async fn scan(&mut self, clock: Timestamp) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            let since = Timestamp::new(clock.get().saturating_sub(self.kept));
            let scan = self.chain.downs(self.from, since).await?;
            for (machine, epoch) in scan.down {
                self.down.entry(machine).or_default().insert(epoch);
            }
            self.from = Some(scan.next);
            if scan.complete {
                break;
            }
        }
        Ok(())
    }

    /// Pairs of epochs before `settled`, in order: an earlier one takes away the later's first epoch.
    fn pairs(&self, settled: HealthEpoch) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (machine, epochs) in &self.down {
            for epoch in epochs {
                let Some(next) = epoch.get().checked_add(1).map(HealthEpoch::new) else {
                    continue;
                };
                let pair = (*machine, *epoch);
                if next < settled && epochs.contains(&next) && !self.done.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        pairs
    }

    /// Slashes, unless there is nothing to be slashed for.
    async fn slash(&self, (machine, epoch): Pair) -> Result<(), Fault> {
        let action = Action::SlashMachine(machine, epoch);
        match act(&*self.chain, &self.observe, &action).await {
            Ok(()) => {
                self.observe.machine_slashed(machine, epoch);
                Ok(())
            }
            Err(fault) if refused(&fault, &FINAL) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Forgets epochs that began too long ago.
    fn forget(&mut self, clock: Timestamp) {
        let (schedule, kept) = (self.schedule, self.kept);
        let is_kept = |epoch: &HealthEpoch| {
            start_of(&schedule, *epoch)
                .is_ok_and(|start| start.get().saturating_add(kept) >= clock.get())
        };
        for epochs in self.down.values_mut() {
            epochs.retain(is_kept);
        }
        self.down.retain(|_, epochs| !epochs.is_empty());
        self.done.retain(|(_, epoch)| is_kept(epoch));
    }
}
