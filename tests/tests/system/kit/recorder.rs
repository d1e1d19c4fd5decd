//! A second aggregator that only listens: it keeps every vote that any operator ever sends, so that
//! what an operator signed can be judged without the aggregator under test.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use quorate_canon::{Digest, HealthEpoch, OperatorIndex, Round};
use quorate_health::DownList;
use quorate_matching::OutcomeList;
use quorate_protocol::{Unverified, Vote};
use quorate_rpc::{
    AttestationHandler, Handler, ListRefusal, Server, ServerLimits, SignedDowns, SignedReceipts,
    WireError, WireLimits,
    wire::{DownsVerdict, Phase, ReceiptsVerdict, RoundReport, VoteReceipt, VoteVerdict},
};
use tokio::task::JoinHandle;
use url::Url;

use super::{LONG, until};

/// All votes by who sent them for which round, with their digests.
type Votes = BTreeMap<(OperatorIndex, Round), BTreeMap<Digest, Vote<Unverified>>>;

#[derive(Debug, Default)]
struct Heard {
    votes: Mutex<Votes>,
    lists: Mutex<BTreeMap<Digest, OutcomeList>>,
    downs: Mutex<Vec<SignedDowns>>,
}

/// The listener; it ends with its handle.
#[derive(Debug)]
pub(crate) struct Recorder {
    heard: Arc<Heard>,
    url: Url,
    server: JoinHandle<()>,
}

impl Recorder {
    /// Listens on a free port.
    pub(crate) async fn start() -> Result<Self> {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(here, ServerLimits::default(), None).await?;
        let url = format!("http://{}", server.address()).parse()?;
        let heard = Arc::new(Heard::default());
        let handler = Arc::clone(&heard);
        let server = tokio::spawn(async move {
            let forever = std::future::pending();
            let _ = server
                .run(handler, WireLimits::default(), |_| (), forever)
                .await;
        });
        Ok(Self { heard, url, server })
    }

    /// Where it listens.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// A vote of an operator that has signed in the round: it signs, and writes so, before it sends.
    pub(crate) async fn vote(&self, operator: usize, round: Round) -> Result<Vote<Unverified>> {
        until("a vote that was signed", LONG, async || {
            Ok(self.votes(operator, round).pop())
        })
        .await
    }

    /// The list behind a header that somebody has voted for: it is sent after the vote.
    pub(crate) async fn list_behind(&self, digest: Digest) -> Result<OutcomeList> {
        until("the list behind a vote", LONG, async || {
            Ok(self.list(digest))
        })
        .await
    }

    /// The votes that an operator has sent for a round.
    pub(crate) fn votes(&self, operator: usize, round: Round) -> Vec<Vote<Unverified>> {
        let key = (index(operator), round);
        let votes = lock(&self.heard.votes);
        votes
            .get(&key)
            .into_iter()
            .flatten()
            .map(|(_, vote)| *vote)
            .collect()
    }

    /// The rounds that an operator has voted in.
    pub(crate) fn rounds(&self, operator: usize) -> BTreeSet<Round> {
        let votes = lock(&self.heard.votes);
        let own = votes.keys().filter(|(who, _)| *who == index(operator));
        own.map(|(_, round)| *round).collect()
    }

    /// Operators that have sent two headers of one round.
    pub(crate) fn contradictions(&self) -> BTreeSet<(u32, Round)> {
        let votes = lock(&self.heard.votes);
        let double = votes.iter().filter(|(_, digests)| digests.len() > 1);
        double
            .map(|((who, round), _)| (who.get(), *round))
            .collect()
    }

    /// All lists of windows DOWN that operators have sent.
    pub(crate) fn downs(&self) -> Vec<SignedDowns> {
        lock(&self.heard.downs).clone()
    }

    /// The list behind a header.
    pub(crate) fn list(&self, digest: Digest) -> Option<OutcomeList> {
        lock(&self.heard.lists).get(&digest).cloned()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl AttestationHandler for Heard {
    async fn downs(&self, downs: SignedDowns, _: Option<IpAddr>) -> DownsVerdict {
        lock(&self.downs).push(downs);
        DownsVerdict::Accepted
    }

    fn malformed_list(&self, _: &WireError) {}

    async fn proposals(&self, _: HealthEpoch) -> Vec<DownList> {
        Vec::new()
    }

    async fn receipts(&self, _: SignedReceipts, _: Option<IpAddr>) -> ReceiptsVerdict {
        ReceiptsVerdict::Accepted
    }

    fn malformed_receipts(&self, _: &WireError) {}
}

impl Handler for Heard {
    type Admission = ();

    async fn vote(&self, vote: Vote<Unverified>, _peer: Option<IpAddr>) -> VoteReceipt {
        let key = (vote.operator(), vote.header().round);
        let mut votes = lock(&self.votes);
        votes.entry(key).or_default().insert(vote.digest(), vote);
        VoteReceipt {
            verdict: VoteVerdict::Accepted,
            outcome_wanted: true,
        }
    }

    fn malformed(&self, _error: &WireError) {}

    async fn admit(&self, _: Digest, _: Option<IpAddr>) -> Result<Option<()>, ListRefusal> {
        Ok(Some(()))
    }

    async fn list(&self, digest: Digest, list: OutcomeList, (): ()) -> Result<bool, ListRefusal> {
        Ok(lock(&self.lists).insert(digest, list).is_none())
    }

    /// Whoever asks is told that there is nothing more to do.
    async fn round(&self, round: Round) -> Option<RoundReport> {
        Some(RoundReport {
            round,
            phase: Phase::Settled,
            failure: None,
            leading: None,
            signed: 0,
            total: None,
            signers: 0,
            headers: 0,
            outcome_wanted: false,
            chunks_posted: 0,
            chunks: 0,
        })
    }
}

fn index(operator: usize) -> OperatorIndex {
    OperatorIndex::new(u32::try_from(operator).unwrap_or(u32::MAX))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
