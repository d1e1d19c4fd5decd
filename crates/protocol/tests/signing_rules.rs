//! When an operator may fix a snapshot, and when it may sign.

mod support;

use proptest::prelude::*;
use quorate_canon::{Digest, Round, Timestamp};
use quorate_protocol::rules::{
    Permission, Refusal, SigningFacts, SnapshotId, is_known, may_fix, may_sign,
};
use support::{diverging, forked, header, schedule};

const N: Round = Round::new(5);

fn snapshot() -> SnapshotId {
    let header = header(5);
    SnapshotId {
        number: header.snapshot_number,
        hash: header.snapshot_hash,
    }
}

fn other_snapshot() -> SnapshotId {
    SnapshotId {
        hash: Digest([1; 32]),
        ..snapshot()
    }
}

fn beacon_time() -> Timestamp {
    schedule()
        .beacon_time(schedule().beacon_round(N).unwrap())
        .unwrap()
}

/// An operator that started long ago and fixed the snapshot in time.
fn facts() -> SigningFacts {
    SigningFacts {
        start_head: schedule().genesis,
        fixed: Some(snapshot()),
        signed: None,
    }
}

#[test]
fn a_snapshot_is_known_under_the_depth() {
    assert!(!is_known(&schedule(), 100, 101));
    assert!(is_known(&schedule(), 100, 102));
    assert!(!is_known(&schedule(), u64::MAX, u64::MAX));
}

#[test]
fn a_snapshot_is_fixed_before_the_beacons_time_and_not_at_it() {
    let limit = beacon_time();
    let before = limit.checked_sub(1).unwrap();
    assert_eq!(may_fix(&schedule(), N, snapshot(), None, before), Ok(()));
    let late = Refusal::TooLate {
        round: N,
        now: limit,
        limit,
    };
    assert_eq!(may_fix(&schedule(), N, snapshot(), None, limit), Err(late));
}

#[test]
fn a_snapshot_is_fixed_once() {
    let before = beacon_time().checked_sub(1).unwrap();
    let fixed = Some(snapshot());
    assert_eq!(
        may_fix(&schedule(), N, snapshot(), fixed, beacon_time()),
        Ok(())
    );
    let refusal = Refusal::OtherSnapshot {
        round: N,
        got: other_snapshot(),
        fixed: snapshot(),
    };
    assert_eq!(
        may_fix(&schedule(), N, other_snapshot(), fixed, before),
        Err(refusal)
    );
}

#[test]
fn the_fixed_snapshots_header_may_be_signed() {
    assert_eq!(
        may_sign(&schedule(), &header(5), &facts()),
        Ok(Permission::Sign)
    );
}

#[test]
fn without_a_snapshot_fixed_in_time_nothing_is_signed() {
    let facts = SigningFacts {
        fixed: None,
        ..facts()
    };
    assert_eq!(
        may_sign(&schedule(), &header(5), &facts),
        Err(Refusal::NotFixed(N))
    );
}

#[test]
fn a_header_of_another_snapshot_is_not_signed() {
    let refused = may_sign(&schedule(), &forked(5), &facts());
    assert!(matches!(refused, Err(Refusal::OtherSnapshot { .. })));
}

/// An old backup may have lost what was signed for any round that closed before the start.
#[test]
fn a_round_that_closed_before_the_start_is_not_signed() {
    let close = schedule().close(N).unwrap();
    let before = close.checked_sub(1).unwrap();
    let started = |start_head| SigningFacts {
        start_head,
        ..facts()
    };
    assert_eq!(
        may_sign(&schedule(), &header(5), &started(before)),
        Ok(Permission::Sign)
    );
    let refusal = Refusal::BeforeStart {
        round: N,
        close,
        start_head: close,
    };
    assert_eq!(
        may_sign(&schedule(), &header(5), &started(close)),
        Err(refusal)
    );
}

#[test]
fn the_signed_header_is_sent_again_even_after_a_restart() {
    let signed = Some(header(5).digest());
    let start_head = Timestamp::new(u64::MAX);
    let facts = SigningFacts {
        signed,
        start_head,
        fixed: None,
    };
    assert_eq!(
        may_sign(&schedule(), &header(5), &facts),
        Ok(Permission::SendAgain)
    );
}

#[test]
fn a_second_header_is_never_signed() {
    let facts = SigningFacts {
        signed: Some(header(5).digest()),
        ..facts()
    };
    let refusal = Refusal::AlreadySigned {
        round: N,
        signed: header(5).digest(),
        got: diverging(5).digest(),
    };
    assert_eq!(may_sign(&schedule(), &diverging(5), &facts), Err(refusal));
}

proptest! {
    /// With any facts at all: signing afresh needs a round after the start, that very snapshot, and
    /// nothing signed.
    #[test]
    fn permission_to_sign_means_that_every_rule_holds(
        start in 0u64..100,
        fixed in proptest::option::of(0u8..3),
        signed in proptest::option::of(0u8..3),
        n in 0u64..10,
    ) {
        let header = header(n);
        let number = header.snapshot_number;
        let facts = SigningFacts {
            start_head: Timestamp::new(schedule().genesis.get() + start),
            fixed: fixed.map(|byte| SnapshotId { number, hash: Digest([byte * 0x33; 32]) }),
            signed: signed.map(|byte| if byte == 0 { header.digest() } else { Digest([byte; 32]) }),
        };
        let expected = if facts.signed.is_some() {
            (signed == Some(0)).then_some(Permission::SendAgain)
        } else {
            (n * 10 > start && fixed == Some(1)).then_some(Permission::Sign)
        };
        prop_assert_eq!(may_sign(&schedule(), &header, &facts).ok(), expected);
    }
}
