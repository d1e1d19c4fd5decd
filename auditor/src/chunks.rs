//! The posted chunks of a list, out of events and, while some are missing, out of the calldata of
//! those that stand: only there are the hashes that tie one chunk to the root.

use std::collections::BTreeMap;

use alloy::{
    primitives::{B256, Bytes, U256},
    rpc::types::{Filter, Log},
    sol_types::{SolCall as _, SolEvent as _},
};
use quorate_bindings::{
    IMarket::LeasesOpened,
    IRounds::{ChunkPosted, postChunkCall},
};
use quorate_canon::{Digest, codec::FixedWidth as _, codec::Reader};
use quorate_matching::{ChunkProof, Entry, OutcomeList, chunk_count};
use quorate_protocol::Header;
use serde::Deserialize;
use tracing::warn;

use crate::{AuditError, l2::L2, posted::Posted};

/// What the events tell of a chunk.
#[derive(Debug, Clone)]
struct Told {
    count: u32,
    lowest: u32,
    transaction: Option<B256>,
}

/// The part of a transaction that is read.
#[derive(Debug, Deserialize)]
struct Calldata {
    input: Bytes,
}

impl L2 {
    /// What stands of the list under a header, looked for from block `from` (that of the header) up
    /// to the followed head.
    ///
    /// # Errors
    /// [`AuditError::Missing`] if what the events tell does not give the outcome root;
    /// [`AuditError::Chain`].
    pub async fn posted(&self, header: &Header, from: u64) -> Result<Posted, AuditError> {
        let topic = B256::from(U256::from(header.round.get()));
        let to = self.reader.head().number;
        let filter = |address, signature: B256| {
            Filter::new()
                .address(address)
                .event_signature(signature)
                .topic1(topic)
                .from_block(from)
                .to_block(to)
        };
        let told = self
            .logs(&filter(self.rounds(), ChunkPosted::SIGNATURE_HASH))
            .await?;
        let told = told_chunks(&told);
        let Some(first) = told.values().next() else {
            return Ok(Posted::nothing(header.outcome_root));
        };
        if told.len() == usize::try_from(chunk_count(first.count)).unwrap_or(usize::MAX) {
            let leases = self
                .logs(&filter(self.market, LeasesOpened::SIGNATURE_HASH))
                .await?;
            return whole(header, first, &leases);
        }
        self.part(header, &told).await
    }

    async fn part(
        &self,
        header: &Header,
        told: &BTreeMap<u32, Told>,
    ) -> Result<Posted, AuditError> {
        let mut posted = Posted::nothing(header.outcome_root);
        for (index, chunk) in told {
            let Some(hash) = chunk.transaction else {
                continue;
            };
            let answer: Option<Calldata> = self
                .rpc()
                .client()
                .request("eth_getTransactionByHash", (hash,))
                .await
                .map_err(quorate_chain::ChainError::from)?;
            let found = answer.and_then(|data| find_chunk(&data.input, header, *index));
            match found.map(|chunk| posted.add(&chunk)) {
                Some(Ok(())) => {}
                // Posted by a contract that packs calls in its own way: the whole list will do.
                Some(Err(_)) | None => {
                    warn!(round = %header.round, index, "chunk not found in its transaction's calldata");
                }
            }
        }
        Ok(posted)
    }
}

/// Chunks by index, as `Rounds` announced them.
fn told_chunks(logs: &[Log]) -> BTreeMap<u32, Told> {
    let read = |log: &Log| {
        let event = ChunkPosted::decode_log(&log.inner).ok()?;
        let told = Told {
            count: event.count,
            lowest: event.lowest,
            transaction: log.transaction_hash,
        };
        Some((event.index, told))
    };
    logs.iter().filter_map(read).collect()
}

/// The list out of the events that opened its leases, with the lowest position that was posted.
fn whole(header: &Header, told: &Told, leases: &[Log]) -> Result<Posted, AuditError> {
    let mut chunks: Vec<(u32, Bytes)> = leases
        .iter()
        .filter_map(|log| LeasesOpened::decode_log(&log.inner).ok())
        .map(|event| (event.first, event.data.entries))
        .collect();
    chunks.sort_unstable_by_key(|(first, _)| *first);
    let bytes: Vec<u8> = chunks
        .into_iter()
        .flat_map(|(_, entries)| entries)
        .collect();
    let missing = |what: String| AuditError::missing(header.round, what);
    let entries = entries(&bytes).map_err(|error| missing(error.to_string()))?;
    let list = OutcomeList::claimed(entries, told.lowest)?;
    let got = (list.count(), list.outcome_root());
    Posted::all(header.outcome_root, list).ok_or_else(|| {
        missing(format!(
            "its posted list: got {} entries with root {}, expected {} with {}; the endpoint lost a log",
            got.0, got.1, told.count, header.outcome_root
        ))
    })
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, quorate_canon::CodecError> {
    let mut input = Reader::new(bytes);
    (0..bytes.len().div_ceil(Entry::WIDTH))
        .map(|_| input.value())
        .collect()
}

/// The call of `postChunk` for this chunk, wherever in the calldata it stands: posters may pack it
/// into calls of their own contracts. Whether it is the right one, the root says.
fn find_chunk(calldata: &[u8], header: &Header, index: u32) -> Option<ChunkProof> {
    let selector = postChunkCall::SELECTOR;
    let starts = calldata
        .windows(selector.len())
        .enumerate()
        .filter(|(_, window)| *window == selector);
    starts
        .filter_map(|(at, _)| postChunkCall::abi_decode(calldata.get(at..)?).ok())
        .filter(|call| call.c.n == header.round.get() && call.c.index == index)
        .map(|call| ChunkProof {
            count: call.c.count,
            lowest: call.c.lowest,
            index,
            entries: call.c.entries.to_vec(),
            proof: call.c.proof.iter().map(|hash| Digest(hash.0)).collect(),
        })
        .find(|chunk| quorate_matching::verify_chunk(&header.outcome_root, chunk).is_ok())
}

#[cfg(test)]
mod tests {
    use quorate_canon::{OfferId, RequestId};
    use quorate_chain::chunk;

    use super::*;
    use crate::testing;

    fn list(count: u64) -> OutcomeList {
        let entry = |at| Entry {
            offer: OfferId::new(at),
            request: RequestId::new(at),
            ..Entry::default()
        };
        OutcomeList::claimed((0..count).map(entry).collect(), 0).unwrap()
    }

    fn call(header: &Header, list: &OutcomeList, index: u32) -> Vec<u8> {
        let c = chunk(header.round, &list.chunk(index).unwrap());
        let header = header.to_bytes().into();
        postChunkCall { header, c }.abi_encode()
    }

    #[test]
    fn a_chunk_is_found_in_plain_calldata_and_inside_another_call() {
        let list = list(600);
        let header = testing::header(3, list.outcome_root());
        let plain = call(&header, &list, 1);
        let packed = [&[1, 2, 3, 4, 5][..], &plain, &[0; 7]].concat();
        for calldata in [plain, packed] {
            let found = find_chunk(&calldata, &header, 1).unwrap();
            assert_eq!(Some(found), list.chunk(1));
            assert_eq!(find_chunk(&calldata, &header, 0), None);
        }
    }

    #[test]
    fn a_chunk_of_another_list_is_not_found() {
        let header = testing::header(3, list(600).outcome_root());
        assert_eq!(find_chunk(&call(&header, &list(601), 1), &header, 1), None);
    }
}
