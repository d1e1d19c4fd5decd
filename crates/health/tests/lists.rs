//! Lists of windows DOWN: their bytes, what no list can be, what contradicts one, who agrees with one.

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{FixedWidth as _, HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::{
    Claims, Committee, DownEntry, DownList, HealthError, Judged, Network, Place, Receipt, Subject,
    Window, agrees, contradicts,
};
use support::network;

const EPOCH: HealthEpoch = HealthEpoch::new(900);

fn machine(id: u64) -> Subject {
    Subject::Machine(OfferId::new(id))
}

fn entry(id: u64, windows: &[u8]) -> DownEntry {
    DownEntry {
        subject: machine(id),
        windows: Mask256::of(windows),
    }
}

fn list(entries: Vec<DownEntry>) -> Result<DownList, HealthError> {
    DownList::new(network(), EPOCH, entries)
}

/// Machines 1 and up to 256, in any order of ids, each with some windows.
fn entries() -> impl Strategy<Value = Vec<DownEntry>> {
    let windows = prop::collection::vec(any::<u8>(), 1..4);
    prop::collection::btree_map(any::<u64>(), windows, 1..20).prop_map(|map| {
        map.iter()
            .map(|(id, windows)| entry(*id, windows))
            .collect()
    })
}

#[test]
fn fields_stand_where_the_format_says() {
    let list = list(vec![entry(7, &[0]), entry(8, &[255])]).unwrap();
    let bytes = list.to_bytes();
    assert_eq!(bytes.len(), 102 + 2 * 41);
    assert_eq!(bytes[..32], tag("quorate/down/v1"));
    assert_eq!(bytes[32..36], [0, 0, 0, 1], "version");
    assert_eq!(bytes[36..96], network().to_bytes());
    assert_eq!(bytes[96..100], 900_u32.to_be_bytes());
    assert_eq!(bytes[100..102], [0, 2]);
    assert_eq!(bytes[102..111], [1, 0, 0, 0, 0, 0, 0, 0, 7], "subject");
    assert_eq!(
        (bytes[142], &bytes[111..142]),
        (1, &[0; 31][..]),
        "window 0"
    );
    assert_eq!(
        (bytes[152], &bytes[153..]),
        (0x80, &[0; 31][..]),
        "window 255"
    );
    assert_eq!(list.digest(), sha256(&[&bytes]));
    assert_eq!(DownList::MAX_WIDTH, 10_598);
}

#[test]
fn subjects_stand_in_the_order_of_their_bytes() {
    let ids = [0, 1, 255, 256, 1 << 32, u64::MAX];
    for pair in ids.windows(2) {
        let (a, b) = (machine(pair[0]), machine(pair[1]));
        assert!(a < b && a.to_bytes() < b.to_bytes());
    }
}

#[test]
fn a_list_has_1_to_256_entries_in_order() {
    let many = |count: u64| (0..count).map(|id| entry(id, &[1])).collect::<Vec<_>>();
    let most = DownList::MOST;
    assert_eq!(list(many(0)), Err(HealthError::Entries { got: 0, most }));
    assert_eq!(
        list(many(257)),
        Err(HealthError::Entries { got: 257, most })
    );
    assert_eq!(
        list(many(256)).unwrap().to_bytes().len(),
        DownList::MAX_WIDTH
    );
    for (a, b) in [(5, 5), (6, 5)] {
        let unsorted = list(vec![entry(1, &[1]), entry(a, &[1]), entry(b, &[2])]);
        assert_eq!(unsorted, Err(HealthError::Unsorted { at: 2 }));
    }
    assert!(matches!(
        list(vec![entry(1, &[])]),
        Err(HealthError::Windows { .. })
    ));
}

#[test]
fn the_windows_are_those_of_the_epoch() {
    let list = list(vec![entry(1, &[0, 4]), entry(2, &[5])]).unwrap();
    assert_eq!(list.require_windows(6), Ok(()));
    match list.require_windows(5) {
        Err(HealthError::Windows { subject, .. }) => assert_eq!(subject, machine(2)),
        other => panic!("{other:?}"),
    }
}

type Change = fn(&mut Vec<u8>);

#[test]
fn bytes_that_are_no_list_are_refused() {
    let bytes = list(vec![entry(7, &[0]), entry(8, &[255])])
        .unwrap()
        .to_bytes();
    let refused = |change: Change| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        DownList::from_bytes(&bytes).is_err()
    };
    assert!(!refused(|_| ()));
    let changes: [(&str, Change); 9] = [
        ("tag", |b| b[3] ^= 1),
        ("version", |b| b[35] = 2),
        ("a count of none", |b| b[101] = 0),
        ("a larger count", |b| b[101] = 3),
        ("a smaller count", |b| b[101] = 1),
        ("a count beyond the limit", |b| b[100] = 0xff),
        ("a byte more", |b| b.push(0)),
        ("no window", |b| b[142] = 0),
        ("order", |b| b[110] = 9),
    ];
    for (what, change) in changes {
        assert!(refused(change), "{what}");
    }
    for end in 0..bytes.len() {
        assert!(DownList::from_bytes(&bytes[..end]).is_err(), "{end} bytes");
    }
}

