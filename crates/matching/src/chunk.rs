//! A list in pieces that fit a transaction: aligned subtrees of 256 entries, each proven against
//! the signed root, so that a posted chunk is the signed data and nothing else.

use quorate_canon::codec::FixedWidth;
use quorate_canon::merkle::{self, Kind};
use quorate_canon::{CodecError, Digest};
use thiserror::Error;

use crate::list::{Entry, OutcomeList, entry_bytes, outcome_root, parse_entries};
use crate::num::index;

/// Entries of a full chunk.
pub const CHUNK: u32 = 256;
/// Depth of a full chunk's subtree.
const CHUNK_DEPTH: u32 = 8;

/// One chunk and what ties it to an outcome root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkProof {
    /// Entries of the whole list.
    pub count: u32,
    /// The list's lowest position.
    pub lowest: u32,
    /// The chunk's number, from 0.
    pub index: u32,
    /// The chunk's entries, 49 bytes each.
    pub entries: Vec<u8>,
    /// Sibling hashes from the chunk's subtree up to the top.
    pub proof: Vec<Digest>,
}

/// Why a chunk does not belong to a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// The bytes are not whole entries.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The list has fewer chunks.
    #[error("chunk {index}: got an index beyond the list, expected below {chunks}")]
    Index {
        /// The chunk's number.
        index: u32,
        /// How many the list has.
        chunks: u32,
    },
    /// The root says something else.
    #[error(
        "outcome root of chunk {index}: expected {expected}, and these entries do not lead there"
    )]
    Root {
        /// The chunk's number.
        index: u32,
        /// The root that the chunk should lead to.
        expected: Digest,
    },
}

/// How many chunks a list of `count` entries has: one at least.
#[must_use]
pub const fn chunk_count(count: u32) -> u32 {
    let chunks = count.div_ceil(CHUNK);
    if chunks == 0 { 1 } else { chunks }
}

impl OutcomeList {
    /// How many chunks the list has.
    #[must_use]
    pub const fn chunks(&self) -> u32 {
        chunk_count(self.count())
    }

    /// The chunk of a number, with its proof.
    #[must_use]
    pub fn chunk(&self, number: u32) -> Option<ChunkProof> {
        let depth = CHUNK_DEPTH.min(self.tree().depth());
        let proof = self.tree().prove_subtree(number, depth)?;
        let first = index(number.checked_mul(CHUNK)?);
        let last = first.saturating_add(index(CHUNK)).min(self.entries().len());
        let entries = entry_bytes(self.entries().get(first..last)?);
        Some(ChunkProof {
            count: self.count(),
            lowest: self.lowest(),
            index: number,
            entries,
            proof,
        })
    }
}

/// Takes a chunk that somebody posted, if it is the one that the root commits to.
///
/// # Errors
/// If it is not.
pub fn verify_chunk(root: &Digest, chunk: &ChunkProof) -> Result<Vec<Entry>, ChunkError> {
    let chunks = chunk_count(chunk.count);
    if chunk.index >= chunks {
        return Err(ChunkError::Index {
            index: chunk.index,
            chunks,
        });
    }
    let entries = parse_entries(&chunk.entries)?;
    let leaves: Vec<_> = entries
        .iter()
        .map(|entry| merkle::leaf(Kind::List, &entry.to_bytes()))
        .collect();
    match list_root(chunk, &leaves) {
        Some(list_root) if outcome_root(&list_root, chunk.lowest) == *root => Ok(entries),
        _ => Err(ChunkError::Root {
            index: chunk.index,
            expected: *root,
        }),
    }
}

fn list_root(chunk: &ChunkProof, leaves: &[Digest]) -> Option<Digest> {
    let depth = CHUNK_DEPTH.min(merkle::depth(chunk.count));
    let place = (chunk.index, depth);
    merkle::subtree_root(Kind::List, chunk.count, place, leaves, &chunk.proof)
}
