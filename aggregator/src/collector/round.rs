//! The votes of one round: grouped by header, each operator counted once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quorate_canon::{Digest, OperatorIndex};
use quorate_protocol::{
    Certificate, CertificateBuilder, Divergence, Evidence, Header, ProtocolError, StakeTable,
    Verified, Vote, detect, quorum_reached,
};

use super::Millis;
use super::ingress::Candidates;

/// What a verified vote is to a round.
#[derive(Debug)]
pub enum Judgement {
    /// The operator's first: it counts.
    Count,
    /// The operator's first, again.
    Again,
    /// Another header than the operator's first. It is not counted; it is evidence.
    Equivocation(Box<Evidence>),
    /// The operator's equivocation is known already.
    Known,
}

/// The votes for one header.
#[derive(Debug)]
struct Group {
    header: Header,
    signers: BTreeSet<OperatorIndex>,
    stake: u128,
}

/// One round.
#[derive(Debug)]
pub struct RoundVotes {
    table: Arc<StakeTable>,
    first: BTreeMap<OperatorIndex, Vote<Verified>>,
    second: BTreeMap<OperatorIndex, Vote<Verified>>,
    groups: BTreeMap<Digest, Group>,
    voted: u128,
    quorum_at: Option<Millis>,
    decided: Option<Digest>,
    /// Operators that L2 has struck: their votes are evidence, and count for nothing else.
    struck: BTreeSet<OperatorIndex>,
}

impl RoundVotes {
    /// Without votes. `table` is that of the round's stake epoch.
    pub fn new(table: Arc<StakeTable>) -> Self {
        Self {
            table,
            first: BTreeMap::new(),
            second: BTreeMap::new(),
            groups: BTreeMap::new(),
            voted: 0,
            quorum_at: None,
            decided: None,
            struck: BTreeSet::new(),
        }
    }

    /// The table that the round is counted by.
    pub const fn table(&self) -> &Arc<StakeTable> {
        &self.table
    }

    /// An operator's first vote, and whether a second, different one is known.
    pub fn standing(&self, operator: OperatorIndex) -> Option<(&Vote<Verified>, bool)> {
        let first = self.first.get(&operator)?;
        Some((first, self.second.contains_key(&operator)))
    }

    /// What this vote is to the round; changes nothing.
    pub fn judge(&self, vote: &Vote<Verified>) -> Judgement {
        let Some(first) = self.first.get(&vote.operator()) else {
            return Judgement::Count;
        };
        if first.digest() == vote.digest() {
            return Judgement::Again;
        }
        if self.second.contains_key(&vote.operator()) {
            return Judgement::Known;
        }
        detect(first, vote).map_or(Judgement::Known, |evidence| {
            Judgement::Equivocation(Box::new(evidence))
        })
    }

    /// Takes a vote that was judged and stored. `now` dates the quorum.
    pub fn record(&mut self, vote: Vote<Verified>, now: Millis) {
        match self.judge(&vote) {
            Judgement::Count => self.count(vote, now),
            Judgement::Equivocation(_) => {
                self.second.insert(vote.operator(), vote);
            }
            Judgement::Again | Judgement::Known => {}
        }
    }

    /// Counts an operator's first vote.
    fn count(&mut self, vote: Vote<Verified>, now: Millis) {
        let operator = vote.operator();
        let stake = self.weight(operator);
        let group = self.groups.entry(vote.digest()).or_insert_with(|| Group {
            header: *vote.header(),
            signers: BTreeSet::new(),
            stake: 0,
        });
        group.signers.insert(operator);
        group.stake = group.stake.saturating_add(stake);
        self.voted = self.voted.saturating_add(stake);
        if self.quorum_at.is_none() && quorum_reached(group.stake, self.table.total().get()) {
            self.quorum_at = Some(now);
        }
        self.first.insert(operator, vote);
    }

    /// What an operator's vote weighs. A verified vote has stake in the table it was verified by,
    /// which is this one.
    fn weight(&self, operator: OperatorIndex) -> u128 {
        if self.struck.contains(&operator) {
            return 0;
        }
        self.table.stake(operator).map_or(0, |stake| stake.get())
    }

