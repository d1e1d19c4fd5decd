//! The collector's mailbox: bounded, and what does not fit is refused, never queued elsewhere.

use std::{collections::BTreeSet, sync::Arc};

use quorate_canon::{Digest, Epoch, OperatorIndex, Round};
use quorate_protocol::{Header, StakeTable, Unverified, Vote};
use quorate_rpc::{
    RoundFailure, VoteRejection,
    wire::{RoundReport, VoteReceipt},
};
use tokio::sync::{mpsc, oneshot};

use super::Source;
use crate::{
    chain::{Fault, OnChain},
    store::HeaderId,
};

/// Messages that wait at most.
const CAPACITY: usize = 4096;

/// What others tell the collector.
#[derive(Debug)]
pub enum Message {
    /// A vote.
    Vote(Box<Incoming>),
    /// The table of an epoch, or why there is none.
    Table(Epoch, Result<Option<Box<StakeTable>>, Fault>),
    /// Asks for the header behind a digest.
    Header(Digest, oneshot::Sender<Option<Wanted>>),
    /// The same, and whether this address has sent a vote for it that was counted.
    Sender(Digest, Source, oneshot::Sender<Option<(Wanted, bool)>>),
    /// A list was stored.
    ListStored(HeaderId),
    /// Asks how a round stands.
    Round(Round, oneshot::Sender<Option<RoundReport>>),
    /// Asks which headers of a round were signed, and by whom.
    Candidates(Round, oneshot::Sender<Option<Candidates>>),
    /// These operators' signatures count no more in a round: L2 takes no certificate with them.
    Struck(Round, BTreeSet<OperatorIndex>),
    /// Asks how all rounds stand.
    Rounds(oneshot::Sender<Vec<RoundReport>>),
    /// How a round goes on.
    Progress(Round, Progress),
}

/// A vote on its way.
#[derive(Debug)]
pub struct Incoming {
    /// The vote.
    pub vote: Vote<Unverified>,
    /// Who sent it.
    pub source: Source,
    /// Whom to answer; nobody if it comes from the store, or if the caller hung up.
    pub reply: Option<oneshot::Sender<VoteReceipt>>,
}

impl Incoming {
    /// Answers, if somebody is waiting.
    pub fn answer(self, receipt: VoteReceipt) {
        if let Some(reply) = self.reply {
            // A caller that hung up changes nothing.
            let _ = reply.send(receipt);
        }
    }
}

/// A header whose list may be sent.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The header.
    pub header: Header,
    /// Whether its list is here.
    pub here: bool,
}

/// The headers of a round that were signed, and what the signers weigh.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// Each header with those who signed it first.
    pub headers: Vec<(Header, BTreeSet<OperatorIndex>)>,
    /// Their stakes.
    pub table: Arc<StakeTable>,
}

/// How a round goes on after its votes.
#[derive(Clone, Debug)]
pub enum Progress {
    /// How it stands on L2, of how many chunks if that is known.
    OnChain(OnChain, u32),
    /// It waits for something.
    Waits(RoundFailure, String),
    /// Nothing more is done for it.
    Failed(RoundFailure, String),
}

/// The way to the collector; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailbox {
    sender: mpsc::Sender<Message>,
}

impl Mailbox {
    /// A mailbox and its other end.
    pub fn new() -> (Self, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self { sender }, receiver)
    }

    /// Hands in a vote and waits for the answer. Dropping this changes nothing for the vote.
    pub async fn vote(&self, vote: Vote<Unverified>, source: Source) -> VoteReceipt {
        let (reply, answer) = oneshot::channel();
        let incoming = Incoming {
            vote,
            source,
            reply: Some(reply),
        };
        if self
            .sender
            .try_send(Message::Vote(Box::new(incoming)))
            .is_err()
        {
            return VoteReceipt::rejected(
                VoteRejection::Overloaded,
                "the collector's mailbox is full",
            );
        }
        let gone = |_| VoteReceipt::rejected(VoteRejection::Overloaded, "the collector is ending");
        answer.await.unwrap_or_else(gone)
    }

    /// The header behind a digest, if a vote for it was counted.
    pub async fn header(&self, digest: Digest) -> Option<Wanted> {
        self.ask(|reply| Message::Header(digest, reply))
            .await
            .flatten()
    }

    /// The header behind a digest, if a vote for it was counted, and whether such a vote, for a header
    /// that leads its round, came from this address.
    pub async fn sender(&self, digest: Digest, source: Source) -> Option<(Wanted, bool)> {
        self.ask(|reply| Message::Sender(digest, source, reply))
            .await
            .flatten()
    }

    /// How a round stands.
    pub async fn round(&self, round: Round) -> Option<RoundReport> {
        self.ask(|reply| Message::Round(round, reply))
            .await
            .flatten()
    }

    /// Which headers of a round were signed, and by whom.
    pub async fn candidates(&self, round: Round) -> Option<Candidates> {
        self.ask(|reply| Message::Candidates(round, reply))
            .await
            .flatten()
    }

    /// How all rounds stand, ascending.
    pub async fn rounds(&self) -> Vec<RoundReport> {
        self.ask(Message::Rounds).await.unwrap_or_default()
    }

    /// Tells something; waits for room. False if the collector has ended.
    pub async fn tell(&self, message: Message) -> bool {
        self.sender.send(message).await.is_ok()
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(message(reply)).await.ok()?;
        answer.await.ok()
    }
}
