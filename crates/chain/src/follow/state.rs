//! All that is folded from the logs of L2.

use alloy::primitives::Address;
use alloy::rpc::types::Log;

use crate::ChainError;
use crate::market::{MarketEvent, MarketIndex};
use crate::rounds::{RoundEvent, RoundLog};
use crate::rpc::position;

/// The contracts whose events are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contracts {
    /// `Market`.
    pub market: Address,
    /// `Providers`.
    pub providers: Address,
    /// `Rounds`.
    pub rounds: Address,
}

impl Contracts {
    /// All of them.
    #[must_use]
    pub const fn addresses(&self) -> [Address; 3] {
        [self.market, self.providers, self.rounds]
    }
}

/// Market and rounds, as of one block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Offers, requests, and the values beside them.
    pub market: MarketIndex,
    /// Certified rounds and policies.
    pub rounds: RoundLog,
}

impl State {
    /// Applies the logs of one block, all or none. With `undoable` they can be taken back.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`].
    pub fn apply(
        &mut self,
        contracts: &Contracts,
        block: u64,
        logs: &[Log],
        undoable: bool,
    ) -> Result<(), ChainError> {
        let mut market = Vec::new();
        let mut rounds = Vec::new();
        for log in logs {
            let address = log.address();
            if address == contracts.market {
                market.extend(MarketEvent::from_market(log)?);
            } else if address == contracts.providers {
                market.extend(MarketEvent::from_providers(log)?);
            } else if address == contracts.rounds {
                rounds.extend(RoundEvent::from_log(log)?);
            }
        }
        self.apply_events(block, &market, &rounds, undoable)
    }

    /// Applies the events of one block, all or none.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`].
    pub fn apply_events(
        &mut self,
        block: u64,
        market: &[MarketEvent],
        rounds: &[RoundEvent],
        undoable: bool,
    ) -> Result<(), ChainError> {
        // The first half is undoable in any case, until the second has been applied too.
        let bad = |detail: String| ChainError::BadEvent {
            block,
            log: 0,
            detail,
        };
        self.market
            .apply(block, market, true)
            .map_err(|error| bad(error.to_string()))?;
        if let Err(error) = self.rounds.apply(block, rounds, undoable) {
            self.market.rollback(block.saturating_sub(1));
            return Err(bad(error.to_string()));
        }
        if !undoable {
            self.market.finalize(block);
        }
        Ok(())
    }

    /// Takes every block above `block` back.
    pub fn rollback(&mut self, block: u64) {
        self.market.rollback(block);
        self.rounds.rollback(block);
    }

    /// Declares every block up to `block` final.
    pub fn finalize(&mut self, block: u64) {
        self.market.finalize(block);
        self.rounds.finalize(block);
    }

    /// Applies the logs of many blocks, in order, none of which can be taken back.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`].
    pub fn apply_final(&mut self, contracts: &Contracts, logs: &[Log]) -> Result<(), ChainError> {
        for block in logs.chunk_by(|a, b| position(a).0 == position(b).0) {
            let number = block.first().map_or(0, |log| position(log).0);
            self.apply(contracts, number, block, false)?;
        }
        Ok(())
    }
}
