//! A vote's way in: screened, verified in batches, judged, stored, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use quorate_canon::{Epoch, OperatorIndex, Round};
use quorate_protocol::{ProtocolError, Verified, Vote, verify_votes};
use quorate_rpc::VoteRejection;
use quorate_rpc::wire::{VoteReceipt, VoteVerdict};

use super::actor::Collector;
use super::ingress::Incoming;
use super::round::divergence;
use super::{Judgement, Screening};
use crate::chain::Chain;
use crate::clock::now;
use crate::courts::Case;
use crate::store::{Place, blocking};
use crate::suspects::Ticket;

impl<C: Chain> Collector<C> {
    /// Screens votes, verifies those that pass, stores and counts them.
    pub(super) async fn take(&mut self, incoming: Vec<Incoming>) {
        let begin = Instant::now();
        let (clock, count) = (now(), incoming.len());
        let mut passed: BTreeMap<Epoch, Vec<(Incoming, Ticket)>> = BTreeMap::new();
        for incoming in incoming {
            match self.state.screen(&incoming.vote, incoming.source, clock) {
                Screening::Verify => {
                    let round = incoming.vote.header().round;
                    let Ok(epoch) = self.state.schedule().epoch_of(round) else {
                        continue;
                    };
                    match self.claim(&incoming, begin) {
                        Ok(ticket) => passed.entry(epoch).or_default().push((incoming, ticket)),
                        Err((reason, detail)) => self.reject(incoming, reason, detail),
                    }
                }
                Screening::Duplicate => self.again(incoming),
                Screening::NeedTable(epoch) => self.park(epoch, incoming),
                Screening::Reject(reason, detail) => self.reject(incoming, reason, detail),
            }
        }
        for votes in passed.into_values() {
            self.verify(votes).await;
        }
        self.tools.observe.batch_done(count, begin.elapsed());
    }

    /// Has a vote's signature be checked. What was stored was good once, and is nobody's request.
    fn claim(
        &mut self,
        incoming: &Incoming,
        now: Instant,
    ) -> Result<Ticket, (VoteRejection, String)> {
        match incoming.reply {
            Some(_) => self.state.claim(&incoming.vote, incoming.source, now),
            None => Ok(Ticket::default()),
        }
    }

    /// Verifies votes of one epoch and goes on with those that are good.
    async fn verify(&mut self, incoming: Vec<(Incoming, Ticket)>) {
        let Some(table) = incoming.first().and_then(|(first, _)| {
            let round = self.state.round_mut(first.vote.header().round)?;
            Some(Arc::clone(round.table()))
        }) else {
            return self.unchecked(incoming);
        };
        let votes: Vec<_> = incoming.iter().map(|(incoming, _)| incoming.vote).collect();
        let verified = tokio::task::spawn_blocking(move || verify_votes(&votes, &table)).await;
        // Without an answer the task panicked: an invariant of ours, not the senders' fault.
        let verified = match verified {
            Ok(verified) => verified,
            Err(error) => {
                self.tools.observe.store_failed(error);
                return self.unchecked(incoming);
            }
        };
        let (mut good, now) = (Vec::new(), Instant::now());
        for ((incoming, ticket), result) in incoming.into_iter().zip(verified) {
            match result {
                Ok(vote) => {
                    let source = incoming.source;
                    self.state.good(&incoming.vote, source, ticket, now);
                    good.push((incoming, vote));
                }
                Err(error) => self.forged(incoming, ticket, &error),
            }
        }
        self.admit(good).await;
    }

    /// Gives up votes that could not be checked; their senders are told to come again.
    fn unchecked(&mut self, incoming: Vec<(Incoming, Ticket)>) {
        let now = Instant::now();
        for (incoming, ticket) in incoming {
            let source = incoming.source;
            self.state.unchecked(&incoming.vote, source, ticket, now);
            let detail = "the signature could not be checked".to_owned();
            self.reject(incoming, VoteRejection::Overloaded, detail);
        }
    }

