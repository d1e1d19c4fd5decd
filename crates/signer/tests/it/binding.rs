//! One ledger, one key, one network, one process; made only on demand.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use quorate_bls::SecretKey;
use quorate_canon::{Address, ChainId, OperatorIndex, Round, Timestamp};
use quorate_signer::{Identity, Signer, SignerError, SigningLedger, Start};
use quorate_store::StoreError;

use crate::child;
use crate::world::{Place, domain, header, identity, schedule, signer};

#[test]
fn a_missing_ledger_is_not_created_by_opening_it() {
    let place = Place::new();
    let opened = SigningLedger::open(&place.path(), &identity());
    assert!(matches!(opened, Err(SignerError::Missing { .. })));
    assert!(!place.path().exists());
}

#[test]
fn a_missing_ledger_of_a_key_that_has_signed_says_what_to_do() {
    let place = Place::new();
    let error = SigningLedger::open(&place.path(), &identity()).unwrap_err();
    let error = error.with_history(Some(Round::new(41)));
    assert!(matches!(error, SignerError::MissingButSigned { last, .. } if last.get() == 41));
    let text = error.to_string();
    assert!(
        text.contains("round 41") && text.contains("restore"),
        "{text}"
    );
}

#[test]
fn history_changes_no_other_error() {
    let error = SignerError::Withheld(Round::new(1)).with_history(Some(Round::new(41)));
    assert!(matches!(error, SignerError::Withheld(_)));
    let place = Place::new();
    let error = SigningLedger::open(&place.path(), &identity()).unwrap_err();
    assert!(matches!(
        error.with_history(None),
        SignerError::Missing { .. }
    ));
}

#[test]
fn a_ledger_is_not_created_over_another() {
    let place = Place::new();
    drop(place.create());
    let again = SigningLedger::create(&place.path(), &identity(), None);
    assert!(matches!(
        again,
        Err(SignerError::Store(StoreError::Exists { .. }))
    ));
}

#[test]
fn a_ledger_created_for_a_key_that_has_signed_starts_above_that() {
    let place = Place::new();
    let ledger = SigningLedger::create(&place.path(), &identity(), Some(Round::new(4))).unwrap();
    let signer = signer(ledger, 0);
    let refused = signer.sign_vote(&header(4, 0)).unwrap_err();
    // Not even a snapshot is fixed for it.
    assert!(refused.is_refusal(), "{refused}");
    let fixed = signer.fix_snapshot(Round::new(4), crate::world::snapshot(4), Timestamp::new(0));
    assert!(
        matches!(fixed, Err(SignerError::BelowWatermark { watermark, .. }) if watermark.get() == 4)
    );
    crate::world::fix(&signer, 5);
    assert!(signer.sign_vote(&header(5, 0)).is_ok());
}

#[test]
fn another_keys_ledger_is_refused_naming_both() {
    let place = Place::new();
    drop(place.create());
    let other = Identity {
        key: SecretKey::from_seed(&[6; 32]).unwrap().public_key(),
        ..identity()
    };
    match SigningLedger::open(&place.path(), &other) {
        Err(SignerError::OtherKey { got, expected, .. }) => assert_ne!(got, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_networks_ledger_is_refused() {
    let place = Place::new();
    drop(place.create());
    let ours = domain();
    let others = [
        quorate_protocol::Domain {
            l1_chain: ChainId::new(1),
            ..ours
        },
        quorate_protocol::Domain {
            l2_chain: ChainId::new(1),
            ..ours
        },
        quorate_protocol::Domain {
            rounds: Address::new([7; 20]),
            ..ours
        },
        quorate_protocol::Domain {
            avs: Address::new([7; 20]),
            ..ours
        },
        quorate_protocol::Domain {
            operator_set: 1,
            ..ours
        },
    ];
    for domain in others {
        let other = Identity {
            domain,
            ..identity()
        };
        let opened = SigningLedger::open(&place.path(), &other);
        assert!(
            matches!(opened, Err(SignerError::OtherNetwork(_))),
            "{domain:?}"
        );
    }
}

#[test]
fn a_signer_does_not_start_with_another_key_than_its_ledgers() {
    let place = Place::new();
    let start = Start {
        operator: OperatorIndex::new(0),
        schedule: schedule(),
        head: Timestamp::new(0),
    };
    let other = SecretKey::from_seed(&[6; 32]).unwrap();
    let started = Signer::start(place.create(), other, start);
    assert!(matches!(started, Err(SignerError::OtherKey { .. })));
}

/// R3.
#[test]
fn a_second_process_is_refused_within_five_seconds() {
    let place = Place::new();
    let _ledger = place.create();
    let started = Instant::now();
    let mut child = child::spawn("binding::second_process", &place.path());
    let output = BufReader::new(child.stdout.take().unwrap());
    let answers: Vec<_> = output
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.starts_with("answer"))
        .collect();
    child.wait().unwrap();
    assert_eq!(answers, ["answer locked"]);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn second_process() {
    let Some(path) = child::path() else { return };
    match SigningLedger::open(&path, &identity()) {
        Err(SignerError::Store(StoreError::Locked { .. })) => println!("\nanswer locked"),
        other => println!("\nanswer {other:?}"),
    }
}

#[test]
fn the_proof_of_possession_is_bound_to_the_ledgers_network() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let operator = Address::new([8; 20]);
    let proof = signer.prove_possession(operator);
    let registration = quorate_bls::Registration {
        l1_chain: domain().l1_chain.get(),
        service_manager: domain().avs.get(),
        operator: operator.get(),
    };
    let key = signer.public_key();
    assert!(quorate_bls::verify_possession(&registration, &key, &proof));
    let elsewhere = quorate_bls::Registration {
        l1_chain: 1,
        ..registration
    };
    assert!(!quorate_bls::verify_possession(&elsewhere, &key, &proof));
}
