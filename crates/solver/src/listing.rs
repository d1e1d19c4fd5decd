//! The list that an outcome commits to, on several threads.

use quorate_matching::{
    Capacity, Entry, ListError, Match, NO_LOWEST, Outcome, OutcomeList, Snapshot,
};

use crate::pool;
use crate::prepared::Ready;
use crate::search_ids::find;

/// Matches that one job looks up.
const CHUNK: usize = 8_192;

/// The value of [`OutcomeList::new`].
pub(crate) fn list(
    ready: &Ready,
    snapshot: &Snapshot,
    outcome: &Outcome,
    threads: usize,
) -> Result<OutcomeList, ListError> {
    let matches = &outcome.matches;
    if !matches.is_sorted_by(|a, b| a.rank() > b.rank()) {
        return OutcomeList::new(outcome, snapshot);
    }
    let places = pool::run(threads, matches.len().div_ceil(CHUNK), |job| {
        let end = matches.len().min((job + 1) * CHUNK);
        let some = matches[job * CHUNK..end].iter();
        some.map(|found| place(ready, snapshot, found))
            .collect::<Option<Vec<_>>>()
    });
    let Some(places) = places.into_iter().collect::<Option<Vec<_>>>() else {
        // Not one of this snapshot: let the rules say what is wrong with it.
        return OutcomeList::new(outcome, snapshot);
    };
    let places = places.concat();
    let mut ends = vec![0_u32; snapshot.offers().len() + 1];
    for (offer, _) in &places {
        ends[*offer as usize] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        (sum, *end) = (sum + *end, sum);
    }
    // Matches descend, so each offer's do where they are put in their order.
    let mut entries = vec![Entry::default(); matches.len()];
    let mut last = vec![Capacity::ZERO; snapshot.offers().len()];
    let mut lowest = NO_LOWEST;
    for (found, (offer, demand)) in matches.iter().zip(&places) {
        let offer = *offer as usize;
        let used = last[offer].checked_add(demand);
        let used = used.ok_or(ListError::Overflow(found.offer))?;
        last[offer] = used;
        lowest = ends[offer];
        entries[lowest as usize] = Entry {
            offer: found.offer,
            request: found.request,
            score: found.score,
            tie: found.tie,
            used,
        };
        ends[offer] += 1;
    }
    OutcomeList::claimed_on(entries, lowest, threads)
}

/// The offer's position and what the request takes.
fn place(ready: &Ready, snapshot: &Snapshot, found: &Match) -> Option<(u32, Capacity)> {
    let offers = snapshot.offers();
    let offer = find(offers.len(), found.offer.get(), |at| {
        offers[at].offer.id.get()
    })?;
    let ids = &ready.book.ids;
    let request = find(ids.len(), found.request.get(), |at| ids[at])?;
    Some((offer as u32, snapshot.requests()[request].request.demand()))
}
