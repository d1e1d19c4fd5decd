//! Verdicts, and why.

use std::fmt;

use crate::GpuUuid;

/// What one probe found. Ordered by what it means for the provider: FAIL below UNKNOWN below PASS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The machine is well, as far as anyone can see from outside.
    Pass,
    /// It is not.
    Fail(Reason),
    /// It cannot be judged: this neither costs nor earns.
    Unknown(Why),
}

impl Verdict {
    /// 0 for FAIL, 1 for UNKNOWN, 2 for PASS: the higher, the better for the provider.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Fail(_) => 0,
            Self::Unknown(_) => 1,
            Self::Pass => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("PASS"),
            Self::Fail(reason) => write!(f, "FAIL: {reason}"),
            Self::Unknown(why) => write!(f, "UNKNOWN: {why}"),
        }
    }
}

/// Why a machine cannot be judged. None of these is the machine's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The operator's own network fails, by targets that are not providers.
    OwnNetwork,
    /// The way to the machine through a relay fails, for others too.
    Relay,
    /// The operator cannot read the chain, so it knows neither offer nor leases.
    Chain,
    /// The beacon of the health epoch is not known, so there is no committee.
    Beacon,
    /// A maintenance that was announced in time, and is not used up.
    Maintenance,
}

impl Why {
    /// Its number in the table of reasons.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::OwnNetwork => 1,
            Self::Relay => 2,
            Self::Chain => 3,
            Self::Beacon => 4,
            Self::Maintenance => 5,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnNetwork => "the operator's own network fails",
            Self::Relay => "the relay fails",
            Self::Chain => "the chain cannot be read",
            Self::Beacon => "the beacon is not known",
            Self::Maintenance => "announced maintenance",
        })
    }
}

/// Why a machine fails. In the order in which they are looked for; the first one found is the
/// verdict's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No answer within the deadline.
    Silent,
    /// An answer that is no report, or whose signature is not the machine key's.
    Unreadable,
    /// A report that answers another probe.
    OtherProbe {
        /// The field that differs.
        field: &'static str,
    },
    /// Simulated cards, where the policy does not allow them.
    Simulated,
    /// A registered card is missing, or does not answer.
    CardLost {
        /// The card.
        card: GpuUuid,
    },
    /// A card that is not registered for this machine.
    WrongCard {
        /// The card.
        card: GpuUuid,
    },
    /// A card of another model than the offer's.
    WrongModel {
        /// The card.
        card: GpuUuid,
        /// What it is taken to be.
        got: u8,
        /// The offer's model.
        expected: u8,
    },
    /// A card does not give a signal that the policy asks of all.
    NoSignal {
        /// The card.
        card: GpuUuid,
        /// The signals that are missing, as bits.
        missing: u32,
    },
    /// A card has less memory than was registered.
    LittleMemory {
        /// The card.
        card: GpuUuid,
        /// MiB that it shows.
        got: u32,
        /// MiB that were registered.
        registered: u32,
    },
    /// An XID that the policy lays to the hardware.
    HardwareXid {
        /// The card.
        card: GpuUuid,
        /// The number.
        xid: u16,
    },
    /// The card needs a reset.
    NeedsReset {
        /// The card.
        card: GpuUuid,
    },
    /// A row of memory could not be remapped.
    RemapFailure {
        /// The card.
        card: GpuUuid,
    },
    /// Rows wait for a reset, and the policy takes that as a FAIL.
    RemapPending {
        /// The card.
        card: GpuUuid,
    },
    /// Too many uncorrected memory errors.
    Uncorrected {
        /// The card.
        card: GpuUuid,
        /// How many since the driver was loaded.
        got: u64,
    },
    /// Corrected memory errors come too fast.
    CorrectedRate {
        /// The card.
        card: GpuUuid,
        /// How many since the last report.
        got: u64,
        /// In how many seconds.
        seconds: u64,
    },
    /// The card is too hot.
    Hot {
        /// The card.
        card: GpuUuid,
        /// Degrees Celsius.
        got: u8,
        /// From which on it is too hot.
        limit: u8,
    },
    /// The card is throttled for a reason that the policy lists.
    Throttled {
        /// The card.
        card: GpuUuid,
        /// The reasons, as NVML's mask.
        reasons: u64,
    },
    /// The PCIe link is too narrow.
    NarrowLink {
        /// The card.
        card: GpuUuid,
        /// Lanes in use.
        got: u8,
        /// Lanes that there are.
        max: u8,
    },
    /// PCIe replays come too fast.
    ReplayRate {
        /// The card.
        card: GpuUuid,
        /// How many since the last report.
        got: u32,
        /// In how many seconds.
        seconds: u64,
    },
    /// Somebody holds the card although the chain has no lease: it could not be handed over.
    Occupied {
        /// The card.
        card: GpuUuid,
        /// Processes on it.
        processes: u16,
        /// MiB held.
        held_mib: u64,
    },
}

