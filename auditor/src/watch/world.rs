//! What a watcher reads: L2 followed, or a chain made up by a test.

use std::{future::Future, time::Duration};

use quorate_canon::{Digest, Round, Timestamp};
use quorate_chain::{Advance, ChainError, Head, rounds::CertifiedRound};
use quorate_matching::Snapshot;
use quorate_protocol::{Header, Schedule};

use super::view::Strangers;
use crate::{
    AuditError, Finding, Kind, inputs::RoundInputs, l2::L2, posted::Posted, record::Record,
};

/// A header that stands in a round, as the log of rounds has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    /// Its digest.
    pub digest: Digest,
    /// The block of its event.
    pub block: u64,
    /// When the last chunk was posted.
    pub settled: Option<Timestamp>,
    /// When and by which code the round was refuted.
    pub refuted: Option<(Timestamp, u8)>,
}

/// A followed chain.
pub(super) trait World: Send + Sync {
    /// The newest block that was followed.
    fn head(&self) -> Head;

    /// The hash of a followed block, if it is still kept.
    fn hash_of(&self, block: u64) -> Option<Digest>;

    /// The schedule.
    fn schedule(&self) -> &Schedule;

    /// The rounds from one on that have a header, ascending.
    fn stands(&self, from: Round) -> Vec<(Round, Stand)>;

    /// Waits until the chain changes.
    fn next(&mut self, every: Duration)
    -> impl Future<Output = Result<Advance, ChainError>> + Send;

    /// The header of a round with what came beside it.
    fn record(&self, round: Round) -> impl Future<Output = Result<Record, AuditError>> + Send;

    /// A round's inputs, by our own reading.
    fn inputs(&self, round: Round) -> impl Future<Output = Result<RoundInputs, AuditError>> + Send;

    /// What stands of the list under a header whose event is in block `from`.
    fn posted(
        &self,
        header: &Header,
        from: u64,
    ) -> impl Future<Output = Result<Posted, AuditError>> + Send;

    /// The orders that posted entries name and that are no inputs.
    fn strangers(&self, snapshot: &Snapshot, posted: &Posted) -> Strangers;

    /// Differences of a header that are no fault of their own.
    fn notes(
        &self,
        header: &Header,
        inputs: &RoundInputs,
    ) -> impl Future<Output = Result<Vec<Finding>, AuditError>> + Send;

    /// The state at a final block, for a later start.
    fn image(&self) -> Option<Vec<u8>>;
}

impl World for L2 {
    fn head(&self) -> Head {
        self.reader.head()
    }

    fn hash_of(&self, block: u64) -> Option<Digest> {
        self.reader.block(block).map(|head| head.hash)
    }

    fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    fn stands(&self, from: Round) -> Vec<(Round, Stand)> {
        // Descending, so that only those asked for are looked at.
        let rounds = self.reader.state().rounds.iter().rev();
        let mut stands: Vec<_> = rounds
            .take_while(|(round, _)| *round >= from)
            .map(|(round, certified)| (round, stand(certified)))
            .collect();
        stands.reverse();
        stands
    }

    async fn next(&mut self, every: Duration) -> Result<Advance, ChainError> {
        self.reader.next(every).await
    }

    async fn record(&self, round: Round) -> Result<Record, AuditError> {
        let certified = self.reader.state().rounds.get(round);
        let certified = certified.ok_or(AuditError::NotCertified(round))?;
        Self::record(self, round, certified).await
    }

    async fn inputs(&self, round: Round) -> Result<RoundInputs, AuditError> {
        Self::inputs(self, round).await
    }

    async fn posted(&self, header: &Header, from: u64) -> Result<Posted, AuditError> {
        Self::posted(self, header, from).await
    }

    fn strangers(&self, snapshot: &Snapshot, posted: &Posted) -> Strangers {
        Strangers::of(&self.reader.state().market, snapshot, posted.entries())
    }

    async fn notes(
        &self,
        header: &Header,
        inputs: &RoundInputs,
    ) -> Result<Vec<Finding>, AuditError> {
        let mut notes = Vec::new();
        notes.extend(self.check_live(header.round)?);
        notes.extend(self.check_snapshot(header).await?);
        notes.extend(Finding::unless_equal(
            Kind::Policy,
            &header.policy_hash,
            &inputs.policy.hash(),
        ));
        notes.extend(Finding::unless_equal(
            Kind::Inputs,
            &header.inputs_root,
            &inputs.snapshot.inputs_root(),
        ));
        Ok(notes)
    }

    fn image(&self) -> Option<Vec<u8>> {
        self.reader.image()
    }
}

fn stand(certified: &CertifiedRound) -> Stand {
    Stand {
        digest: certified.digest,
        block: certified.block,
        settled: certified.settled.map(|settled| settled.time),
        refuted: certified
            .refuted
            .map(|refuted| (refuted.time, refuted.code)),
    }
}
