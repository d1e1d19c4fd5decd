//! Calls a machine DOWN that passes every probe.

use avs_operator::prober::words::{Attester, LedgerAttester, Said};
use quorate_bls::{Domain, SecretKey, Signature};
use quorate_canon::{Digest, HealthEpoch, Mask256, OfferId, OperatorIndex, Timestamp};
use quorate_health::{DownEntry, DownList, Network, Place, Receipt, Subject};
use quorate_signer::Words;

/// One of a committee of liars. It gives its receipts like anybody, and when the health epoch is over
/// it calls the machine DOWN all the same, past its ledger.
#[derive(Debug)]
pub struct FalseAttester {
    honest: LedgerAttester,
    key: SecretKey,
    victim: Subject,
    windows: u16,
}

impl FalseAttester {
    /// Lies about a machine, in all `windows` of every epoch.
    #[must_use]
    pub fn new(honest: LedgerAttester, key: SecretKey, victim: OfferId, windows: u16) -> Self {
        Self {
            honest,
            key,
            victim: Subject::Machine(victim),
            windows,
        }
    }
}

impl Attester for FalseAttester {
    fn operator(&self) -> OperatorIndex {
        self.honest.operator()
    }

    fn network(&self) -> Network {
        self.honest.network()
    }

    fn moments(&self, epoch: HealthEpoch, randomness: &Digest) -> Signature {
        self.honest.moments(epoch, randomness)
    }

    fn passed(&self, receipts: &[(Receipt, Timestamp)]) -> Said<Vec<Said<Signature>>> {
        self.honest.passed(receipts)
    }

    fn again(&self, receipts: &[Receipt]) -> Said<Vec<Said<Signature>>> {
        self.honest.again(receipts)
    }

    fn failed(&self, place: &Place, window_start: Timestamp) -> Said<()> {
        self.honest.failed(place, window_start)
    }

    fn words(&self, epoch: HealthEpoch, subject: Subject) -> Said<Words> {
        self.honest.words(epoch, subject)
    }

    fn downs(&self, epoch: HealthEpoch) -> Said<Vec<DownEntry>> {
        let mut entries = self.honest.downs(epoch)?;
        entries.retain(|entry| entry.subject != self.victim);
        let windows: Vec<u8> = (0..self.windows)
            .filter_map(|window| u8::try_from(window).ok())
            .collect();
        entries.push(DownEntry {
            subject: self.victim,
            windows: Mask256::of(&windows),
        });
        entries.sort_unstable_by_key(|entry| entry.subject);
        Ok(entries)
    }

    fn sign(&self, list: &DownList, _: &dyn Fn(Subject) -> bool) -> Said<Signature> {
        tracing::warn!(epoch = %list.epoch(), victim = ?self.victim, "lying: calling a machine DOWN that passed");
        Ok(self.key.sign(Domain::Vote, &list.digest().get()))
    }

    fn forget(&self, below: HealthEpoch) -> Said<()> {
        self.honest.forget(below)
    }
}
