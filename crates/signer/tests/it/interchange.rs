//! Moving a history to another ledger: import only tightens.

use quorate_bls::SecretKey;
use quorate_canon::{HealthEpoch, Round, Timestamp};
use quorate_signer::{Identity, Interchange, RecordState, SignerError, SigningLedger};

use crate::world::{
    Place, close, down, entry, fix, header, identity, list, receipt, signer, snapshot, window_start,
};

/// A ledger that has signed rounds 1 and 2 and fixed a snapshot for 3.
fn exported() -> Interchange {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    for round in 1..=3 {
        fix(&signer, round);
    }
    signer.sign_vote(&header(1, 0)).unwrap();
    signer.sign_vote(&header(2, 0)).unwrap();
    signer.ledger().export().unwrap()
}

fn text(history: &Interchange) -> String {
    String::from_utf8(history.to_json().unwrap()).unwrap()
}

#[test]
fn a_history_survives_its_json() {
    let history = exported();
    let again = Interchange::from_json(text(&history).as_bytes()).unwrap();
    assert_eq!(again, history);
    assert_eq!(again.votes().len(), 2);
    assert_eq!(again.identity(), &identity());
}

#[test]
fn the_watermark_covers_a_round_that_could_still_have_been_signed() {
    assert_eq!(exported().watermark(), Some(Round::new(3)));
}

#[test]
fn an_imported_history_is_sent_again_and_not_signed_differently() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let report = signer.ledger().import(&exported()).unwrap();
    assert_eq!((report.added, report.conflicts.len()), (2, 0));
    assert_eq!(report.watermark, Some(Round::new(3)));
    assert!(signer.stored_vote(Round::new(2)).unwrap().is_some());
    assert!(signer.sign_vote(&header(2, 0)).is_ok());
    assert!(signer.sign_vote(&header(2, 1)).unwrap_err().is_refusal());
    let third = signer.fix_snapshot(Round::new(3), snapshot(3), Timestamp::new(0));
    assert!(matches!(third, Err(SignerError::BelowWatermark { .. })));
    fix(&signer, 4);
    assert!(signer.sign_vote(&header(4, 0)).is_ok());
}

#[test]
fn importing_twice_or_an_older_history_changes_nothing() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let older = signer.ledger().export().unwrap();
    signer.ledger().import(&exported()).unwrap();
    fix(&signer, 9);
    signer.sign_vote(&header(9, 0)).unwrap();
    let before = signer.ledger().export().unwrap();
    for history in [exported(), older] {
        let report = signer.ledger().import(&history).unwrap();
        assert_eq!((report.added, report.watermark), (0, Some(Round::new(9))));
    }
    assert_eq!(signer.ledger().export().unwrap(), before);
}

#[test]
fn a_round_that_both_signed_differently_is_withheld() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 2);
    signer.sign_vote(&header(2, 7)).unwrap();
    let report = signer.ledger().import(&exported()).unwrap();
    assert_eq!(report.conflicts, [Round::new(2)]);
    for header in [header(2, 7), header(2, 0)] {
        assert!(signer.sign_vote(&header).unwrap_err().is_refusal());
    }
    let stored = signer.stored_vote(Round::new(2));
    assert!(matches!(stored, Err(SignerError::Withheld(round)) if round.get() == 2));
}

#[test]
fn a_header_without_a_signature_binds_the_round_but_is_never_signed() {
    let mut json: serde_json::Value = serde_json::from_str(&text(&exported())).unwrap();
    json["votes"][1]
        .as_object_mut()
        .unwrap()
        .remove("signature");
    let history = Interchange::from_json(json.to_string().as_bytes()).unwrap();
    let place = Place::new();
    let signer = signer(place.create(), 0);
    signer.ledger().import(&history).unwrap();
    let record = signer.ledger().vote(Round::new(2)).unwrap().unwrap();
    assert_eq!(record.state, RecordState::Withheld);
    assert!(matches!(
        signer.stored_vote(Round::new(2)),
        Err(SignerError::Withheld(_))
    ));
    assert!(matches!(
        signer.sign_vote(&header(2, 0)),
        Err(SignerError::Withheld(_))
    ));
}

