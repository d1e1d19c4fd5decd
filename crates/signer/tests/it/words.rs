//! Which words about machines are recorded and signed, and which are refused.

use quorate_canon::{ChainId, Digest, HealthEpoch, Timestamp};
use quorate_health::{DownEntry, Network, Place as Where, Receipt, Subject, Window, probe_message};
use quorate_signer::{Signer, SignerError};

use crate::world::{
    Place, down, entry, epoch_start, is_signed, list, machine, network, receipt, signer,
    window_start,
};

/// Says a receipt of machine 1.
fn pass(signer: &Signer, epoch: u32, window: u16) -> Result<(), SignerError> {
    let receipt = receipt(1, epoch, window);
    let signed = signer.sign_receipt(&receipt, window_start(epoch, window))?;
    assert!(is_signed(&receipt.digest(), &signer.public_key(), &signed));
    Ok(())
}

/// Says DOWN of machine 1.
fn fail(signer: &Signer, epoch: u32, window: u16) -> Result<(), SignerError> {
    signer.record_down(&down(1, epoch, window), window_start(epoch, window))
}

const MEMBER: fn(Subject) -> bool = |_| true;
const STRANGER: fn(Subject) -> bool = |_| false;

#[test]
fn a_receipt_is_signed_and_recorded() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    pass(&signer, 2, 3).unwrap();
    let words = signer
        .ledger()
        .words(HealthEpoch::new(2), machine(1))
        .unwrap();
    assert!(words.receipts.bit(3) && words.downs.is_zero());
}

#[test]
fn the_same_receipt_again_gives_the_same_signature_also_long_after() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    let receipt = receipt(1, 2, 3);
    let start = window_start(2, 3);
    let signed = first.sign_receipt(&receipt, start).unwrap();
    assert_eq!(first.sign_receipt(&receipt, start).unwrap(), signed);
    first
        .sign_list(&list(2, &[entry(9, &[0])]), STRANGER)
        .unwrap();
    drop(first);
    // Started long after, and a list was signed since: nothing new, but the old one again.
    let second = signer(place.open(), epoch_start(100));
    assert_eq!(second.sign_receipt(&receipt, start).unwrap(), signed);
}

#[test]
fn a_window_has_one_word_for_ever() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    pass(&first, 2, 3).unwrap();
    fail(&first, 2, 4).unwrap();
    drop(first);
    let signer = signer(place.open(), 0);
    assert!(matches!(
        fail(&signer, 2, 3),
        Err(SignerError::OtherWord { .. })
    ));
    assert!(matches!(
        pass(&signer, 2, 4),
        Err(SignerError::OtherWord { .. })
    ));
    // The same word again, and other windows, epochs and machines, are free.
    fail(&signer, 2, 4).unwrap();
    fail(&signer, 2, 5).unwrap();
    fail(&signer, 3, 3).unwrap();
    signer
        .record_down(&down(2, 2, 3), window_start(2, 3))
        .unwrap();
}

#[test]
fn nothing_is_said_about_a_window_that_began_by_the_start() {
    let place = Place::new();
    // The head stands exactly where window 3 begins: another run may have spoken of it.
    let signer = signer(place.create(), window_start(2, 3).get());
    for refused in [
        pass(&signer, 2, 3),
        fail(&signer, 2, 3),
        pass(&signer, 1, 0),
    ] {
        assert!(matches!(
            refused,
            Err(SignerError::WindowBeforeStart { .. })
        ));
    }
    pass(&signer, 2, 4).unwrap();
}

#[test]
fn a_window_does_not_begin_outside_its_epoch() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    for start in [epoch_start(2) - 1, epoch_start(3), 1] {
        let refused = signer.sign_receipt(&receipt(1, 2, 3), Timestamp::new(start));
        assert!(
            matches!(refused, Err(SignerError::OutsideEpoch { .. })),
            "{start}"
        );
    }
    let genesis = signer.sign_receipt(&receipt(1, 0, 3), Timestamp::new(epoch_start(0) - 1));
    assert!(matches!(genesis, Err(SignerError::OutsideEpoch { .. })));
}

#[test]
fn there_is_no_window_256() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let refused = signer.sign_receipt(&receipt(1, 2, 256), window_start(2, 3));
    assert!(matches!(
        refused,
        Err(SignerError::NoSuchWindow { got: Window(256) })
    ));
    pass(&signer, 2, 255).unwrap();
}

#[test]
fn words_of_another_network_are_refused() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let network = Network {
        l2_chain: ChainId::new(1),
        ..network()
    };
    let elsewhere = Where {
        network,
        ..down(1, 2, 3)
    };
    let start = window_start(2, 3);
    let words = [
        signer.record_down(&elsewhere, start),
        signer.sign_receipt(&Receipt(elsewhere), start).map(|_| ()),
    ];
    for refused in words {
        assert!(matches!(refused, Err(SignerError::OtherNetwork(_))));
    }
    let entries = vec![entry(1, &[3])];
    let list = quorate_health::DownList::new(network, HealthEpoch::new(2), entries).unwrap();
    let refused = signer.sign_list(&list, STRANGER);
    assert!(matches!(refused, Err(SignerError::OtherNetwork(_))));
}

