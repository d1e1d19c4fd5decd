//! One ledger, one key, one network, one process; made only on demand.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use quorate_bls::SecretKey;
use quorate_canon::{Address, ChainId, Digest, OperatorIndex, Round, Timestamp};
use quorate_signer::{Identity, Signer, SignerError, SigningLedger, Start};
use quorate_store::StoreError;

use crate::child;
use crate::world::{GENESIS, Place, domain, header, identity, key, schedule, signer};

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

fn start(schedule: quorate_protocol::Schedule) -> Start {
    Start {
        operator: OperatorIndex::new(7),
        schedule,
        head: Timestamp::new(0),
    }
}

/// The schedule never changes: whoever tells of another one lies, and its rounds would be signed with
/// wrong seeds.
#[test]
fn a_ledger_goes_by_the_schedule_of_its_first_use() {
    let place = Place::new();
    let honest = schedule();
    // Opened and exported without a schedule: only who signs has one.
    drop(place.create());
    drop(Signer::start(place.open(), key(), start(honest)).unwrap());
    drop(Signer::start(place.open(), key(), start(honest)).unwrap());
    let changed = |change: fn(&mut quorate_protocol::Schedule)| {
        let mut lied = honest;
        change(&mut lied);
        lied
    };
    let lies = [
        (
            "genesis",
            changed(|s| s.genesis = Timestamp::new(GENESIS + 1)),
        ),
        ("period", changed(|s| s.period += 1)),
        ("settle time-out", changed(|s| s.settle_timeout += 1)),
        ("delay", changed(|s| s.delay += 1)),
        ("depth", changed(|s| s.depth += 1)),
        ("stake epoch", changed(|s| s.stake_epoch += 1)),
        ("health epoch", changed(|s| s.health_epoch += 1)),
        ("challenge window", changed(|s| s.challenge_window += 1)),
        ("reveal window", changed(|s| s.reveal_window += 1)),
        (
            "beacon genesis",
            changed(|s| s.beacon_genesis = Timestamp::new(1)),
        ),
        ("beacon period", changed(|s| s.beacon_period += 1)),
        (
            "beacon chain hash",
            changed(|s| s.beacon_chain_hash = Digest::new([8; 32])),
        ),
    ];
    for (field, lied) in lies {
        match Signer::start(place.open(), key(), start(lied)) {
            Err(SignerError::OtherSchedule {
                what,
                got,
                expected,
                ..
            }) => {
                assert_eq!(what, field);
                assert_ne!(got, expected);
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    // No lie has changed what it is bound to, or what it has signed.
    assert!(Signer::start(place.open(), key(), start(honest)).is_ok());
}

/// The way out for whoever was lied to at the first use.
#[test]
fn a_history_moves_without_the_schedule_of_its_ledger() {
    let place = Place::new();
    let old = signer(place.create(), 0);
    crate::world::fix(&old, 1);
    old.sign_vote(&header(1, 0)).unwrap();
    let history = old.ledger().export().unwrap();
    let elsewhere = Place::new();
    let ledger = elsewhere.create();
    ledger.import(&history).unwrap();
    let lied = quorate_protocol::Schedule {
        depth: 1,
        ..schedule()
    };
    let signer = Signer::start(ledger, key(), start(lied)).unwrap();
    assert!(signer.stored_vote(Round::new(1)).unwrap().is_some());
    assert!(signer.sign_vote(&header(1, 1)).unwrap_err().is_refusal());
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
