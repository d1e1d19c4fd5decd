//! The fold of the market against a plain oracle, through reorgs, pruning and its image.

use proptest::prelude::*;
use quorate_canon::{OfferId, RequestId, Round, Timestamp};
use quorate_chain::market::{FoldError, MarketEvent, MarketIndex};

use crate::world::{Dice, PERIOD, World, oracle};

/// A chain of blocks with the world after each.
struct Chain {
    blocks: Vec<(World, Vec<MarketEvent>)>,
    dice: Dice,
}

impl Chain {
    fn new(seed: u64) -> Self {
        Self {
            blocks: Vec::new(),
            dice: Dice(seed),
        }
    }

    fn head(&self) -> u64 {
        u64::try_from(self.blocks.len()).unwrap()
    }

    fn grow(&mut self, index: &mut MarketIndex) {
        let mut world = self
            .blocks
            .last()
            .map(|(world, _)| world.clone())
            .unwrap_or_default();
        let events = world.block(&mut self.dice);
        self.blocks.push((world, events));
        index
            .apply(self.head(), &self.blocks.last().unwrap().1, true)
            .unwrap();
    }

    fn reorganise(&mut self, index: &mut MarketIndex, depth: usize) {
        self.blocks
            .truncate(self.blocks.len().saturating_sub(depth));
        index.rollback(self.head());
    }

    fn events(&self) -> Vec<MarketEvent> {
        self.blocks
            .iter()
            .flat_map(|(_, events)| events.clone())
            .collect()
    }

    fn reindexed(&self) -> MarketIndex {
        let mut index = MarketIndex::new();
        for (number, (_, events)) in (1..).zip(&self.blocks) {
            index.apply(number, events, false).unwrap();
        }
        index
    }

    fn time(&self) -> u64 {
        self.blocks.last().map_or(0, |(world, _)| world.time)
    }
}

