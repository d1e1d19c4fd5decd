//! Moving cases on: challenges, commitments and revelations.

use alloy::primitives::B256;
use quorate_canon::{Round, Timestamp};

use super::{
    court::{Act, Court, CourtError, Mined, commitment},
    docket::{Case, CaseId, Stage, Verdict},
    engine::Watch,
    line::{ActionLine, Deed, Fate},
    step::{Facts, Step, next},
    world::{Stand, World},
};
use crate::AuditError;

impl<W: World, C: Court> Watch<W, C> {
    /// Moves every case on as far as it goes now; gives how many have something left to do.
    pub(super) async fn drive(&mut self, stands: &[(Round, Stand)]) -> Result<usize, AuditError> {
        let wrong: Vec<CaseId> = self
            .docket
            .iter()
            .filter(|(_, case)| case.verdict != Verdict::Right)
            .map(|(id, _)| *id)
            .collect();
        let mut open = 0;
        for id in wrong {
            let stand = stands
                .iter()
                .find(|(round, stand)| (*round, stand.digest) == id);
            let rests = match stand {
                Some((_, stand)) => self.drive_standing(id, stand).await?,
                None => self.drive_replaced(id).await?,
            };
            open += usize::from(!rests);
        }
        self.withdraw().await?;
        Ok(open)
    }

    /// A case whose header stands. True when nothing is left to do.
    async fn drive_standing(&mut self, id: CaseId, stand: &Stand) -> Result<bool, AuditError> {
        let Some(facts) = self.facts(id, stand).await else {
            return Ok(false);
        };
        // A commitment that was just mined may be followed at once by what else can be done.
        for _ in 0..2 {
            let Some(case) = self.docket.get(&id).cloned() else {
                return Ok(true);
            };
            match next(self.options.mode, &case, &facts) {
                Step::Rest => break,
                step => self.take(id, case, &facts, step).await?,
            }
        }
        self.after_refutation(id, stand, facts.now).await?;
        let case = self.docket.get(&id);
        Ok(case.is_none_or(|case| matches!(case.stage, Stage::Refuted { .. } | Stage::Over)))
    }

    async fn facts(&mut self, id: CaseId, stand: &Stand) -> Option<Facts> {
        let head = self.world.head();
        let until = match self.court.until(id.0).await {
            Ok(until) => until,
            Err(error) => {
                self.failed(id, Deed::Challenge, &error);
                return None;
            }
        };
        Some(Facts {
            head: head.number,
            now: head.timestamp,
            refuted: stand.refuted.is_some(),
            until,
        })
    }

    async fn take(
        &mut self,
        id: CaseId,
        case: Case,
        facts: &Facts,
        step: Step,
    ) -> Result<(), AuditError> {
        match step {
            Step::Rest => Ok(()),
            Step::TryOut => self.try_out(id, case).await,
            Step::Challenge => self.challenge(id, case, facts).await,
            Step::DrawSalt => {
                let salt = draw_salt()?;
                self.set(id, case, Stage::Committing { salt })
            }
            Step::Commit { salt } => self.commit(id, case, facts, salt).await,
            Step::Reveal { salt } => self.reveal(id, case, facts, salt).await,
            Step::Leave(why) => {
                let line = ActionLine::new(id.0, Deed::Challenge, Fate::LeftOut, why.to_owned());
                self.observe.action(line);
                self.set(id, case, Stage::Over)
            }
        }
    }

    async fn try_out(&mut self, id: CaseId, case: Case) -> Result<(), AuditError> {
        let Some(act) = challenge_of(&case) else {
            return Ok(());
        };
        match self.court.try_out(id.0, &act).await {
            Ok(()) => {
                let line = ActionLine::new(id.0, Deed::Challenge, Fate::WouldSucceed, None);
                self.observe.action(line);
                self.set(id, case, Stage::Tried)
            }
            // Of a round that is being posted: a later block may take it.
            Err(error @ (CourtError::NotChallengeable | CourtError::Later(_))) => {
                self.failed(id, Deed::Challenge, &error);
                Ok(())
            }
            Err(error) => {
                let why = error.to_string();
                let line = ActionLine::new(id.0, Deed::Challenge, Fate::WouldRevert, why);
                self.observe.action(line);
                self.set(id, case, Stage::Tried)
            }
        }
    }

    async fn challenge(&mut self, id: CaseId, case: Case, facts: &Facts) -> Result<(), AuditError> {
        let Some(act) = challenge_of(&case) else {
            return Ok(());
        };
        match self.send(id, &act, facts.until).await {
            Ok(mined) => self.refuted(id, case, None, mined),
            Err(error) => {
                self.failed(id, Deed::Challenge, &error);
                Ok(())
            }
        }
    }

    async fn commit(
        &mut self,
        id: CaseId,
        case: Case,
        facts: &Facts,
        salt: B256,
    ) -> Result<(), AuditError> {
        let Some(witness) = &case.witness else {
            return Ok(());
        };
        let bond = match self.court.bond().await {
            Ok(bond) => bond,
            Err(error) => {
                self.failed(id, Deed::Commit, &error);
                return Ok(());
            }
        };
        let commitment = commitment(self.court.challenger(), salt, &case.header, witness);
        match self
            .send(id, &Act::Commit { bond, commitment }, facts.until)
            .await
        {
            Ok(mined) => self.set(id, case, Stage::Committed { salt, at: mined.at }),
            Err(CourtError::NotChallengeable) if facts.refuted => {
                let why = "refuted before the commitment was made".to_owned();
                let line = ActionLine::new(id.0, Deed::Commit, Fate::LeftOut, why);
                self.observe.action(line);
                self.set(id, case, Stage::Over)
            }
            // Too late to commit and to reveal; in one step it still goes, without bounty.
            Err(CourtError::NotChallengeable) => self.challenge(id, case, facts).await,
            Err(error) => {
                self.failed(id, Deed::Commit, &error);
                Ok(())
            }
        }
    }

