//! Receipts: their bytes, and which word a window gives.

mod support;

use proptest::prelude::*;
use quorate_canon::codec::FixedWidth as _;
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{Digest, HealthEpoch, OfferId, OperatorIndex};
use quorate_health::{
    HealthPolicy, Place, Reason, Receipt, Subject, Verdict, Why, Window, WindowTally, Word,
    probe_message,
};
use support::network;

fn place() -> Place {
    Place {
        network: network(),
        subject: Subject::Machine(OfferId::new(77)),
        epoch: HealthEpoch::new(900),
        window: Window(12),
    }
}

const FAIL: Verdict = Verdict::Fail(Reason::Silent);
const UNKNOWN: Verdict = Verdict::Unknown(Why::OwnNetwork);

#[test]
fn fields_stand_where_the_format_says() {
    let bytes = Receipt(place()).to_bytes();
    assert_eq!(bytes.len(), 128);
    assert_eq!(bytes[..32], tag("quorate/receipt/v1"));
    assert_eq!(bytes[32..36], [0, 0, 0, 1], "version");
    assert_eq!(bytes[36..96], network().to_bytes(), "as in a header");
    assert_eq!(bytes[36..44], 1_u64.to_be_bytes());
    assert_eq!(bytes[44..52], 42_161_u64.to_be_bytes());
    assert_eq!((bytes[52], bytes[72]), (1, 2));
    assert_eq!(bytes[92..96], [0, 0, 0, 3]);
    assert_eq!(bytes[96..105], [1, 0, 0, 0, 0, 0, 0, 0, 77], "subject");
    assert_eq!(bytes[105..109], 900_u32.to_be_bytes());
    assert_eq!(bytes[109..111], [0, 12]);
    assert_eq!(bytes[111..], [0; 17]);
    assert_eq!(Receipt(place()).digest(), sha256(&[&bytes]));
}

#[test]
fn only_a_receipts_bytes_are_read_as_one() {
    let bytes = Receipt(place()).to_bytes();
    assert_eq!(Receipt::from_bytes(&bytes), Ok(Receipt(place())));
    for (at, what) in [(0, "tag"), (35, "version"), (127, "spare bytes")] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 2;
        assert!(Receipt::from_bytes(&bytes).is_err(), "{what}");
    }
}

#[test]
fn moments_are_drawn_from_a_message_of_their_own() {
    let message = |operator| {
        probe_message(
            &network(),
            &Digest([1; 32]),
            HealthEpoch::new(900),
            OperatorIndex::new(operator),
        )
    };
    assert_ne!(message(1), message(2));
    assert_ne!(message(1), Receipt(place()).digest());
}

fn tally(verdicts: &[Verdict]) -> WindowTally {
    let mut tally = WindowTally::default();
    for verdict in verdicts {
        tally.add(verdict);
    }
    tally
}

fn word(verdicts: &[Verdict]) -> Option<Word> {
    tally(verdicts).word(place(), &HealthPolicy::recommended())
}

#[test]
fn a_row_of_fails_is_a_down_and_a_shorter_one_is_nothing() {
    assert_eq!(word(&[FAIL, FAIL, FAIL]), Some(Word::Down(place())));
    assert_eq!(word(&[FAIL, FAIL]), None);
    assert_eq!(word(&[]), None);
}

#[test]
fn an_unknown_breaks_a_row_and_says_nothing_itself() {
    assert_eq!(word(&[FAIL, FAIL, UNKNOWN, FAIL]), None);
    assert_eq!(word(&[UNKNOWN, UNKNOWN, UNKNOWN]), None);
}

#[test]
fn a_policy_without_fails_makes_no_down_of_nothing() {
    let none = HealthPolicy {
        fails: 0,
        ..HealthPolicy::recommended()
    };
    assert_eq!(WindowTally::default().word(place(), &none), None);
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![3 => Just(FAIL), 1 => Just(UNKNOWN), 1 => Just(Verdict::Pass)]
}

proptest! {
    /// Whoever passed any probe of a machine in a window never attests DOWN for it.
    #[test]
    fn one_pass_rules_out_a_down(verdicts in proptest::collection::vec(any_verdict(), 0..12)) {
        let passed = verdicts.contains(&Verdict::Pass);
        match word(&verdicts) {
            Some(Word::Receipt(_)) => prop_assert!(passed),
            Some(Word::Down(_)) => {
                prop_assert!(!passed);
                prop_assert!(verdicts.windows(3).any(|row| row == [FAIL; 3]));
            }
            None => {
                prop_assert!(!passed);
                prop_assert!(!verdicts.windows(3).any(|row| row == [FAIL; 3]));
            }
        }
    }

    /// Once it is closed, what comes later changes the word only from DOWN to a receipt, never back.
    #[test]
    fn a_word_is_never_taken_back_for_the_worse(
        before in proptest::collection::vec(any_verdict(), 0..8),
        after in proptest::collection::vec(any_verdict(), 0..8),
    ) {
        let policy = HealthPolicy::recommended();
        let first = tally(&before);
        prop_assert_eq!(first.is_open(&policy), word(&before).is_none());
        if let Some(Word::Receipt(_)) = word(&before) {
            let all: Vec<_> = before.iter().chain(&after).copied().collect();
            prop_assert_eq!(word(&all), word(&before));
        }
    }
}
