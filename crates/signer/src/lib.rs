//! The one place that signs votes and words, and the ledger that it asks first.
//!
//! An operator that signs two headers of one round loses stake. Nothing outside this crate can
//! make a vote: [`Signer`] owns the secret key, has no way to sign bare bytes, and signs a header
//! only with a permit that the [`SigningLedger`] gives out. The ledger gives it in the same
//! exclusive transaction in which it writes the header down, synchronised to disk, so before the
//! signature exists. From then on that round has one header for ever: the same one again is
//! answered with the stored signature, another one is refused.
//!
//! What guards a round, from the outside in:
//! 1. the ledger belongs to one key and one network, and to one process at a time;
//! 2. a process newly signs only rounds whose close lies after the L2 head that it saw when it
//!    started, so that even an old backup of the ledger, or one that was deleted, is safe as
//!    long as no second process runs with the same key;
//! 3. the round lies above the watermark: what was signed last, or imported;
//! 4. the header names the snapshot that was written down before the beacon's time;
//! 5. no other header is recorded for the round.
//!
//! Where it does not help: two ledgers with the same key, in use at the same time, know nothing
//! of each other. Move a key by stopping the old process for good, exporting its ledger and
//! importing it into the new one.
//!
//! **Words about machines** ([`Signer::sign_receipt`], [`Signer::record_down`], [`Signer::sign_list`])
//! stand in the same ledger, with marks of their own: one word for each (subject, health epoch,
//! window), for ever; none about a window that began before the process; a list says only what the
//! words say, and after it come no receipts of its epoch, but those again that were said before
//! ([`Signer::repeat_receipts`]). So no receipt of this key can contradict a
//! list that it signed.

mod error;
mod identity;
mod import;
mod interchange;
mod ledger;
mod signer;
mod words;

pub use error::{Result, SignerError};
pub use identity::Identity;
pub use import::ImportReport;
pub use interchange::{Interchange, SignedRound};
pub use ledger::{RecordState, SigningLedger, VoteRecord, Words};
pub use signer::{Signer, Start};
