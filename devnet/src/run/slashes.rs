//! What L1's courts do: charges, L2's words, slashes; and the stake of those who are slashed.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEventInterface,
};
use quorate_bindings::{
    ISlasher::{self, ISlasherEvents},
    eigenlayer::IDelegationManager,
};

use crate::{Error, World, chains::Anvil};

/// One slash as the contract reports it.
#[derive(Clone, Debug)]
pub(super) struct Slash {
    /// The operator's number in this run.
    pub operator: usize,
    /// Its address.
    pub address: Address,
    /// What for, in a word or two.
    pub offence: &'static str,
    /// Restaked shares before it.
    pub before: U256,
    /// Restaked shares after the slash.
    pub after: U256,
    /// Shares that the core says it took.
    pub taken: U256,
    /// Whether anything moved.
    pub moved: bool,
}

/// Something that L1 did.
#[derive(Clone, Debug)]
pub(super) enum CourtEvent {
    /// A charge waits for L2's word.
    Charged {
        /// Of this operator.
        operator: u32,
        /// In this round.
        round: u64,
    },
    /// L2's word on a round has come.
    Word {
        /// The round.
        round: u64,
        /// 1: settled in full, windows over; 2: wrong outcome; 3: wrong seed.
        verdict: u8,
    },
    /// Stake was taken.
    Slashed(Slash),
}

/// Follows the Slasher.
#[derive(Debug)]
pub(super) struct Court {
    l1: Anvil2,
    slasher: Address,
    delegation: Address,
    strategy: Address,
    operators: Vec<Address>,
    before: BTreeMap<Address, U256>,
    next_block: u64,
    slashes: Vec<Slash>,
}

/// Only what is needed of the chain: its provider, cloned.
type Anvil2 = alloy::providers::DynProvider;

impl Court {
    /// Notes every operator's shares as they stand now.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn open(world: &World) -> Result<Self, Error> {
        let mut court = Self {
            l1: provider(&world.chains.l1),
            slasher: world.contracts.l1.slasher,
            delegation: world.core.delegation_manager,
            strategy: world.contracts.l1.strategy,
            operators: world.operators.iter().map(|keys| keys.address()).collect(),
            before: BTreeMap::new(),
            next_block: 0,
            slashes: Vec::new(),
        };
        for operator in court.operators.clone() {
            let shares = court.shares(operator).await?;
            court.before.insert(operator, shares);
        }
        Ok(court)
    }

    /// What has happened since the last call.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn advance(&mut self) -> Result<Vec<CourtEvent>, Error> {
        let head = self.l1.get_block_number().await?;
        if head < self.next_block {
            return Ok(Vec::new());
        }
        let filter = Filter::new()
            .address(self.slasher)
            .from_block(self.next_block)
            .to_block(head);
        let logs = self.l1.get_logs(&filter).await?;
        self.next_block = head + 1;
        let mut events = Vec::new();
        for log in logs {
            let decoded = ISlasherEvents::decode_raw_log(log.topics(), &log.data().data);
            if let Ok(event) = decoded {
                events.extend(self.event(event).await?);
            }
        }
        Ok(events)
    }

    /// All slashes so far.
    pub(super) fn slashes(&self) -> &[Slash] {
        &self.slashes
    }

    /// How many operators there are.
    pub(super) const fn operators(&self) -> usize {
        self.operators.len()
    }

    async fn event(&mut self, event: ISlasherEvents) -> Result<Option<CourtEvent>, Error> {
        Ok(match event {
            ISlasherEvents::ChargeStored(e) => Some(CourtEvent::Charged {
                operator: e.operatorIndex,
                round: e.n,
            }),
            ISlasherEvents::WordReceived(e) => Some(CourtEvent::Word {
                round: e.n,
                verdict: e.verdict,
            }),
            ISlasherEvents::OperatorSlashed(e) => {
                let slash = Slash {
                    operator: self
                        .operators
                        .iter()
                        .position(|o| *o == e.operator)
                        .unwrap_or(usize::MAX),
                    address: e.operator,
                    offence: match e.offence {
                        ISlasher::Offence::Equivocation => "equivocation",
                        ISlasher::Offence::Divergence => "divergence",
                        ISlasher::Offence::WrongOutcome => super::plot::OFFENCE,
                        ISlasher::Offence::FalseAttestation => "false attestation",
                        _ => "other",
                    },
                    before: self.before.get(&e.operator).copied().unwrap_or_default(),
                    after: self.shares(e.operator).await?,
                    taken: e
                        .shares
                        .iter()
                        .copied()
                        .fold(U256::ZERO, U256::saturating_add),
                    moved: e.moved,
                };
                self.before.insert(e.operator, slash.after);
                self.slashes.push(slash.clone());
                Some(CourtEvent::Slashed(slash))
            }
            _ => None,
        })
    }

    async fn shares(&self, operator: Address) -> Result<U256, Error> {
        let contract = IDelegationManager::new(self.delegation, &self.l1);
        contract
            .operatorShares(operator, self.strategy)
            .call()
            .await
            .map_err(|e| Error::program("operatorShares", e.to_string()))
    }
}

fn provider(anvil: &Anvil) -> Anvil2 {
    anvil.provider().clone().erased()
}
