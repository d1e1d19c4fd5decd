//! The core: a wrong list is proven wrong and named, a right one never.

use proptest::prelude::*;
use quorate_canon::Round;
use quorate_matching::{Accused, OutcomeList, Witness, judge};

use super::lies::{ALL, Lie};
use crate::{
    inputs::RoundInputs,
    posted::Posted,
    testing,
    watch::{
        seed::BeaconRule,
        trial::{Proof, Trial},
        view::{RoundView, Strangers},
    },
};

struct Scene {
    trial: Trial,
    list: OutcomeList,
    beacon: BeaconRule,
}

/// A round whose header commits to what `lie` makes of the right list.
fn scene(
    inputs: RoundInputs,
    lie: impl FnOnce(&RoundInputs, &OutcomeList) -> Option<OutcomeList>,
) -> Option<Scene> {
    let round = 50;
    let (beacon, mut record) = testing::seeded(round);
    let mut inputs = inputs;
    inputs.context.round = Round::new(round);
    let right = inputs.right(&record.header.seed).unwrap();
    let list = lie(&inputs, &right.list)?;
    record.header.outcome_root = list.outcome_root();
    let trial = Trial::new(record, inputs).unwrap();
    Some(Scene {
        trial,
        list,
        beacon,
    })
}

impl Scene {
    fn prove(&self, posted: &Posted) -> Option<Proof> {
        self.trial
            .prove(&self.beacon, posted, &Strangers::default())
    }

    fn whole(&self) -> Posted {
        Posted::all(self.list.outcome_root(), self.list.clone()).unwrap()
    }

    fn part(&self, chunks: &[u32]) -> Posted {
        let mut posted = Posted::nothing(self.list.outcome_root());
        for chunk in chunks {
            posted.add(&self.list.chunk(*chunk).unwrap()).unwrap();
        }
        posted
    }

    /// The judge of witnesses, from bytes.
    fn convicts(&self, proof: &Proof, posted: &Posted) -> bool {
        let strangers = Strangers::default();
        let header = &self.trial.record.header;
        let view = RoundView::new(&self.trial.inputs, &strangers, header, &self.beacon, posted);
        let accused = Accused {
            outcome_root: header.outcome_root,
            seed: header.seed,
        };
        judge(&view, &accused, &proof.witness.to_bytes()) == Ok(Some(proof.refutation))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_lie_is_proven_and_named(number: u64, lie in proptest::sample::select(&ALL[..]), place: usize, limit in 0_u32..6) {
        let inputs = testing::inputs(number, 6, 18, limit);
        if let Some(scene) = scene(inputs, |inputs, right| lie.tell(inputs, right, place)) {
            prop_assume!(!scene.trial.is_right());
            let posted = scene.whole();
            let proof = scene.prove(&posted);
            prop_assert!(proof.is_some(), "{lie:?}");
            let proof = proof.unwrap();
            prop_assert!(lie.codes().contains(&proof.refutation.code), "{lie:?}: {proof:?}");
            prop_assert!(scene.convicts(&proof, &posted), "{lie:?}: {proof:?}");
            prop_assert!(!proof.words.is_empty());
        }
    }

    #[test]
    fn a_right_list_is_right_and_has_no_witness(number: u64, limit in 0_u32..6) {
        let inputs = testing::inputs(number, 6, 18, limit);
        let scene = scene(inputs, |_, right| Some(right.clone())).unwrap();
        prop_assert!(scene.trial.is_right());
        prop_assert_eq!(scene.prove(&scene.whole()), None);
        prop_assert_eq!(scene.trial.ineligible(&scene.beacon, &scene.whole(), &Strangers::default()), vec![]);
    }
}

/// Enough matches for two chunks.
fn large() -> RoundInputs {
    testing::inputs(4, 170, 700, 0)
}

#[test]
fn a_wrong_entry_is_proven_as_soon_as_its_chunk_stands() {
    let place = 270;
    let scene = scene(large(), |inputs, right| {
        assert!(right.count() > 270, "{}", right.count());
        Lie::Score.tell(inputs, right, place)
    })
    .unwrap();
    assert_eq!(scene.prove(&scene.part(&[0])), None);
    let posted = scene.part(&[1]);
    let proof = scene.prove(&posted).unwrap();
    assert_eq!(proof.refutation.position, 270);
    assert!(scene.convicts(&proof, &posted));
    assert!(proof.words.contains("entry 270"), "{}", proof.words);
}

#[test]
fn what_only_the_whole_list_shows_waits_for_it() {
    let scene = scene(large(), |inputs, right| Lie::Drop.tell(inputs, right, 3)).unwrap();
    let chunks: Vec<u32> = (0..scene.list.chunks()).collect();
    let (last, before) = chunks.split_last().unwrap();
    assert!(!before.is_empty() && *last > 0);
    assert_eq!(scene.prove(&scene.part(before)), None);
    let whole = scene.part(&chunks);
    assert!(matches!(
        scene.prove(&whole).unwrap().witness,
        Witness::Blocking { .. }
    ));
}

/// Two faults: the end is the cheapest to show, then one entry, then two.
#[test]
fn the_cheapest_of_several_witnesses_is_taken() {
    let two = |first: Lie, second: Lie| {
        let scene = scene(testing::inputs(3, 6, 18, 0), |inputs, right| {
            let once = first.tell(inputs, right, 1)?;
            second.tell(inputs, &once, 2)
        });
        let scene = scene.unwrap();
        scene.prove(&scene.whole()).unwrap().witness
    };
    assert!(matches!(two(Lie::Score, Lie::NoLowest), Witness::Cut(_)));
    assert!(matches!(two(Lie::Repeat, Lie::Score), Witness::Entry(_)));
}

#[test]
fn every_ineligible_pair_is_found_for_annulment() {
    let scene = scene(testing::inputs(11, 6, 18, 0), |inputs, right| {
        let mut entries = right.entries().to_vec();
        // A machine of a model that nobody accepts does not exist here: take pairs that are cut.
        let offers = inputs.snapshot.offers();
        let mut moved = 0;
        for entry in &mut entries {
            let request = &inputs.snapshot.request(entry.request)?.request;
            let score = &inputs.policy.score;
            let bad = offers.iter().find(|offer| {
                quorate_matching::eligible(request, offer, score, &inputs.context).is_err()
            });
            if let (Some(bad), true) = (bad, moved < 2) {
                entry.offer = bad.offer.id;
                moved += 1;
            }
        }
        assert_eq!(moved, 2);
        OutcomeList::claimed(entries, right.lowest()).ok()
    })
    .unwrap();
    let posted = scene.whole();
    let found = scene
        .trial
        .ineligible(&scene.beacon, &posted, &Strangers::default());
    assert_eq!(found.len(), 2);
    for (request, witness) in found {
        let Witness::Entry(opening) = witness else {
            panic!("{witness:?}");
        };
        assert_eq!(opening.entries[0].1.request, request);
    }
}
