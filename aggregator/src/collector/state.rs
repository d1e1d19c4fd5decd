//! The collector's state: rounds within a window, and what to say to a vote. No clocks, no I/O:
//! times come in as values.

use std::{collections::BTreeMap, sync::Arc};

use quorate_canon::{Epoch, Round, Timestamp};
use quorate_protocol::{Domain, ProtocolError, Schedule, StakeTable, Unverified, Vote};
use quorate_rpc::VoteRejection;

use super::{
    Millis,
    round::{RoundVotes, Source},
};

/// What the collector keeps and bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wait for stragglers once a quorum stands.
    pub grace: Millis,
    /// Bad signatures from one address in one operator's name in one round; then no more are checked.
    pub failures: u32,
    /// Seconds for which a round is kept after its deadline: votes that late count for nothing but evidence.
    pub kept: u32,
    /// Seconds by which a sender's clock may be ahead of ours.
    pub skew: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            grace: Millis(150),
            failures: 16,
            kept: 600,
            skew: 3,
        }
    }
}

/// What to do with a vote that came.
#[derive(Debug, PartialEq, Eq)]
pub enum Screening {
    /// Verify its signature.
    Verify,
    /// It is counted already.
    Duplicate,
    /// The table of its epoch is needed first.
    NeedTable(Epoch),
    /// Answer that it is not taken.
    Reject(VoteRejection, String),
}

impl Screening {
    fn reject(reason: VoteRejection, detail: impl ToString) -> Self {
        Self::Reject(reason, detail.to_string())
    }
}

/// All rounds within the window.
#[derive(Debug)]
pub struct State {
    domain: Domain,
    schedule: Schedule,
    limits: Limits,
    tables: BTreeMap<Epoch, Arc<StakeTable>>,
    rounds: BTreeMap<Round, RoundVotes>,
}

impl State {
    /// Without rounds.
    pub fn new(domain: Domain, schedule: Schedule, limits: Limits) -> Self {
        Self {
            domain,
            schedule,
            limits,
            tables: BTreeMap::new(),
            rounds: BTreeMap::new(),
        }
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What never changes about the rounds.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Takes the table of an epoch, for the rounds to come.
    pub fn put_table(&mut self, table: Arc<StakeTable>) {
        self.tables.entry(table.epoch()).or_insert(table);
    }

    /// Whether the table of an epoch is here.
    pub fn has_table(&self, epoch: Epoch) -> bool {
        self.tables.contains_key(&epoch)
    }

    /// Looks at a vote before anything expensive is done for it. Changes nothing.
    pub fn screen(&self, vote: &Vote<Unverified>, source: Source, now: Timestamp) -> Screening {
        let header = vote.header();
        if let Err(error) = header.domain.require(&self.domain) {
            return Screening::reject(VoteRejection::WrongDomain, error);
        }
        if let Err(late) = self.in_window(header.round, now) {
            return late;
        }
        let Ok(epoch) = self.schedule.epoch_of(header.round) else {
            return Screening::reject(VoteRejection::RoundOver, "the round lies beyond all time");
        };
        let round = self.rounds.get(&header.round);
        let Some(table) = round
            .map(RoundVotes::table)
            .or_else(|| self.tables.get(&epoch))
        else {
            return Screening::NeedTable(epoch);
        };
        match table.signer(vote.operator()) {
            Err(error @ ProtocolError::NoStake(_)) => {
                return Screening::reject(VoteRejection::NoStake, error);
            }
            Err(error) => return Screening::reject(VoteRejection::UnknownOperator, error),
            Ok(_) => {}
        }
        round.map_or(Screening::Verify, |round| {
            self.screen_known(round, vote, source)
        })
    }

    /// The rest of the screening, in a round that has votes or failures.
    fn screen_known(
        &self,
        round: &RoundVotes,
        vote: &Vote<Unverified>,
        source: Source,
    ) -> Screening {
        match round.standing(vote.operator()) {
            Some((digest, _)) if digest == vote.digest() => return Screening::Duplicate,
            Some((digest, true)) => {
                let detail = format!("first signed {digest}");
                return Screening::reject(VoteRejection::Equivocation, detail);
            }
            _ => {}
        }
        let failures = round.failures(source, vote.operator());
        if failures >= self.limits.failures {
            let detail = format!("{failures} bad signatures before this one");
            return Screening::reject(VoteRejection::TooManyFailures, detail);
        }
        Screening::Verify
    }

    /// Whether votes of a round are taken at `now`.
    fn in_window(&self, round: Round, now: Timestamp) -> Result<(), Screening> {
        let out = |error: ProtocolError| Screening::reject(VoteRejection::RoundNotClosed, error);
        let close = self.schedule.close(round).map_err(out)?;
        let deadline = self.schedule.deadline(round).map_err(out)?;
        if close.get() > now.get().saturating_add(u64::from(self.limits.skew)) {
            let detail = format!("closes at {close}, it is {now}");
            return Err(Screening::reject(VoteRejection::RoundNotClosed, detail));
        }
        if deadline.get().saturating_add(u64::from(self.limits.kept)) < now.get() {
            let detail = format!("deadline was {deadline}, it is {now}");
            return Err(Screening::reject(VoteRejection::RoundOver, detail));
        }
        Ok(())
    }

    /// The round of a vote that was screened; made if it is the first one.
    pub fn round_mut(&mut self, round: Round) -> Option<&mut RoundVotes> {
        if !self.rounds.contains_key(&round) {
            let epoch = self.schedule.epoch_of(round).ok()?;
            let table = Arc::clone(self.tables.get(&epoch)?);
            self.rounds.insert(round, RoundVotes::new(table));
        }
        self.rounds.get_mut(&round)
    }

    /// A round that is kept.
    pub fn round(&self, round: Round) -> Option<&RoundVotes> {
        self.rounds.get(&round)
    }

    /// The rounds that are kept, ascending.
    pub fn rounds(&self) -> impl Iterator<Item = (Round, &RoundVotes)> {
        self.rounds.iter().map(|(round, votes)| (*round, votes))
    }

    /// Forgets rounds beyond the window, and tables that no round of the window needs.
    /// Returns the first round that is kept.
    pub fn forget(&mut self, now: Timestamp) -> Round {
        let first = self.first_kept(now);
        self.rounds = self.rounds.split_off(&first);
        if let Ok(epoch) = self.schedule.epoch_of(first) {
            self.tables = self.tables.split_off(&epoch);
        }
        first
    }

    /// The first round whose votes are still taken at `now`.
    pub fn first_kept(&self, now: Timestamp) -> Round {
        let behind =
            u64::from(self.schedule.settle_timeout).saturating_add(u64::from(self.limits.kept));
        let since = now
            .get()
            .saturating_sub(behind)
            .saturating_sub(self.schedule.genesis.get());
        let period = u64::from(self.schedule.period).max(1);
        Round::new(since.div_ceil(period))
    }
}
