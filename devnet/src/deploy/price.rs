//! What costs what on a devnet: bonds and bounties, the pot that posting is paid from, and what
//! operators earn.

use alloy::primitives::U256;

/// Amounts that the contracts are deployed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// What a proposal costs until its round is final, wei.
    pub proposal_bond: U256,
    /// What a commitment to a witness costs until it is revealed, wei.
    pub commit_bond: U256,
    /// The most that a refutation pays, wei; below the bond, so that nobody gains by refuting
    /// their own proposal.
    pub bounty_cap: U256,
    /// The most that the pot of fees keeps for those who post, micro-dollars.
    pub pot_cap: U256,
    /// What all operators together earn in a stake epoch at most, smallest units of L1's token.
    pub epoch_budget: U256,
    /// How many budgets lie in `Rewards` from the start.
    pub epochs: u64,
    /// An operator with a smaller share of its work, basis points, is below the floor.
    pub floor: u16,
    /// After so many epochs in a row below the floor anybody may eject it.
    pub patience: u16,
}

impl Price {
    /// The devnet's.
    #[must_use]
    pub const fn devnet() -> Self {
        const MILLI: u64 = 1_000_000_000_000_000;
        Self {
            proposal_bond: U256::from_limbs([1_000 * MILLI, 0, 0, 0]),
            commit_bond: U256::from_limbs([100 * MILLI, 0, 0, 0]),
            bounty_cap: U256::from_limbs([50 * MILLI, 0, 0, 0]),
            pot_cap: U256::from_limbs([1_000_000_000, 0, 0, 0]),
            // 2.5, 3, 3.5 and 4 tokens for four operators with what the devnet gives them.
            epoch_budget: U256::from_limbs([13_000 * MILLI, 0, 0, 0]),
            epochs: 1_000,
            floor: 5_000,
            patience: 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuting_ones_own_proposal_costs_more_than_it_pays() {
        let price = Price::devnet();
        assert!(price.bounty_cap < price.proposal_bond);
        assert!(price.commit_bond > U256::ZERO);
    }
}
