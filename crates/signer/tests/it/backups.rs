//! An old copy of the ledger, or none at all, cannot make the operator sign a round twice.

use std::fs;

use quorate_canon::{Round, Timestamp};
use quorate_protocol::rules::Refusal;
use quorate_signer::{SignerError, SigningLedger};

use crate::world::{Place, close, fix, header, identity, signer, snapshot};

#[test]
fn a_backup_from_before_a_round_does_not_sign_that_round_again() {
    let place = Place::new();
    let first = signer(place.create(), close(1) - 10);
    fix(&first, 1);
    first.sign_vote(&header(1, 0)).unwrap();
    drop(first);
    let backup = fs::read(place.path()).unwrap();

    let second = signer(place.open(), close(2) - 10);
    fix(&second, 2);
    second.sign_vote(&header(2, 0)).unwrap();
    drop(second);

    // The old file is put back; L2 has gone on, of course.
    fs::write(place.path(), backup).unwrap();
    let third = signer(place.open(), close(2) + 30);
    let refixed = third.fix_snapshot(Round::new(2), snapshot(2), Timestamp::new(0));
    assert!(matches!(
        refixed,
        Err(SignerError::Rule(Refusal::BeforeStart { .. }))
    ));
    let refused = third.sign_vote(&header(2, 1));
    assert!(matches!(
        refused,
        Err(SignerError::Rule(Refusal::BeforeStart { .. }))
    ));
    // What it holds may be sent again, what comes may be signed.
    assert!(third.stored_vote(Round::new(1)).unwrap().is_some());
    fix(&third, 3);
    assert!(third.sign_vote(&header(3, 0)).is_ok());
}

#[test]
fn a_backup_taken_with_the_snapshot_fixed_does_not_sign_that_round_again() {
    let place = Place::new();
    let first = signer(place.create(), close(1) - 10);
    fix(&first, 1);
    drop(first);
    let backup = fs::read(place.path()).unwrap();
    let second = signer(place.open(), close(1) - 10);
    second.sign_vote(&header(1, 0)).unwrap();
    drop(second);
    fs::write(place.path(), backup).unwrap();
    let third = signer(place.open(), close(1));
    let refused = third.sign_vote(&header(1, 1));
    assert!(matches!(
        refused,
        Err(SignerError::Rule(Refusal::BeforeStart { .. }))
    ));
}

#[test]
fn a_ledger_created_anew_does_not_sign_a_closed_round() {
    let place = Place::new();
    let first = signer(place.create(), close(1) - 10);
    fix(&first, 1);
    first.sign_vote(&header(1, 0)).unwrap();
    drop(first);
    fs::remove_file(place.path()).unwrap();
    let ledger = SigningLedger::create(&place.path(), &identity(), None).unwrap();
    let second = signer(ledger, close(1));
    let fixed = second.fix_snapshot(Round::new(1), snapshot(1), Timestamp::new(0));
    assert!(matches!(
        fixed,
        Err(SignerError::Rule(Refusal::BeforeStart { .. }))
    ));
    assert!(second.sign_vote(&header(1, 1)).is_err());
}