/// A number of steps, each a block or a reorg of a depth.
fn steps() -> impl Strategy<Value = Vec<Option<usize>>> {
    let reorg = prop::sample::select(vec![1, 2, 7, 33]).prop_map(Some);
    prop::collection::vec(prop_oneof![9 => Just(None), 1 => reorg], 1..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_reorgs_the_index_equals_a_fresh_one_byte_for_byte(seed: u64, steps in steps()) {
        let mut chain = Chain::new(seed);
        let mut index = MarketIndex::new();
        for step in steps {
            match step {
                None => chain.grow(&mut index),
                Some(depth) => chain.reorganise(&mut index, depth),
            }
        }
        let fresh = chain.reindexed();
        prop_assert_eq!(&index, &fresh);
        prop_assert_eq!(index.to_bytes(), fresh.to_bytes());
    }

    #[test]
    fn every_past_snapshot_is_the_oracles(seed: u64, blocks in 1_usize..120) {
        let mut chain = Chain::new(seed);
        let mut index = MarketIndex::new();
        (0..blocks).for_each(|_| chain.grow(&mut index));
        let events = chain.events();
        for t in (0..=chain.time() + 1).step_by(3) {
            let round = Round::new(t / PERIOD);
            let snapshot = index.snapshot_at(round, Timestamp::new(t)).unwrap();
            prop_assert_eq!(snapshot, oracle(&events, round, t));
        }
    }

    /// What an order's life says of a time is what the snapshot of that time shows.
    #[test]
    fn the_lives_of_orders_are_those_of_the_snapshots(seed: u64, blocks in 1_usize..60) {
        let mut chain = Chain::new(seed);
        let mut index = MarketIndex::new();
        (0..blocks).for_each(|_| chain.grow(&mut index));
        let round = Round::new(chain.time() / PERIOD + 1);
        for t in (0..=chain.time()).map(Timestamp::new) {
            let snapshot = index.snapshot_at(round, t).unwrap();
            for id in (1..=index.request_count() + 1).map(RequestId::new) {
                let life = index.request_life(id);
                let open = life.is_some_and(|life| {
                    life.created <= t
                        && life.cancelled.is_none_or(|at| t < at)
                        && t < life.request.valid_until
                        && life.matched.is_none_or(|(of, _)| of >= round)
                });
                prop_assert_eq!(open, snapshot.request(id).is_some());
            }
            for id in (1..=index.offer_count() + 1).map(OfferId::new) {
                let open = index.offer_life(id).into_iter().find(|version| {
                    version.created <= t
                        && version.closed.is_none_or(|at| t < at)
                        && t < version.offer.available_until
                });
                let shown = snapshot.offer(id).map(|input| input.offer.clone());
                prop_assert_eq!(open.map(|version| version.offer), shown);
            }
        }
    }

    #[test]
    fn pruning_changes_no_later_snapshot_and_can_still_be_rolled_back(
        seed: u64, early in 1_usize..80, late in 1_usize..40,
    ) {
        let mut chain = Chain::new(seed);
        let mut index = MarketIndex::new();
        (0..early).for_each(|_| chain.grow(&mut index));
        index.finalize(chain.head());
        // Posting of a round can come up to two rounds later in this world.
        let t = chain.time().saturating_sub(3 * PERIOD);
        let cut = chain.head();
        index.prune(Round::new(t / PERIOD), Timestamp::new(t));
        (0..late).for_each(|_| chain.grow(&mut index));
        let events = chain.events();
        for t in (t..=chain.time() + 1).step_by(2) {
            let round = Round::new(t / PERIOD);
            let snapshot = index.snapshot_at(round, Timestamp::new(t)).unwrap();
            prop_assert_eq!(snapshot, oracle(&events, round, t));
        }
        let kept = chain.blocks.len() - usize::try_from(cut).unwrap();
        chain.reorganise(&mut index, kept);
        let mut fresh = chain.reindexed();
        fresh.prune(Round::new(t / PERIOD), Timestamp::new(t));
        prop_assert_eq!(index.to_bytes(), fresh.to_bytes());
    }

    #[test]
    fn the_image_gives_the_same_index_back(seed: u64, blocks in 1_usize..60) {
        let mut chain = Chain::new(seed);
        let mut index = MarketIndex::new();
        (0..blocks).for_each(|_| chain.grow(&mut index));
        let image = index.to_bytes();
        prop_assert_eq!(&MarketIndex::from_bytes(&image).unwrap(), &index);
        prop_assert!(MarketIndex::from_bytes(&image[..image.len() - 1]).is_err());
    }
}

#[test]
fn a_block_with_an_event_that_cannot_be_changes_nothing() {
    let mut chain = Chain::new(3);
    let mut index = MarketIndex::new();
    (0..40).for_each(|_| chain.grow(&mut index));
    let before = index.to_bytes();
    let head = chain.head() + 1;
    let mut events = Vec::new();
    while events.is_empty() {
        events = chain
            .blocks
            .last()
            .unwrap()
            .0
            .clone()
            .block(&mut chain.dice);
    }
    events.push(MarketEvent::OfferClosed {
        id: 1_000_000,
        time: chain.time() + 4,
    });
    let error = index.apply(head, &events, true).unwrap_err();
    assert_eq!(
        error,
        FoldError::Unknown {
            what: "offer",
            id: 1_000_000
        }
    );
    assert_eq!(index.to_bytes(), before);
}

#[test]
fn a_lost_batch_of_offers_is_noticed_at_the_next() {
    let mut index = MarketIndex::new();
    let mut world = World::default();
    let mut dice = Dice(11);
    let posted = std::iter::from_fn(|| Some(world.block(&mut dice)))
        .flatten()
        .filter(|event| matches!(event, MarketEvent::OffersPosted { .. }))
        .nth(1)
        .unwrap();
    let error = index.apply(1, [&posted], true).unwrap_err();
    let MarketEvent::OffersPosted { offers, .. } = &posted else {
        panic!("no offers")
    };
    let got = offers[0].id;
    assert!(got > OfferId::new(1));
    assert_eq!(
        error,
        FoldError::Sequence {
            what: "offer",
            got: got.get(),
            expected: 1
        }
    );
}
