//! What is read again, and when.
//!
//! Blocks that were read may change in a reorganisation, and an endpoint may have a block before it has
//! its logs. So each block is read several times: when it is new; at each look while it is among the last
//! few; once or twice within ten minutes, the last time when it is five minutes old or older; and, for
//! health epochs that can be appealed against, in the looks back ([`super::look`]). The store takes an
//! event as often as it comes.

use std::collections::BTreeMap;

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_chain::Head;

use super::look::Look;
use super::stretch::Stretch;
use super::{Follower, Troubles};
use crate::AgentError;
use crate::chain::ChainTrouble;

/// Seconds of the chain that are read again, whatever the pace of its blocks.
pub(super) const OVERLAP: u64 = 600;
/// Seconds between two such readings: each block that is no longer near the head is in two of them.
const EVERY: u64 = OVERLAP / 2;
/// The most epochs that are looked back at; a few are not settled at a time.
const EPOCHS: u32 = 64;

/// What is being read again.
#[derive(Debug, Default)]
pub struct Again {
    /// When the last minutes were last taken up, by the chain's time.
    begun: Option<Timestamp>,
    /// The block before those that were last taken up.
    before: Option<u64>,
    sweep: Option<Stretch>,
    looks: BTreeMap<HealthEpoch, Look>,
}

impl Follower {
    /// Reads again what is due. The blocks from `fresh` on were read just now.
    ///
    /// # Errors
    /// [`AgentError`] of the store. What could not be read is gone on with at the next step.
    pub(super) async fn again(
        &mut self,
        head: Head,
        fresh: u64,
        unsettled: HealthEpoch,
        troubles: &mut Troubles,
    ) -> Result<(), AgentError> {
        let oldest = super::oldest(unsettled);
        let swept = self.sweep(head, fresh, oldest).await;
        troubles.note(swept)?;
        self.again.looks.retain(|epoch, _| *epoch >= unsettled);
        for epoch in self.over(head.timestamp, unsettled) {
            let looked = self.look(epoch, head, oldest).await;
            troubles.note(looked)?;
        }
        Ok(())
    }

    /// The health epochs that are over and not settled.
    fn over(&self, time: Timestamp, unsettled: HealthEpoch) -> Vec<HealthEpoch> {
        let rules = self.shared.known().rules.clone();
        let running = rules.and_then(|rules| rules.clock().at(time).ok());
        let running = running.map_or(0, |(epoch, _)| epoch.get());
        let first = unsettled.get().max(running.saturating_sub(EPOCHS));
        (first..running).map(HealthEpoch::new).collect()
    }

    /// The last minutes.
    async fn sweep(
        &mut self,
        head: Head,
        fresh: u64,
        oldest: HealthEpoch,
    ) -> Result<(), AgentError> {
        let now = head.timestamp;
        let due = |begun: Timestamp| now.get().abs_diff(begun.get()) >= EVERY;
        if self.again.sweep.is_none() && self.again.begun.is_none_or(due) {
            self.begin_sweep(now, fresh).await?;
        }
        let Some(mut stretch) = self.again.sweep.take() else {
            return Ok(());
        };
        let read = self.read_again(&mut stretch, now, oldest).await;
        if stretch.is_done() {
            self.store.keep_swept(stretch.begins())?;
        } else {
            self.again.sweep = Some(stretch);
        }
        read
    }

    /// Takes up the last minutes, and with them what was left of those before, also by an earlier
    /// process.
    async fn begin_sweep(&mut self, now: Timestamp, fresh: u64) -> Result<(), AgentError> {
        let last = self.store.swept()?.map_or(u64::MAX, Timestamp::get);
        let since = now.get().saturating_sub(OVERLAP);
        let since = Timestamp::new(since.min(last.saturating_sub(EVERY)));
        let before = self.block_before(since).await?;
        let from = before.map_or(self.first_block, |block| block + 1);
        let until = Timestamp::new(now.get().saturating_add(EVERY));
        // In the first block nothing is older than what was read just now.
        let to = fresh.saturating_sub(1);
        self.again.sweep = Some(Stretch::new(from, to, now, until));
        (self.again.begun, self.again.before) = (Some(now), before);
        Ok(())
    }

    /// The last block that is older than a time; most often not far behind the one that was found last.
    async fn block_before(&self, time: Timestamp) -> Result<Option<u64>, ChainTrouble> {
        if let Some(lowest) = self.again.before {
            let found = self.chain.block_before(time, lowest).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.chain.block_before(time, self.first_block).await
    }

    /// Looks back at an epoch, if it is time to.
    async fn look(
        &mut self,
        epoch: HealthEpoch,
        head: Head,
        oldest: HealthEpoch,
    ) -> Result<(), AgentError> {
        let mut look = match self.again.looks.remove(&epoch) {
            Some(look) => look,
            None => self.look_of(epoch).await?,
        };
        let read = self.look_on(&mut look, head, oldest).await;
        self.again.looks.insert(epoch, look);
        read
    }

    async fn look_on(
        &self,
        look: &mut Look,
        head: Head,
        oldest: HealthEpoch,
    ) -> Result<(), AgentError> {
        if let Some(since) = look.wants(head.timestamp) {
            let before = self.chain.block_before(since, self.first_block).await?;
            look.begin(before, self.first_block, head.number);
        }
        let Some(stretch) = &mut look.stretch else {
            return Ok(());
        };
        let read = self.read_again(stretch, head.timestamp, oldest).await;
        look.settle();
        read
    }

    async fn look_of(&self, epoch: HealthEpoch) -> Result<Look, AgentError> {
        let own = |error: quorate_health::HealthError| ChainTrouble::Own(error.to_string());
        let clock = self.shared.known().rules.as_ref().map(|rules| rules.epochs);
        let clock = clock.ok_or_else(|| ChainTrouble::Silent("no rules yet".to_owned()))?;
        let rules = self.chain.rules(clock.start(epoch).map_err(own)?).await?;
        Ok(Look::new(epoch, &rules).map_err(own)?)
    }

    /// Reads as much of a stretch as is due.
    async fn read_again(
        &self,
        stretch: &mut Stretch,
        now: Timestamp,
        oldest: HealthEpoch,
    ) -> Result<(), AgentError> {
        for _ in 0..stretch.due(self.log_range, now) {
            let Some((from, to)) = stretch.piece(self.log_range) else {
                break;
            };
            let events = self.chain.events(self.offer, from, to).await?;
            for event in self.store.keep_events_again(&events, oldest)? {
                self.observe.event(&event);
            }
            stretch.read(to);
        }
        Ok(())
    }
}