#[test]
fn after_a_list_there_are_no_new_receipts_of_its_epoch_or_before() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    fail(&first, 2, 3).unwrap();
    first
        .sign_list(&list(2, &[entry(1, &[3])]), MEMBER)
        .unwrap();
    drop(first);
    let signer = signer(place.open(), 0);
    for (epoch, window) in [(2, 4), (1, 4)] {
        match pass(&signer, epoch, window) {
            Err(SignerError::AfterList { listed, .. }) => assert_eq!(listed.get(), 2),
            other => panic!("{other:?}"),
        }
    }
    pass(&signer, 3, 0).unwrap();
}

#[test]
fn a_member_signs_a_list_of_its_own_words_or_of_fewer() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    for window in [3, 4, 7] {
        fail(&signer, 2, window).unwrap();
    }
    let own = signer.ledger().downs(HealthEpoch::new(2)).unwrap();
    assert_eq!(own, [entry(1, &[3, 4, 7])]);
    let all = list(2, &own);
    let signed = signer.sign_list(&all, MEMBER).unwrap();
    assert!(is_signed(&all.digest(), &signer.public_key(), &signed));
    assert_eq!(
        signer.sign_list(&all, MEMBER).unwrap(),
        signed,
        "the same again"
    );
    signer
        .sign_list(&list(2, &[entry(1, &[4])]), MEMBER)
        .unwrap();
    match signer.sign_list(&list(2, &[entry(1, &[4, 5])]), MEMBER) {
        Err(SignerError::NotOurWord { got, own, .. }) => {
            assert_eq!(got, entry(1, &[4, 5]).windows);
            assert_eq!(own, entry(1, &[3, 4, 7]).windows);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_is_no_member_signs_what_others_say() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fail(&signer, 2, 3).unwrap();
    let mixed = list(2, &[entry(1, &[3]), entry(2, &[0, 1])]);
    assert!(signer.sign_list(&mixed, MEMBER).unwrap_err().is_refusal());
    assert!(
        signer
            .sign_list(&mixed, |subject| subject == machine(1))
            .is_ok()
    );
}

#[test]
fn no_list_is_signed_against_a_receipt_whoever_asks() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    pass(&signer, 2, 3).unwrap();
    let refused = signer.sign_list(&list(2, &[entry(1, &[3])]), STRANGER);
    assert!(matches!(
        refused,
        Err(SignerError::ContradictsReceipt { .. })
    ));
    // A refusal leaves no mark.
    pass(&signer, 2, 4).unwrap();
    assert!(
        signer
            .sign_list(&list(2, &[entry(1, &[5])]), STRANGER)
            .is_ok()
    );
}

#[test]
fn of_many_receipts_each_is_judged_for_itself() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fail(&signer, 2, 4).unwrap();
    let asked = [3, 4, 5].map(|window| (receipt(1, 2, window), window_start(2, window)));
    let signed = signer.sign_receipts(&asked).unwrap();
    let good: Vec<_> = signed.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
    for ((receipt, start), signature) in asked.iter().zip(signed) {
        if let Ok(signature) = signature {
            assert_eq!(signer.sign_receipt(receipt, *start).unwrap(), signature);
        }
    }
}

#[test]
fn forgotten_words_are_gone_and_nothing_takes_their_place() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    for epoch in 1..=3 {
        fail(&signer, epoch, 3).unwrap();
    }
    assert_eq!(
        signer.ledger().forget_words(HealthEpoch::new(3)).unwrap(),
        2
    );
    assert_eq!(
        signer.ledger().words_watermark().unwrap(),
        Some(HealthEpoch::new(2))
    );
    assert_eq!(
        signer.ledger().downs(HealthEpoch::new(2)).unwrap(),
        Vec::<DownEntry>::new()
    );
    let below = [
        pass(&signer, 2, 3),
        fail(&signer, 1, 9),
        fail(&signer, 2, 3),
    ];
    for refused in below {
        assert!(matches!(
            refused,
            Err(SignerError::WordsBelowWatermark { .. })
        ));
    }
    let refused = signer.sign_list(&list(2, &[entry(1, &[3])]), STRANGER);
    assert!(matches!(
        refused,
        Err(SignerError::WordsBelowWatermark { .. })
    ));
    assert!(
        signer
            .sign_list(&list(3, &[entry(1, &[3])]), MEMBER)
            .is_ok()
    );
    assert_eq!(
        signer.ledger().forget_words(HealthEpoch::new(0)).unwrap(),
        0
    );
}

#[test]
fn probes_are_drawn_from_a_signature_of_their_own() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let (randomness, epoch) = (Digest::new([4; 32]), HealthEpoch::new(2));
    let message = probe_message(&network(), &randomness, epoch, signer.operator());
    let signed = signer.sign_probes(&randomness, epoch);
    assert!(is_signed(&message, &signer.public_key(), &signed));
    assert_eq!(signer.network(), network());
}
