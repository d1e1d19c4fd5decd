//! A pair outside the list that should be in it: the kind that costs most.

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{Entry, PairRank, Witness};

use super::{
    Bench, Kind, Row,
    book::{self, CHUNK, EACH, entries, list},
    cases::middle,
    posted::believe,
};
use crate::{
    Error,
    bench::ground::{Truth, failed},
};

/// Who the blocking pair's request is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Nobody's: two entries are opened.
    Unmatched,
    /// One that is matched lower, in a list as long as the limit: four entries are opened, far apart.
    MatchedLower,
}

/// Both.
///
/// # Errors
/// When a call reverts, or a witness is judged otherwise.
pub(super) async fn measure(bench: &mut Bench, tick: &impl Fn()) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for who in [Who::Unmatched, Who::MatchedLower] {
        rows.extend(one(bench, who).await?);
        tick();
    }
    Ok(rows)
}

async fn one(bench: &mut Bench, who: Who) -> Result<[Row; 2], Error> {
    let truth = bench.truth().await?;
    // With one entry less than the limit nothing is asked of the lowest.
    let (count, name, half) = match who {
        Who::Unmatched => (bench.size - 1, "blocking pair, request unmatched", 0),
        Who::MatchedLower => (
            bench.size,
            "blocking pair, request matched lower, limit reached",
            1,
        ),
    };
    let middle = middle(bench.size);
    let real = chunks(bench, &truth, half)?;
    let (low, high) = real.split_at(real.len() / 2);
    let places = (0..).zip(low.iter().copied());
    let first_of_high = middle - u32::try_from(CHUNK).map_err(failed)?;
    let places = places.chain((first_of_high..).zip(high.iter().copied()));
    let real: Vec<(u32, Entry)> = places.collect();
    let last = real.last().ok_or_else(|| failed("no entries"))?.1;
    let pair = pair(bench, &truth, who, low, &last)?;
    // In the quarter that nothing else is in.
    let lowest = middle + middle / 2;
    let list = list(count, &real, lowest)?;
    let mut positions = vec![middle - 1, middle];
    if who == Who::MatchedLower {
        let at = real.iter().find(|(_, entry)| entry.request == pair.request);
        let (at, _) = at.ok_or_else(|| failed("the request is not matched"))?;
        positions.extend([*at, lowest]);
        positions.sort_unstable();
    }
    let witness = list.open(&positions).map(|opening| Witness::Blocking {
        request: pair.request,
        offer: pair.offer,
        opening,
    });
    let n = truth.header.round.get();
    let settled = bench.certify(truth, list).await?;
    for index in [0, first_of_high / u32::try_from(CHUNK).map_err(failed)?] {
        bench.ground.post_chunk(&settled, index).await?;
    }
    believe(&bench.ground, n, count).await?;
    bench
        .refute(&settled, witness, Kind { name, code: 14 })
        .await
}

/// The entries of the first chunk and of the one before the middle: four of each machine, and of the
/// last machine the four that rank highest with it, so that others rank below them.
fn chunks(bench: &Bench, truth: &Truth, half: usize) -> Result<Vec<Entry>, Error> {
    let policy = &bench.ground.policy.score;
    let each = usize::try_from(EACH).map_err(failed)?;
    let both = 2 * usize::try_from(CHUNK).map_err(failed)?;
    let requests = bench.book.requests.chunks(both).nth(half);
    let mut requests = requests.ok_or_else(|| failed("too few requests"))?.to_vec();
    let last = bench.book.machines.last();
    let last = *last.ok_or_else(|| failed("no machines"))?;
    let mut ranks = requests
        .iter()
        .map(|request| book::rank(truth, policy, *request, last))
        .collect::<Result<Vec<_>, _>>()?;
    ranks.sort_unstable();
    requests.clear();
    requests.extend(ranks.iter().map(|rank| rank.request));
    let machines = bench.book.machines.iter().zip(requests.chunks(each));
    let mut all = Vec::with_capacity(both);
    for (machine, four) in machines {
        all.extend(entries(truth, policy, *machine, four)?);
    }
    Ok(all)
}

/// A pair with the machine of the last entry that stands below that entry and, if its request is
/// matched, above its match.
fn pair(
    bench: &Bench,
    truth: &Truth,
    who: Who,
    low: &[Entry],
    last: &Entry,
) -> Result<PairRank, Error> {
    let policy = &bench.ground.policy.score;
    let offer: OfferId = last.offer;
    let candidates: Vec<(RequestId, Option<PairRank>)> = match who {
        Who::Unmatched => bench.book.spare().iter().map(|r| (*r, None)).collect(),
        Who::MatchedLower => low.iter().map(|e| (e.request, Some(e.rank()))).collect(),
    };
    for (request, matched) in candidates {
        let rank = book::rank(truth, policy, request, offer)?;
        let above = matched.is_none_or(|matched| rank > matched);
        if rank < last.rank() && above {
            return Ok(rank);
        }
    }
    Err(failed("no request ranks between"))
}
