//! Which contracts belong together, as they themselves say, and who is registered.

use alloy::primitives::Address;
use alloy::providers::Provider as _;
use quorate_bindings::{IServiceManager, links};
use quorate_canon::OperatorIndex;

use super::call::{contract_error, mismatch};
use crate::convert::to_alloy_address;
use crate::{ChainError, Rpc};

/// `Market` of `Rounds`.
///
/// # Errors
/// [`ChainError`].
pub async fn market_of(rpc: &Rpc, rounds: Address) -> Result<Address, ChainError> {
    let contract = links::RoundsLinks::new(rounds, rpc.provider());
    contract
        .market()
        .call()
        .await
        .map_err(contract_error("Rounds.market"))
}

/// `StakeTable` of `Rounds`.
///
/// # Errors
/// [`ChainError`].
pub async fn table_of(rpc: &Rpc, rounds: Address) -> Result<Address, ChainError> {
    let contract = links::RoundsLinks::new(rounds, rpc.provider());
    contract
        .table()
        .call()
        .await
        .map_err(contract_error("Rounds.table"))
}

/// The bridge that `Rounds` sends its word over, or `Tally` its count.
///
/// # Errors
/// [`ChainError`].
pub async fn bridge_of(rpc: &Rpc, sender: Address) -> Result<Address, ChainError> {
    let contract = links::RoundsLinks::new(sender, rpc.provider());
    contract
        .bridge()
        .call()
        .await
        .map_err(contract_error("bridge"))
}

/// Who refutes rounds of `Rounds`.
///
/// # Errors
/// [`ChainError`].
pub async fn disputes_of(rpc: &Rpc, rounds: Address) -> Result<Address, ChainError> {
    let contract = links::RoundsLinks::new(rounds, rpc.provider());
    contract
        .disputes()
        .call()
        .await
        .map_err(contract_error("Rounds.disputes"))
}

/// Where `Rounds` looks up operators whose signatures count no more.
///
/// # Errors
/// [`ChainError`].
pub async fn strikes_of(rpc: &Rpc, rounds: Address) -> Result<Address, ChainError> {
    let contract = links::RoundsLinks::new(rounds, rpc.provider());
    contract
        .strikes()
        .call()
        .await
        .map_err(contract_error("Rounds.strikes"))
}

/// Whose judgement of witnesses `Disputes` goes by.
///
/// # Errors
/// [`ChainError`].
pub async fn verifier_of(rpc: &Rpc, disputes: Address) -> Result<Address, ChainError> {
    let contract = links::DisputesLinks::new(disputes, rpc.provider());
    contract
        .verifier()
        .call()
        .await
        .map_err(contract_error("Disputes.verifier"))
}

/// `Providers` of `Market`.
///
/// # Errors
/// [`ChainError`].
pub async fn providers_of(rpc: &Rpc, market: Address) -> Result<Address, ChainError> {
    let contract = links::MarketLinks::new(market, rpc.provider());
    contract
        .providers()
        .call()
        .await
        .map_err(contract_error("Market.providers"))
}

/// `Escrow` of `Market`; the zero address where nothing is paid.
///
/// # Errors
/// [`ChainError`].
pub async fn escrow_of(rpc: &Rpc, market: Address) -> Result<Address, ChainError> {
    let contract = links::MarketLinks::new(market, rpc.provider());
    contract
        .escrow()
        .call()
        .await
        .map_err(contract_error("Market.escrow"))
}

/// The contracts that one of the contracts on L2 was deployed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Neighbours {
    /// `Rounds`.
    pub rounds: Address,
    /// `Market`.
    pub market: Address,
    /// `Machines`; zero where the contract names none.
    pub machines: Address,
    /// `Escrow`; likewise.
    pub escrow: Address,
    /// `Health`; likewise.
    pub health: Address,
}

/// What `Health` names.
///
/// # Errors
/// [`ChainError`].
pub async fn health_neighbours(rpc: &Rpc, health: Address) -> Result<Neighbours, ChainError> {
    let contract = links::HealthLinks::new(health, rpc.provider());
    let rounds = contract.rounds().call().await;
    let market = contract.market().call().await;
    let machines = contract.machines().call().await;
    let escrow = contract.escrow().call().await;
    Ok(Neighbours {
        rounds: rounds.map_err(contract_error("Health.rounds"))?,
        market: market.map_err(contract_error("Health.market"))?,
        machines: machines.map_err(contract_error("Health.machines"))?,
        escrow: escrow.map_err(contract_error("Health.escrow"))?,
        health,
    })
}

