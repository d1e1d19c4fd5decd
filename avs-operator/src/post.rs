//! Hands votes and lists to the aggregators. Each aggregator has a task of its own for each vote:
//! one that hangs delays nobody, and none of them can fail the node.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorate_canon::Timestamp;
use quorate_rpc::{
    Client, ClientLimits, ClientTls, RpcError,
    wire::{Phase, VoteVerdict},
};
use quorate_service::Shutdown;
use url::Url;

use crate::{observe::Observe, voter::Ballot};

/// First pause after an aggregator could not be reached; doubled up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How often a sender looks whether its list is wanted.
const LOOK: Duration = Duration::from_millis(400);

/// All aggregators of an operator.
#[derive(Clone, Debug)]
pub struct Post {
    clients: Vec<Client>,
    observe: Observe,
    shutdown: Shutdown,
}

impl Post {
    /// Prepares the clients; nothing is connected yet.
    ///
    /// # Errors
    /// [`RpcError`] for an address that cannot be used.
    pub fn new(
        aggregators: &[Url],
        tls: &ClientTls,
        observe: Observe,
        shutdown: Shutdown,
    ) -> Result<Self, RpcError> {
        let clients = aggregators
            .iter()
            .map(|url| Client::new(url, tls, ClientLimits::default()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            clients,
            observe,
            shutdown,
        })
    }

    /// Sends a ballot to every aggregator until `deadline`, in the background.
    pub fn send(&self, ballot: &Ballot, deadline: Timestamp) {
        for client in &self.clients {
            let delivery = Delivery {
                client: client.clone(),
                ballot: ballot.clone(),
                observe: self.observe.clone(),
                deadline,
            };
            let shutdown = self.shutdown.clone();
            tokio::spawn(async move { shutdown.or(delivery.run()).await });
        }
    }
}

/// One vote on its way to one aggregator.
struct Delivery {
    client: Client,
    ballot: Ballot,
    observe: Observe,
    deadline: Timestamp,
}

impl Delivery {
    async fn run(self) {
        let Some(wanted) = self.deliver_vote().await else {
            return;
        };
        if self.ballot.list.is_none() {
            return;
        }
        let mut sent = wanted && self.deliver_list().await;
        // Later the list may be wanted after all: whoever was asked first did not send it.
        while !sent && !self.over() {
            tokio::time::sleep(LOOK).await;
            match self.client.round(self.ballot.vote.header().round).await {
                Ok(Some(report)) if report.phase >= Phase::Settled => return,
                Ok(Some(report)) if self.is_wanted(&report) => sent = self.deliver_list().await,
                _ => {}
            }
        }
    }

    fn is_wanted(&self, report: &quorate_rpc::wire::RoundReport) -> bool {
        report.outcome_wanted && report.leading == Some(self.ballot.vote.digest())
    }

    /// Whether the list is wanted, or `None` if the vote was refused or came too late.
    async fn deliver_vote(&self) -> Option<bool> {
        let round = self.ballot.vote.header().round;
        let bytes = self.ballot.vote.to_bytes();
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.client.submit_vote(&bytes).await {
                Ok(receipt) => {
                    return match receipt.verdict {
                        VoteVerdict::Accepted => self.taken(false, receipt.outcome_wanted),
                        VoteVerdict::Duplicate => self.taken(true, receipt.outcome_wanted),
                        VoteVerdict::Rejected { code, detail, .. } => {
                            self.observe
                                .vote_refused(round, self.client.endpoint(), code, &detail);
                            None
                        }
                    };
                }
                Err(error) => error,
            };
            if self.over() {
                let endpoint = self.client.endpoint();
                self.observe
                    .vote_undelivered(round, endpoint, &error.to_string());
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    #[allow(clippy::unnecessary_wraps)] // the arm of a match whose other arms give nothing
    fn taken(&self, duplicate: bool, wanted: bool) -> Option<bool> {
        let round = self.ballot.vote.header().round;
        self.observe
            .vote_taken(round, self.client.endpoint(), duplicate);
        Some(wanted)
    }

    async fn deliver_list(&self) -> bool {
        let Ballot {
            vote,
            list: Some(list),
        } = &self.ballot
        else {
            return false;
        };
        let sent = self.client.submit_outcome(vote.digest(), list).await;
        if sent.is_ok() {
            let endpoint = self.client.endpoint();
            self.observe
                .list_sent(vote.header().round, endpoint, list.count());
        }
        sent.is_ok()
    }

    fn over(&self) -> bool {
        now() > self.deadline
    }
}

/// The wall clock, in whole seconds.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::new(since.map_or(0, |since| since.as_secs()))
}
