//! Lies about the list: its matches are right, and stand in the wrong places or with wrong numbers.

use super::draw::Draw;
use super::{Lied, Round};
use crate::capacity::Capacity;
use crate::list::{Entry, NO_LOWEST, OutcomeList, lowest_of};
use crate::num::position;

pub(super) fn sum(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut entries = entries(round)?;
    let at = draw.below(entries.len());
    let offer = entries.get(at)?.offer;
    let change = draw.below(7);
    let below = entries.iter_mut().skip(at);
    for entry in below.take_while(|entry| entry.offer == offer) {
        entry.used = shift(&entry.used, change);
    }
    claim(round, entries)
}

/// One component more or less; from 5 on, one that no machine has.
fn shift(used: &Capacity, change: usize) -> Capacity {
    let mut used = *used;
    match change {
        0 => used.gpus = used.gpus.wrapping_add(1),
        1 => used.cpu_milli = used.cpu_milli.wrapping_sub(1),
        2 => used.memory_mib = used.memory_mib.wrapping_add(1),
        3 => used.disk_gib = used.disk_gib.wrapping_sub(1),
        4 => used.mbits = used.mbits.wrapping_add(1),
        5 => used.gpus = u8::MAX,
        _ => used = Capacity::ZERO,
    }
    used
}

pub(super) fn lowest(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let list = round.list()?;
    let count = list.count();
    let other = match draw.below(4) {
        0 => NO_LOWEST,
        1 => count,
        2 => draw
            .roll()
            .to_be_bytes()
            .first_chunk()
            .map_or(0, |low| u32::from_be_bytes(*low)),
        _ => position(draw.below(list.entries().len())),
    };
    (other != list.lowest()).then_some(())?;
    round.sign(Ok(list.with_lowest(other)))
}

pub(super) fn split_offer(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut entries = entries(round)?;
    let at = *draw.one_of(&second_of_pairs(&entries))?;
    let split = entries.get(at)?.offer;
    (split != entries.last()?.offer).then_some(())?;
    // With their sums, which go on where the offer's list was broken off.
    let rest = entries.iter().skip(at);
    let end = rest.take_while(|entry| entry.offer == split).count();
    let later: Vec<Entry> = entries.drain(at..at.saturating_add(end)).collect();
    entries.extend(later);
    claim(round, entries)
}

pub(super) fn repeat_offer(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut entries = entries(round)?;
    let last = entries.last()?.offer;
    let firsts: Vec<Entry> = entries
        .iter()
        .copied()
        .filter(|entry| entry.offer != last)
        .collect();
    let again = *draw.one_of(&firsts)?;
    let at = entries
        .iter()
        .rposition(|entry| entry.offer == again.offer)?;
    let mut moved = entries.remove(at);
    let above = entries.get(at.checked_sub(1)?);
    let above = above.filter(|entry| entry.offer == moved.offer)?.used;
    moved.used = moved.used.saturating_sub(&above);
    entries.push(moved);
    claim(round, entries)
}

pub(super) fn order_within(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut entries = entries(round)?;
    let at = *draw.one_of(&second_of_pairs(&entries))?;
    let first = at.checked_sub(1)?;
    let (upper, lower) = (*entries.get(first)?, *entries.get(at)?);
    // The sums as they are in the new order: what the lower pair takes comes first.
    let own = lower.used.saturating_sub(&upper.used);
    let above = first.checked_sub(1).and_then(|before| entries.get(before));
    let above = above.filter(|entry| entry.offer == upper.offer);
    let above = above.map_or(Capacity::ZERO, |entry| entry.used);
    let swapped = [
        Entry {
            used: above.checked_add(&own)?,
            ..lower
        },
        Entry {
            used: lower.used,
            ..upper
        },
    ];
    entries.splice(first..=at, swapped);
    claim(round, entries)
}

pub(super) fn order_of_offers(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut entries = entries(round)?;
    let borders: Vec<usize> = entries
        .windows(2)
        .zip(1..)
        .filter(|(pair, _)| matches!(pair, [a, b] if a.offer != b.offer))
        .map(|(_, at)| at)
        .collect();
    let border = *draw.one_of(&borders)?;
    entries.rotate_left(border);
    claim(round, entries)
}

/// Positions of entries that stand right behind one of the same offer.
fn second_of_pairs(entries: &[Entry]) -> Vec<usize> {
    let pairs = entries.windows(2).zip(1..);
    pairs
        .filter(|(pair, _)| matches!(pair, [a, b] if a.offer == b.offer))
        .map(|(_, at)| at)
        .collect()
}

fn entries(round: &Round<'_>) -> Option<Vec<Entry>> {
    round.list().map(|list| list.entries().to_vec())
}

fn claim(round: &Round<'_>, entries: Vec<Entry>) -> Option<Lied> {
    let lowest = lowest_of(&entries);
    round.sign(OutcomeList::claimed(entries, lowest))
}