    /// Judges verified votes and stores what is new, in as few transactions as there are votes of
    /// one operator for one round among them.
    pub(super) async fn admit(&mut self, votes: Vec<(Incoming, Vote<Verified>)>) {
        let mut batch = Vec::new();
        let mut open: BTreeSet<(Round, OperatorIndex)> = BTreeSet::new();
        for (incoming, vote) in votes {
            if !open.insert((vote.header().round, vote.operator())) {
                self.commit(std::mem::take(&mut batch)).await;
                open.clear();
                open.insert((vote.header().round, vote.operator()));
            }
            let Some(round) = self.state.round_mut(vote.header().round) else {
                continue;
            };
            match round.judge(&vote) {
                Judgement::Again => self.again(incoming),
                Judgement::Known => self.reject(
                    incoming,
                    VoteRejection::Equivocation,
                    "known already".into(),
                ),
                judgement => batch.push((incoming, vote, judgement)),
            }
        }
        self.commit(batch).await;
    }

    /// Stores new votes, and only then counts and acknowledges them.
    pub(super) async fn commit(&mut self, batch: Vec<(Incoming, Vote<Verified>, Judgement)>) {
        if batch.is_empty() {
            return;
        }
        let mut votes = Vec::new();
        let mut cases = Vec::new();
        for (_, vote, judgement) in &batch {
            let place = match judgement {
                Judgement::Equivocation(evidence) => {
                    cases.push(Case::new(vote.operator(), **evidence));
                    Place::Second
                }
                _ => Place::First,
            };
            votes.push((place, *vote));
            let book = self.books.get(&vote.header().round);
            if let Some(evidence) = book.and_then(|book| divergence(book.confirmed.as_ref()?, vote))
            {
                cases.push(Case::new(vote.operator(), evidence));
            }
        }
        let stored = self.store(votes, cases).await;
        for (incoming, vote, judgement) in batch {
            match (&stored, judgement) {
                (Err(error), _) => self.reject(incoming, VoteRejection::Overloaded, error.clone()),
                (Ok(()), Judgement::Equivocation(_)) => {
                    self.record(vote);
                    let detail = "both votes are kept as evidence".to_owned();
                    self.reject(incoming, VoteRejection::Equivocation, detail);
                }
                (Ok(()), _) => {
                    self.record(vote);
                    self.accept(incoming, &vote);
                    self.recognise(vote.header().round, vote.digest()).await;
                }
            }
        }
    }

    /// Stores votes and cases and wakes the courts.
    pub(super) async fn store(
        &self,
        votes: Vec<(Place, Vote<Verified>)>,
        cases: Vec<Case>,
    ) -> Result<(), String> {
        let store = Arc::clone(&self.tools.store);
        let found = cases.clone();
        let stored = blocking(move || store.record(&votes, &cases)).await;
        match &stored {
            Ok(()) if !found.is_empty() => {
                for case in &found {
                    self.tools
                        .observe
                        .offence_noticed(case.operator, &case.evidence);
                }
                self.tools.courts.notify_one();
            }
            Ok(()) => {}
            Err(error) => self.tools.observe.store_failed(error),
        }
        stored
    }

    pub(super) fn record(&mut self, vote: Vote<Verified>) {
        let millis = self.millis();
        if let Some(round) = self.state.round_mut(vote.header().round) {
            round.record(vote, millis);
        }
    }

    /// Answers a vote that was counted.
    pub(super) fn accept(&mut self, incoming: Incoming, vote: &Vote<Verified>) {
        let (round, digest) = (vote.header().round, vote.digest());
        self.tools
            .observe
            .vote_counted(round, vote.operator(), digest);
        let outcome_wanted = self.ask_for_list(&incoming);
        incoming.answer(VoteReceipt {
            verdict: VoteVerdict::Accepted,
            outcome_wanted,
        });
    }

    /// Answers a vote that was counted before.
    pub(super) fn again(&mut self, incoming: Incoming) {
        self.tools.observe.vote_again();
        let outcome_wanted = self.ask_for_list(&incoming);
        incoming.answer(VoteReceipt {
            verdict: VoteVerdict::Duplicate,
            outcome_wanted,
        });
    }

    pub(super) fn reject(&self, incoming: Incoming, reason: VoteRejection, detail: String) {
        self.tools.observe.vote_rejected(reason, &detail);
        incoming.answer(VoteReceipt::rejected(reason, detail));
    }

    /// Answers a vote whose signature is bad, and remembers who sent it.
    fn forged(&mut self, incoming: Incoming, ticket: Ticket, error: &ProtocolError) {
        self.state.forged(&incoming.vote, incoming.source, ticket);
        self.reject(incoming, VoteRejection::BadSignature, error.to_string());
    }
}