    async fn reveal(
        &mut self,
        id: CaseId,
        case: Case,
        facts: &Facts,
        salt: B256,
    ) -> Result<(), AuditError> {
        let Some(witness) = case.witness.clone() else {
            return Ok(());
        };
        let header = case.header.clone();
        let act = Act::Reveal {
            salt,
            header,
            witness,
        };
        match self.send(id, &act, facts.until).await {
            Ok(mined) => {
                self.owed = true;
                self.refuted(id, case, Some(salt), mined)
            }
            Err(error)
                if facts.until.is_some_and(|until| facts.now > until) && !may_pass(&error) =>
            {
                let why = format!("the reveal window is over, and the bond is lost: {error}");
                let line = ActionLine::new(id.0, Deed::Reveal, Fate::LeftOut, why);
                self.observe.action(line);
                self.set(id, case, Stage::Over)
            }
            Err(CourtError::TooEarly) => Ok(()),
            // Not there: taken back with its block. The same salt is committed once more.
            Err(error @ CourtError::NoCommitment) => {
                self.failed(id, Deed::Reveal, &error);
                self.set(id, case, Stage::Committing { salt })
            }
            Err(error) => {
                self.failed(id, Deed::Reveal, &error);
                Ok(())
            }
        }
    }

    /// A case whose header was replaced. A bond that is out for it comes back after the windows.
    async fn drive_replaced(&mut self, id: CaseId) -> Result<bool, AuditError> {
        let Some(case) = self.docket.get(&id).cloned() else {
            return Ok(true);
        };
        if !matches!(case.stage, Stage::Committed { .. }) || !self.options.mode.is_bounty() {
            return Ok(case.open_salt().is_none());
        }
        let now = self.world.head().timestamp;
        match self.court.until(id.0).await {
            Ok(Some(until)) if now > until => {}
            Ok(_) => return Ok(false),
            Err(error) => {
                self.failed(id, Deed::Forfeit, &error);
                return Ok(false);
            }
        }
        match self.send(id, &Act::Forfeit, None).await {
            Ok(_) => {
                self.owed = true;
                self.set(id, case, Stage::Over)?;
                Ok(true)
            }
            Err(error) => {
                self.failed(id, Deed::Forfeit, &error);
                Ok(false)
            }
        }
    }

    /// Sends a step, and says that it was done.
    pub(super) async fn send(
        &mut self,
        id: CaseId,
        act: &Act,
        deadline: Option<Timestamp>,
    ) -> Result<Mined, CourtError> {
        let deed = act.deed();
        let reason = match act {
            Act::Annul { request, .. } => Some(format!("request {request}")),
            _ => None,
        };
        let mined = self
            .court
            .send(id.0, act, key_of(id, act), deadline)
            .await?;
        self.failures.remove(&id);
        self.done(id.0, deed, &mined, reason);
        Ok(mined)
    }

    pub(super) fn done(&self, round: Round, deed: Deed, mined: &Mined, reason: Option<String>) {
        let mut line = ActionLine::new(round, deed, Fate::Done, reason);
        line.transaction = Some(mined.transaction.to_string());
        line.gas = Some(mined.gas);
        self.observe.action(line);
    }

    /// Says a failure; the same one of the same case only once.
    pub(super) fn failed(&mut self, id: CaseId, deed: Deed, error: &CourtError) {
        let why = error.to_string();
        let said = format!("{}: {why}", deed.name());
        let (before, times) = self.failures.remove(&id).unwrap_or_default();
        if before != said {
            let line = ActionLine::new(id.0, deed, Fate::Failed, why);
            self.observe.action(line);
        }
        self.failures.insert(id, (said, times.saturating_add(1)));
    }

    fn refuted(
        &mut self,
        id: CaseId,
        case: Case,
        salt: Option<B256>,
        mined: Mined,
    ) -> Result<(), AuditError> {
        self.summary.refuted.insert(id.0);
        self.set(id, case, Stage::Refuted { salt, at: mined.at })
    }

    fn set(&mut self, id: CaseId, mut case: Case, stage: Stage) -> Result<(), AuditError> {
        case.stage = stage;
        self.docket.put(id, case)
    }
}

fn challenge_of(case: &Case) -> Option<Act> {
    Some(Act::Challenge {
        header: case.header.clone(),
        witness: case.witness.clone()?,
    })
}

/// Names a step for the sender's journal, so that after a crash it is found and not sent twice.
fn key_of((round, digest): CaseId, act: &Act) -> String {
    let what = act.deed().name();
    match act {
        Act::Annul { request, .. } => format!("{what}/{round}/{digest}/{request}"),
        _ => format!("{what}/{round}/{digest}"),
    }
}

/// Whether trying again later can help.
pub(super) const fn may_pass(error: &CourtError) -> bool {
    matches!(error, CourtError::Later(_) | CourtError::Stuck(_))
}

fn draw_salt() -> Result<B256, AuditError> {
    let mut salt = B256::ZERO;
    getrandom::fill(salt.as_mut_slice()).map_err(|error| AuditError::Io {
        what: "draw a salt",
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(salt)
}
