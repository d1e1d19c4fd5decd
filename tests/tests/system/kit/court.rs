//! L1's courts: charges, words, slashes, and what they left of the stakes.

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::Filter,
    sol_types::SolEventInterface as _,
};
use anyhow::Result;
use devnet::World;
use quorate_bindings::{
    ISlasher::{self, ISlasherEvents},
    eigenlayer::IDelegationManager,
};
use quorate_canon::Round;

/// A slash as the contract reports it.
#[derive(Clone, Debug)]
pub(crate) struct Slash {
    pub(crate) operator: usize,
    /// What for, in a word or two.
    pub(crate) offence: &'static str,
    /// Shares that the core says it took.
    pub(crate) taken: U256,
    pub(crate) moved: bool,
}

/// What the courts did.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A divergence was charged.
    Charged {
        id: B256,
        operator: usize,
        round: Round,
    },
    /// L2's word has come: 1 settled and stood, 2 wrong outcome, 3 wrong seed.
    Word { round: Round, verdict: u8 },
    /// Stake was taken.
    Slashed(Slash),
    /// A charge ended without punishment.
    Lapsed { id: B256 },
}

/// Reads the slasher's events.
#[derive(Debug)]
pub(crate) struct Court {
    l1: DynProvider,
    slasher: Address,
    delegation: Address,
    strategy: Address,
    operators: Vec<Address>,
}

impl Court {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            l1: world.chains.l1.provider().clone(),
            slasher: world.contracts.l1.slasher,
            delegation: world.core.delegation_manager,
            strategy: world.contracts.l1.strategy,
            operators: world.operators.iter().map(|keys| keys.address()).collect(),
        }
    }

    /// All that has happened so far.
    pub(crate) async fn events(&self) -> Result<Vec<Event>> {
        let filter = Filter::new().address(self.slasher).from_block(0);
        let logs = self.l1.get_logs(&filter).await?;
        let mut events = Vec::new();
        for log in logs {
            let event = ISlasherEvents::decode_raw_log(log.topics(), &log.data().data)?;
            events.extend(self.event(event));
        }
        Ok(events)
    }

    fn event(&self, event: ISlasherEvents) -> Option<Event> {
        match event {
            ISlasherEvents::ChargeStored(e) => Some(Event::Charged {
                id: e.id,
                operator: usize::try_from(e.operatorIndex).ok()?,
                round: Round::new(e.n),
            }),
            ISlasherEvents::WordReceived(e) => Some(Event::Word {
                round: Round::new(e.n),
                verdict: e.verdict,
            }),
            ISlasherEvents::ChargeLapsed(e) => Some(Event::Lapsed { id: e.id }),
            ISlasherEvents::OperatorSlashed(e) => Some(Event::Slashed(Slash {
                operator: self.operators.iter().position(|o| *o == e.operator)?,
                offence: word(e.offence),
                taken: e
                    .shares
                    .iter()
                    .fold(U256::ZERO, |sum, s| sum.saturating_add(*s)),
                moved: e.moved,
            })),
            ISlasherEvents::AttestersProven(_)
            | ISlasherEvents::SignersProven(_)
            | ISlasherEvents::WrongSeedProven(_)
            | ISlasherEvents::VerdictCancelled(_) => None,
        }
    }

    /// The operator's restaked shares now.
    pub(crate) async fn shares(&self, operator: usize) -> Result<U256> {
        let contract = IDelegationManager::new(self.delegation, &self.l1);
        let address = self.operators[operator];
        Ok(contract
            .operatorShares(address, self.strategy)
            .call()
            .await?)
    }
}

const fn word(offence: ISlasher::Offence) -> &'static str {
    match offence {
        ISlasher::Offence::Equivocation => "equivocation",
        ISlasher::Offence::Divergence => "divergence",
        ISlasher::Offence::WrongOutcome => "wrong outcome",
        ISlasher::Offence::FalseAttestation => "false attestation",
        ISlasher::Offence::WrongSeed => "wrong seed",
        _ => "another offence",
    }
}
