//! The watcher: follows the chain, looks at every round that needs it, and moves its cases on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use quorate_canon::{Round, Timestamp};
use quorate_chain::ChainError;
use quorate_service::{Shutdown, terminal};
use tracing::{debug, warn};

use super::{
    court::Court,
    docket::{At, Case, CaseId, Docket, Stage, Verdict},
    examine::Looked,
    line::{Judgement, RoundLine},
    observe::Observe,
    options::{Options, Summary, Until},
    seed::BeaconRule,
    trial::Trial,
    world::{Stand, World},
};
use crate::AuditError;

/// Looks at a doubtful round before a bounded run gives it up.
const LOOKS: u32 = 5;

/// How the chain is followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Pause between two looks at the head.
    pub poll: Duration,
    /// Longest wait for a change before doubts are looked at again.
    pub patience: Duration,
    /// Blocks below the head that may still be replaced.
    pub final_depth: u64,
}

/// A watcher over a world and a court.
pub(super) struct Watch<W, C> {
    pub(super) world: W,
    pub(super) court: C,
    pub(super) docket: Docket,
    pub(super) beacon: BeaconRule,
    pub(super) options: Options,
    pub(super) observe: Observe,
    pub(super) summary: Summary,
    /// Wrong rounds whose lists are not posted yet.
    waiting: BTreeMap<Round, Arc<Trial>>,
    /// Doubtful rounds: the last reason, and how often they were looked at.
    doubts: BTreeMap<Round, (String, u32)>,
    /// Why each case's last action failed, so that it is said once, and how often in a row.
    pub(super) failures: BTreeMap<CaseId, (String, u32)>,
    /// Whether credit may lie at the contract.
    pub(super) owed: bool,
    pace: Pace,
    /// The newest block when watching began.
    start: u64,
}

impl<W: World, C: Court> Watch<W, C> {
    /// Puts the parts together.
    pub(super) fn new(
        (world, court, docket): (W, C, Docket),
        beacon: BeaconRule,
        options: Options,
        observe: Observe,
        pace: Pace,
    ) -> Self {
        Self {
            start: world.head().number,
            owed: options.mode.sends(),
            world,
            court,
            docket,
            beacon,
            options,
            observe,
            summary: Summary::default(),
            waiting: BTreeMap::new(),
            doubts: BTreeMap::new(),
            failures: BTreeMap::new(),
            pace,
        }
    }

    /// Watches until the options or the shutdown say that it is enough. `keep` is given images of the
    /// chain from time to time, for a later start.
    ///
    /// # Errors
    /// What no later look can mend: a reorganisation below what is final, a chain that contradicts
    /// itself, the docket's disk.
    pub(super) async fn run(
        mut self,
        shutdown: &Shutdown,
        mut keep: impl FnMut(&W) -> Result<(), AuditError>,
    ) -> Result<Summary, AuditError> {
        loop {
            if shutdown.or(self.look()).await.transpose()?.is_none() {
                break;
            }
            keep(&self.world)?;
            if self.is_enough()? {
                break;
            }
            let next = self.world.next(self.pace.poll);
            let changed = shutdown
                .or(tokio::time::timeout(self.pace.patience, next))
                .await;
            match changed {
                None => break,
                // Nothing new: doubts are looked at again.
                Some(Err(_)) => {}
                Some(Ok(Ok(advance))) => debug!(head = advance.head.number, "L2 followed"),
                Some(Ok(Err(error))) => {
                    self.observe.deaf(&error);
                    return Err(advice(error));
                }
            }
        }
        self.summary.unsure = self.doubts.keys().copied().collect();
        Ok(self.summary)
    }

