//! Blocks by number and by time.

use alloy::primitives::U64;
use quorate_canon::Timestamp;

use super::{Head, Header, Rpc};
use crate::ChainError;

impl Rpc {
    /// The newest block.
    ///
    /// # Errors
    /// [`ChainError::Rpc`].
    pub async fn latest(&self) -> Result<Header, ChainError> {
        let header: Option<Header> = self
            .client
            .request("eth_getBlockByNumber", ("latest", false))
            .await?;
        header.ok_or(ChainError::NoBlock(0))
    }

    /// The block of a number, if the endpoint has it.
    ///
    /// # Errors
    /// [`ChainError::Rpc`].
    pub async fn header(&self, number: u64) -> Result<Option<Header>, ChainError> {
        Ok(self
            .client
            .request("eth_getBlockByNumber", (U64::from(number), false))
            .await?)
    }

    /// The blocks `from..=to`, all from one endpoint.
    ///
    /// # Errors
    /// [`ChainError::Rpc`]; [`ChainError::NoBlock`] if the endpoint misses one.
    pub async fn headers(&self, from: u64, to: u64) -> Result<Vec<Header>, ChainError> {
        let mut batch = self.client.new_batch();
        let mut waiting = Vec::new();
        for number in from..=to {
            let params = (U64::from(number), false);
            waiting.push(batch.add_call("eth_getBlockByNumber", &params)?);
        }
        batch.send().await?;
        let mut headers = Vec::with_capacity(waiting.len());
        for (number, answer) in (from..=to).zip(waiting) {
            let header: Option<Header> = answer.await?;
            headers.push(header.ok_or(ChainError::NoBlock(number))?);
        }
        Ok(headers)
    }

    /// The last block with a timestamp before `time`, found by bisection between `lowest` and the
    /// newest block; `None` if even `lowest` is not before it, or if no block at or after `time`
    /// exists yet (then the last one before it is not known).
    ///
    /// # Errors
    /// [`ChainError::Rpc`], [`ChainError::NoBlock`].
    pub async fn last_block_before(
        &self,
        time: Timestamp,
        lowest: u64,
    ) -> Result<Option<Head>, ChainError> {
        let latest = self.latest().await?.head();
        if latest.timestamp < time {
            return Ok(None);
        }
        let mut before = self
            .header(lowest)
            .await?
            .ok_or(ChainError::NoBlock(lowest))?
            .head();
        if before.timestamp >= time {
            return Ok(None);
        }
        let mut after = latest.number;
        while after.saturating_sub(before.number) > 1 {
            let middle = before.number + (after - before.number) / 2;
            let head = self
                .header(middle)
                .await?
                .ok_or(ChainError::NoBlock(middle))?
                .head();
            if head.timestamp < time {
                before = head;
            } else {
                after = middle;
            }
        }
        Ok(Some(before))
    }
}
