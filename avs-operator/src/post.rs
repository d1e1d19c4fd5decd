//! Hands votes and lists to the aggregators. Each aggregator has a task of its own for each vote:
//! one that hangs delays nobody, and none of them can fail the node.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorate_canon::Timestamp;
use quorate_rpc::{
    Client, ClientLimits, ClientTls, RpcError, VoteRejection,
    wire::{Phase, VoteVerdict},
};
use quorate_service::Shutdown;
use url::Url;

use crate::{observe::Observe, voter::Ballot};

/// First pause after an aggregator could not be reached, or asked to be asked again; doubled up to
/// [`MAX_PAUSE`].
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

    /// Whether the list is wanted, or `None` if the vote was refused for good or came too late. A refusal
    /// that may pass (the aggregator lacks the stake table, or has too much to do) is no answer yet.
    async fn deliver_vote(&self) -> Option<bool> {
        let round = self.ballot.vote.header().round;
        let endpoint = self.client.endpoint();
        let bytes = self.ballot.vote.to_bytes();
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.client.submit_vote(&bytes).await {
                Ok(receipt) => match receipt.verdict {
                    VoteVerdict::Accepted => return self.taken(false, receipt.outcome_wanted),
                    VoteVerdict::Duplicate => return self.taken(true, receipt.outcome_wanted),
                    VoteVerdict::Rejected { code, detail, .. } if may_pass(code) => {
                        self.observe.vote_put_off(round, endpoint, code, &detail);
                        format!("put off to the last with code {code}: {detail}")
                    }
                    VoteVerdict::Rejected { code, detail, .. } => {
                        self.observe.vote_refused(round, endpoint, code, &detail);
                        return None;
                    }
                },
                Err(error) => error.to_string(),
            };
            if self.over() {
                self.observe.vote_undelivered(round, endpoint, &failure);
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

/// Whether the same vote may be taken later: the aggregator is not ready, or its clock behind ours.
fn may_pass(code: u32) -> bool {
    VoteRejection::from_code(code).is_some_and(VoteRejection::is_retryable)
}

/// The wall clock, in whole seconds.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::new(since.map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
pub(crate) mod tests;
