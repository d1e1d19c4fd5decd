//! Judging one round: reads, computes, proves, and has the contracts confirm before anything is said.

use std::sync::Arc;

use alloy::primitives::B256;
use quorate_canon::{Round, Timestamp};
use quorate_chain::views::Judgement as Ruling;

use super::{
    court::{Court, CourtError},
    docket::{At, Case, Verdict},
    engine::Watch,
    line::{FaultLine, Judgement, RoundLine, Standing},
    trial::{Proof, Trial, seed_proof},
    world::{Stand, World},
};
use crate::{AuditError, Finding, posted::Posted, record::Record};

/// What looking at a round gave.
pub(super) enum Looked {
    /// It is judged for good.
    Judged(Box<Case>),
    /// Its outcome is wrong, and what is posted does not show it yet.
    Waiting(Arc<Trial>),
}

impl<W: World, C: Court> Watch<W, C> {
    /// Judges the header that stands in a round. `known`: its trial, if it was computed before.
    pub(super) async fn examine(
        &self,
        round: Round,
        stand: &Stand,
        known: Option<Arc<Trial>>,
    ) -> Result<(Looked, Option<RoundLine>), AuditError> {
        let fresh = known.is_none();
        if fresh {
            let record = self.world.record(round).await?;
            if let Some(proof) = seed_proof(&self.beacon, &record)? {
                let line = self.line(round, stand, &record, Judgement::Wrong)?;
                return self.accuse(stand, &record, line, proof).await;
            }
        }
        let trial = match known {
            Some(trial) => trial,
            None => self.compute(round).await?,
        };
        let record = &trial.record;
        let mut line = self.line(round, stand, record, Judgement::Right)?;
        line.requests = Some(trial.requests);
        line.matched = Some(trial.matched);
        if fresh {
            line.notes = self.world.notes(&record.header, &trial.inputs).await?;
        }
        if trial.is_right() {
            return match stand.refuted {
                None => Ok((self.judged(Verdict::Right, stand, record, None), Some(line))),
                Some((_, code)) => Err(AuditError::missing(round, contradiction(code))),
            };
        }
        let posted = self.world.posted(&record.header, stand.block).await?;
        match self.prove(&trial, &posted).await? {
            Some(proof) => self.accuse(stand, record, line, proof).await,
            None => self.unproven(&trial, stand, &posted, line, fresh),
        }
    }

    async fn compute(&self, round: Round) -> Result<Arc<Trial>, AuditError> {
        let record = self.world.record(round).await?;
        let inputs = self.world.inputs(round).await?;
        let trial = blocking(move || Trial::new(record, inputs)).await?;
        Ok(Arc::new(trial?))
    }

    async fn prove(
        &self,
        trial: &Arc<Trial>,
        posted: &Posted,
    ) -> Result<Option<Proof>, AuditError> {
        let strangers = self.world.strangers(&trial.inputs.snapshot, posted);
        let (trial, beacon, posted) = (Arc::clone(trial), self.beacon.clone(), posted.clone());
        blocking(move || trial.prove(&beacon, &posted, &strangers)).await
    }

    /// The contracts must see the fault too: what they do not see is a doubt and no accusation.
    async fn accuse(
        &self,
        stand: &Stand,
        record: &Record,
        mut line: RoundLine,
        proof: Proof,
    ) -> Result<(Looked, Option<RoundLine>), AuditError> {
        let witness = proof.witness.to_bytes();
        // Of a refuted round the contracts keep no promise to judge again, and nothing depends on it.
        if stand.refuted.is_none() {
            let ruling = self.court.judge(&record.header, &witness).await;
            let ours = proof.refutation.code.code();
            line.reason = confirmed(record.header.round, ours, ruling)?;
        }
        line.judgement = Judgement::Wrong;
        line.fault = Some(FaultLine::new(&proof));
        let judged = self.judged(Verdict::Wrong, stand, record, Some(witness));
        Ok((judged, Some(line)))
    }