/// A ledger with the word DOWN in epoch 2 and a list of epoch 4, whose machine is another's.
fn talked() -> Interchange {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    signer
        .record_down(&down(1, 2, 3), window_start(2, 3))
        .unwrap();
    signer
        .sign_list(&list(4, &[entry(9, &[1])]), |_| false)
        .unwrap();
    signer.ledger().export().unwrap()
}

#[test]
fn nothing_is_said_of_epochs_that_an_imported_ledger_spoke_of() {
    let history = talked();
    assert_eq!(history.words_watermark(), Some(HealthEpoch::new(4)));
    let again = Interchange::from_json(text(&history).as_bytes()).unwrap();
    assert_eq!(again, history);
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let report = signer.ledger().import(&history).unwrap();
    assert_eq!(report.words_watermark, Some(HealthEpoch::new(4)));
    let below = [
        signer.record_down(&down(1, 4, 3), window_start(4, 3)),
        signer
            .sign_receipt(&receipt(1, 4, 3), window_start(4, 3))
            .map(|_| ()),
        signer
            .sign_list(&list(4, &[entry(9, &[1])]), |_| false)
            .map(|_| ()),
    ];
    for refused in below {
        assert!(matches!(
            refused,
            Err(SignerError::WordsBelowWatermark { .. })
        ));
    }
    signer
        .sign_receipt(&receipt(1, 5, 3), window_start(5, 3))
        .unwrap();
    // What was imported is handed on.
    let handed = signer.ledger().export().unwrap();
    assert_eq!(handed.words_watermark(), Some(HealthEpoch::new(5)));
    let older = signer.ledger().import(&exported()).unwrap();
    assert_eq!(
        older.words_watermark,
        Some(HealthEpoch::new(4)),
        "marks only rise"
    );
}

#[test]
fn a_history_without_words_is_read_as_one() {
    let mut json: serde_json::Value = serde_json::from_str(&text(&exported())).unwrap();
    json.as_object_mut().unwrap().remove("words_watermark");
    let history = Interchange::from_json(json.to_string().as_bytes()).unwrap();
    assert_eq!(history.words_watermark(), None);
}

#[test]
fn another_keys_history_is_refused_and_changes_nothing() {
    let place = Place::new();
    let other = Identity {
        key: SecretKey::from_seed(&[6; 32]).unwrap().public_key(),
        ..identity()
    };
    let ledger = SigningLedger::create(&place.path(), &other, None).unwrap();
    assert!(matches!(
        ledger.import(&exported()),
        Err(SignerError::OtherKey { .. })
    ));
    assert_eq!(ledger.watermark().unwrap(), None);
}

#[test]
fn a_restarted_signer_sends_imported_votes_of_closed_rounds() {
    let place = Place::new();
    place.create().import(&exported()).unwrap();
    let signer = signer(place.open(), close(100));
    assert!(signer.stored_vote(Round::new(1)).unwrap().is_some());
}

#[test]
fn a_history_that_was_tampered_with_is_refused() {
    let valid: serde_json::Value = serde_json::from_str(&text(&exported())).unwrap();
    let tampered = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = valid.clone();
        change(&mut json);
        Interchange::from_json(json.to_string().as_bytes())
    };
    assert!(tampered(&|_| ()).is_ok());
    let changes: [&dyn Fn(&mut serde_json::Value); 11] = [
        &|json| json["words_watermark"] = "-1".into(),
        &|json| json["metadata"]["version"] = "2".into(),
        &|json| json["metadata"]["format"] = "other".into(),
        &|json| json["metadata"]["l2_chain"] = "1".into(),
        &|json| json["metadata"]["public_key"] = "0x00".into(),
        &|json| json["watermark"] = "minus one".into(),
        &|json| json["watermark"] = 3.into(),
        &|json| json["surprise"] = true.into(),
        &|json| json["votes"][0]["round"] = "2".into(),
        &|json| json["votes"][0]["header"] = "0x1234".into(),
        &|json| {
            let other = json["votes"][1]["signature"].clone();
            json["votes"][0]["signature"] = other;
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        assert!(tampered(change).is_err(), "change {number}");
    }
}

#[test]
fn truncated_json_is_refused_without_a_panic() {
    let json = text(&exported());
    for end in (0..json.len()).step_by(7) {
        assert!(Interchange::from_json(&json.as_bytes()[..end]).is_err());
    }
}
