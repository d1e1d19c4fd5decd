//! Exporting a ledger and tightening one with what another has signed.

use quorate_canon::{HealthEpoch, Round};
use quorate_store::sqlite::Transaction;

use crate::ledger::{
    RecordState, SigningLedger, VoteRecord, floor, get_vote, last_epoch, last_snapshot, put_vote,
    raise_floor, raise_watermark, require_identity, watermark,
};
use crate::{Interchange, Result, SignedRound};

/// What an import changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Rounds that were not recorded here.
    pub added: usize,
    /// Rounds that both ledgers hold another header of: the key has been used twice. They are
    /// withheld from now on.
    pub conflicts: Vec<Round>,
    /// The watermark after the import.
    pub watermark: Option<Round>,
    /// The watermark of words after the import.
    pub words_watermark: Option<HealthEpoch>,
}

impl SigningLedger {
    /// The whole signing history. Export from a ledger whose process has stopped for good: the
    /// watermark covers what it could have signed, not what it will.
    ///
    /// # Errors
    /// The store's.
    pub fn export(&self) -> Result<Interchange> {
        let votes = self.votes()?;
        self.transact(|transaction| {
            let bound = watermark(transaction)?.max(last_snapshot(transaction)?);
            Ok(Interchange {
                identity: *self.identity(),
                watermark: bound,
                words_watermark: floor(transaction)?.max(last_epoch(transaction)?),
                votes: votes.iter().map(exported).collect(),
            })
        })
    }

    /// Binds this ledger to what another of the same key and network has signed. It only ever
    /// forbids more: rounds up to the highest of `history` are not newly signed, and a round
    /// that the two disagree on is withheld; of health epochs up to the highest of which `history` has
    /// a word, nothing is said or signed. All of it is taken over, or nothing.
    ///
    /// # Errors
    /// [`SignerError::OtherKey`](crate::SignerError::OtherKey),
    /// [`SignerError::OtherNetwork`](crate::SignerError::OtherNetwork), the store's.
    pub fn import(&self, history: &Interchange) -> Result<ImportReport> {
        require_identity(self.path(), &history.identity, self.identity())?;
        self.transact(|transaction| {
            let mut report = ImportReport::default();
            for vote in &history.votes {
                import_vote(transaction, vote, &mut report)?;
            }
            if let Some(bound) = history.watermark {
                raise_watermark(transaction, bound)?;
            }
            if let Some(bound) = history.words_watermark {
                raise_floor(transaction, bound)?;
            }
            report.watermark = watermark(transaction)?;
            report.words_watermark = floor(transaction)?;
            Ok(report)
        })
    }
}

fn exported(record: &VoteRecord) -> SignedRound {
    SignedRound {
        header: record.header,
        signature: match record.state {
            RecordState::Signed(signature) => Some(signature),
            RecordState::Recorded | RecordState::Withheld => None,
        },
    }
}

fn import_vote(
    transaction: &Transaction<'_>,
    vote: &SignedRound,
    report: &mut ImportReport,
) -> Result<()> {
    let round = vote.header.round;
    match get_vote(transaction, round)? {
        None => {
            put_vote(transaction, &imported(vote))?;
            report.added += 1;
        }
        // The same header: what is here already allows no more than the import does.
        Some(ours) if ours.header == vote.header => {}
        Some(ours) => {
            let state = RecordState::Withheld;
            put_vote(transaction, &VoteRecord { state, ..ours })?;
            report.conflicts.push(round);
        }
    }
    Ok(raise_watermark(transaction, round)?)
}

/// A header without a signature is not signed here on the word of a file: what it says was
/// checked by another process, if at all.
fn imported(vote: &SignedRound) -> VoteRecord {
    VoteRecord {
        header: vote.header,
        state: vote
            .signature
            .map_or(RecordState::Withheld, RecordState::Signed),
    }
}
