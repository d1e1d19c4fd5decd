//! Judges what entries are to each other: order, sums, repetition, the end.

use crate::capacity::Capacity;
use crate::judge::view::View;
use crate::judge::{NO_POSITION, Refutation, RefutationCode};
use crate::list::{Entry, NO_LOWEST};
use crate::opening::Opening;
use crate::policy::ScorePolicy;

/// Two neighbours, or the first entry after nothing.
pub(super) fn judge_neighbours(view: &impl View, opening: &Opening) -> Option<Refutation> {
    let (before, position, entry) = match opening.entries.as_slice() {
        [(at, first)] => (None, *at, first),
        [(_, before), (at, entry)] => (Some(before), *at, entry),
        _ => return None,
    };
    let code = wrong_place(before, entry).or_else(|| wrong_sum(view, before, entry))?;
    Some(Refutation::at(code, position))
}

fn wrong_place(before: Option<&Entry>, entry: &Entry) -> Option<RefutationCode> {
    let before = before?;
    if entry.offer < before.offer {
        return Some(RefutationCode::OffersNotAscending);
    }
    let below = entry.offer != before.offer || entry.rank() < before.rank();
    (!below).then_some(RefutationCode::WrongOrder)
}

/// A sum that does not fit its width is not what the entry says either.
fn wrong_sum(view: &impl View, before: Option<&Entry>, entry: &Entry) -> Option<RefutationCode> {
    let demand = view.request(entry.request)?.input.request.demand();
    let same = before.filter(|before| before.offer == entry.offer);
    let sum = same
        .map_or(Capacity::ZERO, |before| before.used)
        .checked_add(&demand);
    (sum != Some(entry.used)).then_some(RefutationCode::WrongSum)
}

/// Two entries with one request.
pub(super) fn judge_repeated(opening: &Opening) -> Option<Refutation> {
    let [(_, first), (at, second)] = opening.entries.as_slice() else {
        return None;
    };
    let repeated = first.request == second.request;
    repeated.then_some(Refutation::at(RefutationCode::MatchedTwice, *at))
}

/// Count and lowest alone, or the lowest beside another entry.
pub(super) fn judge_cut(policy: &ScorePolicy, opening: &Opening) -> Option<Refutation> {
    let (wrong, position) = match opening.entries.as_slice() {
        [] => (wrong_ends(policy, opening), NO_POSITION),
        [(_, _), (at, _)] => (lower_than_lowest(opening), *at),
        _ => (false, NO_POSITION),
    };
    wrong.then_some(Refutation::at(RefutationCode::WrongCut, position))
}

fn wrong_ends(policy: &ScorePolicy, opening: &Opening) -> bool {
    let too_long = policy
        .match_limit()
        .is_some_and(|limit| opening.count > limit);
    let nowhere = match opening.count {
        0 => opening.lowest != NO_LOWEST,
        count => opening.lowest >= count,
    };
    too_long || nowhere
}

fn lower_than_lowest(opening: &Opening) -> bool {
    let Some(lowest) = opening.entry(opening.lowest) else {
        return false;
    };
    let rest = opening.entries.iter();
    rest.map(|(_, entry)| entry.rank())
        .any(|rank| rank < lowest.rank())
}