    /// A wrong outcome without a witness: refuted at posting, withheld, or not posted yet.
    fn unproven(
        &self,
        trial: &Arc<Trial>,
        stand: &Stand,
        posted: &Posted,
        mut line: RoundLine,
        fresh: bool,
    ) -> Result<(Looked, Option<RoundLine>), AuditError> {
        let record = &trial.record;
        let round = record.header.round;
        let roots = format!(
            "outcome root: got {}, expected {}",
            record.header.outcome_root, trial.expected
        );
        if let Some((_, code)) = stand.refuted {
            line.judgement = Judgement::Wrong;
            line.reason = Some(format!("refuted with code {code}; {roots}"));
            let judged = self.judged(Verdict::Wrong, stand, record, None);
            return Ok((judged, Some(line)));
        }
        if posted.list().is_some() {
            let what = format!(
                "{roots}, and no witness fits the posted list: this program contradicts itself; \
                 report it with the round's number"
            );
            return Err(AuditError::missing(round, what));
        }
        line.judgement = Judgement::Withheld;
        if line.standing == Standing::Void {
            line.reason = Some(format!("not posted by its deadline; {roots}"));
            let judged = self.judged(Verdict::Withheld, stand, record, None);
            return Ok((judged, Some(line)));
        }
        line.reason = Some(format!(
            "waiting for chunks, {} stand; {roots}",
            posted.chunks()
        ));
        // Said once, and not again at each block.
        Ok((Looked::Waiting(Arc::clone(trial)), fresh.then_some(line)))
    }

    fn judged(
        &self,
        verdict: Verdict,
        stand: &Stand,
        record: &Record,
        witness: Option<Vec<u8>>,
    ) -> Looked {
        let at = At {
            block: stand.block,
            hash: self
                .world
                .hash_of(stand.block)
                .map(|hash| B256::new(hash.0)),
        };
        let mut case = Case::new(verdict, at, &record.header, record.signers.as_ref());
        case.witness = witness.map(Into::into);
        Looked::Judged(Box::new(case))
    }

    fn line(
        &self,
        round: Round,
        stand: &Stand,
        record: &Record,
        judgement: Judgement,
    ) -> Result<RoundLine, AuditError> {
        Ok(RoundLine {
            round: round.get(),
            digest: stand.digest.to_string(),
            proposed: Some(record.signers.is_none()),
            standing: self.standing(round, stand)?,
            judgement,
            requests: None,
            matched: None,
            fault: None,
            notes: Vec::<Finding>::new(),
            reason: None,
        })
    }

    /// Where a round stands, by the times of the chain.
    pub(super) fn standing(&self, round: Round, stand: &Stand) -> Result<Standing, AuditError> {
        let schedule = self.world.schedule();
        let now = self.world.head().timestamp;
        let windows = u64::from(schedule.challenge_window) + u64::from(schedule.reveal_window);
        let over = |end: Timestamp| now.get() > end.get().saturating_add(windows);
        Ok(match (stand.refuted, stand.settled) {
            (Some(_), _) => Standing::Refuted,
            (None, Some(end)) if over(end) => Standing::Final,
            (None, Some(_)) => Standing::Challengeable,
            (None, None) if now > schedule.deadline(round)? => Standing::Void,
            (None, None) => Standing::Posting,
        })
    }
}

/// What the contracts say beside our own judge; an agreement without a word is `None`.
fn confirmed(
    round: Round,
    ours: u8,
    ruling: Result<Ruling, CourtError>,
) -> Result<Option<String>, AuditError> {
    let doubt = |what: String| Err(AuditError::missing(round, what));
    match ruling {
        Ok(Ruling { code: 0, .. }) => doubt(format!(
            "our judge sees fault {ours} and the contracts see none: the endpoint may have lost logs \
             or be behind; remove the image of L2 from the data folder, or ask another endpoint"
        )),
        Ok(Ruling { code, .. }) if code == ours => Ok(None),
        Ok(Ruling { code, .. }) => Ok(Some(format!(
            "the contracts name code {code} where our judge names {ours}"
        ))),
        Err(error @ CourtError::Later(_)) => doubt(format!(
            "our judge sees fault {ours}, and the contracts could not be asked: {error}"
        )),
        Err(error) => doubt(format!(
            "our judge sees fault {ours}, and the contracts do not take the witness ({error}): the \
             endpoint may show another state; ask another endpoint"
        )),
    }
}

fn contradiction(code: u8) -> String {
    format!(
        "refuted with code {code}, and right by our own reading: the endpoint may have lost logs; \
         remove the image of L2 from the data folder, or ask another endpoint"
    )
}

/// Runs what computes for long beside the tasks.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AuditError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| AuditError::Io {
            what: "compute",
            source: std::io::Error::other(error),
        })
}
