//! Looks for events whose blocks are known roughly, so that an endpoint that is behind gives an error
//! and no empty answer.

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use quorate_canon::Timestamp;

use crate::{ChainError, Rpc};

/// Blocks by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first block.
    pub(super) from: u64,
    /// The last block that the endpoint has.
    pub(super) to: u64,
    /// Whether a later block exists, so that none can join these.
    pub(super) closed: bool,
}

/// The blocks with this timestamp: chains with several blocks a second have several.
///
/// # Errors
/// [`ChainError::NoBlock`] if the endpoint has no block as late as that; [`ChainError::Absent`] if it
/// has later ones, and none of this time: the chain has changed.
pub(super) async fn stamped(rpc: &Rpc, time: Timestamp) -> Result<Span, ChainError> {
    let from = first_at(rpc, time).await?;
    let first = rpc.header(from).await?.ok_or(ChainError::NoBlock(from))?;
    let got = first.head().timestamp;
    if got != time {
        return Err(ChainError::Absent(format!(
            "block of time {time} (the next one, {from}, has time {got})"
        )));
    }
    let after = Timestamp::new(time.get().saturating_add(1));
    let last = rpc.last_block_before(after, from).await?;
    let to = match last {
        Some(last) => last.number,
        None => rpc.latest().await?.number(),
    };
    Ok(Span {
        from,
        to: to.max(from),
        closed: last.is_some(),
    })
}

/// The first block at or after a time.
///
/// # Errors
/// [`ChainError::NoBlock`] if the endpoint has no block as late as that.
pub(super) async fn first_at(rpc: &Rpc, time: Timestamp) -> Result<u64, ChainError> {
    let latest = rpc.latest().await?.head();
    if latest.timestamp < time {
        return Err(ChainError::NoBlock(latest.number.saturating_add(1)));
    }
    let before = rpc.last_block_before(time, 0).await?;
    Ok(before.map_or(0, |block| block.number.saturating_add(1)))
}

/// What `read` first finds among a contract's logs of one event in the blocks `from..=to`, of which
/// at most `range` are asked for at a time.
///
/// # Errors
/// [`ChainError::NoBlock`] if the endpoint does not have all of the blocks; others of [`ChainError`],
/// and those of `read`.
pub(super) async fn find<T>(
    rpc: &Rpc,
    (contract, event): (Address, B256),
    (from, to): (u64, u64),
    range: u64,
    mut read: impl FnMut(&Log) -> Result<Option<T>, ChainError>,
) -> Result<Option<T>, ChainError> {
    let width = range.max(1) - 1;
    let mut next = from;
    while next <= to {
        let end = to.min(next.saturating_add(width));
        let logs = rpc.logs_of_events(&[contract], &[event], next, end).await?;
        for log in &logs {
            if let Some(found) = read(log)? {
                return Ok(Some(found));
            }
        }
        next = match end.checked_add(1) {
            Some(next) => next,
            None => break,
        };
    }
    Ok(None)
}
