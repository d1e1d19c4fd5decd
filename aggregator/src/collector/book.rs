//! What the collector knows of a round beside its votes: how it goes on, who was asked for the list.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quorate_canon::{Digest, OperatorIndex, Round};
use quorate_protocol::{Certificate, Header};
use quorate_rpc::{
    RoundFailure,
    wire::{Phase, RoundReport},
};
use tokio::sync::watch;

use super::{Millis, Progress, RoundVotes, Source};
use crate::chain::Standing;

/// How long an operator that was asked for a list has before the next one is asked.
const ASK_AGAIN: Millis = Millis(2_000);

/// A round's book.
#[derive(Debug)]
pub(super) struct Book {
    phase: Phase,
    failure: Option<(RoundFailure, String)>,
    posted: u32,
    chunks: u32,
    asked: BTreeMap<Digest, Millis>,
    /// Operators that were asked, each once for a header: none can keep the others from being asked.
    asked_of: BTreeSet<(Digest, OperatorIndex)>,
    /// Where each operator's vote came from.
    came: BTreeMap<OperatorIndex, (Digest, Source)>,
    /// The digest that L2 certified.
    pub(super) on_chain: Option<Digest>,
    /// The header behind it, once it is known here and those who signed another outcome are charged.
    pub(super) confirmed: Option<Header>,
    /// Where the certificate is handed to the round's job; none while there is no job.
    pub(super) certificate: Option<watch::Sender<Option<Arc<Certificate>>>>,
    /// Building the certificate failed; not before this moment again.
    pub(super) not_before: Millis,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            phase: Phase::Collecting,
            failure: None,
            posted: 0,
            chunks: 0,
            asked: BTreeMap::new(),
            asked_of: BTreeSet::new(),
            came: BTreeMap::new(),
            on_chain: None,
            confirmed: None,
            certificate: None,
            not_before: Millis(0),
        }
    }
}

impl Book {
    /// A certificate was made here.
    pub(super) fn certifying(&mut self) {
        self.phase = self.phase.max(Phase::Certifying);
    }

    /// Takes news of the round.
    pub(super) fn note(&mut self, progress: Progress) {
        match progress {
            Progress::OnChain(round, chunks) => {
                self.posted = round.posted;
                self.chunks = self.chunks.max(chunks);
                let (phase, failure) = match round.standing {
                    Standing::None if self.phase >= Phase::Certified => (Phase::Certifying, None),
                    Standing::None => return,
                    Standing::Certified => (Phase::Certified, self.failure.take()),
                    Standing::Settled => {
                        self.chunks = round.posted;
                        (Phase::Settled, None)
                    }
                    Standing::Refuted => {
                        (Phase::Failed, Some((RoundFailure::Refuted, String::new())))
                    }
                };
                (self.phase, self.failure) = (phase, failure);
            }
            Progress::Waits(reason, detail) => self.failure = Some((reason, detail)),
            Progress::Failed(reason, detail) => {
                self.phase = Phase::Failed;
                self.failure = Some((reason, detail));
            }
        }
    }

    /// Whether the list of a header may be asked for at `now`: nobody was asked just before.
    pub(super) fn may_ask(&self, digest: Digest, now: Millis) -> bool {
        self.asked
            .get(&digest)
            .is_none_or(|at| now.since(*at) >= ASK_AGAIN)
    }

    /// Notes that an operator was asked, if it was by the address that its vote came from.
    pub(super) fn asked(
        &mut self,
        digest: Digest,
        operator: OperatorIndex,
        source: Source,
        now: Millis,
    ) {
        let itself = self.came.get(&operator) == Some(&(digest, source));
        if itself && self.asked_of.insert((digest, operator)) {
            self.asked.insert(digest, now);
        }
    }

    /// Notes where an operator's vote came from: the first time that it came from somebody, since others
    /// may repeat it.
    pub(super) fn came(&mut self, digest: Digest, operator: OperatorIndex, source: Source) {
        self.came.entry(operator).or_insert((digest, source));
    }

    /// Whether a vote for a header came from this address.
    pub(super) fn came_from(&self, digest: Digest, source: Source) -> bool {
        source.is_some() && self.came.values().any(|from| *from == (digest, source))
    }

    /// Whether nothing more will be done.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Settled | Phase::Failed)
    }

    /// The round for others to see.
    pub(super) fn report(
        &self,
        round: Round,
        votes: &RoundVotes,
        outcome_wanted: bool,
    ) -> RoundReport {
        let leader = votes.leader();
        RoundReport {
            round,
            phase: self.phase,
            failure: self
                .failure
                .as_ref()
                .map(|(reason, detail)| (reason.code(), detail.clone())),
            leading: leader.map(|(digest, ..)| digest),
            signed: leader.map_or(0, |(_, _, stake, _)| stake),
            total: Some(votes.table().total().get()),
            signers: leader.map_or(0, |(.., signers)| {
                u32::try_from(signers).unwrap_or(u32::MAX)
            }),
            headers: u32::try_from(votes.headers()).unwrap_or(u32::MAX),
            outcome_wanted,
            chunks_posted: self.posted,
            chunks: self.chunks,
        }
    }
}
