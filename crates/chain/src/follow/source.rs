//! What a follower reads from: an endpoint, or a chain made up by a test.

use std::future::Future;

use alloy::primitives::Address;
use alloy::rpc::types::Log;

use crate::{ChainError, Header, Rpc};

/// Blocks and their logs.
pub trait Source: Send + Sync {
    /// The newest block.
    fn latest(&self) -> impl Future<Output = Result<Header, ChainError>> + Send;

    /// The blocks `from..=to`.
    fn headers(
        &self,
        from: u64,
        to: u64,
    ) -> impl Future<Output = Result<Vec<Header>, ChainError>> + Send;

    /// The logs of `addresses` in a block, in order.
    fn logs_of(
        &self,
        addresses: &[Address],
        header: &Header,
    ) -> impl Future<Output = Result<Vec<Log>, ChainError>> + Send;

    /// The logs of `addresses` in the blocks `from..=to`, in order.
    fn logs_between(
        &self,
        addresses: &[Address],
        from: u64,
        to: u64,
    ) -> impl Future<Output = Result<Vec<Log>, ChainError>> + Send;

    /// How many endpoints there are to ask.
    fn endpoints(&self) -> usize {
        1
    }

    /// Asks another endpoint first from now on: the last answer cannot be right.
    fn turn(&self) {}
}

impl Source for Rpc {
    async fn latest(&self) -> Result<Header, ChainError> {
        Self::latest(self).await
    }

    async fn headers(&self, from: u64, to: u64) -> Result<Vec<Header>, ChainError> {
        Self::headers(self, from, to).await
    }

    async fn logs_of(
        &self,
        addresses: &[Address],
        header: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        Self::logs_of(self, addresses, header).await
    }

    async fn logs_between(
        &self,
        addresses: &[Address],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        Self::logs_between(self, addresses, from, to).await
    }

    fn endpoints(&self) -> usize {
        Self::endpoints(self)
    }

    fn turn(&self) {
        Self::turn(self);
    }
}
