//! Who speaks for the operator about machines: the one place between a window's tally and a word.
//!
//! The node runs with [`LedgerAttester`]. As with votes, another implementor can only be another
//! program: there is no switch, no feature and no configuration that selects one.

use std::fmt::Debug;
use std::sync::Arc;

use quorate_bls::Signature;
use quorate_canon::{Digest, HealthEpoch, OperatorIndex, Timestamp};
use quorate_health::{DownEntry, DownList, Network, Place, Receipt, Subject};
use quorate_signer::{Signer, SignerError, Words};

/// Why one word was not said: refused, or the store's fault.
pub type Said<T> = Result<T, SignerError>;

/// The operator's hook: turns what its probes found into words. Calls may wait for the disk.
pub trait Attester: Debug + Send + Sync + 'static {
    /// Whose words they are.
    fn operator(&self) -> OperatorIndex;

    /// The network that they name.
    fn network(&self) -> Network;

    /// The signature from which the moments of an epoch's probes follow.
    fn moments(&self, epoch: HealthEpoch, randomness: &Digest) -> Signature;

    /// The words of probes that passed, each in a window that began at the time beside it: the
    /// receipts' signatures, or why there is none, in their order.
    ///
    /// # Errors
    /// The store's: then none was said.
    fn passed(&self, receipts: &[(Receipt, Timestamp)]) -> Said<Vec<Said<Signature>>>;

    /// The signatures of receipts that were given before, again, to show that they were; or why there is
    /// none, in their order. Nothing new is said.
    ///
    /// # Errors
    /// The store's.
    fn again(&self, receipts: &[Receipt]) -> Said<Vec<Said<Signature>>>;

    /// The word DOWN, for a window that began at `window_start`.
    ///
    /// # Errors
    /// The rule that refuses, or the store's.
    fn failed(&self, place: &Place, window_start: Timestamp) -> Said<()>;

    /// What was said about a machine in an epoch.
    ///
    /// # Errors
    /// The store's.
    fn words(&self, epoch: HealthEpoch, subject: Subject) -> Said<Words>;

    /// All windows that are called DOWN in an epoch.
    ///
    /// # Errors
    /// The store's.
    fn downs(&self, epoch: HealthEpoch) -> Said<Vec<DownEntry>>;

    /// The signature of a list; `sits` says on which machines' committees the operator sits.
    ///
    /// # Errors
    /// The rule that refuses, or the store's.
    fn sign(&self, list: &DownList, sits: &dyn Fn(Subject) -> bool) -> Said<Signature>;

    /// Forgets the words of all epochs below one, for good.
    ///
    /// # Errors
    /// The store's.
    fn forget(&self, below: HealthEpoch) -> Said<()>;
}

/// The honest attester: every word goes to the signing ledger first.
#[derive(Debug, Clone)]
pub struct LedgerAttester(Arc<Signer>);

impl LedgerAttester {
    /// An attester over an opened signer.
    #[must_use]
    pub const fn new(signer: Arc<Signer>) -> Self {
        Self(signer)
    }
}

impl Attester for LedgerAttester {
    fn operator(&self) -> OperatorIndex {
        self.0.operator()
    }

    fn network(&self) -> Network {
        self.0.network()
    }

    fn moments(&self, epoch: HealthEpoch, randomness: &Digest) -> Signature {
        self.0.sign_probes(randomness, epoch)
    }

    fn passed(&self, receipts: &[(Receipt, Timestamp)]) -> Said<Vec<Said<Signature>>> {
        self.0.sign_receipts(receipts)
    }

    fn again(&self, receipts: &[Receipt]) -> Said<Vec<Said<Signature>>> {
        self.0.repeat_receipts(receipts)
    }

    fn failed(&self, place: &Place, window_start: Timestamp) -> Said<()> {
        self.0.record_down(place, window_start)
    }

    fn words(&self, epoch: HealthEpoch, subject: Subject) -> Said<Words> {
        self.0.ledger().words(epoch, subject)
    }

    fn downs(&self, epoch: HealthEpoch) -> Said<Vec<DownEntry>> {
        self.0.ledger().downs(epoch)
    }

    fn sign(&self, list: &DownList, sits: &dyn Fn(Subject) -> bool) -> Said<Signature> {
        self.0.sign_list(list, sits)
    }

    fn forget(&self, below: HealthEpoch) -> Said<()> {
        self.0.ledger().forget_words(below).map(|_| ())
    }
}
