//! What is borne and what is done.

use std::time::Duration;

use alloy::primitives::U256;
use serde::Deserialize;

use crate::collector::{Limits, Millis};
use crate::duties::Switches;
use crate::settle::Terms;

/// The collector's patience.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Collector {
    /// Wait for stragglers once a quorum stands, milliseconds.
    pub grace_ms: u64,
    /// Bad signatures from one address in one operator's name in one round before no more are checked.
    pub failures: u32,
    /// Seconds for which votes of a round are kept after its deadline.
    pub kept_seconds: u32,
}

impl Default for Collector {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            grace_ms: limits.grace.0,
            failures: limits.failures,
            kept_seconds: limits.kept,
        }
    }
}

impl Collector {
    /// The collector's limits.
    pub fn limits(&self) -> Limits {
        Limits {
            grace: Millis(self.grace_ms),
            failures: self.failures,
            kept: self.kept_seconds,
            ..Limits::default()
        }
    }
}

/// What is done beside settling.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Duties {
    /// Fixes stake tables on L1 and posts their pages on L2.
    pub tables: bool,
    /// Takes evidence to L1.
    pub evidence: bool,
    /// Reports every round that has become final, not only those that L1 waits for.
    pub report_all: bool,
    /// Pause between two looks of each duty, milliseconds.
    pub pause_ms: u64,
    /// Wei that go along with what crosses the bridge.
    pub bridge_value: U256,
    /// Days after a round's close in which L1 takes evidence and executes charges.
    pub evidence_days: u64,
    /// Settles rounds for a bond that nobody has certified by half of their time-out.
    pub propose: bool,
    /// The highest bond that is paid for a proposal, wei.
    pub max_bond_wei: U256,
    /// Least share of the stake that L2 has not struck which must have signed a header before it is
    /// proposed here, basis points. More than a third: then one of the honest has signed it.
    pub propose_min_stake_bps: u32,
    /// Slashes machines that were DOWN in two health epochs in a row, for the bounty.
    pub slash: bool,
    /// Days for which machines that were called DOWN are remembered: two health epochs and the time
    /// until they are settled at least.
    pub slash_days: u64,
    /// Opens every health epoch on L2 with its beacon.
    pub open_epochs: bool,
    /// Carries uptime and trust levels of all machines over settled health epochs.
    pub observe: bool,
    /// So many settled health epochs have to wait before a machine is observed.
    pub observe_epochs: u16,
    /// Lets slashed machines out of jail when their time is over and the stake is there.
    pub release: bool,
    /// Has itself paid for the rounds that it settled and the chunks that it posted.
    pub claim: bool,
    /// Least amount that is claimed at once, micro-dollars: what is worth the gas.
    pub claim_min_micro: u64,
    /// Shows operators' work on L2, tells L1, and has it paid there.
    pub work: bool,
}

impl Default for Duties {
    fn default() -> Self {
        Self {
            tables: true,
            evidence: true,
            report_all: false,
            pause_ms: 5_000,
            bridge_value: U256::ZERO,
            evidence_days: 13,
            propose: false,
            max_bond_wei: U256::ZERO,
            propose_min_stake_bps: 3_334,
            slash: true,
            slash_days: 7,
            open_epochs: true,
            observe: true,
            observe_epochs: 1,
            release: true,
            claim: true,
            claim_min_micro: 1_000_000,
            work: true,
        }
    }
}

impl Duties {
    /// On which terms rounds are proposed, if they are.
    pub fn terms(&self) -> Option<Terms> {
        self.propose.then_some(Terms {
            max_bond: self.max_bond_wei,
            min_stake_bps: self.propose_min_stake_bps,
        })
    }

    /// What is done about all machines, if anything is.
    pub fn switches(&self) -> Option<Switches> {
        (self.observe || self.release || self.work).then_some(Switches {
            observe: self.observe.then_some(self.observe_epochs),
            release: self.release,
            sync: self.work,
        })
    }

    /// Pause between two looks.
    pub const fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }
}
