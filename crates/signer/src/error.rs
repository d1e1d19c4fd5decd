//! The one error type of this crate.

use std::path::PathBuf;

use quorate_canon::{HealthEpoch, Mask256, Round, Timestamp};
use quorate_health::{Place, Subject, Window};
use quorate_protocol::{ProtocolError, rules};
use quorate_store::StoreError;

/// Shorthand for results of this crate.
pub type Result<T, E = SignerError> = std::result::Result<T, E>;

/// Why nothing was signed, or the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// A rule of the protocol forbids it: another header or snapshot of the round, none fixed,
    /// too late, or a round from before this process.
    #[error(transparent)]
    Rule(#[from] rules::Refusal),

    /// The round is not above the watermark: this ledger, or one imported into it, has signed a
    /// later one, or this very one.
    #[error("round {round} is not above the watermark {watermark}")]
    BelowWatermark {
        /// The round asked for.
        round: Round,
        /// The last round that may have been signed.
        watermark: Round,
    },

    /// An import holds another header of the round, or one that cannot be told to be signed.
    /// Nothing of the round is signed or sent again.
    #[error("round {0} is withheld: an imported ledger holds another or an unsigned header of it")]
    Withheld(Round),

    /// The (subject, epoch, window) has the other word, a receipt or DOWN, for ever.
    #[error("the other word is recorded of {:?} in epoch {}, window {}", place.subject, place.epoch, place.window)]
    OtherWord {
        /// What the word is about.
        place: Place,
    },

    /// No receipt of the (subject, epoch, window) is on record.
    #[error("no receipt is recorded of {:?} in epoch {}, window {}", place.subject, place.epoch, place.window)]
    NotSaid {
        /// What the receipt would be about.
        place: Place,
    },

    /// The window began before this process: another run may have said something about it.
    #[error("the window began at {window_start}, not after the head {start_head} seen at start")]
    WindowBeforeStart {
        /// When the window began.
        window_start: Timestamp,
        /// The L2 head's timestamp that this process saw at its start.
        start_head: Timestamp,
    },

    /// The window is said to begin outside its health epoch.
    #[error("a window of epoch {epoch} cannot begin at {window_start}")]
    OutsideEpoch {
        /// The epoch.
        epoch: HealthEpoch,
        /// When the window is said to have begun.
        window_start: Timestamp,
    },

    /// No health epoch has such a window.
    #[error("window: got {got}, expected below 256")]
    NoSuchWindow {
        /// The window asked for.
        got: Window,
    },

    /// A receipt after a list of its epoch, or of a later one.
    #[error("no receipt of epoch {epoch}: a list of epoch {listed} was signed")]
    AfterList {
        /// The receipt's epoch.
        epoch: HealthEpoch,
        /// The highest epoch of which a list was signed.
        listed: HealthEpoch,
    },

    /// The epoch is not above the watermark of words: they were forgotten, or imported.
    #[error("words of epoch {epoch}: not above the watermark {watermark}")]
    WordsBelowWatermark {
        /// The epoch asked for.
        epoch: HealthEpoch,
        /// The last epoch of which nothing is said or signed any more.
        watermark: HealthEpoch,
    },

    /// A list calls a window DOWN for which a receipt is recorded.
    #[error("the list calls windows of {subject:?} in epoch {epoch} DOWN that have a receipt")]
    ContradictsReceipt {
        /// Whose window it is.
        subject: Subject,
        /// The epoch.
        epoch: HealthEpoch,
    },

    /// A list calls windows DOWN, of a machine on whose committee the operator sits, that its words do
    /// not.
    #[error("the list has windows {got} of {subject:?} in epoch {epoch}, own words have {own}")]
    NotOurWord {
        /// Whose windows they are.
        subject: Subject,
        /// The epoch.
        epoch: HealthEpoch,
        /// The list's windows, as a mask.
        got: Mask256,
        /// The windows with the word DOWN.
        own: Mask256,
    },

    /// The header, a word or a ledger belongs to another network.
    #[error("other network: {0}")]
    OtherNetwork(ProtocolError),

    /// There is no ledger. One is created only on explicit demand.
    #[error("no signing ledger at {}: create one with --init-ledger only if this key has never signed", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },

    /// There is no ledger, though the chain shows votes of this key: it was lost, or its volume
    /// is not mounted.
    #[error(
        "no signing ledger at {}, but the chain shows that this key signed round {last}: \
         restore the ledger or mount its volume; with --init-ledger instead, make sure first \
         that no other process has this key",
        path.display()
    )]
    MissingButSigned {
        /// Where it should be.
        path: PathBuf,
        /// The last round that the chain shows as signed by the key.
        last: Round,
    },

    /// The ledger belongs to another key.
    #[error("ledger {} belongs to key {got}, expected {expected}", path.display())]
    OtherKey {
        /// The ledger, or what was imported.
        path: PathBuf,
        /// The key that it names.
        got: String,
        /// The key that should use it.
        expected: String,
    },

    /// The ledger goes by another schedule than is told of now. `Rounds` never changes its own.
    #[error(
        "ledger {} goes by another schedule: {what} got {got}, expected {expected}; an endpoint of L2 \
         lies now, or did when the ledger was first used: compare with other operators",
        path.display()
    )]
    OtherSchedule {
        /// The ledger.
        path: PathBuf,
        /// The first of the fields that differ.
        what: &'static str,
        /// What is told now.
        got: String,
        /// What the ledger is bound to.
        expected: String,
    },

    /// Records that pass their checksums contradict each other or cannot be decoded.
    #[error("ledger is damaged: {0}")]
    Damaged(String),

    /// An interchange file is not what this version reads.
    #[error("interchange: {0}")]
    Interchange(String),

    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignerError {
    /// Whether the same call may succeed later: only want of resources passes. No refusal ever
    /// turns into a permission for the same round.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }

    /// Whether a rule forbids it (the operator abstains), as against a fault of this machine.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Rule(_)
                | Self::BelowWatermark { .. }
                | Self::Withheld(_)
                | Self::OtherNetwork(_)
                | Self::OtherWord { .. }
                | Self::NotSaid { .. }
                | Self::WindowBeforeStart { .. }
                | Self::OutsideEpoch { .. }
                | Self::NoSuchWindow { .. }
                | Self::AfterList { .. }
                | Self::WordsBelowWatermark { .. }
                | Self::ContradictsReceipt { .. }
                | Self::NotOurWord { .. }
        )
    }

    /// Adds what the chain shows to a missing ledger: the last round that this key has signed,
    /// if any. Other errors stay as they are.
    #[must_use]
    pub fn with_history(self, last: Option<Round>) -> Self {
        match (self, last) {
            (Self::Missing { path }, Some(last)) => Self::MissingButSigned { path, last },
            (error, _) => error,
        }
    }
}
