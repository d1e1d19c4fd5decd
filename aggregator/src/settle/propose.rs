//! Settling a round that nobody has certified: for a bond, by the header with most stake behind it.
//!
//! The outcome of a round is unique and refutable, so it needs no signatures to be right. It is not
//! worked out again here: the bond rests on those who signed the header, and on the list that fits it.

use std::collections::BTreeSet;

use alloy::primitives::U256;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use quorate_canon::{OperatorIndex, Timestamp};
use quorate_protocol::Header;
use quorate_rpc::RoundFailure;

use super::job::{Failure, Work};
use super::{Beacons, Terms};
use crate::chain::{Action, Chain, Fault};
use crate::clock::now;
use crate::collector::ingress::Candidates;
use crate::store::{HeaderId, blocking};

/// Operators that are asked about at a time.
const AT_A_TIME: usize = 8;
/// A refusal may only mean that the endpoint is a block behind: so often a proposal is tried again.
const REFUSALS: u32 = 8;
const FULL: u128 = 10_000;

/// Why a proposal is not made.
pub(super) enum NoProposal {
    /// Nothing can be proposed now; perhaps later.
    NotYet(Failure),
    /// The contract would not take it now.
    Refused(Failure),
    /// Nothing will be proposed in this round.
    Never(Failure),
}

impl NoProposal {
    fn refused(detail: impl ToString) -> Failure {
        Failure::new(RoundFailure::ProposalRefused, detail)
    }
}

impl From<Fault> for NoProposal {
    fn from(fault: Fault) -> Self {
        Self::NotYet(Failure::new(RoundFailure::ChainUnreachable, fault))
    }
}

impl<C: Chain, B: Beacons> Work<C, B> {
    /// The terms on which this round may be proposed now: from half of its time-out on, and while
    /// there is time to post the outcome in full, since the bond is lost otherwise.
    pub(super) fn may_propose(&self) -> Option<(Terms, Timestamp)> {
        let terms = self.tools.terms?;
        let close = self.tools.schedule.close(self.round).ok()?.get();
        let timeout = u64::from(self.tools.schedule.settle_timeout);
        let from = close.saturating_add(timeout / 2);
        let until = close.saturating_add(timeout - timeout / 4);
        let may = (from..until).contains(&now().get());
        may.then_some((terms, Timestamp::new(until)))
    }

    /// Proposes the round, which has to be mined by `until`. `refused` counts refusals before.
    pub(super) async fn propose(
        &self,
        (terms, until): &(Terms, Timestamp),
        refused: u32,
    ) -> Result<(), NoProposal> {
        let deadline = *until;
        let bond = self.tools.chain.proposal_bond().await?;
        if bond > terms.max_bond {
            let detail = format!("the bond is {bond} wei, max_bond_wei is {}", terms.max_bond);
            return Err(NoProposal::Never(NoProposal::refused(detail)));
        }
        let header = self.candidate(terms).await?;
        let beacon = self
            .beacon(&header, deadline)
            .await
            .map_err(NoProposal::NotYet)?;
        // Before it is sent: a bond that a crash has made us forget would be lost to us.
        let (store, round) = (self.tools.store.clone(), self.round);
        blocking(move || store.put_proposal(round))
            .await
            .map_err(|error| NoProposal::NotYet(NoProposal::refused(error)))?;
        let action = Action::Propose {
            header: Box::new(header),
            beacon,
            bond,
        };
        let result = self.tools.chain.act(&action, deadline).await;
        self.tools.observe.acted(&action, &result);
        match result {
            Ok(_) => {
                self.tools.observe.round_proposed(self.round, bond);
                Ok(())
            }
            Err(Fault::Refused(why)) if refused < REFUSALS => {
                if why.contains("OutOfTime") {
                    self.tick(refused, deadline).await;
                }
                Err(NoProposal::Refused(NoProposal::refused(why)))
            }
            Err(fault @ Fault::Unreachable(_)) => Err(fault.into()),
            Err(fault) => Err(NoProposal::Never(NoProposal::refused(fault))),
        }
    }

    /// On a quiet chain the newest block may be older than half of the time-out.
    async fn tick(&self, times: u32, deadline: Timestamp) {
        let action = Action::Tick(self.round, times);
        let result = self.tools.chain.act(&action, deadline).await;
        self.tools.observe.acted(&action, &result);
    }

    /// The header with most stake behind it, struck operators left out, whose list is here.
    async fn candidate(&self, terms: &Terms) -> Result<Header, NoProposal> {
        let none = || NoProposal::NotYet(NoProposal::refused("nobody has signed a header"));
        let candidates = self
            .tools
            .mailbox
            .candidates(self.round)
            .await
            .ok_or_else(none)?;
        let struck = self.struck_of(&candidates).await?;
        let mut why = NoProposal::refused("too little stake has signed one header");
        for header in ranked(&candidates, &struck, terms.min_stake_bps) {
            let id = HeaderId {
                round: self.round,
                digest: header.digest(),
            };
            let store = self.tools.store.clone();
            match blocking(move || store.list(id)).await {
                // It was checked against the root when it came; a disk may have changed it.
                Ok(Some(list)) if list.outcome_root() == header.outcome_root => return Ok(header),
                Ok(_) => why = NoProposal::refused(format!("no list of {} came", id.digest)),
                Err(error) => why = NoProposal::refused(error),
            }
        }
        Err(NoProposal::NotYet(why))
    }

