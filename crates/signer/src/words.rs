//! Signing words about machines.

use quorate_bls::{self as bls, Signature};
use quorate_canon::{Digest, HealthEpoch, Timestamp};
use quorate_health::{DownList, Network, Place, Receipt, Subject, probe_message};

use crate::ledger::{Since, WordPermit};
use crate::{Result, Signer};

impl Signer {
    /// Signs a receipt for a window that began at `window_start`, once its word stands in the ledger.
    /// The same receipt again gives the same signature, also after a restart.
    ///
    /// # Errors
    /// A refusal ([`SignerError::is_refusal`](crate::SignerError::is_refusal)): the window has the word
    /// DOWN, it began before this process, a list of the epoch or of a later one was signed, or the
    /// epoch is not above the watermark. Or the store's: asking again is safe.
    pub fn sign_receipt(&self, receipt: &Receipt, window_start: Timestamp) -> Result<Signature> {
        let signed = self.sign_receipts(&[(*receipt, window_start)])?;
        // As many answers as questions.
        signed
            .into_iter()
            .next()
            .unwrap_or_else(|| Err(crate::SignerError::Damaged("no answer".to_owned())))
    }

    /// As [`Self::sign_receipt`], many at the price of one write to the disk. Each is signed or refused
    /// for itself; the answers stand in the order of the receipts.
    ///
    /// # Errors
    /// The store's: then none is signed.
    pub fn sign_receipts(
        &self,
        receipts: &[(Receipt, Timestamp)],
    ) -> Result<Vec<Result<Signature>>> {
        let permits = self.ledger().say_receipts(&self.since(), receipts)?;
        let signed = permits
            .into_iter()
            .map(|permit| permit.map(|permit| self.sign_word(&permit)));
        Ok(signed.collect())
    }

    /// The signatures of receipts that were said before, again, to show them to somebody else; each given
    /// or refused for itself, in the order of the receipts. They are the same bytes as ever, and no new
    /// words: lists of their epoch may have been signed since. A receipt that this ledger does not know
    /// is never signed, be it that the word is DOWN, that nothing was said, or that a backup or another
    /// ledger has it.
    ///
    /// # Errors
    /// The store's. Refused are [`SignerError::NotSaid`](crate::SignerError::NotSaid),
    /// [`SignerError::OtherWord`](crate::SignerError::OtherWord), and what is not above the watermark.
    pub fn repeat_receipts(&self, receipts: &[Receipt]) -> Result<Vec<Result<Signature>>> {
        let permits = self.ledger().repeat_receipts(receipts)?;
        let signed = permits
            .into_iter()
            .map(|permit| permit.map(|permit| self.sign_word(&permit)));
        Ok(signed.collect())
    }

    /// Records the word DOWN for a window that began at `window_start`. Nothing is signed: it is for the
    /// epoch's lists ([`SigningLedger::downs`](crate::SigningLedger::downs)).
    ///
    /// # Errors
    /// As [`Self::sign_receipt`], with a receipt in the place of DOWN; a signed list does not matter.
    pub fn record_down(&self, place: &Place, window_start: Timestamp) -> Result<()> {
        self.ledger().say_down(&self.since(), place, window_start)
    }

    /// Signs a list of windows DOWN, one's own or one that an aggregator proposes: if, of each machine
    /// on whose committee this operator sits (`member_of`), it names only windows with the word DOWN,
    /// and of no machine a window with a receipt. From then on no receipt of its epoch, or of one
    /// before, is signed for the first time; that is on disk before the signature exists.
    ///
    /// # Errors
    /// A refusal, as above; the store's.
    pub fn sign_list(
        &self,
        list: &DownList,
        member_of: impl Fn(Subject) -> bool,
    ) -> Result<Signature> {
        let permit = self.ledger().permit_list(list, member_of)?;
        Ok(self.sign_word(&permit))
    }

    /// The signature from which this operator's probes of a health epoch take their moments. It says
    /// nothing about anyone: the ledger has no part in it.
    #[must_use]
    pub fn sign_probes(&self, randomness: &Digest, epoch: HealthEpoch) -> Signature {
        let message = probe_message(&self.network(), randomness, epoch, self.operator());
        self.key().sign(bls::Domain::Vote, &message.get())
    }

    /// The network that this signer's words name.
    #[must_use]
    pub fn network(&self) -> Network {
        self.ledger().identity().domain
    }

    fn since(&self) -> Since<'_> {
        let start = self.start_facts();
        Since {
            schedule: &start.schedule,
            head: start.head,
        }
    }

    /// The only use of the key for a word.
    fn sign_word(&self, permit: &WordPermit) -> Signature {
        self.key().sign(bls::Domain::Vote, &permit.digest().get())
    }
}
