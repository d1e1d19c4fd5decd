//! Trees, lists, chunks.

use quorate_canon::merkle::{Kind, Tree, leaf};
use quorate_canon::{Digest, FixedWidth, OfferId, RequestId};
use quorate_matching::{Capacity, Entry, OutcomeList};

use super::json::{Object, bytes, number};
use crate::common::world::Dice;

/// The i-th entry of a tree in these vectors is i, as eight bytes.
fn tree(kind: Kind, count: u32) -> Tree {
    let leaves = (0..count)
        .map(|i| leaf(kind, &u64::from(i).to_be_bytes()))
        .collect();
    Tree::new(kind, leaves).unwrap()
}

fn joined(hashes: &[Digest]) -> String {
    bytes(hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>())
}

/// `root` of the tree of `count` entries; entry i is i in eight bytes. Then proofs of leaves: the
/// `leaf` at `proofIndex` in the list tree of `proofCount` entries, its sibling hashes joined.
pub fn tree_file() -> String {
    let kinds = [Kind::Offer, Kind::Request, Kind::List];
    let counts = (0..=40).chain([63, 64, 65, 127, 128, 255, 256, 257, 511, 513, 1_000]);
    let cases: Vec<_> = counts
        .flat_map(|count| kinds.map(|kind| (kind, count)))
        .collect();
    let mut file = Object::default();
    file.many("kind", cases.iter().map(|case| number(case.0.code())));
    file.many("count", cases.iter().map(|case| number(case.1)));
    file.many(
        "root",
        cases.iter().map(|case| bytes(tree(case.0, case.1).root())),
    );
    let places =
        [1, 2, 3, 5, 8, 21, 257].map(|count| [0, count / 2, count - 1].map(|at| (count, at)));
    let places: Vec<(u32, u32)> = places.into_iter().flatten().collect();
    let entry = |at: u32| leaf(Kind::List, &u64::from(at).to_be_bytes());
    let siblings =
        |(count, at): &(u32, u32)| joined(&tree(Kind::List, *count).prove(*at).unwrap().siblings);
    file.many("proofCount", places.iter().map(|place| number(place.0)));
    file.many("proofIndex", places.iter().map(|place| number(place.1)));
    file.many(
        "proofLeaf",
        places.iter().map(|place| bytes(entry(place.1))),
    );
    file.many("proofSiblings", places.iter().map(siblings));
    file.finish()
}

/// Lists that are well formed: offers ascend, pairs of an offer descend, sums run.
fn list(dice: &mut Dice, count: u32) -> OutcomeList {
    let mut entries: Vec<Entry> = Vec::new();
    for i in 0..count {
        let above = entries
            .last()
            .copied()
            .filter(|above| above.used.gpus < 8 && dice.one_in(2));
        let demand = Capacity {
            gpus: 1 + dice.small(2),
            cpu_milli: 1_000 * u32::from(dice.small(16)),
            memory_mib: 1_024 * u32::from(dice.small(32)),
            disk_gib: u32::from(dice.small(100)),
            mbits: u32::from(dice.small(100)),
        };
        let score = above.map_or(200_000_000, |above| above.score) - dice.below(1_000);
        let last = entries.last().map_or(0, |entry| entry.offer.get());
        entries.push(Entry {
            offer: above.map_or(OfferId::new(last + 1 + dice.below(3)), |above| above.offer),
            request: RequestId::new(u64::from(i) + 1),
            // Strictly falling, or a smaller tie with the same score.
            score: score - u64::from(above.is_some()),
            tie: dice.roll(),
            used: above
                .map_or(Capacity::ZERO, |above| above.used)
                .checked_add(&demand)
                .unwrap(),
        });
    }
    let joined: Vec<u8> = entries.iter().flat_map(FixedWidth::to_bytes).collect();
    OutcomeList::from_bytes(&joined).unwrap()
}

/// Per list its `entries` joined, `count`, `lowest`, `listRoot`, `outcomeRoot`; per chunk the position
/// of its list in those arrays, its `chunkIndex` and its sibling hashes joined.
pub fn list_file() -> String {
    let mut dice = Dice(4);
    let counts = [0, 1, 2, 3, 5, 40, 255, 256, 257, 600];
    let lists: Vec<_> = counts.iter().map(|count| list(&mut dice, *count)).collect();
    let chunks: Vec<_> = (0_u32..)
        .zip(&lists)
        .flat_map(|(i, list)| (0..list.chunks()).map(move |c| (i, list.chunk(c).unwrap())))
        .collect();
    let mut file = Object::default();
    file.many("entries", lists.iter().map(|list| bytes(list.bytes())));
    file.many("count", lists.iter().map(|list| number(list.count())));
    file.many("lowest", lists.iter().map(|list| number(list.lowest())));
    file.many("listRoot", lists.iter().map(|list| bytes(list.root())));
    file.many(
        "outcomeRoot",
        lists.iter().map(|list| bytes(list.outcome_root())),
    );
    file.many("chunkList", chunks.iter().map(|chunk| number(chunk.0)));
    file.many(
        "chunkIndex",
        chunks.iter().map(|chunk| number(chunk.1.index)),
    );
    file.many(
        "chunkProof",
        chunks.iter().map(|chunk| joined(&chunk.1.proof)),
    );
    file.finish()
}