    /// Those of the table whom L2 has struck.
    async fn struck_of(&self, candidates: &Candidates) -> Result<BTreeSet<OperatorIndex>, Fault> {
        let stakes = candidates.table.stakes();
        let with_stake = (0u32..)
            .zip(stakes)
            .filter(|(_, stake)| stake.get() > 0)
            .map(|(index, _)| OperatorIndex::new(index));
        self.struck_among(with_stake).await
    }

    /// Those of some operators whose signatures L2 does not take in this round.
    pub(super) async fn struck_among(
        &self,
        operators: impl Iterator<Item = OperatorIndex> + Send,
    ) -> Result<BTreeSet<OperatorIndex>, Fault> {
        let epoch = self
            .tools
            .schedule
            .epoch_of(self.round)
            .map_err(|error| Fault::BadData(error.to_string()))?;
        let asked = operators.collect::<Vec<_>>();
        stream::iter(asked)
            .map(|operator| async move {
                let struck = self.tools.chain.is_struck(operator, epoch).await?;
                Ok::<_, Fault>(struck.then_some(operator))
            })
            .buffer_unordered(AT_A_TIME)
            .try_filter_map(|struck| async move { Ok(struck) })
            .try_collect()
            .await
    }
}

/// Headers by the stake behind them, most first, that have at least so much of it. Where all stake is
/// struck, all counts.
fn ranked(
    candidates: &Candidates,
    struck: &BTreeSet<OperatorIndex>,
    min_stake_bps: u32,
) -> Vec<Header> {
    let table = &candidates.table;
    let all = (0u32..)
        .zip(table.stakes())
        .map(|(index, _)| OperatorIndex::new(index));
    let weigh = |operators: &mut dyn Iterator<Item = OperatorIndex>, counts_struck: bool| {
        operators
            .filter(|operator| counts_struck || !struck.contains(operator))
            .filter_map(|operator| table.stake(operator))
            .fold(0_u128, |sum, stake| sum.saturating_add(stake.get()))
    };
    let counts_struck = weigh(&mut all.clone(), false) == 0;
    let total = weigh(&mut all.clone(), counts_struck);
    let mut ranked: Vec<(u128, &Header)> = candidates
        .headers
        .iter()
        .map(|(header, signers)| (weigh(&mut signers.iter().copied(), counts_struck), header))
        .filter(|(stake, _)| {
            let (signed, least) = (U256::from(*stake), U256::from(min_stake_bps));
            *stake > 0 && signed * U256::from(FULL) >= U256::from(total) * least
        })
        .collect();
    ranked.sort_by_key(|(stake, header)| (std::cmp::Reverse(*stake), header.digest()));
    ranked.into_iter().map(|(_, header)| *header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn candidates(world: &World, votes: &[(u8, &[u32])]) -> Candidates {
        let header = |flavour| world.header(world.round(), flavour);
        let signers =
            |operators: &[u32]| operators.iter().copied().map(OperatorIndex::new).collect();
        Candidates {
            headers: votes
                .iter()
                .map(|(flavour, operators)| (header(*flavour), signers(operators)))
                .collect(),
            table: world.table.clone(),
        }
    }

    fn order(world: &World, votes: &[(u8, &[u32])], struck: &[u32], bps: u32) -> Vec<Header> {
        let struck = struck.iter().copied().map(OperatorIndex::new).collect();
        ranked(&candidates(world, votes), &struck, bps)
    }

    #[test]
    fn most_stake_comes_first() {
        let world = World::new(&[10, 20, 30, 40]);
        let header = |flavour| world.header(world.round(), flavour);
        let got = order(&world, &[(0, &[0, 1]), (1, &[3])], &[], 0);
        assert_eq!(got, [header(1), header(0)]);
    }

    #[test]
    fn struck_operators_weigh_nothing_in_sum_and_total() {
        let world = World::new(&[10, 20, 30, 40]);
        let header = |flavour| world.header(world.round(), flavour);
        // Without 2 and 3 there are 30 left: the honest 10 are a third, the liars nothing.
        let votes: [(u8, &[u32]); 2] = [(0, &[0]), (1, &[2, 3])];
        assert_eq!(order(&world, &votes, &[2, 3], 3_333), [header(0)]);
        assert_eq!(order(&world, &votes, &[2, 3], 3_334), []);
    }

    #[test]
    fn where_everybody_is_struck_everybody_counts() {
        let world = World::new(&[10, 20]);
        let got = order(&world, &[(0, &[0, 1])], &[0, 1], 3_334);
        assert_eq!(got, [world.header(world.round(), 0)]);
    }

    #[test]
    fn less_than_the_least_share_is_left_out() {
        let world = World::new(&[33, 67]);
        assert!(order(&world, &[(0, &[0])], &[], 3_334).is_empty());
        assert_eq!(order(&world, &[(0, &[0])], &[], 3_300).len(), 1);
    }
}
