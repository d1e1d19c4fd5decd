//! What a sick machine's answers look like.

/// What an answer looks like while the machine is ailing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ailment {
    Silence,
    /// A good report, after the deadline.
    Late,
    /// The bytes are no report by the machine key.
    Forged,
    /// A good report, of the probe before.
    Replayed,
    WrongNonce,
    WrongWindow,
    WrongEpoch,
    WrongOperator,
    WrongMachine,
    WrongLease,
    Simulated,
    LostCard,
    MissingCard,
    OtherCard,
    NeedsReset,
    Uncorrected,
    RemapFailure,
    Corrected,
    Replays,
    Hot,
    Throttled(u64),
    /// An event when the stretch began.
    Xid(u16),
    Held,
}

/// Answers of a machine that is dead and has something answer for it.
pub(super) const WRONG_REPORTS: [Ailment; 8] = [
    Ailment::Forged,
    Ailment::Replayed,
    Ailment::WrongNonce,
    Ailment::WrongWindow,
    Ailment::WrongEpoch,
    Ailment::WrongOperator,
    Ailment::WrongMachine,
    Ailment::WrongLease,
];