    /// One look: what reorganisations took goes, every round that needs it is judged, every case moved on.
    pub(super) async fn look(&mut self) -> Result<(), AuditError> {
        self.take_back()?;
        let from = self.options.from.unwrap_or_else(|| self.docket.floor());
        let stands = self.world.stands(from);
        self.drop_gone(&stands);
        let pending: Vec<_> = stands
            .iter()
            .filter(|(round, stand)| self.docket.get(&(*round, stand.digest)).is_none())
            .copied()
            .collect();
        let length = u64::try_from(pending.len()).unwrap_or(u64::MAX);
        let bar = (length > 1).then(|| terminal::progress(length, "judging rounds"));
        for (round, stand) in pending {
            self.look_at(round, &stand).await?;
            if let Some(bar) = &bar {
                bar.inc(1);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let open = self.drive(&stands).await?;
        self.raise_floor(&stands)?;
        let head = self.world.head().number;
        self.observe.looked(head, open, self.doubts.len());
        Ok(())
    }

    async fn look_at(&mut self, round: Round, stand: &Stand) -> Result<(), AuditError> {
        let known = self.waiting.get(&round).cloned();
        match self.examine(round, stand, known).await {
            Ok((looked, line)) => {
                self.doubts.remove(&round);
                match looked {
                    Looked::Judged(case) => self.close(round, stand, *case)?,
                    Looked::Waiting(trial) => {
                        self.summary.wrong.insert(round);
                        self.waiting.insert(round, trial);
                    }
                }
                if let Some(line) = line {
                    self.observe.round(line);
                }
                Ok(())
            }
            Err(error @ (AuditError::Store(_) | AuditError::Io { .. })) => Err(error),
            Err(error) => self.doubt(round, stand, &error),
        }
    }

    fn close(&mut self, round: Round, stand: &Stand, case: Case) -> Result<(), AuditError> {
        self.waiting.remove(&round);
        self.summary.judged += 1;
        if case.verdict != Verdict::Right {
            self.summary.wrong.insert(round);
        }
        self.docket.put((round, stand.digest), case)
    }

    /// Says a doubt, each reason once.
    fn doubt(&mut self, round: Round, stand: &Stand, error: &AuditError) -> Result<(), AuditError> {
        let reason = error.to_string();
        let looks = match self.doubts.get(&round) {
            Some((before, looks)) if *before == reason => {
                let looks = looks.saturating_add(1);
                self.doubts.insert(round, (reason, looks));
                return Ok(());
            }
            Some((_, looks)) => looks.saturating_add(1),
            None => 1,
        };
        let line = RoundLine {
            round: round.get(),
            digest: stand.digest.to_string(),
            proposed: None,
            standing: self.standing(round, stand)?,
            judgement: Judgement::Unsure,
            requests: None,
            matched: None,
            fault: None,
            notes: Vec::new(),
            reason: Some(reason.clone()),
        };
        self.doubts.insert(round, (reason, looks));
        self.observe.round(line);
        Ok(())
    }

    /// Findings whose block is not on the chain any more do not count. What was sent for them stays
    /// in the docket, and is sent again if its own block has gone too.
    fn take_back(&mut self) -> Result<(), AuditError> {
        let cases: Vec<(CaseId, Case)> = self
            .docket
            .iter()
            .map(|(id, case)| (*id, case.clone()))
            .collect();
        for (id, mut case) in cases {
            if let Some(stage) = self.stage_before(case.stage) {
                case.stage = stage;
                self.docket.put(id, case.clone())?;
            }
            if !self.is_gone(case.at) || case.open_salt().is_some() {
                continue;
            }
            let judgement = match case.verdict {
                Verdict::Right => Judgement::Right,
                Verdict::Wrong => Judgement::Wrong,
                Verdict::Withheld => Judgement::Withheld,
            };
            self.docket.remove(&id)?;
            self.summary.wrong.remove(&id.0);
            self.summary.refuted.remove(&id.0);
            if case.verdict != Verdict::Right {
                self.observe.taken_back(id.0, id.1.to_string(), judgement);
            }
        }
        Ok(())
    }

    /// Where a case stands after its own transaction was taken back; `None` if it was not.
    fn stage_before(&self, stage: Stage) -> Option<Stage> {
        match stage {
            Stage::Committed { salt, at } if self.is_gone(at) => Some(Stage::Committing { salt }),
            Stage::Refuted { salt, at } if self.is_gone(at) => {
                // The commitment is asked for again by its key, and found where it stands.
                Some(salt.map_or(Stage::Found, |salt| Stage::Committing { salt }))
            }
            _ => None,
        }
    }

    /// Whether a block is known not to be on the chain any more.
    fn is_gone(&self, at: At) -> bool {
        let Some(hash) = at.hash else {
            return false;
        };
        match self.world.hash_of(at.block) {
            Some(there) => there.0 != hash.0,
            None => at.block > self.world.head().number,
        }
    }

    /// Trials and doubts about headers that do not stand any more.
    fn drop_gone(&mut self, stands: &[(Round, Stand)]) {
        let stands: BTreeMap<Round, &Stand> = stands
            .iter()
            .map(|(round, stand)| (*round, stand))
            .collect();
        let digests = |round: &Round| stands.get(round).map(|stand| stand.digest);
        let gone: Vec<(Round, String)> = self
            .waiting
            .iter()
            .filter(|(round, trial)| digests(round) != Some(trial.record.header.digest()))
            .map(|(round, trial)| (*round, trial.record.header.digest().to_string()))
            .collect();
        for (round, digest) in gone {
            self.waiting.remove(&round);
            self.summary.wrong.remove(&round);
            self.observe.taken_back(round, digest, Judgement::Withheld);
        }
        self.doubts.retain(|round, _| stands.contains_key(round));
    }

    /// Rounds below the first that still needs looking at are not read again, by a later run neither.
    fn raise_floor(&mut self, stands: &[(Round, Stand)]) -> Result<(), AuditError> {
        if self
            .options
            .from
            .is_some_and(|from| from > self.docket.floor())
        {
            return Ok(());
        }
        let head = self.world.head().number;
        let deep = |block: u64| block.saturating_add(self.pace.final_depth) < head;
        let done = |(round, stand): &(Round, Stand)| {
            let case = self.docket.get(&(*round, stand.digest));
            deep(stand.block) && case.is_some_and(|case| self.is_over(stand, case))
        };
        let floor = stands.iter().find(|stand| !done(stand)).or(stands.last());
        match floor {
            Some((floor, _)) => self.docket.raise_floor(*floor),
            None => Ok(()),
        }
    }

    /// Whether nothing is left to do about a judged header that stands.
    fn is_over(&self, stand: &Stand, case: &Case) -> bool {
        if case.verdict == Verdict::Right {
            return true;
        }
        let ended = matches!(case.stage, Stage::Refuted { .. } | Stage::Over);
        let now = self.world.head().timestamp;
        ended && !self.may_strike(stand, case, now) && !self.may_annul(stand, case)
    }

    fn is_enough(&self) -> Result<bool, AuditError> {
        let over = match self.options.until {
            Until::Asked => return Ok(false),
            Until::Head => self.world.head().number >= self.start,
            Until::Round(round) => self.has_ended(round)?,
        };
        let tired = |(_, looks): &(String, u32)| *looks >= LOOKS;
        let settled = self.doubts.values().all(tired);
        let stuck = |id: &CaseId| self.failures.get(id).is_some_and(tired);
        let moving = self
            .docket
            .iter()
            .filter(|(id, case)| case.open_salt().is_some() && !stuck(id))
            .count();
        Ok(over && settled && (moving == 0 || !self.options.mode.is_bounty()))
    }

    /// Whether a round is over: posted in full, refuted, or past its deadline.
    fn has_ended(&self, round: Round) -> Result<bool, AuditError> {
        let deadline: Timestamp = self.world.schedule().deadline(round)?;
        let past = self.world.head().timestamp > deadline;
        let stands = self.world.stands(round);
        let stand = stands.iter().find(|(at, _)| *at == round);
        let ended =
            stand.is_some_and(|(_, stand)| stand.settled.is_some() || stand.refuted.is_some());
        // Judged, not only ended: what waits for chunks of an earlier round keeps this run.
        Ok(past || (ended && !self.waiting.contains_key(&round)))
    }
}

/// What to do about an error that stops the watcher.
fn advice(error: ChainError) -> AuditError {
    if matches!(
        error,
        ChainError::DeepReorg { .. } | ChainError::BadEvent { .. }
    ) {
        warn!(
            "L2's history does not fit what was followed: remove the image of L2 from the data folder \
             and start again; if it comes back, ask another endpoint"
        );
    }
    error.into()
}
