//! Every time and duration of a devnet, in one place.

use quorate_bindings::IRounds;

use super::abi::Times;
use crate::beacon_server::Info;

/// The clock of a network. Unix seconds, or seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Close of round 0, and beginning of stake epoch 0.
    pub genesis: u64,
    /// Between two closes.
    pub period: u32,
    /// From a round's close to its deadline.
    pub settle_timeout: u32,
    /// From a round's close to its beacon.
    pub delay: u32,
    /// L2 blocks on the one that makes a snapshot known.
    pub depth: u32,
    /// Length of a stake epoch.
    pub stake_epoch: u32,
    /// How long before its epoch a stake table must be fixed.
    pub table_lead: u32,
    /// How long before that it may be fixed.
    pub table_window: u32,
    /// Length of a health epoch.
    pub health_epoch: u32,
    /// How long a settled round can be challenged.
    pub challenge_window: u32,
    /// How long after that a challenge can be revealed.
    pub reveal_window: u32,
    /// How much longer than that signers and sampled work are shown: see [`Clock::shown_seconds`].
    pub grace: u32,
    /// How long a transaction can be kept off L2 at most: challenge windows are at least twice that.
    pub forced_inclusion: u32,
    /// How long L2's word may take to L1.
    pub bridge_delay: u32,
    /// How long a charge may wait for its execution.
    pub execution_window: u32,
    /// Of how many rounds `Rounds` keeps the digest.
    pub ring: u32,
    /// How long provider stake that leaves can still be touched: longer than two health epochs and what
    /// the policy waits for lists and receipts, or `Health` refuses to stand.
    pub unbonding: u32,
    /// How long a new policy waits in the timelock.
    pub timelock: u32,
}

impl Clock {
    /// The devnet's: a round closes every 2 seconds and, when it settles at once, every third
    /// one is live; a divergence can be executed about 20 seconds after its round closed.
    #[must_use]
    pub const fn devnet(genesis: u64) -> Self {
        Self {
            genesis,
            period: 2,
            settle_timeout: 14,
            delay: 3,
            depth: 1,
            stake_epoch: 60,
            table_lead: 5,
            table_window: 40,
            health_epoch: 25,
            challenge_window: 8,
            reveal_window: 4,
            grace: 20,
            forced_inclusion: 2,
            bridge_delay: 60,
            execution_window: 300,
            ring: 64,
            unbonding: 120,
            timelock: 10,
        }
    }

    /// As `ServiceManager` and `Slasher` are told.
    #[must_use]
    pub const fn times(&self) -> Times {
        Times {
            genesis: self.genesis,
            period: self.period,
            stakeEpoch: self.stake_epoch,
            tableLead: self.table_lead,
            tableWindow: self.table_window,
            settleTimeout: self.settle_timeout,
            challengeWindow: self.challenge_window,
            revealWindow: self.reveal_window,
            bridgeDelay: self.bridge_delay,
            executionWindow: self.execution_window,
            secondsPerBlock: 1,
        }
    }

    /// As `Rounds` is told.
    #[must_use]
    pub fn schedule(&self, beacon: &Info) -> IRounds::Schedule {
        IRounds::Schedule {
            genesis: self.genesis,
            period: self.period,
            settleTimeout: self.settle_timeout,
            delay: self.delay,
            depth: self.depth,
            stakeEpoch: self.stake_epoch,
            healthEpoch: self.health_epoch,
            challengeWindow: self.challenge_window,
            revealWindow: self.reveal_window,
            beaconGenesis: beacon.genesis,
            beaconPeriod: beacon.period,
            beaconChainHash: beacon.hash.into(),
        }
    }

    /// How long after a refutation a table may be fixed that does not know of it: as `Strikes` is told.
    #[must_use]
    pub const fn hearing(&self) -> u32 {
        self.bridge_delay + self.table_window + self.table_lead
    }

    /// Seconds in which a stake epoch's sample is drawn and its work is shown, at the least.
    ///
    /// Work of epoch E is shown until its last round (one period before E + 1 at the most) has lived
    /// through settling and both windows, and the grace: for the devnet 2 seconds before E + 1, and
    /// 14 + 8 + 4 + 20 after that, so 44 seconds into E + 1. The sample is drawn from the first
    /// health epoch that begins in E + 1: less than 25 seconds into it (15 for epoch 0, then 5, 20,
    /// 10, 0, and again). What is left, 24 seconds after the latest of these beginnings, takes the
    /// beacon (a second), the draw (a block or two), the operators' polls and two transactions. So
    /// epoch 0 is told 105 seconds after genesis and every other one a minute later, and L1 has it
    /// three blocks after that.
    #[must_use]
    pub const fn shown_seconds(&self) -> u32 {
        let lifetime = self.settle_timeout + self.challenge_window + self.reveal_window;
        (lifetime + self.grace).saturating_sub(self.period + self.health_epoch)
    }

    /// From when on a stake epoch's work is told to L1, at the latest, Unix seconds.
    #[must_use]
    pub fn told_at(&self, epoch: u64) -> u64 {
        let lifetime = self.settle_timeout + self.challenge_window + self.reveal_window;
        self.genesis + (epoch + 1) * u64::from(self.stake_epoch) + u64::from(lifetime + self.grace)
    }

    /// L1 blocks (one a second) until nothing of this network can be slashed any more for a round
    /// that is being decided now: the core must let an operator go later than that.
    #[must_use]
    pub const fn slashable_seconds(&self) -> u32 {
        self.table_lead
            + self.table_window
            + self.stake_epoch
            + self.settle_timeout
            + self.challenge_window
            + self.reveal_window
            + self.bridge_delay
            + self.execution_window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::CoreDelays;

    #[test]
    fn there_is_time_to_draw_a_sample_and_to_show_it() {
        assert!(Clock::devnet(0).shown_seconds() >= 15);
    }

    #[test]
    fn the_core_lets_nobody_go_before_a_charge_is_executed() {
        assert!(Clock::devnet(0).slashable_seconds() < CoreDelays::default().deallocation);
    }
}
