//! Nothing panics: whatever bytes come in, and whatever values they decode to.

mod common;

use common::world::{Dice, World, offer, request};
use proptest::collection::vec;
use proptest::prelude::*;
use quorate_canon::{
    Digest, FixedWidth, HealthEpoch, OfferId, RequestId, Round, Stake, Timestamp, Version,
};
use quorate_matching::{
    ChunkProof, Entry, Offer, OfferInput, OutcomeList, Policy, Prepared, Request, RequestInput,
    RoundContext, ScorePolicy, Seed, Snapshot, check_outcome, explain_pair, explain_request, log2q,
    match_round, verify_chunk,
};

/// Makes the bytes of a record that decodes out of any bytes: most of it stays wild.
fn wild_offer(bytes: &[u8], id: u64) -> Option<OfferInput> {
    let mut bytes = bytes.to_vec();
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    (bytes[11], bytes[103], bytes[127], bytes[149]) = (1, 1, 1, bytes[149].max(1));
    bytes[136..140].fill(0);
    bytes[140..144].fill(0xff);
    (bytes[151], bytes[152]) = (bytes[151] & 7, bytes[152] & 7);
    bytes[153..160].fill(0);
    bytes[168] &= 0x0f;
    bytes[196] = 0;
    (bytes[187], bytes[208]) = (0, 0);
    for at in [185, 200, 202] {
        bytes[at] &= 0x1f;
    }
    OfferInput::from_bytes(&bytes).ok()
}

fn wild_request(bytes: &[u8], id: u64) -> Option<RequestInput> {
    let mut bytes = bytes.to_vec();
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    bytes[8..12].copy_from_slice(&[0, 0, 0, 1]);
    bytes[32..96].fill(0xff);
    bytes[96..160].fill(0);
    (bytes[251], bytes[275], bytes[286]) = (1, 1, bytes[286].clamp(1, 3));
    bytes[252..272].fill(0);
    bytes[284..286].fill(0);
    (bytes[288], bytes[289], bytes[290]) = (0xff, 0xff, 0);
    bytes[291] &= 3;
    bytes[292..320].fill(0);
    RequestInput::from_bytes(&bytes).ok()
}

proptest! {
    #![proptest_config(common::cases(200))]

    #[test]
    fn bytes_of_any_length_decode_or_fail(bytes in vec(any::<u8>(), 0..3500)) {
        let _ = Offer::from_bytes(&bytes);
        let _ = Request::from_bytes(&bytes);
        let _ = OfferInput::from_bytes(&bytes);
        let _ = RequestInput::from_bytes(&bytes);
        let _ = Entry::from_bytes(&bytes);
        let _ = ScorePolicy::from_bytes(&bytes);
        let _ = Policy::from_page(&bytes);
        let _ = OutcomeList::from_bytes(&bytes);
    }

    #[test]
    fn bytes_of_the_right_length_decode_or_fail(bytes in vec(any::<u8>(), 3456)) {
        let _ = OfferInput::from_bytes(&bytes[..209]);
        let _ = RequestInput::from_bytes(&bytes[..328]);
        let _ = Policy::from_page(&bytes);
        prop_assert!(ScorePolicy::from_bytes(&bytes[..3008]).is_ok());
    }

    /// A policy that no contract would take, orders with every field at random, numbers of the round
    /// at random: there is an outcome, it passes its own check, and every pair has a verdict.
    #[test]
    fn any_values_have_an_outcome(
        policy in vec(any::<u8>(), 3008),
        offers in vec(vec(any::<u8>(), 209), 0..6),
        requests in vec(vec(any::<u8>(), 328), 0..6),
        numbers: (u64, u64, u64, u32, u32),
        seed: [u8; 32],
    ) {
        let mut policy = ScorePolicy::from_bytes(&policy).unwrap();
        policy.max_matches %= 4;
        policy.min_stake = [Stake::new(0); 8];
        let (round, time, genesis, period, health_epoch) = numbers;
        let context = RoundContext {
            round: Round::new(round),
            time: Timestamp::new(time),
            genesis: Timestamp::new(genesis),
            period: period % 3,
            health_epoch: HealthEpoch::new(health_epoch),
        };
        let offers = (1..).zip(&offers).filter_map(|(id, bytes)| wild_offer(bytes, id)).collect();
        let requests =
            (1..).zip(&requests).filter_map(|(id, bytes)| wild_request(bytes, id)).collect();
        let snapshot = Snapshot::new(offers, requests).unwrap();
        let outcome = match_round(&snapshot, &policy, &context, &Seed(seed));
        let list = OutcomeList::new(&outcome, &snapshot).unwrap();
        prop_assert_eq!(check_outcome(&snapshot, &policy, &context, &Seed(seed), &list), Ok(()));
        let round = Prepared::new(&snapshot, &policy, &context, &Seed(seed));
        for request in snapshot.requests() {
            let id = request.request.id;
            prop_assert!(explain_request(&round, &outcome, id, 3).is_some());
            for offer in snapshot.offers() {
                prop_assert!(explain_pair(&round, &outcome, id, offer.offer.id).is_some());
            }
        }
    }

    /// A list of any entries, true ids or not, is judged.
    #[test]
    fn any_list_has_a_verdict(
        number: u64,
        entries in vec((0_u64..30, 0_u64..60, any::<[u8; 33]>()), 1..8),
        lowest: u32,
    ) {
        let world = World::new(number, 4, 8);
        let entries = entries.into_iter().map(|(offer, request, rest)| {
            let bytes =
                [&offer.to_be_bytes()[..], &request.to_be_bytes()[..], &rest[..]].concat();
            Entry::from_bytes(&bytes).unwrap()
        });
        let list = OutcomeList::claimed(entries.collect(), lowest).unwrap();
        prop_assert!(world.check(&list).is_err());
    }

    #[test]
    fn any_chunk_has_a_verdict(
        count: u32, lowest: u32, index: u32,
        entries in vec(any::<u8>(), 0..200), proof in vec(any::<[u8; 32]>(), 0..40),
    ) {
        let proof = proof.into_iter().map(Digest).collect();
        let chunk = ChunkProof { count, lowest, index, entries, proof };
        prop_assert!(verify_chunk(&Digest([1; 32]), &chunk).is_err());
    }

    #[test]
    fn a_logarithm_of_anything(x: u64) {
        prop_assert!(log2q(x) < 64 << 16);
    }
}

/// Records made in code and not decoded may hold what no decoder lets in.
#[test]
fn values_that_no_decoder_lets_in_are_not_eligible_and_do_no_harm() {
    let mut dice = Dice(9);
    let (mut offer, mut request) = (offer(&mut dice, 1), request(&mut dice, 1));
    (offer.offer.tier, offer.offer.kind, request.request.currency) = (255, 255, 255);
    let mut world = World::new(1, 0, 0);
    world.snapshot = Snapshot::new(vec![offer], vec![request]).unwrap();
    assert!(world.outcome().matches.is_empty());
    let zero = OfferInput {
        offer: Offer {
            id: OfferId::new(1),
            version: Version::new(1),
            ..Offer::default()
        },
        ..OfferInput::default()
    };
    let nothing = RequestInput {
        request: Request {
            id: RequestId::new(1),
            version: Version::new(1),
            ..Request::default()
        },
        ..RequestInput::default()
    };
    world.snapshot = Snapshot::new(vec![zero], vec![nothing]).unwrap();
    assert!(world.outcome().matches.is_empty());
}
