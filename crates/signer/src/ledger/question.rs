//! The questions that can lead to a signature, each answered in one exclusive transaction.

use quorate_bls::Signature;
use quorate_canon::{Round, Timestamp};
use quorate_protocol::rules::{self, Permission, Refusal, SigningFacts, SnapshotId};
use quorate_protocol::{Header, Schedule, require_domain};
use quorate_store::sqlite::Transaction;

use super::record::all_votes;
use super::{
    Permit, RecordState, SigningLedger, VoteRecord, get_snapshot, get_vote, put_snapshot, put_vote,
    raise_watermark, watermark,
};
use crate::{Result, SignerError};

impl SigningLedger {
    /// Fixes the snapshot of a round. The same one again is fine, at any time.
    pub(crate) fn fix_snapshot(
        &self,
        schedule: &Schedule,
        start_head: Timestamp,
        round: Round,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<()> {
        self.transact(|transaction| {
            let fixed = get_snapshot(transaction, round)?;
            rules::may_fix(schedule, round, snapshot, fixed, now)?;
            if fixed.is_some() {
                return Ok(());
            }
            require_after_start(schedule, round, start_head)?;
            require_above_watermark(transaction, round)?;
            Ok(put_snapshot(transaction, round, snapshot)?)
        })
    }

    /// Records a header, if nothing forbids it, and permits to sign it. When this returns a
    /// permit the record is on disk.
    pub(crate) fn check_and_record(
        &self,
        schedule: &Schedule,
        start_head: Timestamp,
        header: &Header,
    ) -> Result<Permit> {
        require_domain(&header.domain, &self.identity().domain)
            .map_err(SignerError::OtherNetwork)?;
        self.transact(|transaction| {
            let record = get_vote(transaction, header.round)?;
            let facts = SigningFacts {
                start_head,
                fixed: get_snapshot(transaction, header.round)?,
                signed: record.map(|record| record.header.digest()),
            };
            match (rules::may_sign(schedule, header, &facts)?, record) {
                (Permission::SendAgain, Some(record)) => permit_again(&record),
                (Permission::Sign, None) => record_new(transaction, header),
                _ => Err(SignerError::Damaged(format!(
                    "rules and record of round {} disagree",
                    header.round
                ))),
            }
        })
    }

    /// Permits to sign again what is recorded for a round.
    pub(crate) fn permit_recorded(&self, round: Round) -> Result<Option<Permit>> {
        let record = self.vote(round)?;
        record.as_ref().map(permit_again).transpose()
    }

    /// Stores the signature that a permit led to.
    pub(crate) fn store_signature(&self, permit: &Permit, signature: Signature) -> Result<()> {
        let record = VoteRecord {
            header: *permit.header(),
            state: RecordState::Signed(signature),
        };
        self.transact(|transaction| {
            // An import may have come between.
            match get_vote(transaction, record.header.round)? {
                Some(VoteRecord {
                    header,
                    state: RecordState::Recorded,
                }) if header == record.header => Ok(put_vote(transaction, &record)?),
                Some(VoteRecord {
                    header,
                    state: RecordState::Signed(_),
                }) if header == record.header => Ok(()),
                _ => Err(SignerError::Withheld(record.header.round)),
            }
        })
    }

    /// All recorded votes, by round ascending.
    pub(crate) fn votes(&self) -> Result<Vec<VoteRecord>> {
        self.transact(all_votes)
    }
}

fn permit_again(record: &VoteRecord) -> Result<Permit> {
    match record.state {
        RecordState::Recorded => Ok(Permit::new(record.header, None)),
        RecordState::Signed(signature) => Ok(Permit::new(record.header, Some(signature))),
        RecordState::Withheld => Err(SignerError::Withheld(record.header.round)),
    }
}

fn record_new(transaction: &Transaction<'_>, header: &Header) -> Result<Permit> {
    require_above_watermark(transaction, header.round)?;
    let record = VoteRecord {
        header: *header,
        state: RecordState::Recorded,
    };
    put_vote(transaction, &record)?;
    raise_watermark(transaction, header.round)?;
    Ok(Permit::new(*header, None))
}

fn require_above_watermark(transaction: &Transaction<'_>, round: Round) -> Result<()> {
    match watermark(transaction)? {
        Some(watermark) if round <= watermark => {
            Err(SignerError::BelowWatermark { round, watermark })
        }
        _ => Ok(()),
    }
}

fn require_after_start(schedule: &Schedule, round: Round, start_head: Timestamp) -> Result<()> {
    let close = schedule.close(round).map_err(Refusal::from)?;
    if close > start_head {
        return Ok(());
    }
    Err(Refusal::BeforeStart {
        round,
        close,
        start_head,
    }
    .into())
}
