//! Looks through L2 for refutations, a bounded number of blocks at a time.

use alloy::primitives::Address;
use quorate_canon::Timestamp;
use quorate_chain::{Rpc, views};

use super::{Fault, Scan};

/// The last block of a look from `from` on, which covers `range` blocks at most.
pub(super) fn end(from: u64, latest: u64, range: u64) -> u64 {
    latest.min(from.saturating_add(range.saturating_sub(1)))
}

/// Blocks that are looked at again next time: a reorganisation may have put other logs there.
pub(super) const OVERLAP: u64 = 64;

/// As [`super::Chain::refutations`].
pub(super) async fn refutations(
    l2: &Rpc,
    rounds: Address,
    from: Option<u64>,
    since: Timestamp,
    range: u64,
) -> Result<Scan, Fault> {
    let latest = l2.latest().await?.number();
    let from = match from {
        Some(from) => from,
        None => first_block(l2, since).await?,
    };
    // Behind what was looked at already: an endpoint that lags.
    if from > latest {
        return Ok(Scan {
            next: from,
            complete: true,
            ..Scan::default()
        });
    }
    let to = end(from, latest, range);
    let refuted = views::refutations(l2, rounds, from, to).await?;
    let complete = to == latest;
    let next = if complete {
        from.max(to.saturating_sub(OVERLAP))
    } else {
        to + 1
    };
    Ok(Scan {
        refuted: refuted
            .into_iter()
            .map(|(round, refuted)| (round, refuted.code))
            .collect(),
        next,
        complete,
    })
}

/// The first block at or after a time: 0 if all are, the newest if none is.
pub(super) async fn first_block(rpc: &Rpc, time: Timestamp) -> Result<u64, Fault> {
    let latest = rpc.latest().await?.head();
    if latest.timestamp < time {
        return Ok(latest.number);
    }
    let before = rpc.last_block_before(time, 0).await?;
    Ok(before.map_or(0, |block| block.number.saturating_add(1)))
}