    /// Has these operators count no more. What was decided by their votes is open again; `now` dates
    /// a quorum that stands without them.
    pub fn strike(&mut self, operators: BTreeSet<OperatorIndex>, now: Millis) {
        self.struck.extend(operators);
        let mut groups = std::mem::take(&mut self.groups);
        for group in groups.values_mut() {
            let weights = group.signers.iter().map(|signer| self.weight(*signer));
            group.stake = weights.fold(0, u128::saturating_add);
        }
        let stakes = groups.values().map(|group| group.stake);
        let most = stakes.clone().max().unwrap_or(0);
        self.voted = stakes.fold(0, u128::saturating_add);
        self.groups = groups;
        self.quorum_at = quorum_reached(most, self.table.total().get()).then_some(now);
        self.decided = None;
    }

    /// The headers that were signed, and by whom first; struck operators included.
    pub fn candidates(&self) -> Candidates {
        let groups = self.groups.values();
        Candidates {
            headers: groups
                .map(|group| (group.header, group.signers.clone()))
                .collect(),
            table: Arc::clone(&self.table),
        }
    }

    /// The header with most stake behind it; the smaller digest among equals.
    pub fn leader(&self) -> Option<(Digest, &Header, u128, usize)> {
        self.groups
            .iter()
            .max_by_key(|(digest, group)| (group.stake, std::cmp::Reverse(**digest)))
            .map(|(digest, group)| (*digest, &group.header, group.stake, group.signers.len()))
    }

    /// The header that is to be certified now: it has its quorum, and either everybody with stake
    /// has voted or the `grace` for stragglers is over. None once the round is decided.
    pub fn due(&self, now: Millis, grace: Millis) -> Option<Digest> {
        let quorum_at = self.quorum_at.filter(|_| self.decided.is_none())?;
        let everybody = self.voted >= self.table.total().get();
        if !everybody && now.since(quorum_at) < grace {
            return None;
        }
        self.leader().map(|(digest, ..)| digest)
    }

    /// When [`Self::due`] is worth asking again.
    pub fn wake_at(&self, grace: Millis) -> Option<Millis> {
        let quorum_at = self.quorum_at.filter(|_| self.decided.is_none())?;
        Some(quorum_at.after(grace))
    }

    /// Fixes the round's header for good: nothing that comes later changes it.
    pub fn decide(&mut self, digest: Digest) {
        self.decided.get_or_insert(digest);
    }

    /// The header that was fixed.
    pub const fn decided(&self) -> Option<Digest> {
        self.decided
    }

    /// The certificate of a header from the votes so far, signers ascending.
    pub fn certificate(&self, digest: Digest) -> Option<Result<Certificate, ProtocolError>> {
        let group = self.groups.get(&digest)?;
        let mut builder = CertificateBuilder::new(group.header, &self.table);
        for vote in group
            .signers
            .iter()
            .filter(|signer| !self.struck.contains(signer))
            .filter_map(|signer| self.first.get(signer))
        {
            if let Err(error) = builder.add(vote) {
                return Some(Err(error));
            }
        }
        Some(builder.build())
    }

    /// A header that somebody with stake has signed.
    pub fn header(&self, digest: Digest) -> Option<&Header> {
        self.groups
            .get(&digest)
            .map(|group| &group.header)
            .or_else(|| {
                let vote = self.second.values().find(|vote| vote.digest() == digest)?;
                Some(vote.header())
            })
    }

    /// Different headers that were signed, second ones of equivocators included.
    pub fn headers(&self) -> usize {
        let seconds = self.second.values().map(Vote::digest);
        let digests: BTreeSet<_> = self.groups.keys().copied().chain(seconds).collect();
        digests.len()
    }

    /// What the votes so far prove against a certified header: signatures on another outcome of
    /// the same inputs.
    pub fn divergences(&self, certified: &Header) -> Vec<(OperatorIndex, Evidence)> {
        let votes = self.first.values().chain(self.second.values());
        votes
            .filter_map(|vote| Some((vote.operator(), divergence(certified, vote)?)))
            .collect()
    }
}

/// What a vote proves against a certified header.
pub fn divergence(certified: &Header, vote: &Vote<Verified>) -> Option<Evidence> {
    let other = vote.header();
    if other == certified || !certified.same_inputs(other) {
        return None;
    }
    Some(Evidence::Divergence(Divergence {
        certified: *certified,
        other: *other,
        signature: *vote.signature(),
    }))
}