proptest! {
    #[test]
    fn a_list_comes_back(entries in entries()) {
        let list = list(entries).unwrap();
        prop_assert_eq!(DownList::from_bytes(&list.to_bytes()), Ok(list));
    }

    /// Whatever decodes encodes to the same bytes.
    #[test]
    fn a_list_has_one_encoding(entries in entries(), at: prop::sample::Index, byte: u8) {
        let mut bytes = list(entries).unwrap().to_bytes();
        let i = at.index(bytes.len());
        bytes[i] = byte;
        if let Ok(list) = DownList::from_bytes(&bytes) {
            prop_assert_eq!(list.to_bytes(), bytes);
        }
    }

    /// Against a search of all entries and bits.
    #[test]
    fn a_receipt_contradicts_exactly_the_windows_of_the_list(
        entries in prop::collection::btree_map(0..4_u64, prop::collection::vec(0..6_u8, 1..3), 1..4),
        id in 0..5_u64,
        window in 0..300_u16,
        other_epoch: bool,
        other_network: bool,
    ) {
        let list = list(entries.iter().map(|(id, windows)| entry(*id, windows)).collect()).unwrap();
        let window = window % 7 + 256 * (window / 290);
        let receipt = Receipt(Place {
            network: Network { operator_set: 3 + u32::from(other_network), ..network() },
            subject: machine(id),
            epoch: HealthEpoch::new(900 + u32::from(other_epoch)),
            window: Window(window),
        });
        let named = entries.get(&id).is_some_and(|windows| windows.iter().any(|w| u16::from(*w) == window));
        prop_assert_eq!(contradicts(&receipt, &list), named && !other_epoch && !other_network);
    }
}

/// Operators 0 and 1 judge machine 1; operator 2 alone judges machine 2.
fn committees() -> BTreeMap<Subject, Committee> {
    let seats = |seats: &[u32]| Committee {
        seats: seats.iter().copied().map(OperatorIndex::new).collect(),
    };
    BTreeMap::from([(machine(1), seats(&[0, 1, 0])), (machine(2), seats(&[2]))])
}

fn asked(operator: u32, own: &[DownEntry], list: &DownList) -> Result<(), HealthError> {
    let committees = committees();
    let judged = Judged {
        network: network(),
        epoch: EPOCH,
        windows: 10,
        committees: &committees,
    };
    let own: Claims = own.iter().collect();
    agrees(list, &own, OperatorIndex::new(operator), &judged)
}

#[test]
fn a_member_agrees_with_its_own_words_or_fewer() {
    let own = [entry(1, &[3, 4])];
    for windows in [&[3, 4][..], &[3], &[4]] {
        assert_eq!(
            asked(0, &own, &list(vec![entry(1, windows)]).unwrap()),
            Ok(())
        );
    }
    let more = list(vec![entry(1, &[3, 5])]).unwrap();
    let refused = HealthError::NotOurWord {
        subject: machine(1),
        got: Mask256::of(&[3, 5]),
        own: Mask256::of(&[3, 4]),
    };
    assert_eq!(asked(0, &own, &more), Err(refused));
    assert!(asked(1, &[], &more).is_err(), "silence is not agreement");
}

#[test]
fn whoever_is_no_member_agrees_with_anything_well_formed() {
    let both = list(vec![entry(1, &[3, 5]), entry(2, &[0])]).unwrap();
    assert_eq!(asked(7, &[], &both), Ok(()));
    assert!(
        asked(2, &[entry(1, &[3, 5])], &both).is_err(),
        "it judges machine 2"
    );
    assert_eq!(asked(2, &[entry(2, &[0])], &both), Ok(()));
    let beyond = list(vec![entry(1, &[10])]).unwrap();
    assert!(matches!(
        asked(7, &[], &beyond),
        Err(HealthError::Windows { .. })
    ));
    let unknown = list(vec![entry(3, &[1])]).unwrap();
    let refused = HealthError::NoCommittee {
        subject: machine(3),
    };
    assert_eq!(asked(7, &[], &unknown), Err(refused));
}

#[test]
fn nobody_agrees_with_a_list_of_another_epoch_or_network() {
    let entries = vec![entry(1, &[3])];
    let later = DownList::new(network(), HealthEpoch::new(901), entries.clone()).unwrap();
    assert!(matches!(
        asked(7, &[], &later),
        Err(HealthError::OtherEpoch { .. })
    ));
    let elsewhere = Network {
        operator_set: 4,
        ..network()
    };
    let elsewhere = DownList::new(elsewhere, EPOCH, entries).unwrap();
    assert!(matches!(
        asked(7, &[], &elsewhere),
        Err(HealthError::OtherNetwork { .. })
    ));
}
