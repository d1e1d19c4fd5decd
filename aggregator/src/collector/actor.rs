//! The collector at work. One task owns the state; what is slow (pairings, disk) runs beside it in
//! batches, which grow by themselves when much comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_canon::{Epoch, Round};
use quorate_service::Shutdown;
use tokio::sync::{Notify, mpsc};

use super::book::Book;
use super::ingress::{Incoming, Message};
use super::{Mailbox, Millis, RoundVotes, State};
use crate::chain::Chain;
use crate::clock::now;
use crate::grpc::Uploads;
use crate::observe::Observe;
use crate::settle::Job;
use crate::store::{HeaderId, Store, blocking};

/// Messages that are taken out of the mailbox at a time.
const BATCH: usize = 1024;
/// Pause between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// What the collector works with.
pub struct Tools<C> {
    /// The chains.
    pub chain: Arc<C>,
    /// The database.
    pub store: Arc<Store>,
    /// Metrics and logs.
    pub observe: Observe,
    /// Lists that are being sent.
    pub uploads: Uploads,
    /// Where rounds are handed on.
    pub jobs: mpsc::Sender<Job>,
    /// Woken when a case was stored.
    pub courts: Arc<Notify>,
    /// Whether it is kept who signed which header when a round is forgotten: it shows their work.
    pub keep_signers: bool,
}

/// The collector.
pub struct Collector<C> {
    pub(super) state: State,
    pub(super) tools: Tools<C>,
    pub(super) mailbox: Mailbox,
    pub(super) books: BTreeMap<Round, Book>,
    pub(super) lists: BTreeSet<HeaderId>,
    pub(super) parked: BTreeMap<Epoch, Vec<Incoming>>,
    pub(super) fetching: BTreeSet<Epoch>,
    start: Instant,
}

impl<C: Chain> Collector<C> {
    /// A collector with an empty state; what the store holds is taken up by [`Self::run`].
    pub fn new(state: State, tools: Tools<C>, mailbox: Mailbox) -> Self {
        Self {
            state,
            tools,
            mailbox,
            books: BTreeMap::new(),
            lists: BTreeSet::new(),
            parked: BTreeMap::new(),
            fetching: BTreeSet::new(),
            start: Instant::now(),
        }
    }

    /// Works until the end is asked for.
    pub async fn run(mut self, mut messages: mpsc::Receiver<Message>, shutdown: Shutdown) {
        self.take_up().await;
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        let mut inbox = Vec::new();
        loop {
            let wake = self.wake();
            tokio::select! {
                biased;
                () = shutdown.asked() => return,
                _ = housekeeping.tick() => self.keep_house().await,
                () = tokio::time::sleep(wake) => {}
                count = messages.recv_many(&mut inbox, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.handle(std::mem::take(&mut inbox)).await;
                }
            }
            self.certify();
            self.hand_on();
        }
    }

    /// Takes up what was stored before this process began.
    async fn take_up(&mut self) {
        let first = self.state.first_kept(now());
        let (store, keep) = (Arc::clone(&self.tools.store), self.tools.keep_signers);
        let stored = blocking(move || {
            match keep {
                true => store.retire_before(first)?,
                false => store.drop_before(first)?,
            }
            Ok((store.votes(first)?, store.lists()?))
        })
        .await;
        match stored {
            Ok(((votes, damaged), lists)) => {
                if damaged > 0 {
                    self.tools
                        .observe
                        .store_failed(format!("{damaged} stored votes do not read"));
                }
                self.lists = lists.into_iter().collect();
                let stored = |vote| Incoming {
                    vote,
                    source: None,
                    reply: None,
                };
                self.take(votes.into_iter().map(stored).collect()).await;
            }
            Err(error) => self.tools.observe.store_failed(error),
        }
    }

    /// Works through a batch of messages.
    async fn handle(&mut self, inbox: Vec<Message>) {
        let mut votes = Vec::new();
        for message in inbox {
            match message {
                Message::Vote(incoming) => votes.push(*incoming),
                other => self.handle_one(other).await,
            }
        }
        if !votes.is_empty() {
            self.take(votes).await;
        }
    }

    /// Works through a message that is no vote. A caller that hung up is no error.
    async fn handle_one(&mut self, message: Message) {
        match message {
            Message::Vote(incoming) => self.take(vec![*incoming]).await,
            Message::Table(epoch, result) => self.table_came(epoch, result).await,
            Message::Header(digest, reply) => drop(reply.send(self.header(digest))),
            Message::Sender(digest, source, reply) => {
                let _ = reply.send(self.sender(digest, source));
            }
            Message::ListStored(id) => self.list_came(id),
            Message::Round(round, reply) => drop(reply.send(self.report(round))),
            Message::Candidates(round, reply) => {
                let votes = self.state.round(round);
                drop(reply.send(votes.map(RoundVotes::candidates)));
            }
            Message::Struck(round, operators) => self.struck(round, operators),
            Message::Rounds(reply) => {
                let rounds: Vec<_> = self.state.rounds().map(|(round, _)| round).collect();
                drop(
                    reply.send(
                        rounds
                            .into_iter()
                            .filter_map(|round| self.report(round))
                            .collect(),
                    ),
                );
            }
            Message::Progress(round, progress) => self.progress(round, progress).await,
        }
    }

    /// How long nothing becomes due by itself.
    fn wake(&self) -> Duration {
        let (millis, grace) = (self.millis(), self.state.limits().grace);
        let next = self
            .state
            .rounds()
            .filter_map(|(round, votes)| {
                let not_before = self
                    .books
                    .get(&round)
                    .map_or(Millis(0), |book| book.not_before);
                Some(votes.wake_at(grace)?.max(not_before))
            })
            .min();
        next.map_or(HOUSEKEEPING, |at| Duration::from_millis(at.since(millis).0))
    }

    pub(super) fn millis(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