impl Reason {
    /// Its number in the table of reasons.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Silent => 1,
            Self::Unreadable => 2,
            Self::OtherProbe { .. } => 3,
            Self::Simulated => 4,
            Self::CardLost { .. } => 5,
            Self::WrongCard { .. } => 6,
            Self::WrongModel { .. } => 7,
            Self::NoSignal { .. } => 8,
            Self::LittleMemory { .. } => 9,
            Self::HardwareXid { .. } => 10,
            Self::NeedsReset { .. } => 11,
            Self::RemapFailure { .. } => 12,
            Self::RemapPending { .. } => 13,
            Self::Uncorrected { .. } => 14,
            Self::CorrectedRate { .. } => 15,
            Self::Hot { .. } => 16,
            Self::Throttled { .. } => 17,
            Self::NarrowLink { .. } => 18,
            Self::ReplayRate { .. } => 19,
            Self::Occupied { .. } => 20,
        }
    }

    /// Whether the check needs a card for itself, so that a lease excuses it.
    #[must_use]
    pub const fn excused_in_use(&self) -> bool {
        matches!(self, Self::Occupied { .. })
    }

    /// The card, where it is about one.
    #[must_use]
    pub const fn card(&self) -> Option<GpuUuid> {
        match self {
            Self::Silent | Self::Unreadable | Self::OtherProbe { .. } | Self::Simulated => None,
            Self::CardLost { card }
            | Self::WrongCard { card }
            | Self::WrongModel { card, .. }
            | Self::NoSignal { card, .. }
            | Self::LittleMemory { card, .. }
            | Self::HardwareXid { card, .. }
            | Self::NeedsReset { card }
            | Self::RemapFailure { card }
            | Self::RemapPending { card }
            | Self::Uncorrected { card, .. }
            | Self::CorrectedRate { card, .. }
            | Self::Hot { card, .. }
            | Self::Throttled { card, .. }
            | Self::NarrowLink { card, .. }
            | Self::ReplayRate { card, .. }
            | Self::Occupied { card, .. } => Some(*card),
        }
    }

    fn write_detail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("no answer within the deadline"),
            Self::Unreadable => f.write_str("an answer that is no report by the machine key"),
            Self::OtherProbe { field } => {
                write!(f, "a report of another probe: its {field} differs")
            }
            Self::Simulated => f.write_str("simulated cards"),
            Self::CardLost { .. } => f.write_str("lost"),
            Self::WrongCard { .. } => f.write_str("not registered for this machine"),
            Self::WrongModel { got, expected, .. } => {
                write!(f, "model: got {got}, expected {expected}")
            }
            Self::NoSignal { missing, .. } => write!(f, "does not give signals {missing:#x}"),
            Self::LittleMemory {
                got, registered, ..
            } => {
                write!(f, "memory: got {got} MiB, registered {registered} MiB")
            }
            Self::HardwareXid { xid, .. } => write!(f, "xid {xid}, laid to the hardware"),
            Self::NeedsReset { .. } => f.write_str("needs a reset"),
            Self::RemapFailure { .. } => f.write_str("a row of memory could not be remapped"),
            Self::RemapPending { .. } => f.write_str("rows of memory wait for a reset"),
            Self::Uncorrected { got, .. } => write!(f, "{got} uncorrected memory errors"),
            Self::CorrectedRate { got, seconds, .. } => {
                write!(f, "{got} corrected memory errors in {seconds} s")
            }
            Self::Hot { got, limit, .. } => write!(f, "{got} C, too hot from {limit} C on"),
            Self::Throttled { reasons, .. } => write!(f, "throttled for {reasons:#x}"),
            Self::NarrowLink { got, max, .. } => write!(f, "link of {got} lanes out of {max}"),
            Self::ReplayRate { got, seconds, .. } => {
                write!(f, "{got} pcie replays in {seconds} s")
            }
            Self::Occupied {
                processes,
                held_mib,
                ..
            } => write!(
                f,
                "held without a lease: {processes} processes, {held_mib} MiB"
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(card) = self.card() {
            write!(f, "{card}: ")?;
        }
        self.write_detail(f)
    }
}
