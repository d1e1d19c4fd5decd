//! The part of a block that is followed.

use alloy::primitives::{B256, Bloom, U64};
use quorate_canon::{Digest, Timestamp};
use serde::Deserialize;

use super::Head;

/// The part of a block header that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Hash.
    pub hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    number: U64,
    timestamp: U64,
    /// Which addresses and topics may have logs in the block.
    pub logs_bloom: Bloom,
}

impl Header {
    /// Number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.to()
    }

    /// Number, hash and time.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            number: self.number(),
            hash: Digest(self.hash.0),
            timestamp: Timestamp::new(self.timestamp.to()),
        }
    }

    /// A header made by hand, for sources that are no endpoint.
    #[must_use]
    pub fn new(head: Head, parent_hash: B256, logs_bloom: Bloom) -> Self {
        Self {
            hash: B256::new(head.hash.0),
            parent_hash,
            number: U64::from(head.number),
            timestamp: U64::from(head.timestamp.get()),
            logs_bloom,
        }
    }
}
