//! Has us paid for the rounds that we settled and the chunks that we posted, out of the pot that
//! request fees fill. Small amounts wait until they are worth a transaction.

use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{Digest, Round, Timestamp};
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use super::{act, refused};
use crate::chain::{Action, DutyChain, Fault};
use crate::clock::now;
use crate::courts::patience::Patience;
use crate::observe::Observe;

/// Pauses between two looks: fees come in slowly.
const PAUSES: u32 = 12;
/// Policies before the present one under which something may have been left unclaimed.
const POLICIES: usize = 4;
/// What `Escrow` says when nothing is left: it was claimed for us, which anybody may do.
const NOTHING: [&str; 2] = ["NothingEarned", "NothingToCollect"];

/// What may fail by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// What the pot owes.
    Debt,
    /// Pay under the present policy.
    Present,
    /// Pay under the policy before it that ended with this round.
    Earlier(Round),
}

/// The work on our own pay.
pub struct Claims<C> {
    chain: Arc<C>,
    observe: Observe,
    schedule: Schedule,
    pause: Duration,
    /// Least amount that is claimed at once, micro-dollars.
    least: u64,
    /// The policy that was the present one when earlier ones were looked for.
    policy: Option<Digest>,
    /// The last round of each of the policies before it.
    earlier: Vec<Round>,
    patience: Patience<Part>,
}

impl<C: DutyChain> Claims<C> {
    /// Claims from `least` micro-dollars on.
    pub fn new(
        chain: Arc<C>,
        observe: Observe,
        schedule: Schedule,
        pause: Duration,
        least: u64,
    ) -> Self {
        Self {
            chain,
            observe,
            schedule,
            pause: pause.saturating_mul(PAUSES),
            least,
            policy: None,
            earlier: Vec::new(),
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

    /// Looks once at all that is to be had.
    pub async fn work_off(&mut self, clock: Timestamp) {
        if let Err(fault) = self.collect(clock).await {
            self.observe.hindered("debt of the pot", fault);
        }
        if let Err(fault) = self.claim(clock).await {
            self.observe.hindered("pay for settling", fault);
        }
    }

    /// Collects what the pot owes us, once it reaches far enough.
    async fn collect(&mut self, clock: Timestamp) -> Result<(), Fault> {
        let owed = self.chain.owed().await?;
        self.observe.fees_owed(owed);
        if owed < self.least {
            return Ok(());
        }
        let due = owed.min(self.chain.pot().await?);
        let action = Action::CollectDebt(clock);
        self.try_for(Part::Debt, due, &action).await
    }

    /// Claims what we earned under each policy. Not before the pot reaches as far as a claim is worth:
    /// what it lacks is only owed, and takes another transaction.
    async fn claim(&mut self, clock: Timestamp) -> Result<(), Fault> {
        let since = clock.get().checked_sub(self.schedule.genesis.get());
        let last = since.and_then(|since| since.checked_div(u64::from(self.schedule.period)));
        let Some(last) = last.map(Round::new) else {
            return Ok(());
        };
        let mut total: u64 = 0;
        for round in self.rounds(last).await? {
            let earned = self.chain.earned(round).await?;
            total = total.saturating_add(earned);
            if earned < self.least {
                continue;
            }
            let due = earned.min(self.chain.pot().await?);
            let part = match round == last {
                true => Part::Present,
                false => Part::Earlier(round),
            };
            let action = Action::RewardSettler(round, clock);
            if let Err(fault) = self.try_for(part, due, &action).await {
                self.observe.hindered("pay for settling", fault);
            }
        }
        self.observe.fees_earned(total);
        Ok(())
    }

    /// Does what brings `due` micro-dollars, if that is worth it.
    async fn try_for(&mut self, part: Part, due: u64, action: &Action) -> Result<(), Fault> {
        if due < self.least || !self.patience.may_try(&part) {
            return Ok(());
        }
        match act(&*self.chain, &self.observe, action).await {
            Ok(()) => {
                self.patience.succeeded(&part);
                self.observe.fees_paid(due);
                Ok(())
            }
            Err(fault) if refused(&fault, &NOTHING) => Ok(()),
            Err(fault) => {
                self.patience.failed(part);
                Err(fault)
            }
        }
    }

    /// The newest round of the present policy and of those before it.
    async fn rounds(&mut self, last: Round) -> Result<Vec<Round>, Fault> {
        let policy = self.chain.policy_hash(last).await?;
        if self.policy != Some(policy) {
            self.earlier = self.before(last, policy).await?;
            self.policy = Some(policy);
        }
        let earlier = self.earlier.iter().copied();
        Ok(std::iter::once(last).chain(earlier).collect())
    }

    /// The last round of each of the policies before that of `round`.
    async fn before(&self, mut round: Round, mut policy: Digest) -> Result<Vec<Round>, Fault> {
        let mut found = Vec::new();
        while found.len() < POLICIES {
            let Some(before) = self.last_before(round, policy).await? else {
                break;
            };
            found.push(before);
            (round, policy) = (before, self.chain.policy_hash(before).await?);
        }
        Ok(found)
    }

    /// The last round before `round` under another policy than its `policy`, by halves.
    async fn last_before(&self, round: Round, policy: Digest) -> Result<Option<Round>, Fault> {
        let (mut other, mut same) = (0, round.get());
        if self.chain.policy_hash(Round::new(other)).await? == policy {
            return Ok(None);
        }
        while same.saturating_sub(other) > 1 {
            let middle = other.midpoint(same);
            match self.chain.policy_hash(Round::new(middle)).await? == policy {
                true => same = middle,
                false => other = middle,
            }
        }
        Ok(Some(Round::new(other)))
    }
}
