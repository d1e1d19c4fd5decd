//! The list of a round, out of the events that opened its leases.

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;
use quorate_bindings::IMarket::LeasesOpened;
use quorate_canon::{Digest, FixedWidth, Round};
use quorate_matching::{Entry, OutcomeList};

use super::call::mismatch;
use crate::{ChainError, Rpc};

const WHAT: &str = "outcome list";

/// The whole list of a round that was settled in the blocks `from..=to` (of its certificate and of
/// its last chunk), checked against the outcome root of its header.
///
/// # Errors
/// [`ChainError::Absent`] while a chunk is missing; [`ChainError::Commitment`] if the entries do not
/// give the root.
pub async fn outcome_list(
    rpc: &Rpc,
    market: Address,
    round: Round,
    outcome_root: Digest,
    count: u32,
    (from, to): (u64, u64),
) -> Result<OutcomeList, ChainError> {
    let filter = Filter::new()
        .address(market)
        .event_signature(LeasesOpened::SIGNATURE_HASH)
        .topic1(B256::from(U256::from(round.get())))
        .from_block(from)
        .to_block(to);
    let logs: Vec<Log> = rpc.client().request("eth_getLogs", (filter,)).await?;
    let bytes = join(round, &logs, count)?;
    let list = OutcomeList::from_bytes(&bytes).map_err(|error| mismatch(WHAT, error))?;
    let got = list.outcome_root();
    if got != outcome_root {
        return Err(mismatch(
            WHAT,
            format!("got root {got}, expected {outcome_root}"),
        ));
    }
    Ok(list)
}

/// Puts the chunks' entries into the order of their positions.
fn join(round: Round, logs: &[Log], count: u32) -> Result<Vec<u8>, ChainError> {
    let mut chunks = Vec::with_capacity(logs.len());
    for log in logs {
        let event = LeasesOpened::decode_log(&log.inner).map_err(|error| mismatch(WHAT, error))?;
        chunks.push((event.first, event.data.entries));
    }
    chunks.sort_unstable_by_key(|(first, _)| *first);
    let mut bytes = Vec::new();
    for (first, entries) in chunks {
        let expected = bytes.len() / Entry::WIDTH;
        if usize::try_from(first) != Ok(expected) {
            return Err(missing(round, expected));
        }
        bytes.extend_from_slice(&entries);
    }
    let got = bytes.len() / Entry::WIDTH;
    if usize::try_from(count) != Ok(got) {
        return Err(missing(round, got));
    }
    Ok(bytes)
}

fn missing(round: Round, position: usize) -> ChainError {
    ChainError::Absent(format!(
        "chunk of round {round} from position {position} on"
    ))
}
