//! What the contracts are asked about an outcome, with the answers that this node expects.

use std::collections::BTreeSet;

use quorate_matching::{ChunkProof, OutcomeList, Witness};

use super::{
    draw::Dice,
    pairs::{self, Claim},
};
use crate::compute::{Computed, Prepared};

/// All questions of one check.
#[derive(Debug)]
pub(super) struct Questions {
    /// A chunk, which must be read as part of the outcome root.
    pub(super) chunk: Option<ChunkProof>,
    /// Pairs, which must be seen as this node sees them.
    pub(super) claims: Vec<Claim>,
    /// Witnesses, which must show no fault.
    pub(super) shown: Vec<Shown>,
}

/// A witness about entries of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// `entry`, or `neighbours`.
    pub(super) kind: &'static str,
    /// Position of the last entry that it opens.
    pub(super) position: u32,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

impl Questions {
    /// Draws `wanted` pairs and `wanted` matches with all their neighbours.
    pub(super) fn draw(wanted: usize, prepared: &Prepared, computed: &Computed) -> Self {
        let mut dice = Dice::new(computed.header.seed);
        let list = &computed.list;
        let chunks = usize::try_from(list.chunks()).unwrap_or(usize::MAX);
        let chunk = dice.below(chunks).and_then(|at| u32::try_from(at).ok());
        let matches = dice.distinct(wanted, list.entries().len());
        let matches: BTreeSet<u32> = matches
            .into_iter()
            .filter_map(|at| u32::try_from(at).ok())
            .collect();
        Self {
            chunk: chunk.and_then(|at| list.chunk(at)),
            claims: pairs::draw(&mut dice, wanted, prepared, computed),
            shown: shown(list, &matches),
        }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        1 + self.claims.len() + self.shown.len()
    }
}

/// Each match by itself, beside the one before it and beside the one behind it.
fn shown(list: &OutcomeList, matches: &BTreeSet<u32>) -> Vec<Shown> {
    let entries = matches.iter().filter_map(|at| entry(list, *at));
    // A neighbourhood goes by its second entry; the first of the list has nothing before it.
    let behind = matches.iter().filter_map(|at| at.checked_add(1));
    let seconds: BTreeSet<u32> = matches.iter().copied().chain(behind).collect();
    let neighbours = seconds.iter().filter_map(|at| neighbours(list, *at));
    entries.chain(neighbours).collect()
}

fn entry(list: &OutcomeList, position: u32) -> Option<Shown> {
    let witness = Witness::Entry(list.open(&[position])?);
    Some(Shown {
        kind: "entry",
        position,
        bytes: witness.to_bytes(),
    })
}

/// `None` behind the last entry.
fn neighbours(list: &OutcomeList, second: u32) -> Option<Shown> {
    let opening = match second.checked_sub(1) {
        Some(first) => list.open(&[first, second]),
        None => list.open(&[second]),
    };
    let witness = Witness::Neighbours(opening?);
    Some(Shown {
        kind: "neighbours",
        position: second,
        bytes: witness.to_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use quorate_matching::{Accused, SnapshotView, judge, verify_chunk};

    use super::*;
    use crate::self_check::market::round;

    #[test]
    fn of_a_right_outcome_every_witness_shows_no_fault() {
        let (prepared, computed) = round(12, 40, 1);
        let questions = Questions::draw(64, &prepared, &computed);
        let count = computed.list.entries().len();
        // Fewer matches than asked for: each by itself, and each beside the one before.
        assert!(count > 20 && questions.shown.len() == 2 * count);
        let accused = Accused {
            outcome_root: computed.header.outcome_root,
            seed: computed.header.seed,
        };
        let view = SnapshotView::new(
            prepared.inputs(),
            &prepared.policy.score,
            prepared.context(),
        );
        for shown in &questions.shown {
            assert_eq!(judge(&view, &accused, &shown.bytes), Ok(None), "{shown:?}");
        }
        let chunk = questions.chunk.unwrap();
        assert!(verify_chunk(&computed.header.outcome_root, &chunk).is_ok());
    }

    #[test]
    fn drawn_matches_come_with_both_neighbours() {
        let (prepared, computed) = round(12, 40, 2);
        let questions = Questions::draw(3, &prepared, &computed);
        let of = |kind| {
            let shown = questions
                .shown
                .iter()
                .filter(move |shown| shown.kind == kind);
            shown.map(|shown| shown.position).collect::<BTreeSet<_>>()
        };
        let (entries, seconds) = (of("entry"), of("neighbours"));
        assert_eq!(entries.len(), 3);
        let last = computed.list.count() - 1;
        for at in entries {
            assert!(seconds.contains(&at) && (at == last || seconds.contains(&(at + 1))));
        }
    }

    #[test]
    fn the_seed_decides_what_is_asked() {
        let (prepared, computed) = round(12, 40, 3);
        let draw = || {
            let questions = Questions::draw(6, &prepared, &computed);
            (questions.claims, questions.shown)
        };
        assert_eq!(draw(), draw());
        let (prepared, other) = round(12, 40, 4);
        assert_ne!(draw().0, Questions::draw(6, &prepared, &other).claims);
    }

    #[test]
    fn a_round_without_orders_still_has_its_chunk_read() {
        let (prepared, computed) = round(0, 0, 5);
        let questions = Questions::draw(32, &prepared, &computed);
        assert!(questions.claims.is_empty() && questions.shown.is_empty());
        assert!(questions.chunk.is_some());
    }
}
