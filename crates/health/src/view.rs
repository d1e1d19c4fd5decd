//! What an operator knows when it judges one probe.

use quorate_canon::{HealthEpoch, OperatorIndex, Timestamp};

use crate::{Checks, GpuUuid, LeaseState, Maintenance, Nonce, Report, Subject, Window};

/// The probe that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question {
    /// Whom it asks.
    pub subject: Subject,
    /// Who asks.
    pub operator: OperatorIndex,
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// The window.
    pub window: Window,
    /// What the answer has to repeat, as it has to repeat all of this.
    pub nonce: Nonce,
    /// Leases on chain when the probe was sent.
    pub lease: LeaseState,
    /// What is asked for.
    pub checks: Checks,
}

/// What the chain has about the machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expected {
    /// The registered cards.
    pub cards: Vec<GpuUuid>,
    /// The offer's model.
    pub model: u8,
    /// The offer's memory of one card, MiB.
    pub vram_mib: u32,
}

/// Whether the operator itself can judge anyone. Each `true` is something that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Environment {
    /// Its network, by targets that are not providers.
    pub network: bool,
    /// The relay between it and the machine; `true` where there is none.
    pub relay: bool,
    /// Its view of the chain.
    pub chain: bool,
    /// The beacon of this health epoch.
    pub beacon: bool,
}

impl Environment {
    /// Everything works.
    pub const SOUND: Self = Self {
        network: true,
        relay: true,
        chain: true,
        beacon: true,
    };
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing before the deadline, as the operator measures it. What comes later is nothing.
    Silence,
    /// Bytes that are no report, or one whose signature is not the machine key's.
    Unreadable,
    /// A report by the machine key.
    Report(Box<Report>),
}

/// The last report of the machine that this operator judged, for rates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Previous {
    /// The report.
    pub report: Box<Report>,
    /// When it came, by the operator's clock: the machine's own could make any rate small.
    pub answered: Timestamp,
}

/// All that a verdict is a function of, besides the policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProbeView {
    /// What was asked.
    pub question: Question,
    /// What the chain has about the machine.
    pub expected: Expected,
    /// Leases on chain when the answer came, or the deadline passed. A card rented in mid-check is in use.
    pub lease_after: LeaseState,
    /// The maintenance whose interval holds `now` or stands nearest, as the chain has it.
    pub maintenance: Option<Maintenance>,
    /// Whether the operator itself can judge anyone.
    pub environment: Environment,
    /// What came back.
    pub answer: Answer,
    /// The report before, where there is one.
    pub previous: Option<Previous>,
    /// When the answer came or the deadline passed, by the operator's clock.
    pub now: Timestamp,
}
