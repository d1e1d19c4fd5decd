//! The faults that are simulated, one row of the table each.

/// What is wrong, with the machine or with those who judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Steady,
    KilledInLease,
    RentedInMidCheck,
    DiesLater,
    OperatorsCutOff,
    DownAndOperatorsCutOff,
    Flapping,
    Maintenance,
    MaintenanceOverrun,
    AgentRestarted,
    OtherProbesReports,
    LateAnswers,
    SlowAnswers,
    ApplicationXid,
    HardwareXid,
    MemoryErrors,
    StormOfErrors,
    HotOrThrottled,
    CardGone,
    HeldWithoutLease,
    LostPackets,
    ClocksOff,
    ThirdOfSeatsAccuses,
    ThirdOfSeatsShields,
}

impl Fault {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 24] = [
        Self::Steady,
        Self::KilledInLease,
        Self::RentedInMidCheck,
        Self::DiesLater,
        Self::OperatorsCutOff,
        Self::DownAndOperatorsCutOff,
        Self::Flapping,
        Self::Maintenance,
        Self::MaintenanceOverrun,
        Self::AgentRestarted,
        Self::OtherProbesReports,
        Self::LateAnswers,
        Self::SlowAnswers,
        Self::ApplicationXid,
        Self::HardwareXid,
        Self::MemoryErrors,
        Self::StormOfErrors,
        Self::HotOrThrottled,
        Self::CardGone,
        Self::HeldWithoutLease,
        Self::LostPackets,
        Self::ClocksOff,
        Self::ThirdOfSeatsAccuses,
        Self::ThirdOfSeatsShields,
    ];

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::KilledInLease => "killed in a lease, 10 s to 6 h",
            Self::RentedInMidCheck => "rented in mid-check, again and again",
            Self::DiesLater => "passes, then dies for good",
            Self::OperatorsCutOff => "up; operators cut off, up to all",
            Self::DownAndOperatorsCutOff => "down; up to a third of seats cut off",
            Self::Flapping => "flapping, 20 s to 2 h each way",
            Self::Maintenance => "maintenance, announced and kept to",
            Self::MaintenanceOverrun => "maintenance, no notice or overrun",
            Self::AgentRestarted => "agent restarted, 5 to 90 s",
            Self::OtherProbesReports => "dead; replayed, forged, wrong reports",
            Self::LateAnswers => "answers after the deadline",
            Self::SlowAnswers => "slow answers, within the deadline",
            Self::ApplicationXid => "XIDs of the application",
            Self::HardwareXid => "XIDs of the hardware",
            Self::MemoryErrors => "memory errors, uncorrected or rows",
            Self::StormOfErrors => "storm of corrected errors or replays",
            Self::HotOrThrottled => "hot, or throttled by the hardware",
            Self::CardGone => "card gone, lost or another, leased or not",
            Self::HeldWithoutLease => "cards held without a lease",
            Self::LostPackets => "0.1 to 2 % of probes lost",
            Self::ClocksOff => "down; operators' clocks off by 5 s",
            Self::ThirdOfSeatsAccuses => "up; a third of seats says DOWN",
            Self::ThirdOfSeatsShields => "down; a third of seats says nothing",
        }
    }

    /// Whether the fault can take the machine down for whole windows.
    pub(crate) const fn brings_down(self) -> bool {
        !matches!(
            self,
            Self::Steady
                | Self::RentedInMidCheck
                | Self::OperatorsCutOff
                | Self::Maintenance
                | Self::AgentRestarted
                | Self::SlowAnswers
                | Self::ApplicationXid
                | Self::LostPackets
                | Self::ThirdOfSeatsAccuses
        )
    }
}
