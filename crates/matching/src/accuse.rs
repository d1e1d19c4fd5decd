//! From a wrong list to the witness that refutes it.

use quorate_canon::Digest;

use crate::check::check_outcome;
use crate::context::{RoundContext, Seed};
use crate::fault::Fault;
use crate::list::{Entry, ListError, NO_LOWEST, OutcomeList, lowest_of, outcome_root};
use crate::num::position;
use crate::policy::ScorePolicy;
use crate::rank::PairRank;
use crate::snapshot::Snapshot;
use crate::witness::Witness;

/// The witness that refutes a list, or `None` exactly when the list is the outcome of the round.
///
/// It is a blocking pair only where each entry is true: that kind costs most, and it convicts only
/// when the list stands posted in full.
#[must_use]
pub fn witness_for(
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
    list: &OutcomeList,
) -> Option<Witness> {
    if ends_nowhere(policy, list) {
        return list.open(&[]).map(Witness::Cut);
    }
    let fault = check_outcome(snapshot, policy, context, seed, list).err()?;
    witness_of(snapshot, policy, list, &fault)
}

/// The witness of a fault that [`check_outcome`] found in this list, or that somebody else did. `None`
/// if the fault names entries or orders that are not there.
#[must_use]
pub fn witness_of(
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    list: &OutcomeList,
    fault: &Fault,
) -> Option<Witness> {
    match fault {
        Fault::UnknownOffer { position, .. }
        | Fault::UnknownRequest { position, .. }
        | Fault::Ineligible { position, .. }
        | Fault::WrongScore { position, .. }
        | Fault::WrongTie { position, .. } => list.open(&[*position]).map(Witness::Entry),
        Fault::OverCapacity { position, offer } => {
            let entry = list.entry(*position)?;
            let free = snapshot.offer(*offer)?.free();
            if free.holds(&entry.used) {
                // The sum is more than a record can say, so the entry says another.
                neighbours(list, *position)
            } else {
                list.open(&[*position]).map(Witness::Entry)
            }
        }
        Fault::Order { position, .. } | Fault::WrongUsed { position, .. } => {
            neighbours(list, *position)
        }
        Fault::Repeated { first, second, .. } => {
            list.open(&[*first, *second]).map(Witness::Repeated)
        }
        Fault::TooMany { .. } => list.open(&[]).map(Witness::Cut),
        Fault::WrongLowest { got, expected } => wrong_lowest(list, *got, *expected),
        Fault::Blocking(pair) => blocking(policy, list, pair),
    }
}

/// Whether count and lowest alone are wrong: the cheapest of all witnesses.
fn ends_nowhere(policy: &ScorePolicy, list: &OutcomeList) -> bool {
    let count = list.count();
    let too_long = policy.match_limit().is_some_and(|limit| count > limit);
    too_long || (list.entry(list.lowest()).is_none() && (count > 0 || list.lowest() != NO_LOWEST))
}

fn neighbours(list: &OutcomeList, at: u32) -> Option<Witness> {
    let opening = match at.checked_sub(1) {
        None => list.open(&[at]),
        Some(before) => list.open(&[before, at]),
    };
    opening.map(Witness::Neighbours)
}

fn wrong_lowest(list: &OutcomeList, got: u32, expected: u32) -> Option<Witness> {
    let opening = if list.entry(got).is_some() {
        list.open(&[got.min(expected), got.max(expected)])
    } else {
        list.open(&[])
    };
    opening.map(Witness::Cut)
}

/// Opens all that a blocking pair needs of a list whose entries stand in order.
fn blocking(policy: &ScorePolicy, list: &OutcomeList, pair: &PairRank) -> Option<Witness> {
    let before = |entry: &Entry| {
        entry.offer < pair.offer || (entry.offer == pair.offer && entry.rank() > *pair)
    };
    let split = position(list.entries().partition_point(before));
    let mut shown: Vec<u32> = split.checked_sub(1).into_iter().collect();
    if split < list.count() {
        shown.push(split);
    }
    let mut requests = list.entries().iter().map(|entry| entry.request);
    shown.extend(
        requests
            .position(|request| request == pair.request)
            .map(position),
    );
    if policy
        .match_limit()
        .is_some_and(|limit| list.count() >= limit)
    {
        shown.push(list.lowest());
    }
    shown.sort_unstable();
    shown.dedup();
    Some(Witness::Blocking {
        request: pair.request,
        offer: pair.offer,
        opening: list.open(&shown)?,
    })
}

/// The list that an outcome root commits to, from its entries alone: tries the lowest position that is
/// right first, then every other, then none. `None` if these are not the root's entries, or its lowest
/// is no position of the list.
///
/// # Errors
/// If a root cannot count the entries.
pub fn list_of_root(entries: Vec<Entry>, root: &Digest) -> Result<Option<OutcomeList>, ListError> {
    let right = lowest_of(&entries);
    let list = OutcomeList::claimed(entries, right)?;
    let list_root = list.root();
    let found = std::iter::once(right)
        .chain(0..list.count())
        .chain(std::iter::once(NO_LOWEST))
        .find(|lowest| outcome_root(&list_root, *lowest) == *root);
    Ok(found.map(|lowest| list.with_lowest(lowest)))
}
