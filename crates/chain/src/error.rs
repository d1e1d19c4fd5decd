//! What can go wrong between a node and its chain.

use alloy::primitives::{Address, B256};
use alloy::transports::TransportError;

/// Errors of reading and following a chain. Sending has its own, [`crate::sender::SendError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No endpoint was configured.
    #[error("no endpoint given")]
    NoEndpoint,
    /// An endpoint speaks for another chain than the one that the config names.
    #[error("wrong chain at {endpoint}: got chain id {got}, expected {expected}")]
    WrongChain {
        /// Host of the endpoint.
        endpoint: String,
        /// Chain id that it answered.
        got: u64,
        /// Chain id that was asked for.
        expected: u64,
    },
    /// The chain does not have the BLS12-381 precompiles of EIP-2537.
    #[error("no EIP-2537 precompile at {address}: got {got} bytes, expected {expected}")]
    NoPrecompile {
        /// The precompile that was called.
        address: Address,
        /// Length of its answer.
        got: usize,
        /// Length that it must have.
        expected: usize,
    },
    /// No contract lies at an address that the config names.
    #[error("no contract code at {0}")]
    NoCode(Address),
    /// The call to the chain failed, on every endpoint that was tried.
    #[error("chain call: {0}")]
    Rpc(#[from] TransportError),
    /// A contract answered with bytes that are not what its interface says, or reverted.
    #[error("contract call {what}: {detail}")]
    Contract {
        /// The function that was called.
        what: &'static str,
        /// What came back.
        detail: String,
    },
    /// A block that must exist was not found (an endpoint is behind, or the chain changed meanwhile).
    #[error("block {0} not found")]
    NoBlock(u64),
    /// The chain changed between two reads of one step; the step can be made again.
    #[error("block {number} changed while it was read: got parent {got}, expected {expected}")]
    Moved {
        /// Number of the block whose parent does not fit.
        number: u64,
        /// The parent that it names.
        got: B256,
        /// The block that was read before it.
        expected: B256,
    },
    /// A block is stamped later than can be: a fault of the endpoint, or of this machine's clock.
    #[error(
        "block {number} is stamped {got}, expected at most {most} by this machine's clock: check it and the endpoint"
    )]
    Ahead {
        /// Number of the block.
        number: u64,
        /// Its time, Unix seconds.
        got: u64,
        /// The latest time that is believed.
        most: u64,
    },
    /// The logs of a block are not there yet, or not whole.
    #[error("logs of block {number} incomplete: got {got}, expected {expected}")]
    MissingLogs {
        /// Number of the block.
        number: u64,
        /// What came.
        got: String,
        /// What the header or the receipts promise.
        expected: String,
    },
    /// The chain was reorganised below what is final here. Nothing that was built on it can be
    /// trusted; a person has to look.
    #[error(
        "chain reorganised below final block {final_block} ({depth} deep or more): got {got}, expected {expected}"
    )]
    DeepReorg {
        /// The lowest block that may still change.
        final_block: u64,
        /// Depth that was looked at, blocks.
        depth: u64,
        /// Hash that the chain has now at `final_block`.
        got: B256,
        /// Hash that this node has built on.
        expected: B256,
    },
    /// An event that contradicts those before it, from a contract that must not do so: logs were
    /// lost on the way, or the address is not that of our contract.
    #[error("event in block {block}, log {log}: {detail}")]
    BadEvent {
        /// Block number.
        block: u64,
        /// Log index in the block.
        log: u64,
        /// What does not fit.
        detail: String,
    },
    /// A stake table, page or policy does not hash to what the chain committed to.
    #[error("{what} does not fit its commitment: {detail}")]
    Commitment {
        /// Which object.
        what: &'static str,
        /// Both sides, or the reason.
        detail: String,
    },
    /// Something asked for does not exist on the chain (yet).
    #[error("{0} not on chain")]
    Absent(String),
}

impl ChainError {
    /// Whether the same step may succeed a little later without anybody's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Rpc(_)
                | Self::NoBlock(_)
                | Self::Moved { .. }
                | Self::Ahead { .. }
                | Self::MissingLogs { .. }
        )
    }
}
