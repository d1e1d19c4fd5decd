//! The collector's state: rounds within a window, and what to say to a vote. No clocks, no I/O:
//! times come in as values.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use quorate_canon::{Epoch, Round, Timestamp};
use quorate_protocol::{
    Domain, ProtocolError, Schedule, StakeTable, Unverified, Verified, Vote, require_domain,
};
use quorate_rpc::VoteRejection;

use super::{Millis, round::RoundVotes};
use crate::suspects::{self, Refused, Sender, Source, Suspects, Ticket};

/// What the collector keeps and bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wait for stragglers once a quorum stands.
    pub grace: Millis,
    /// Bad signatures from one address in one operator's name in one round; then no more are checked.
    pub failures: u32,
    /// Seconds for which votes of a round are still taken after its deadline, or after its close if it has
    /// come to its end: they count for nothing but evidence.
    pub kept: u32,
    /// Seconds by which a sender's clock may be ahead of ours.
    pub skew: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            grace: Millis(150),
            failures: suspects::FAILURES,
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
    finished: BTreeSet<Round>,
    suspects: Suspects<Round>,
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
            finished: BTreeSet::new(),
            suspects: Suspects::new(limits.failures),
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
        if let Err(error) = require_domain(&header.domain, &self.domain) {
            return Screening::reject(VoteRejection::WrongDomain, error);
        }
        if let Err(late) = self.in_window(header.round, now) {
            return late;
        }
        if self.finished.contains(&header.round) {
            return Screening::reject(VoteRejection::RoundOver, "the round has come to its end");
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
        let known = round.and_then(|round| round.standing(vote.operator()));
        if let Some(answer) = known.and_then(|(first, both)| screen_known(first, both, vote)) {
            return answer;
        }
        if self.suspects.is_cut_off(&sender(vote, source)) {
            let failures = self.limits.failures;
            let detail = format!("{failures} bad signatures before this one");
            return Screening::reject(VoteRejection::TooManyFailures, detail);
        }
        Screening::Verify
    }

    /// Has the signature of a vote that was screened be checked at `now`. What becomes of it is told to
    /// [`Self::good`], [`Self::forged`] or [`Self::unchecked`].
    ///
    /// # Errors
    /// Why it is not checked.
    pub fn claim(
        &mut self,
        vote: &Vote<Unverified>,
        source: Source,
        now: Instant,
    ) -> Result<Ticket, (VoteRejection, String)> {
        let claimed = self.suspects.claim(sender(vote, source), 1, now);
        claimed.map_err(|refused| match refused {
            Refused::CutOff(failures) => {
                let detail = format!("{failures} bad signatures before this one");
                (VoteRejection::TooManyFailures, detail)
            }
            Refused::Busy => {
                let detail = "too many signatures wait to be checked".to_owned();
                (VoteRejection::Overloaded, detail)
            }
        })
    }

    /// The signature was the operator's.
    pub fn good(&mut self, vote: &Vote<Unverified>, source: Source, ticket: Ticket, now: Instant) {
        self.suspects.good(sender(vote, source), ticket, now);
    }

    /// It was not.
    pub fn forged(&mut self, vote: &Vote<Unverified>, source: Source, ticket: Ticket) {
        self.suspects.bad(sender(vote, source), ticket);
    }

    /// It could not be checked.
    pub fn unchecked(
        &mut self,
        vote: &Vote<Unverified>,
        source: Source,
        ticket: Ticket,
        now: Instant,
    ) {
        self.suspects.withdraw(sender(vote, source), ticket, now);
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

    /// Forgets rounds beyond the window, those that are over (by `is_over`) earlier, and tables that
    /// no round of the window needs. Returns the rounds that had votes and have none here any more.
    pub fn forget(&mut self, now: Timestamp, is_over: impl Fn(Round) -> bool) -> Vec<Round> {
        let first = self.first_kept(now);
        let kept = self.rounds.split_off(&first);
        let mut forgotten: Vec<Round> = std::mem::take(&mut self.rounds).into_keys().collect();
        let recent = self.first_after(now, u64::from(self.limits.kept));
        self.rounds = kept;
        let over: Vec<Round> = self
            .rounds
            .range(..recent)
            .map(|(round, _)| *round)
            .filter(|round| is_over(*round))
            .collect();
        for round in over {
            self.rounds.remove(&round);
            self.finished.insert(round);
            forgotten.push(round);
        }
        self.finished = self.finished.split_off(&first);
        self.suspects.forget_before(first);
        if let Ok(epoch) = self.schedule.epoch_of(first) {
            self.tables = self.tables.split_off(&epoch);
        }
        forgotten
    }

    /// The first round whose votes are still taken at `now`.
    pub fn first_kept(&self, now: Timestamp) -> Round {
        let timeout = u64::from(self.schedule.settle_timeout);
        self.first_after(now, timeout.saturating_add(u64::from(self.limits.kept)))
    }

    /// The first round that closed at most `seconds` before `now`.
    fn first_after(&self, now: Timestamp, seconds: u64) -> Round {
        let since = now
            .get()
            .saturating_sub(seconds)
            .saturating_sub(self.schedule.genesis.get());
        Round::new(since.div_ceil(u64::from(self.schedule.period).max(1)))
    }
}

/// Whom a vote counts against if it is forged.
fn sender(vote: &Vote<Unverified>, source: Source) -> Sender<Round> {
    Sender {
        span: vote.header().round,
        source,
        operator: vote.operator(),
    }
}

/// What is said without another look at a vote of an operator whose first vote is here, and perhaps
/// `both` that an equivocator has.
fn screen_known(first: &Vote<Verified>, both: bool, vote: &Vote<Unverified>) -> Option<Screening> {
    if first.digest() == vote.digest() {
        // A key has one signature of a message, so this costs no check.
        if first.signature().to_bytes96() == vote.signature().to_bytes96() {
            return Some(Screening::Duplicate);
        }
        let detail = format!(
            "operator {}'s signature of this header is another",
            vote.operator()
        );
        return Some(Screening::reject(VoteRejection::BadSignature, detail));
    }
    both.then(|| {
        let detail = format!("first signed {}", first.digest());
        Screening::reject(VoteRejection::Equivocation, detail)
    })
}
