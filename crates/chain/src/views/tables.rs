//! Stake tables: as L1 fixed them, and as they lie on L2.

use alloy::primitives::{Address, Bytes};
use quorate_bindings::{IServiceManager, IStakeTable};
use quorate_canon::Epoch;
use quorate_protocol::{Commitment, KEYS_PER_PAGE, StakeTable};

use super::call::{contract_error, mismatch};
use crate::{ChainError, Rpc};

const WHAT: &str = "stake table";

/// The table of an epoch with the pages that L2 wants posted.
#[derive(Debug, Clone)]
pub struct L1Table {
    /// The table, checked against its commitment.
    pub table: StakeTable,
    /// The commitment that went over the bridge.
    pub commitment: Commitment,
    /// Keys, by page.
    pub keys: Vec<Bytes>,
    /// Stakes.
    pub stakes: Bytes,
}

/// The table that L1 fixed for an epoch; `None` while it has not.
///
/// # Errors
/// [`ChainError::Commitment`] if the pages do not fit the commitment.
pub async fn l1_table(
    rpc: &Rpc,
    service_manager: Address,
    epoch: Epoch,
) -> Result<Option<L1Table>, ChainError> {
    let contract = IServiceManager::new(service_manager, rpc.provider());
    let number = epoch.get();
    if !contract
        .isFixed(number)
        .call()
        .await
        .map_err(contract_error("isFixed"))?
    {
        return Ok(None);
    }
    let bytes = contract.commitmentOf(number).call().await;
    let commitment = read_commitment(epoch, &bytes.map_err(contract_error("commitmentOf"))?)?;
    let stakes = contract
        .stakesOf(number)
        .call()
        .await
        .map_err(contract_error("stakesOf"))?;
    let mut keys = Vec::new();
    for page in 0..pages(&commitment)? {
        let bytes = contract
            .keysPage(page)
            .call()
            .await
            .map_err(contract_error("keysPage"))?;
        keys.push(truncated(bytes, page, &commitment));
    }
    let table = StakeTable::from_pages(&commitment, &stakes, &keys)
        .map_err(|error| mismatch(WHAT, error))?;
    Ok(Some(L1Table {
        table,
        commitment,
        keys,
        stakes,
    }))
}

/// The table of an epoch on L2; `None` until L1's word has come and all pages stand.
///
/// # Errors
/// [`ChainError::Commitment`] if the pages do not fit the commitment.
pub async fn l2_table(
    rpc: &Rpc,
    stake_table: Address,
    epoch: Epoch,
) -> Result<Option<StakeTable>, ChainError> {
    let contract = IStakeTable::new(stake_table, rpc.provider());
    let number = epoch.get();
    if !contract
        .isComplete(number)
        .call()
        .await
        .map_err(contract_error("isComplete"))?
    {
        return Ok(None);
    }
    let Some(commitment) = l2_commitment(rpc, stake_table, epoch).await? else {
        return Ok(None);
    };
    let laid = contract
        .tableOf(number)
        .call()
        .await
        .map_err(contract_error("tableOf"))?;
    let mut keys = Vec::new();
    for page in 0..pages(&commitment)? {
        let bytes = contract.keysPage(number, page).call().await;
        keys.push(bytes.map_err(contract_error("keysPage"))?);
    }
    StakeTable::from_pages(&commitment, &laid.stakes, &keys)
        .map(Some)
        .map_err(|error| mismatch(WHAT, error))
}

/// L1's word for an epoch as it has arrived on L2, if it has.
///
/// # Errors
/// [`ChainError::Commitment`] if it is no commitment, or of another epoch.
pub async fn l2_commitment(
    rpc: &Rpc,
    stake_table: Address,
    epoch: Epoch,
) -> Result<Option<Commitment>, ChainError> {
    let contract = IStakeTable::new(stake_table, rpc.provider());
    let word = contract.commitmentOf(epoch.get()).call().await;
    let word = word.map_err(contract_error("commitmentOf"))?;
    if !word.known {
        return Ok(None);
    }
    read_commitment(epoch, &word.commitment).map(Some)
}

fn read_commitment(epoch: Epoch, bytes: &[u8]) -> Result<Commitment, ChainError> {
    let commitment = Commitment::from_bytes(bytes).map_err(|error| mismatch(WHAT, error))?;
    if commitment.epoch != epoch {
        let got = commitment.epoch;
        return Err(mismatch(WHAT, format!("got epoch {got}, expected {epoch}")));
    }
    Ok(commitment)
}

fn pages(commitment: &Commitment) -> Result<u32, ChainError> {
    u32::try_from(commitment.key_pages.len()).map_err(|error| mismatch(WHAT, error))
}

/// Pages of keys only grow: an operator that came after the table stands behind its last key.
fn truncated(page: Bytes, number: u32, commitment: &Commitment) -> Bytes {
    const KEY: usize = quorate_bls::PublicKey::BYTES;
    let before = usize::try_from(number)
        .unwrap_or(usize::MAX)
        .saturating_mul(KEYS_PER_PAGE);
    let count = usize::try_from(commitment.count).unwrap_or(usize::MAX);
    let ours = count.saturating_sub(before).min(KEYS_PER_PAGE) * KEY;
    if page.len() > ours {
        page.slice(..ours)
    } else {
        page
    }
}
