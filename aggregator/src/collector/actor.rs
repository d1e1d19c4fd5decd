//! The collector at work. One task owns the state; what is slow (pairings, disk) runs beside it in
//! batches, which grow by themselves when much comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use quorate_canon::{Digest, Epoch, OperatorIndex, Round, Timestamp};
use quorate_protocol::{
    Certificate, ProtocolError, StakeTable, Unverified, Verified, Vote, verify_votes,
};
use quorate_rpc::{
    RoundFailure, VoteRejection,
    wire::{RoundReport, VoteReceipt, VoteVerdict},
};
use quorate_service::Shutdown;
use tokio::sync::{Notify, mpsc, watch};

use super::{
    Judgement, Mailbox, Millis, Progress, Screening, Source, State,
    book::Book,
    ingress::{Incoming, Message, Wanted},
    round::divergence,
};
use crate::{
    chain::{Chain, Fault, Standing},
    courts::Case,
    grpc::Uploads,
    observe::Observe,
    settle::Job,
    store::{HeaderId, Place, Store},
};

/// Messages that are taken out of the mailbox at a time.
const BATCH: usize = 1024;
/// Votes that may wait for tables.
const PARKED: usize = 8192;
/// Pause between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// Pause before a certificate that could not be built is tried again.
const REBUILD: Millis = Millis(1_000);

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
}