/// What `Machines` names.
///
/// # Errors
/// [`ChainError`].
pub async fn machines_neighbours(rpc: &Rpc, machines: Address) -> Result<Neighbours, ChainError> {
    let contract = links::MachinesLinks::new(machines, rpc.provider());
    let rounds = contract.rounds().call().await;
    let market = contract.market().call().await;
    Ok(Neighbours {
        rounds: rounds.map_err(contract_error("Machines.rounds"))?,
        market: market.map_err(contract_error("Machines.market"))?,
        machines,
        ..Neighbours::default()
    })
}

/// How many machines were ever registered.
///
/// # Errors
/// [`ChainError`].
pub async fn machine_count(rpc: &Rpc, machines: Address) -> Result<u64, ChainError> {
    let contract = quorate_bindings::IMachines::new(machines, rpc.provider());
    contract
        .machineCount()
        .call()
        .await
        .map_err(contract_error("Machines.machineCount"))
}

/// What `Escrow` names.
///
/// # Errors
/// [`ChainError`].
pub async fn escrow_neighbours(rpc: &Rpc, escrow: Address) -> Result<Neighbours, ChainError> {
    let contract = links::EscrowLinks::new(escrow, rpc.provider());
    let rounds = contract.rounds().call().await;
    let market = contract.market().call().await;
    let health = contract.health().call().await;
    Ok(Neighbours {
        rounds: rounds.map_err(contract_error("Escrow.rounds"))?,
        market: market.map_err(contract_error("Escrow.market"))?,
        health: health.map_err(contract_error("Escrow.health"))?,
        escrow,
        ..Neighbours::default()
    })
}

/// EigenLayer's `AllocationManager`, as `ServiceManager` names it.
///
/// # Errors
/// [`ChainError`].
pub async fn allocation_manager_of(
    rpc: &Rpc,
    service_manager: Address,
) -> Result<Address, ChainError> {
    let contract = links::ServiceManagerLinks::new(service_manager, rpc.provider());
    let what = "ServiceManager.allocationManager";
    contract
        .allocationManager()
        .call()
        .await
        .map_err(contract_error(what))
}

/// Makes sure that a contract lies at an address.
///
/// # Errors
/// [`ChainError::NoCode`].
pub async fn require_code(rpc: &Rpc, address: Address) -> Result<(), ChainError> {
    let code = rpc.provider().get_code_at(address).await?;
    if code.is_empty() {
        return Err(ChainError::NoCode(address));
    }
    Ok(())
}

/// The index that an operator has for ever and the key that it registered (192 bytes), or `None`
/// if it never registered.
///
/// # Errors
/// [`ChainError`].
pub async fn operator_index(
    rpc: &Rpc,
    service_manager: Address,
    operator: quorate_canon::Address,
) -> Result<Option<(OperatorIndex, [u8; 192])>, ChainError> {
    let contract = IServiceManager::new(service_manager, rpc.provider());
    let found = contract
        .indexOf(to_alloy_address(operator))
        .call()
        .await
        .map_err(contract_error("indexOf"))?;
    if !found.known {
        return Ok(None);
    }
    let key = contract
        .keyAt(found.index)
        .call()
        .await
        .map_err(contract_error("keyAt"))?;
    let bytes: [u8; 192] = key.as_ref().try_into().map_err(|_| {
        mismatch(
            "operator's key",
            format!("got {} bytes, expected 192", key.len()),
        )
    })?;
    Ok(Some((OperatorIndex::new(found.index), bytes)))
}

/// Whether a bridge says of itself that it proves nothing. Bridges without the question are real.
///
/// # Errors
/// [`ChainError::Rpc`] if the chain does not answer.
pub async fn is_devnet_bridge(rpc: &Rpc, bridge: Address) -> Result<bool, ChainError> {
    let contract = links::BridgeLinks::new(bridge, rpc.provider());
    match contract
        .isDevnetOnly()
        .call()
        .await
        .map_err(contract_error("isDevnetOnly"))
    {
        Ok(devnet) => Ok(devnet),
        Err(ChainError::Contract { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
