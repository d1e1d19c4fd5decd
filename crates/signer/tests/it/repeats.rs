//! Receipts that were said, signed again; and those that are not.

use std::fs;

use quorate_bls::Signature;
use quorate_canon::{ChainId, HealthEpoch};
use quorate_health::{Network, Place as Where, Receipt, Window};
use quorate_signer::{Signer, SignerError, SigningLedger};

use crate::world::{
    Place, down, entry, epoch_start, identity, list, network, receipt, signer, window_start,
};

/// Says a receipt of machine 1.
fn pass(signer: &Signer, epoch: u32, window: u16) -> Signature {
    let (receipt, start) = (receipt(1, epoch, window), window_start(epoch, window));
    signer.sign_receipt(&receipt, start).unwrap()
}

/// Asks for the receipt of machine 1 again.
fn again(signer: &Signer, epoch: u32, window: u16) -> Result<Signature, SignerError> {
    one(signer, receipt(1, epoch, window))
}

fn one(signer: &Signer, receipt: Receipt) -> Result<Signature, SignerError> {
    let mut answers = signer.repeat_receipts(&[receipt]).unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

#[test]
fn a_receipt_is_repeated_in_the_same_bytes_also_after_lists_and_a_restart() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    let signed = pass(&first, 2, 3);
    assert_eq!(again(&first, 2, 3).unwrap(), signed);
    for epoch in [2, 5] {
        let list = list(epoch, &[entry(9, &[0])]);
        first.sign_list(&list, |_| false).unwrap();
    }
    assert_eq!(again(&first, 2, 3).unwrap(), signed);
    drop(first);
    let second = signer(place.open(), epoch_start(100));
    assert_eq!(again(&second, 2, 3).unwrap(), signed);
}

#[test]
fn what_was_not_said_is_not_repeated_and_not_recorded() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    pass(&signer, 2, 3);
    let others = [receipt(1, 2, 4), receipt(1, 3, 3), receipt(2, 2, 3)];
    for receipt in others {
        let refused = one(&signer, receipt);
        assert!(matches!(refused, Err(SignerError::NotSaid { .. })));
    }
    // The question was no word: the window is still free for the other one.
    signer
        .record_down(&down(1, 2, 4), window_start(2, 4))
        .unwrap();
}

#[test]
fn no_receipt_comes_of_a_window_that_is_down() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    signer
        .record_down(&down(1, 2, 3), window_start(2, 3))
        .unwrap();
    let refused = again(&signer, 2, 3);
    assert!(matches!(refused, Err(SignerError::OtherWord { .. })));
}

#[test]
fn of_many_each_is_judged_for_itself() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let signed = [pass(&signer, 2, 3), pass(&signer, 2, 5)];
    let asked = [3, 4, 5].map(|window| receipt(1, 2, window));
    let answers = signer.repeat_receipts(&asked).unwrap();
    assert_eq!(*answers[0].as_ref().unwrap(), signed[0]);
    assert!(answers[1].as_ref().is_err_and(SignerError::is_refusal));
    assert_eq!(*answers[2].as_ref().unwrap(), signed[1]);
}

#[test]
fn forgotten_receipts_are_not_repeated() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    pass(&signer, 2, 3);
    let kept = pass(&signer, 3, 3);
    signer.ledger().forget_words(HealthEpoch::new(3)).unwrap();
    let refused = again(&signer, 2, 3);
    assert!(matches!(
        refused,
        Err(SignerError::WordsBelowWatermark { .. })
    ));
    assert_eq!(again(&signer, 3, 3).unwrap(), kept);
}

#[test]
fn a_backup_from_before_a_receipt_does_not_know_it() {
    let place = Place::new();
    let first = signer(place.create(), 0);
    let known = pass(&first, 2, 3);
    drop(first);
    let backup = fs::read(place.path()).unwrap();
    let second = signer(place.open(), 0);
    pass(&second, 2, 4);
    drop(second);
    fs::write(place.path(), backup).unwrap();
    let third = signer(place.open(), epoch_start(3));
    assert_eq!(again(&third, 2, 3).unwrap(), known);
    let refused = again(&third, 2, 4);
    assert!(matches!(refused, Err(SignerError::NotSaid { .. })));
}

#[test]
fn after_an_import_nothing_up_to_its_mark_is_repeated() {
    let (old, new) = (Place::new(), Place::new());
    let first = signer(old.create(), 0);
    pass(&first, 2, 3);
    let history = first.ledger().export().unwrap();
    drop(first);

    // It has a receipt of its own of that epoch: the other ledger may have another word, and a list.
    let second = signer(new.create(), 0);
    pass(&second, 2, 5);
    let later = pass(&second, 3, 0);
    drop(second);
    let ledger = SigningLedger::open(&new.path(), &identity()).unwrap();
    ledger.import(&history).unwrap();
    let third = signer(ledger, 0);
    for window in [3, 5] {
        let refused = again(&third, 2, window);
        assert!(matches!(
            refused,
            Err(SignerError::WordsBelowWatermark { .. })
        ));
    }
    assert_eq!(again(&third, 3, 0).unwrap(), later);
}

#[test]
fn receipts_that_cannot_be_are_refused() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let elsewhere = Where {
        network: Network {
            l2_chain: ChainId::new(1),
            ..network()
        },
        ..down(1, 2, 3)
    };
    let refused = one(&signer, Receipt(elsewhere));
    assert!(matches!(refused, Err(SignerError::OtherNetwork(_))));
    let refused = again(&signer, 2, 256);
    assert!(matches!(
        refused,
        Err(SignerError::NoSuchWindow { got: Window(256) })
    ));
}
