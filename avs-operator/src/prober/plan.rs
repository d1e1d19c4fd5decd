//! What an operator knows of a health epoch before it probes: the policy, who sits on which committee,
//! its own moments.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use quorate_beacon::Client as Beacons;
use quorate_canon::{Address, Digest, HealthEpoch, OfferId, OperatorIndex, Stake, Timestamp};
use quorate_chain::{ChainError, Rpc, to_alloy_address, views};
use quorate_health::{
    Committee, EpochClock, HealthError, HealthPolicy, Network, Place, Seats, Subject, Window,
    WindowClock, committee, moment,
};

use super::words::Attester;

/// Why an epoch cannot be planned now.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Policy or stake table.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The stake table of the epoch is not on L2 yet.
    #[error("the stake table of stake epoch {0} is not on L2 yet")]
    NoTable(quorate_canon::Epoch),
    /// The beacon.
    #[error(transparent)]
    Beacon(#[from] quorate_beacon::BeaconError),
    /// Numbers of the schedule or the policy.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// The policy's health section.
    #[error("health section of the policy: {0}")]
    Policy(String),
    /// A task ended.
    #[error("{0}")]
    Task(String),
}

/// All that follows from an epoch's number.
#[derive(Debug)]
pub struct Plan {
    /// The epoch.
    pub epoch: HealthEpoch,
    /// Its first second.
    pub start: Timestamp,
    /// The first second after it.
    pub end: Timestamp,
    /// Its policy.
    pub policy: HealthPolicy,
    /// Least stake for each registered GPU, by tier.
    pub min_stake: [Stake; 8],
    /// Its windows.
    pub windows: WindowClock,
    /// Whose network.
    pub network: Network,
    /// Who probes.
    pub operator: OperatorIndex,
    randomness: Digest,
    seats: Seats,
    signature: [u8; 96],
    /// Whether this operator sits on a machine's committee, for machines that were asked about.
    sits: Mutex<HashMap<OfferId, bool>>,
}

/// Where plans come from.
#[derive(Debug, Clone)]
pub struct Planner {
    /// L2.
    pub l2: Rpc,
    /// `Rounds` on L2.
    pub rounds: Address,
    /// The clock of epochs.
    pub clock: EpochClock,
    /// The beacon's client.
    pub beacon: Beacons,
    /// Who signs.
    pub attester: Arc<dyn Attester>,
}

impl Planner {
    /// The plan of an epoch; waits for its beacon until the epoch is over.
    ///
    /// # Errors
    /// [`PlanError`]; all of them may pass.
    pub async fn plan(&self, epoch: HealthEpoch) -> Result<Plan, PlanError> {
        let (l2, rounds) = (&self.l2, to_alloy_address(self.rounds));
        let policy = views::policy_of(l2, rounds, self.clock.first_round(epoch)?).await?;
        let table = views::table_of(l2, rounds).await?;
        let stake_epoch = self.clock.stake_epoch(epoch)?;
        let table = views::l2_table(l2, table, stake_epoch).await?;
        let table = table.ok_or(PlanError::NoTable(stake_epoch))?;
        let until = self.clock.end(epoch)?;
        let beacon = self
            .beacon
            .wait_for(self.clock.beacon_round(epoch)?, until)
            .await?;
        let health = HealthPolicy::from_section(&policy.health.0)
            .map_err(|error| PlanError::Policy(error.to_string()))?;
        let facts = Facts {
            policy: health,
            min_stake: policy.score.min_stake,
            randomness: beacon.randomness(),
            seats: Seats::new(table.stakes())?,
        };
        let (clock, attester) = (self.clock, Arc::clone(&self.attester));
        let plan =
            tokio::task::spawn_blocking(move || Plan::new(&clock, epoch, facts, attester.as_ref()));
        plan.await
            .map_err(|error| PlanError::Task(error.to_string()))?
    }
}

/// What the chain and the beacon say of an epoch.
#[derive(Debug)]
pub struct Facts {
    /// Its policy.
    pub policy: HealthPolicy,
    /// Least stake for each registered GPU, by tier.
    pub min_stake: [Stake; 8],
    /// SHA-256 of its beacon's signature.
    pub randomness: Digest,
    /// The stakes of its table.
    pub seats: Seats,
}

impl Plan {
    /// A plan out of what is known.
    ///
    /// # Errors
    /// Times beyond the schedule's range.
    pub fn new(
        clock: &EpochClock,
        epoch: HealthEpoch,
        facts: Facts,
        attester: &dyn Attester,
    ) -> Result<Self, PlanError> {
        let signature = attester.moments(epoch, &facts.randomness).to_bytes96();
        Ok(Self {
            epoch,
            start: clock.start(epoch)?,
            end: clock.end(epoch)?,
            windows: clock.windows(&facts.policy),
            policy: facts.policy,
            min_stake: facts.min_stake,
            network: attester.network(),
            operator: attester.operator(),
            randomness: facts.randomness,
            seats: facts.seats,
            signature,
            sits: Mutex::default(),
        })
    }

    /// The committee of a subject.
    #[must_use]
    pub fn committee(&self, subject: Subject) -> Committee {
        committee(
            &self.randomness,
            self.epoch,
            subject,
            &self.seats,
            self.policy.seats,
        )
    }

    /// Whether this operator sits on a subject's committee. Drawn once for each.
    #[must_use]
    pub fn sits(&self, subject: Subject) -> bool {
        let Subject::Machine(id) = subject;
        let draw = || self.committee(subject).seats.contains(&self.operator);
        match self.sits.lock() {
            Ok(mut sits) => *sits.entry(id).or_insert_with(draw),
            Err(_) => draw(),
        }
    }

    /// The place of a word.
    #[must_use]
    pub const fn place(&self, machine: OfferId, window: Window) -> Place {
        Place {
            network: self.network,
            subject: Subject::Machine(machine),
            epoch: self.epoch,
            window,
        }
    }

    /// First second of a window and the first after it.
    ///
    /// # Errors
    /// [`HealthError::NoSuchWindow`].
    pub fn span(&self, window: Window) -> Result<(Timestamp, Timestamp), HealthError> {
        self.windows.span(self.epoch, window)
    }

    /// The moment of an attempt, Unix milliseconds.
    ///
    /// # Errors
    /// If there is no such window or attempt.
    pub fn moment(
        &self,
        machine: OfferId,
        window: Window,
        attempt: u8,
    ) -> Result<u64, HealthError> {
        let (from, until) = self.span(window)?;
        let length = until.get().saturating_sub(from.get()).saturating_mul(1_000);
        let subject = Subject::Machine(machine);
        let within = moment(
            &self.signature,
            subject,
            window,
            attempt,
            length,
            &self.policy,
        )?;
        Ok(from.get().saturating_mul(1_000).saturating_add(within))
    }

    /// The last moment of an attempt at which its answer still comes within its slice of the window,
    /// Unix milliseconds; before the slice where the deadline is longer than that.
    ///
    /// # Errors
    /// If there is no such window.
    pub fn latest(&self, window: Window, attempt: u8) -> Result<u64, HealthError> {
        let (from, until) = self.span(window)?;
        let length = until.get().saturating_sub(from.get()).saturating_mul(1_000);
        let slice = length.checked_div(self.policy.fails.into()).unwrap_or(0);
        let end = slice.saturating_mul(u64::from(attempt).saturating_add(1));
        let start = from.get().saturating_mul(1_000);
        Ok(start
            .saturating_add(end)
            .saturating_sub(self.policy.deadline_ms.into()))
    }
}
