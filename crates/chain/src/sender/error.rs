//! Why a call did not succeed.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes};
use alloy::sol_types::SolError;
use alloy::transports::TransportError;
use quorate_canon::Timestamp;
use quorate_store::StoreError;

/// What a contract said when it reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert {
    /// The data: selector and arguments of an error.
    pub data: Bytes,
    detail: String,
}

impl Revert {
    pub(super) fn new(data: Bytes) -> Self {
        let detail = quorate_bindings::reverts::describe(&data);
        Self { data, detail }
    }

    /// Where the endpoint gave a text and no data.
    pub(super) const fn text(detail: String) -> Self {
        Self {
            data: Bytes::new(),
            detail,
        }
    }

    pub(super) fn unknown() -> Self {
        Self::text("reason not reproduced".to_owned())
    }

    /// Whether this is the given error.
    #[must_use]
    pub fn is<E: SolError>(&self) -> bool {
        self.decode::<E>().is_some()
    }

    /// The given error, if it is this one.
    #[must_use]
    pub fn decode<E: SolError>(&self) -> Option<E> {
        E::abi_decode(&self.data).ok()
    }
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Errors of sending.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The simulation reverts. Nothing was sent, or what was sent is being replaced.
    #[error("would revert: {0}")]
    Revert(Revert),
    /// The transaction was mined and reverted: the state changed after the simulation.
    #[error("transaction {hash} reverted: {revert}")]
    Reverted {
        /// The transaction.
        hash: B256,
        /// Why.
        revert: Revert,
    },
    /// The chain's time passed the call's deadline. A transaction that was sent may still be mined.
    #[error("not mined by deadline {deadline}, {sent} transactions sent")]
    Deadline {
        /// The deadline.
        deadline: Timestamp,
        /// How many were broadcast for it.
        sent: usize,
    },
    /// The sender's patience ended. A transaction that was sent may still be mined.
    #[error("not mined in {seconds} s, {sent} transactions sent")]
    TimedOut {
        /// Seconds waited.
        seconds: u64,
        /// How many were broadcast for it.
        sent: usize,
    },
    /// The chain is too dear now.
    #[error("fees too high: got {got} wei per gas, expected at most {expected}")]
    FeeCap {
        /// Base fee and tip.
        got: u128,
        /// The cap.
        expected: u128,
    },
    /// The endpoint refuses the transaction as it is: no funds, too much gas.
    #[error("refused: {0}")]
    Refused(String),
    /// The nonce was taken by others again and again.
    #[error("another process sends with the same key")]
    KeyShared,
    /// The chain could not be asked.
    #[error("chain call: {0}")]
    Rpc(#[source] Arc<TransportError>),
    /// The key could not sign.
    #[error("signature: {0}")]
    Signer(String),
    /// The journal could not be read or written; nothing was broadcast without it.
    #[error("journal: {0}")]
    Journal(#[source] Arc<StoreError>),
    /// The journal belongs to another key or chain, or its bytes are not what was written.
    #[error("journal: {0}")]
    ForeignJournal(String),
    /// The manager was shut down.
    #[error("sender stopped")]
    Stopped,
}

impl SendError {
    /// Whether the same call may succeed later without anybody's doing.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::TimedOut { .. } | Self::FeeCap { .. } | Self::Rpc(_)
        )
    }

    /// The revert, simulated or mined, if this is one.
    #[must_use]
    pub const fn revert(&self) -> Option<&Revert> {
        match self {
            Self::Revert(revert) | Self::Reverted { revert, .. } => Some(revert),
            _ => None,
        }
    }
}

impl From<TransportError> for SendError {
    fn from(error: TransportError) -> Self {
        Self::Rpc(Arc::new(error))
    }
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        Self::Journal(Arc::new(error))
    }
}
