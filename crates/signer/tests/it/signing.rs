//! What is signed and what is refused.

use quorate_canon::{ChainId, Digest, Round, Timestamp};
use quorate_protocol::rules::{Refusal, SnapshotId};
use quorate_protocol::{Domain, Header};
use quorate_signer::{RecordState, SignerError};

use crate::world::{
    Place, beacon, close, domain, fix, header, is_signed_by, signature, signer, snapshot,
};

#[test]
fn a_header_of_the_fixed_snapshot_is_signed_and_recorded() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 3);
    let vote = signer.sign_vote(&header(3, 0)).unwrap();
    assert!(is_signed_by(&vote, &signer.public_key()));
    assert_eq!(vote.operator(), signer.operator());
    let record = signer.ledger().vote(Round::new(3)).unwrap().unwrap();
    assert_eq!(record.header, header(3, 0));
    assert_eq!(record.state, RecordState::Signed(signature(&vote)));
    assert_eq!(signer.ledger().watermark().unwrap(), Some(Round::new(3)));
}

#[test]
fn the_same_header_again_gives_the_same_vote_also_after_a_restart() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    fix(&first, 3);
    let vote = first.sign_vote(&header(3, 0)).unwrap().to_bytes();
    assert_eq!(first.sign_vote(&header(3, 0)).unwrap().to_bytes(), vote);
    drop(first);
    // Started long after: nothing new, but the old one is sent again.
    let second = signer(place.open(), close(1_000));
    assert_eq!(second.sign_vote(&header(3, 0)).unwrap().to_bytes(), vote);
    let stored = second.stored_vote(Round::new(3)).unwrap().unwrap();
    assert_eq!(stored.to_bytes(), vote);
    assert!(second.stored_vote(Round::new(4)).unwrap().is_none());
}

#[test]
fn another_header_of_the_round_is_refused_naming_both_digests() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 3);
    signer.sign_vote(&header(3, 0)).unwrap();
    match signer.sign_vote(&header(3, 1)) {
        Err(SignerError::Rule(Refusal::AlreadySigned { round, signed, got })) => {
            assert_eq!(round, Round::new(3));
            assert_eq!(signed, header(3, 0).digest());
            assert_eq!(got, header(3, 1).digest());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_field_makes_another_header() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 3);
    let first = header(3, 0);
    signer.sign_vote(&first).unwrap();
    let other = Digest::new([0xee; 32]);
    for header in [
        Header {
            snapshot_number: 9,
            ..first
        },
        Header {
            snapshot_hash: other,
            ..first
        },
        Header {
            policy_hash: other,
            ..first
        },
        Header {
            inputs_root: other,
            ..first
        },
        Header {
            seed: quorate_matching::Seed([0xee; 32]),
            ..first
        },
        Header {
            outcome_root: other,
            ..first
        },
    ] {
        let refused = signer.sign_vote(&header);
        let again = matches!(
            refused,
            Err(SignerError::Rule(Refusal::AlreadySigned { .. }))
        );
        assert!(again, "{header:?}");
    }
}

#[test]
fn nothing_is_signed_without_a_fixed_snapshot() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let refused = signer.sign_vote(&header(3, 0));
    assert!(
        matches!(refused, Err(SignerError::Rule(Refusal::NotFixed(round))) if round.get() == 3)
    );
    assert_eq!(signer.ledger().vote(Round::new(3)).unwrap(), None);
    assert_eq!(signer.ledger().watermark().unwrap(), None);
}

#[test]
fn a_header_of_another_snapshot_is_refused() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 3);
    for header in [
        Header {
            snapshot_number: 1,
            ..header(3, 0)
        },
        Header {
            snapshot_hash: Digest::ZERO,
            ..header(3, 0)
        },
    ] {
        let refused = signer.sign_vote(&header);
        let other = matches!(
            refused,
            Err(SignerError::Rule(Refusal::OtherSnapshot { .. }))
        );
        assert!(other, "{header:?}");
    }
    // A refusal binds to nothing.
    assert!(signer.sign_vote(&header(3, 0)).is_ok());
}

#[test]
fn a_snapshot_is_fixed_once_for_a_round() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    fix(&first, 3);
    drop(first);
    let signer = signer(place.open(), 0);
    let other = SnapshotId {
        number: 1,
        ..snapshot(3)
    };
    match signer.fix_snapshot(Round::new(3), other, Timestamp::new(0)) {
        Err(SignerError::Rule(Refusal::OtherSnapshot { got, fixed, .. })) => {
            assert_eq!((got, fixed), (other, snapshot(3)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        signer.ledger().snapshot(Round::new(3)).unwrap(),
        Some(snapshot(3))
    );
}

#[test]
fn a_snapshot_is_fixed_only_before_the_beacons_time() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let limit = beacon(3);
    let late = signer.fix_snapshot(Round::new(3), snapshot(3), limit);
    assert!(matches!(
        late,
        Err(SignerError::Rule(Refusal::TooLate { .. }))
    ));
    assert_eq!(signer.ledger().snapshot(Round::new(3)).unwrap(), None);
    let just = limit.checked_sub(1).unwrap();
    signer
        .fix_snapshot(Round::new(3), snapshot(3), just)
        .unwrap();
    // The same one again: at any time.
    signer
        .fix_snapshot(Round::new(3), snapshot(3), limit)
        .unwrap();
}

#[test]
fn a_round_that_closed_by_the_start_is_neither_fixed_nor_signed() {
    let place = Place::new();
    let first = signer(place.create(), close(3) - 1);
    fix(&first, 3);
    fix(&first, 4);
    drop(first);
    // The head stands exactly at the close of round 3: somebody may have signed it.
    let second = signer(place.open(), close(3));
    let refused = second.sign_vote(&header(3, 0));
    assert!(matches!(
        refused,
        Err(SignerError::Rule(Refusal::BeforeStart { .. }))
    ));
    let unfixed = second.fix_snapshot(Round::new(2), snapshot(2), Timestamp::new(0));
    assert!(matches!(
        unfixed,
        Err(SignerError::Rule(Refusal::BeforeStart { .. }))
    ));
    assert!(second.sign_vote(&header(4, 0)).is_ok());
}

#[test]
fn rounds_are_signed_upwards_only() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 3);
    fix(&signer, 4);
    signer.sign_vote(&header(4, 0)).unwrap();
    match signer.sign_vote(&header(3, 0)) {
        Err(SignerError::BelowWatermark { round, watermark }) => {
            assert_eq!((round.get(), watermark.get()), (3, 4));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_header_of_another_network_is_refused() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 3);
    let elsewhere = Header {
        domain: Domain {
            l2_chain: ChainId::new(1),
            ..domain()
        },
        ..header(3, 0)
    };
    let refused = signer.sign_vote(&elsewhere);
    assert!(matches!(refused, Err(SignerError::OtherNetwork(_))));
    assert!(refused.unwrap_err().is_refusal());
    assert!(signer.sign_vote(&header(3, 0)).is_ok());
}

#[test]
fn rounds_beyond_the_schedule_are_refused_without_a_panic() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let round = Round::new(u64::MAX);
    assert!(
        signer
            .fix_snapshot(round, snapshot(1), Timestamp::new(0))
            .is_err()
    );
    assert!(signer.sign_vote(&header(u64::MAX, 0)).is_err());
    assert!(signer.stored_vote(round).unwrap().is_none());
}

#[test]
fn debug_shows_no_secret() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let secret = hex::encode(crate::world::key().to_bytes().as_slice());
    let shown = format!("{signer:?}");
    assert!(!shown.contains(&secret) && shown.contains("SecretKey"));
}
