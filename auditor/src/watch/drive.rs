//! Moving cases on: challenges, commitments and revelations, then strikes, annulments and the
//! withdrawal of what was won.

use alloy::primitives::{B256, Bytes, U256};
use quorate_canon::{Round, Timestamp};

use super::{
    court::{Act, Court, CourtError, Mined, commitment},
    docket::{Case, CaseId, Stage, Verdict},
    engine::Watch,
    examine::blocking,
    line::{ActionLine, Deed, Fate},
    step::{Facts, Step, next},
    trial::Trial,
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

    /// Strikes the signers of a refuted round and ends the leases of ineligible pairs.
    async fn after_refutation(
        &mut self,
        id: CaseId,
        stand: &Stand,
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let case = self.docket.get(&id).cloned();
        if let Some(case) = case.filter(|case| self.may_strike(stand, case, now)) {
            self.strike(id, stand, case).await?;
        }
        let case = self.docket.get(&id).cloned();
        if let Some(case) = case.filter(|case| self.may_annul(stand, case)) {
            self.annul(id, stand, case).await?;
        }
        Ok(())
    }

    /// Whether the signers are still to be struck. A strike holds to the end of the next epoch: two
    /// epochs after the refutation, L1 has long heard.
    pub(super) fn may_strike(&self, stand: &Stand, case: &Case, now: Timestamp) -> bool {
        let epoch = u64::from(self.world.schedule().stake_epoch);
        let recent = |refuted: Timestamp| now.get() <= refuted.get().saturating_add(2 * epoch);
        self.options.mode.sends()
            && !case.struck
            && case.signers.is_some()
            && stand.refuted.is_some_and(|(time, _)| recent(time))
    }

    /// Whether the leases of ineligible pairs are still to be ended.
    pub(super) fn may_annul(&self, stand: &Stand, case: &Case) -> bool {
        self.options.mode.sends() && self.options.annul && !case.annulled && stand.refuted.is_some()
    }

    async fn strike(
        &mut self,
        id: CaseId,
        stand: &Stand,
        mut case: Case,
    ) -> Result<(), AuditError> {
        let Some((bitmap, aggregate)) = case.signers.clone() else {
            return Ok(());
        };
        match self.court.is_struck(id.0, stand.block).await {
            Ok(false) => {}
            Ok(true) => {
                let why = "struck already".to_owned();
                self.observe
                    .action(ActionLine::new(id.0, Deed::Strike, Fate::LeftOut, why));
                case.struck = true;
                return self.docket.put(id, case);
            }
            Err(error) => {
                self.failed(id, Deed::Strike, &error);
                return Ok(());
            }
        }
        match self
            .send(id, &Act::Strike { bitmap, aggregate }, None)
            .await
        {
            Ok(_) => {}
            Err(error) => {
                self.failed(id, Deed::Strike, &error);
                if may_pass(&error) {
                    return Ok(());
                }
            }
        }
        case.struck = true;
        self.docket.put(id, case)
    }

    async fn annul(&mut self, id: CaseId, stand: &Stand, mut case: Case) -> Result<(), AuditError> {
        let witnesses = match self.ineligible(id.0, stand).await {
            Ok(witnesses) => witnesses,
            Err(error @ (AuditError::Store(_) | AuditError::Io { .. })) => return Err(error),
            Err(error) => {
                self.failed(id, Deed::Annul, &CourtError::Later(error.to_string()));
                return Ok(());
            }
        };
        let mut again = false;
        for (request, witness) in witnesses {
            let act = Act::Annul {
                request,
                header: case.header.clone(),
                witness,
            };
            if let Err(error) = self.send(id, &act, None).await {
                self.failed(id, Deed::Annul, &error);
                again |= may_pass(&error);
            }
        }
        case.annulled = !again;
        self.docket.put(id, case)
    }

    async fn ineligible(
        &self,
        round: Round,
        stand: &Stand,
    ) -> Result<Vec<(u64, Bytes)>, AuditError> {
        let record = self.world.record(round).await?;
        let inputs = self.world.inputs(round).await?;
        let posted = self.world.posted(&record.header, stand.block).await?;
        let strangers = self.world.strangers(&inputs.snapshot, &posted);
        let beacon = self.beacon.clone();
        let found = blocking(move || {
            let trial = Trial::new(record, inputs)?;
            Ok::<_, AuditError>(trial.ineligible(&beacon, &posted, &strangers))
        })
        .await??;
        let found = found.into_iter();
        Ok(found
            .map(|(request, witness)| (request.get(), witness.to_bytes().into()))
            .collect())
    }

    /// Takes home bonds and bounties, once no commitment is under way.
    async fn withdraw(&mut self) -> Result<(), AuditError> {
        let under_way = self
            .docket
            .iter()
            .any(|(_, case)| case.open_salt().is_some());
        if !self.owed || under_way || !self.options.mode.is_bounty() {
            return Ok(());
        }
        let id = (Round::new(0), quorate_canon::Digest::ZERO);
        match self.court.credit().await {
            Ok(credit) if credit == U256::ZERO => self.owed = false,
            Ok(credit) => {
                let key = format!("withdraw/{}/{credit}", self.world.head().number);
                match self.court.send(id.0, &Act::Withdraw, key, None).await {
                    Ok(mined) => {
                        self.owed = false;
                        self.done(id.0, Deed::Withdraw, &mined, Some(format!("{credit} wei")));
                    }
                    Err(error) => self.failed(id, Deed::Withdraw, &error),
                }
            }
            Err(error) => self.failed(id, Deed::Withdraw, &error),
        }
        Ok(())
    }

    /// Sends a step, and says that it was done.
    async fn send(
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

    fn done(&self, round: Round, deed: Deed, mined: &Mined, reason: Option<String>) {
        let mut line = ActionLine::new(round, deed, Fate::Done, reason);
        line.transaction = Some(mined.transaction.to_string());
        line.gas = Some(mined.gas);
        self.observe.action(line);
    }

    /// Says a failure; the same one of the same case only once.
    fn failed(&mut self, id: CaseId, deed: Deed, error: &CourtError) {
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
const fn may_pass(error: &CourtError) -> bool {
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
