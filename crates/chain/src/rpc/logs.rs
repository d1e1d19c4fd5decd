//! Logs, read so that an endpoint which is behind cannot pass for a quiet chain.

use alloy::primitives::{Address, B256, BloomInput, U64};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEventInterface;
use serde::Deserialize;

use super::{Header, Rpc};
use crate::ChainError;

/// One receipt, as far as its logs go: the rest differs from chain to chain.
#[derive(Debug, Deserialize)]
struct ReceiptLogs {
    logs: Vec<Log>,
}

/// A block's transactions, counted.
#[derive(Debug, Deserialize)]
struct Transactions {
    transactions: Vec<serde::de::IgnoredAny>,
}
impl Rpc {
    /// All logs of `addresses` in the blocks `from..=to`, in order. The endpoint must have `to`:
    /// one that is behind would answer with fewer logs and no error.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] (also for ranges that an endpoint finds too large);
    /// [`ChainError::NoBlock`] if the endpoint does not have `to` yet.
    pub async fn logs_between(
        &self,
        addresses: &[Address],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        self.logs_of_events(addresses, &[], from, to).await
    }

    /// The logs of [`Self::logs_between`] whose first topic is one of `events`; all for none.
    ///
    /// # Errors
    /// As [`Self::logs_between`].
    pub async fn logs_of_events(
        &self,
        addresses: &[Address],
        events: &[B256],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        let filter = Filter::new()
            .address(addresses.to_vec())
            .event_signature(events.to_vec())
            .from_block(from)
            .to_block(to);
        let mut batch = self.client.new_batch();
        let end = batch.add_call("eth_getBlockByNumber", &(U64::from(to), false))?;
        let logs = batch.add_call("eth_getLogs", &(filter,))?;
        batch.send().await?;
        let end: Option<Header> = end.await?;
        let logs: Vec<Log> = logs.await?;
        end.ok_or(ChainError::NoBlock(to))?;
        sorted(logs, addresses, |number| (from..=to).contains(&number))
    }

    /// All logs of `addresses` in one block, asked for by its hash, so that another block of that
    /// number cannot answer. Where the header's bloom says that there may be some and none come,
    /// the receipts decide.
    ///
    /// # Errors
    /// [`ChainError::Rpc`]; [`ChainError::MissingLogs`] while an endpoint has the block before its logs.
    pub async fn logs_of(
        &self,
        addresses: &[Address],
        header: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        let expected: Vec<_> = addresses
            .iter()
            .filter(|address| {
                header
                    .logs_bloom
                    .contains_input(BloomInput::Raw(address.as_slice()))
            })
            .collect();
        if expected.is_empty() {
            return Ok(Vec::new());
        }
        let filter = Filter::new()
            .address(addresses.to_vec())
            .at_block_hash(header.hash);
        let logs: Vec<Log> = self.client.request("eth_getLogs", (filter,)).await?;
        let number = header.number();
        let logs = sorted(logs, addresses, |got| got == number)?;
        if expected
            .iter()
            .all(|address| logs.iter().any(|log| log.address() == **address))
        {
            return Ok(logs);
        }
        let from_receipts = self.receipt_logs(addresses, header).await?;
        if from_receipts.len() < logs.len() {
            return Err(ChainError::MissingLogs {
                number,
                got: format!("{} logs in the receipts", from_receipts.len()),
                expected: format!("{} as by eth_getLogs", logs.len()),
            });
        }
        Ok(from_receipts)
    }

    /// The logs of a block out of its receipts, of which there must be one for each transaction.
    async fn receipt_logs(
        &self,
        addresses: &[Address],
        header: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        let mut batch = self.client.new_batch();
        let block = batch.add_call("eth_getBlockByHash", &(header.hash, false))?;
        let receipts = batch.add_call("eth_getBlockReceipts", &(header.hash,))?;
        batch.send().await?;
        let block: Option<Transactions> = block.await?;
        let receipts: Option<Vec<ReceiptLogs>> = receipts.await?;
        let number = header.number();
        let (Some(block), Some(receipts)) = (block, receipts) else {
            return Err(ChainError::NoBlock(number));
        };
        if receipts.len() != block.transactions.len() {
            return Err(ChainError::MissingLogs {
                number,
                got: format!("{} receipts", receipts.len()),
                expected: format!("{} transactions", block.transactions.len()),
            });
        }
        let logs = receipts.into_iter().flat_map(|receipt| receipt.logs);
        let ours = logs
            .filter(|log| addresses.contains(&log.address()))
            .collect();
        sorted(ours, addresses, |got| got == number)
    }
}

/// Orders logs and refuses those that were not asked for: an endpoint that ignores a filter field
/// would otherwise feed foreign events in.
fn sorted(
    mut logs: Vec<Log>,
    addresses: &[Address],
    in_range: impl Fn(u64) -> bool,
) -> Result<Vec<Log>, ChainError> {
    for log in &logs {
        let (number, index) = position(log);
        let whole =
            log.block_number.is_some() && log.log_index.is_some() && log.block_hash.is_some();
        if !whole || log.removed || !in_range(number) || !addresses.contains(&log.address()) {
            let detail = format!("log of {} was not asked for", log.address());
            return Err(ChainError::BadEvent {
                block: number,
                log: index,
                detail,
            });
        }
    }
    logs.sort_by_key(position);
    logs.dedup_by_key(|log| position(log));
    Ok(logs)
}

/// Block number and log index.
pub(crate) fn position(log: &Log) -> (u64, u64) {
    (
        log.block_number.unwrap_or_default(),
        log.log_index.unwrap_or_default(),
    )
}

/// The event of an interface that a log is; `None` for those that this version does not know.
///
/// # Errors
/// [`ChainError::BadEvent`] if the log is not what the interface says.
pub(crate) fn known<E: SolEventInterface>(
    log: &Log,
    selectors: &[[u8; 32]],
) -> Result<Option<E>, ChainError> {
    let topics = log.topics();
    if !topics
        .first()
        .is_some_and(|first| selectors.contains(&first.0))
    {
        return Ok(None);
    }
    let event = E::decode_raw_log(topics, &log.data().data);
    event.map(Some).map_err(|error| {
        let (block, index) = position(log);
        ChainError::BadEvent {
            block,
            log: index,
            detail: error.to_string(),
        }
    })
}