/// The collector.
pub struct Collector<C> {
    state: State,
    tools: Tools<C>,
    mailbox: Mailbox,
    books: BTreeMap<Round, Book>,
    lists: BTreeSet<HeaderId>,
    parked: BTreeMap<Epoch, Vec<Incoming>>,
    fetching: BTreeSet<Epoch>,
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
        let store = Arc::clone(&self.tools.store);
        let stored = blocking(move || {
            store.drop_before(first)?;
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
            Message::ListStored(id) => self.list_came(id),
            Message::Round(round, reply) => drop(reply.send(self.report(round))),
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

    /// Screens votes, verifies those that pass, stores and counts them.
    async fn take(&mut self, incoming: Vec<Incoming>) {
        let begin = Instant::now();
        let (clock, count) = (now(), incoming.len());
        let mut passed: BTreeMap<Epoch, Vec<Incoming>> = BTreeMap::new();
        let mut claims: BTreeMap<(Round, Source, OperatorIndex), u32> = BTreeMap::new();
        for incoming in incoming {
            match self.state.screen(&incoming.vote, incoming.source, clock) {
                Screening::Verify => {
                    let round = incoming.vote.header().round;
                    let claim = claims
                        .entry((round, incoming.source, incoming.vote.operator()))
                        .or_insert(0);
                    *claim = claim.saturating_add(1);
                    // Failures count from the next batch on, so one batch must not hold more either.
                    if *claim > self.state.limits().failures {
                        let detail = "too many votes in one operator's name at a time".to_owned();
                        self.reject(incoming, VoteRejection::Overloaded, detail);
                        continue;
                    }
                    if let Ok(epoch) = self.state.schedule().epoch_of(incoming.vote.header().round)
                    {
                        passed.entry(epoch).or_default().push(incoming);
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

    /// Verifies votes of one epoch and goes on with those that are good.
    async fn verify(&mut self, incoming: Vec<Incoming>) {
        let Some(table) = incoming.first().and_then(|first| {
            let round = self.state.round_mut(first.vote.header().round)?;
            Some(Arc::clone(round.table()))
        }) else {
            return;
        };
        let votes: Vec<Vote<Unverified>> = incoming.iter().map(|incoming| incoming.vote).collect();
        let verified = tokio::task::spawn_blocking(move || verify_votes(&votes, &table)).await;
        // Without an answer the task panicked: an invariant of ours, not the senders' fault.
        let verified = match verified {
            Ok(verified) => verified,
            Err(error) => return self.tools.observe.store_failed(error),
        };
        let mut good = Vec::new();
        for (incoming, result) in incoming.into_iter().zip(verified) {
            match result {
                Ok(vote) => good.push((incoming, vote)),
                Err(error) => self.forged(incoming, &error),
            }
        }
        self.admit(good).await;
    }

    /// Judges verified votes and stores what is new, in as few transactions as there are votes of
    /// one operator for one round among them.
    async fn admit(&mut self, votes: Vec<(Incoming, Vote<Verified>)>) {
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
    async fn commit(&mut self, batch: Vec<(Incoming, Vote<Verified>, Judgement)>) {
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
    async fn store(
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

    fn record(&mut self, vote: Vote<Verified>) {
        let millis = self.millis();
        if let Some(round) = self.state.round_mut(vote.header().round) {
            round.record(vote, millis);
        }
    }

    /// Answers a vote that was counted.
    fn accept(&mut self, incoming: Incoming, vote: &Vote<Verified>) {
        let (round, digest) = (vote.header().round, vote.digest());
        self.tools
            .observe
            .vote_counted(round, vote.operator(), digest);
        let outcome_wanted = incoming.reply.is_some() && self.ask_for_list(round, digest);
        incoming.answer(VoteReceipt {
            verdict: VoteVerdict::Accepted,
            outcome_wanted,
        });
    }

    /// Answers a vote that was counted before.
    fn again(&mut self, incoming: Incoming) {
        self.tools.observe.vote_again();
        let (round, digest) = (incoming.vote.header().round, incoming.vote.digest());
        let outcome_wanted = incoming.reply.is_some() && self.ask_for_list(round, digest);
        incoming.answer(VoteReceipt {
            verdict: VoteVerdict::Duplicate,
            outcome_wanted,
        });
    }

    fn reject(&self, incoming: Incoming, reason: VoteRejection, detail: String) {
        self.tools.observe.vote_rejected(reason, &detail);
        incoming.answer(VoteReceipt::rejected(reason, detail));
    }

    /// Answers a vote whose signature is bad, and remembers who sent it.
    fn forged(&mut self, incoming: Incoming, error: &ProtocolError) {
        let (round, operator) = (incoming.vote.header().round, incoming.vote.operator());
        if let Some(round) = self.state.round_mut(round) {
            round.failed(incoming.source, operator);
        }
        self.reject(incoming, VoteRejection::BadSignature, error.to_string());
    }

    /// Keeps a vote until the table of its epoch is here.
    fn park(&mut self, epoch: Epoch, incoming: Incoming) {
        let parked: usize = self.parked.values().map(Vec::len).sum();
        if parked >= PARKED && incoming.reply.is_some() {
            return self.reject(
                incoming,
                VoteRejection::Overloaded,
                "too many votes wait for tables".into(),
            );
        }
        self.parked.entry(epoch).or_default().push(incoming);
        self.fetch(epoch);
    }

    /// Asks for the table of an epoch, once at a time.
    fn fetch(&mut self, epoch: Epoch) {
        if !self.fetching.insert(epoch) {
            return;
        }
        let (chain, mailbox) = (Arc::clone(&self.tools.chain), self.mailbox.clone());
        tokio::spawn(async move {
            let table = chain.table(epoch).await.map(|table| table.map(Box::new));
            mailbox.tell(Message::Table(epoch, table)).await;
        });
    }

    /// Goes on with the votes that waited for a table; those from the store wait on if it did not come.
    async fn table_came(&mut self, epoch: Epoch, result: Result<Option<Box<StakeTable>>, Fault>) {
        self.fetching.remove(&epoch);
        let why = match result {
            Ok(Some(table)) => {
                self.state.put_table(Arc::new(*table));
                let parked = self.parked.remove(&epoch).unwrap_or_default();
                return self.take(parked).await;
            }
            Ok(None) => format!("the table of epoch {epoch} is not complete on L2"),
            Err(fault) => fault.to_string(),
        };
        self.tools.observe.hindered("table", &why);
        let (waiting, stored): (Vec<_>, Vec<_>) = self
            .parked
            .remove(&epoch)
            .unwrap_or_default()
            .into_iter()
            .partition(|incoming| incoming.reply.is_some());
        for incoming in waiting {
            self.reject(incoming, VoteRejection::NoStakeTable, why.clone());
        }
        if !stored.is_empty() {
            self.parked.insert(epoch, stored);
        }
    }

    /// The header behind a digest.
    fn header(&self, digest: Digest) -> Option<Wanted> {
        let (round, header) = self
            .state
            .rounds()
            .find_map(|(round, votes)| Some((round, *votes.header(digest)?)))?;
        Some(Wanted {
            header,
            here: self.lists.contains(&HeaderId { round, digest }),
        })
    }

    /// Whether to ask the sender of a vote for the list behind its header.
    fn ask_for_list(&mut self, round: Round, digest: Digest) -> bool {
        let millis = self.millis();
        let wanted = self.wants_list(round, digest, millis);
        if wanted {
            self.books.entry(round).or_default().asked(digest, millis);
        }
        wanted
    }

    /// Whether the list behind a header is missing, worth having, and not on its way.
    fn wants_list(&self, round: Round, digest: Digest, millis: Millis) -> bool {
        let Some(votes) = self.state.round(round) else {
            return false;
        };
        let leading = votes
            .decided()
            .or_else(|| votes.leader().map(|(digest, ..)| digest));
        let book = self.books.get(&round);
        leading == Some(digest)
            && !self.lists.contains(&HeaderId { round, digest })
            && !self.tools.uploads.is_active(digest)
            && book.is_none_or(|book| !book.is_over() && book.may_ask(digest, millis))
    }

    fn list_came(&mut self, id: HeaderId) {
        self.lists.insert(id);
    }

    /// How a round stands.
    fn report(&self, round: Round) -> Option<RoundReport> {
        let votes = self.state.round(round)?;
        let wanted = votes
            .leader()
            .is_some_and(|(digest, ..)| self.wants_list(round, digest, self.millis()));
        match self.books.get(&round) {
            Some(book) => Some(book.report(round, votes, wanted)),
            None => Some(Book::default().report(round, votes, wanted)),
        }
    }

    /// Takes news of a round; what L2 certified convicts those who signed another outcome.
    async fn progress(&mut self, round: Round, progress: Progress) {
        if let Progress::OnChain(on_chain, _) = &progress
            && matches!(on_chain.standing, Standing::Certified | Standing::Settled)
        {
            self.confirm(round, on_chain.digest).await;
        }
        if let Progress::Failed(reason, detail) = &progress {
            self.tools.observe.round_failed(round, *reason, detail);
        }
        self.books.entry(round).or_default().note(progress);
    }

    /// Learns what L2 certified.
    async fn confirm(&mut self, round: Round, digest: Digest) {
        let Some(votes) = self.state.round_mut(round) else {
            return;
        };
        votes.decide(digest);
        let book = self.books.entry(round).or_default();
        book.on_chain = Some(digest);
        let header = votes.header(digest).copied();
        let Some(header) = header.filter(|_| book.confirmed.is_none()) else {
            return;
        };
        let found = votes.divergences(&header);
        let cases: Vec<_> = found
            .into_iter()
            .map(|(operator, evidence)| Case::new(operator, evidence))
            .collect();
        if cases.is_empty() || self.store(Vec::new(), cases).await.is_ok() {
            self.books.entry(round).or_default().confirmed = Some(header);
        }
    }

    /// A vote was counted: perhaps the first for a header that L2 certified before.
    async fn recognise(&mut self, round: Round, digest: Digest) {
        let book = self.books.get(&round);
        if book.is_some_and(|book| book.on_chain == Some(digest) && book.confirmed.is_none()) {
            self.confirm(round, digest).await;
        }
    }

    /// Builds the certificates that are due.
    fn certify(&mut self) {
        let (millis, grace) = (self.millis(), self.state.limits().grace);
        let due: Vec<(Round, Digest)> = self
            .state
            .rounds()
            .filter(|(round, _)| {
                self.books
                    .get(round)
                    .is_none_or(|book| book.not_before <= millis)
            })
            .filter_map(|(round, votes)| Some((round, votes.due(millis, grace)?)))
            .collect();
        for (round, digest) in due {
            let built = self
                .state
                .round(round)
                .and_then(|votes| votes.certificate(digest));
            match built {
                Some(Ok(certificate)) => self.certified(round, certificate),
                Some(Err(error)) => {
                    self.tools.observe.hindered("certificate", error);
                    self.books.entry(round).or_default().not_before = millis.after(REBUILD);
                }
                None => {}
            }
        }
    }

    /// Fixes the round and hands its certificate on.
    fn certified(&mut self, round: Round, certificate: Certificate) {
        let Some(votes) = self.state.round_mut(round) else {
            return;
        };
        votes.decide(certificate.digest());
        let total = votes.table().total().get();
        let (digest, signed) = (certificate.digest(), certificate.signed_stake().get());
        self.tools.observe.round_certified(
            round,
            digest,
            certificate.signers().len(),
            signed,
            total,
        );
        let book = self.books.entry(round).or_default();
        book.certifying();
        let (sender, _) = watch::channel(None);
        let sender = book.certificate.get_or_insert(sender);
        sender.send_replace(Some(Arc::new(certificate)));
    }

    /// Starts a job for every round that has votes and no job yet. After its deadline a job still
    /// looks at what became of the round.
    fn hand_on(&mut self) {
        let rounds: Vec<Round> = self
            .state
            .rounds()
            .filter(|(_, votes)| votes.leader().is_some())
            .map(|(round, _)| round)
            .collect();
        for round in rounds {
            let book = self.books.entry(round).or_default();
            let started = book
                .certificate
                .as_ref()
                .is_some_and(|sender| sender.receiver_count() > 0);
            if started || book.is_over() {
                continue;
            }
            let sender = book
                .certificate
                .get_or_insert_with(|| watch::channel(None).0);
            let job = Job {
                round,
                certificate: sender.subscribe(),
            };
            if self.tools.jobs.try_send(job).is_err() {
                // Dropping the job dropped its receiver, so the next turn tries again.
                book.note(Progress::Waits(
                    RoundFailure::ChainUnreachable,
                    "too many rounds are being settled".into(),
                ));
            }
        }
    }

    /// Once a second: tables that will be needed, votes that wait, rounds that are over.
    async fn keep_house(&mut self) {
        let clock = now();
        let books = &self.books;
        let forgotten = self
            .state
            .forget(clock, |round| books.get(&round).is_some_and(Book::is_over));
        self.tools.observe.rounds_kept(self.state.rounds().count());
        for epoch in self.epochs_needed(clock) {
            self.fetch(epoch);
        }
        if forgotten.is_empty() {
            return;
        }
        for round in &forgotten {
            self.books.remove(round);
        }
        self.lists.retain(|id| self.state.round(id.round).is_some());
        let store = Arc::clone(&self.tools.store);
        if let Err(error) = blocking(move || store.drop_rounds(&forgotten)).await {
            self.tools.observe.store_failed(error);
        }
    }

    /// Epochs whose tables are missing: those that votes wait for, the present one and, shortly
    /// before it begins, the next one.
    fn epochs_needed(&self, clock: Timestamp) -> Vec<Epoch> {
        let schedule = self.state.schedule();
        let since = clock.get().saturating_sub(schedule.genesis.get());
        let epoch_at = |seconds: u64| {
            Epoch::new(
                seconds
                    .checked_div(u64::from(schedule.stake_epoch))
                    .unwrap_or(0),
            )
        };
        let coming = [
            epoch_at(since),
            epoch_at(since.saturating_add(u64::from(schedule.period))),
        ];
        let mut epochs: BTreeSet<Epoch> = self.parked.keys().copied().collect();
        epochs.extend(coming);
        epochs
            .into_iter()
            .filter(|epoch| !self.state.has_table(*epoch))
            .collect()
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

    fn millis(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// The wall clock. It only decides whose votes are taken and what is still worth doing.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::new(since.as_secs())
}

/// Runs disk work beside the tasks; an error comes back in words.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, quorate_store::StoreError> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
