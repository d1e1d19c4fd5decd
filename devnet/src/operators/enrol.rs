//! From keys to a member of the operator set, through the core's own calls.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolValue,
};
use futures::future::try_join_all;
use quorate_bindings::{
    eigenlayer::{IAllocationManager, IDelegationManager, IStrategyManager, OperatorSet},
    erc20::IERC20,
};
use quorate_bls::Registration;

use super::OperatorKeys;
use crate::{
    Error,
    chains::{Account, Anvil},
    core::{Core, CoreDelays},
};

/// The whole of an operator's magnitude in one strategy.
const WHOLE_MAGNITUDE: u64 = 1_000_000_000_000_000_000;

/// The AVS as an operator meets it on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avs {
    /// `ServiceManager`: the AVS and its registrar.
    pub service_manager: Address,
    /// The id of its operator set.
    pub operator_set: u32,
    /// The one strategy of the set.
    pub strategy: Address,
    /// The token that the strategy takes.
    pub token: Address,
}

impl Avs {
    /// The operator set as the core names it.
    #[must_use]
    pub const fn set(&self) -> OperatorSet {
        OperatorSet {
            avs: self.service_manager,
            id: self.operator_set,
        }
    }
}

/// An operator that is to join, and what is restaked with it.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Its keys.
    pub keys: &'a OperatorKeys,
    /// What its restaker deposits, in the token's smallest unit.
    pub deposit: U256,
}

/// L1 as it stands when operators join.
#[derive(Clone, Copy, Debug)]
pub struct Enrolment<'a> {
    /// The chain, mining a block for each transaction.
    pub l1: &'a Anvil,
    /// The core on it.
    pub core: &'a Core,
    /// The core's delays.
    pub delays: CoreDelays,
    /// The AVS.
    pub avs: &'a Avs,
    /// Holds the tokens that restakers get.
    pub treasury: &'a Account,
}

impl Enrolment<'_> {
    /// Lets all candidates join: each registers as an operator, its restaker deposits and
    /// delegates, it allocates all its magnitude and registers for the set with its BLS key.
    ///
    /// The set's indices follow the order of `candidates`.
    ///
    /// # Errors
    /// When a step reverts or the node fails.
    pub async fn enrol(&self, candidates: &[Candidate<'_>]) -> Result<(), Error> {
        let operators: Vec<_> = candidates
            .iter()
            .map(|c| Account::new(self.l1, c.keys.signer().clone()))
            .collect();
        for (operator, candidate) in operators.iter().zip(candidates) {
            self.l1.fund(operator.address(), ether(100)).await?;
            let call = IDelegationManager::registerAsOperatorCall {
                initDelegationApprover: Address::ZERO,
                allocationDelay: 0,
                metadataURI: String::new(),
            };
            operator.call(self.core.delegation_manager, &call).await?;
            self.restake(operator.address(), candidate).await?;
        }
        // The allocation delay of a new operator counts only after the configuration delay.
        self.l1
            .mine(u64::from(self.delays.allocation_configuration) + 1)
            .await?;
        try_join_all(operators.iter().map(|operator| self.allocate(operator))).await?;
        for (operator, candidate) in operators.iter().zip(candidates) {
            self.register(operator, candidate.keys).await?;
        }
        Ok(())
    }

    /// A restaker of its own for each operator: gets tokens, deposits them, delegates.
    async fn restake(&self, operator: Address, candidate: &Candidate<'_>) -> Result<(), Error> {
        let restaker = Account::named(self.l1, &format!("restaker of {operator}"))?;
        self.l1.fund(restaker.address(), ether(100)).await?;
        let transfer = IERC20::transferCall {
            to: restaker.address(),
            value: candidate.deposit,
        };
        self.treasury.call(self.avs.token, &transfer).await?;
        let approve = IERC20::approveCall {
            spender: self.core.strategy_manager,
            value: candidate.deposit,
        };
        restaker.call(self.avs.token, &approve).await?;
        let deposit = IStrategyManager::depositIntoStrategyCall {
            strategy: self.avs.strategy,
            token: self.avs.token,
            amount: candidate.deposit,
        };
        restaker.call(self.core.strategy_manager, &deposit).await?;
        let delegate = IDelegationManager::delegateToCall {
            operator,
            approverSignatureAndExpiry: IDelegationManager::SignatureWithExpiry {
                signature: Bytes::new(),
                expiry: U256::ZERO,
            },
            approverSalt: B256::ZERO,
        };
        restaker
            .call(self.core.delegation_manager, &delegate)
            .await?;
        Ok(())
    }

    async fn allocate(&self, operator: &Account) -> Result<(), Error> {
        let call = IAllocationManager::modifyAllocationsCall {
            operator: operator.address(),
            params: vec![IAllocationManager::AllocateParams {
                operatorSet: self.avs.set(),
                strategies: vec![self.avs.strategy],
                newMagnitudes: vec![WHOLE_MAGNITUDE],
            }],
        };
        operator.call(self.core.allocation_manager, &call).await?;
        Ok(())
    }

    async fn register(&self, operator: &Account, keys: &OperatorKeys) -> Result<(), Error> {
        let registration = Registration {
            l1_chain: self.l1.chain_id(),
            service_manager: self.avs.service_manager.into_array(),
            operator: keys.address().into_array(),
        };
        let key = Bytes::from(keys.bls().public_key().to_eip2537());
        let proof = Bytes::from(registration.prove(keys.bls()).to_eip2537());
        let call = IAllocationManager::registerForOperatorSetsCall {
            operator: operator.address(),
            params: IAllocationManager::RegisterParams {
                avs: self.avs.service_manager,
                operatorSetIds: vec![self.avs.operator_set],
                data: (key, proof).abi_encode_params().into(),
            },
        };
        operator.call(self.core.allocation_manager, &call).await?;
        Ok(())
    }
}

fn ether(count: u64) -> U256 {
    U256::from(count) * U256::from(10_u64.pow(18))
}
