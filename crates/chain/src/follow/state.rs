//! All that is folded from the logs of L2.

use alloy::primitives::Address;
use alloy::rpc::types::Log;
use tracing::error;

use crate::ChainError;
use crate::machines::{MachineEvent, MachineIndex};
use crate::market::{MarketEvent, MarketIndex};
use crate::rounds::{RoundEvent, RoundLog};
use crate::rpc::position;

fn push(
    into: &mut Result<Vec<MachineEvent>, ChainError>,
    event: Result<Option<MachineEvent>, ChainError>,
) {
    match (into.as_mut(), event) {
        (Ok(events), Ok(event)) => events.extend(event),
        (Ok(_), Err(error)) => *into = Err(error),
        (Err(_), _) => {}
    }
}

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

/// All contracts whose events are followed, those included that a deployment may be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// Those that every deployment has.
    pub contracts: Contracts,
    /// `Machines`; without it [`State::machines`] stays empty.
    pub machines: Option<Address>,
}

impl Followed {
    /// All of them.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses = self.contracts.addresses().to_vec();
        addresses.extend(self.machines);
        addresses
    }
}

impl From<Contracts> for Followed {
    fn from(contracts: Contracts) -> Self {
        Self {
            contracts,
            machines: None,
        }
    }
}

/// Market, rounds and machines, as of one block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Offers, requests, and the values beside them.
    pub market: MarketIndex,
    /// Certified rounds and policies.
    pub rounds: RoundLog,
    /// Machines with an agent, and leases; empty where `Machines` is not followed.
    pub machines: MachineIndex,
    /// Whether an event of a machine did not fit, so that [`State::machines`] is not kept any more.
    machines_lost: bool,
}

impl State {
    /// Applies the logs of one block, all or none. With `undoable` they can be taken back.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`].
    pub fn apply(
        &mut self,
        followed: &Followed,
        block: u64,
        logs: &[Log],
        undoable: bool,
    ) -> Result<(), ChainError> {
        let Followed {
            contracts,
            machines: of_machines,
        } = followed;
        let (mut market, mut rounds, mut machines) = (Vec::new(), Vec::new(), Ok(Vec::new()));
        for log in logs {
            let address = log.address();
            if address == contracts.market {
                market.extend(MarketEvent::from_market(log)?);
                if of_machines.is_some() {
                    push(&mut machines, MachineEvent::from_market(log));
                }
            } else if address == contracts.providers {
                market.extend(MarketEvent::from_providers(log)?);
            } else if address == contracts.rounds {
                rounds.extend(RoundEvent::from_log(log)?);
            } else if Some(address) == *of_machines {
                push(&mut machines, MachineEvent::from_machines(log));
            }
        }
        self.apply_events(block, &market, &rounds, undoable)?;
        let applied = machines.and_then(|machines| self.apply_machines(block, &machines, undoable));
        if let Err(error) = applied {
            self.lose_machines(&error);
        }
        Ok(())
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

    /// Whether [`State::machines`] is kept; where it is not, it is empty, and machines cannot be judged
    /// by it.
    #[must_use]
    pub const fn has_machines(&self) -> bool {
        !self.machines_lost
    }

    /// The state of an image.
    pub(super) const fn restored(
        market: MarketIndex,
        rounds: RoundLog,
        machines: MachineIndex,
    ) -> Self {
        Self {
            market,
            rounds,
            machines,
            machines_lost: false,
        }
    }

    fn apply_machines(
        &mut self,
        block: u64,
        machines: &[MachineEvent],
        undoable: bool,
    ) -> Result<(), ChainError> {
        if self.machines_lost {
            return Ok(());
        }
        let applied = self.machines.apply(block, machines, undoable);
        applied.map_err(|error| ChainError::BadEvent {
            block,
            log: 0,
            detail: error.to_string(),
        })
    }

    /// Rounds do not rest on machines: what is wrong with these must not stop those.
    fn lose_machines(&mut self, error: &ChainError) {
        error!(%error, "machines cannot be followed any more; rounds go on. Check contracts.machines, restart with an empty store.data");
        self.machines = MachineIndex::default();
        self.machines_lost = true;
    }

    /// Takes every block above `block` back.
    pub fn rollback(&mut self, block: u64) {
        self.market.rollback(block);
        self.rounds.rollback(block);
        self.machines.rollback(block);
    }

    /// Declares every block up to `block` final.
    pub fn finalize(&mut self, block: u64) {
        self.market.finalize(block);
        self.rounds.finalize(block);
        self.machines.finalize(block);
    }

    /// Applies the logs of many blocks, in order, none of which can be taken back.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`].
    pub fn apply_final(&mut self, followed: &Followed, logs: &[Log]) -> Result<(), ChainError> {
        for block in logs.chunk_by(|a, b| position(a).0 == position(b).0) {
            let number = block.first().map_or(0, |log| position(log).0);
            self.apply(followed, number, block, false)?;
        }
        Ok(())
    }
}
