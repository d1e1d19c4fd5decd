//! Stake tables, their pages and commitments, bitmaps, and the quorum.

mod support;

use proptest::prelude::*;
use quorate_bls::{BlsError, aggregate_keys};
use quorate_canon::{Digest, Epoch, OperatorStake, hash};
use quorate_protocol::{Bitmap, Commitment, ProtocolError, StakeTable, quorum_reached};
use support::{index, key, stakes, table};

fn pages(table: &StakeTable) -> (Vec<u8>, Vec<Vec<u8>>) {
    (table.stakes_page(), table.key_pages().collect())
}

#[test]
fn a_table_reads_back_from_its_pages() {
    let table = table(&[5, 0, 7]);
    let (stakes, keys) = pages(&table);
    assert_eq!(
        StakeTable::from_pages(&table.commitment(), &stakes, &keys),
        Ok(table)
    );
}

#[test]
fn keys_fill_pages_of_120() {
    let table = table(&[1; 250]);
    let (stakes, keys) = pages(&table);
    let lengths: Vec<_> = keys.iter().map(Vec::len).collect();
    assert_eq!(lengths, [120 * 192, 120 * 192, 10 * 192]);
    assert_eq!(table.commitment().key_pages.len(), 3);
    assert_eq!(
        StakeTable::from_pages(&table.commitment(), &stakes, &keys),
        Ok(table)
    );
}

#[test]
fn the_aggregate_key_is_of_those_with_stake() {
    let table = table(&[5, 0, 7]);
    assert_eq!(
        aggregate_keys(&[key(0), key(2)]).as_ref(),
        Some(table.aggregate_key())
    );
    assert_eq!(table.total(), OperatorStake::new(12));
}

#[test]
fn a_commitment_reads_back() {
    let commitment = table(&[5, 0, 7]).commitment();
    let bytes = commitment.to_bytes();
    assert_eq!(bytes.len(), 8 + 4 + 16 + 192 + 32 + 32);
    assert_eq!(Commitment::from_bytes(&bytes), Ok(commitment));
}

#[test]
fn a_commitment_with_too_few_or_too_many_pages_is_refused() {
    let bytes = table(&[5, 0, 7]).commitment().to_bytes();
    assert!(Commitment::from_bytes(&bytes[..bytes.len() - 32]).is_err());
    assert!(Commitment::from_bytes(&[&bytes[..], &[0; 32]].concat()).is_err());
    let mut many = bytes;
    many[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(Commitment::from_bytes(&many).is_err());
}

#[test]
fn a_changed_page_is_refused_before_it_is_read() {
    let table = table(&[5, 0, 7]);
    let (mut stakes, mut keys) = pages(&table);
    stakes[15] ^= 1;
    let refused = StakeTable::from_pages(&table.commitment(), &stakes, &keys);
    assert!(matches!(refused, Err(ProtocolError::PageHash { page, .. }) if page == "stakes page"));
    stakes[15] ^= 1;
    keys[0][0] ^= 1;
    let refused = StakeTable::from_pages(&table.commitment(), &stakes, &keys);
    assert!(matches!(refused, Err(ProtocolError::PageHash { page, .. }) if page == "keys page 0"));
}

#[test]
fn a_commitment_with_wrong_sums_is_refused() {
    let table = table(&[5, 0, 7]);
    let (stakes, keys) = pages(&table);
    let total = Commitment {
        total: OperatorStake::new(13),
        ..table.commitment()
    };
    let aggregate = Commitment {
        aggregate_key: key(1),
        ..table.commitment()
    };
    for (commitment, what) in [(total, "total"), (aggregate, "aggregate key")] {
        let refused = StakeTable::from_pages(&commitment, &stakes, &keys);
        assert_eq!(refused, Err(ProtocolError::CommitmentSum { what }));
    }
}

#[test]
fn an_invalid_key_in_a_page_is_refused() {
    let table = table(&[5, 6]);
    let (stakes, mut keys) = pages(&table);
    keys[0][..192].fill(0);
    let key_pages = keys.iter().map(|page| hash::sha256(&[page])).collect();
    let commitment = Commitment {
        key_pages,
        ..table.commitment()
    };
    let refused = StakeTable::from_pages(&commitment, &stakes, &keys);
    assert_eq!(refused, Err(ProtocolError::Point(BlsError::Infinity)));
}

#[test]
fn a_missing_page_is_refused() {
    let table = table(&[5, 6]);
    let (stakes, _) = pages(&table);
    let none: [Vec<u8>; 0] = [];
    let refused = StakeTable::from_pages(&table.commitment(), &stakes, &none);
    assert_eq!(
        refused,
        Err(ProtocolError::TableSize {
            what: "pages of keys",
            got: 0,
            expected: 1
        })
    );
}

#[test]
fn a_table_without_stake_is_refused() {
    let empty = StakeTable::new(Epoch::new(0), vec![], vec![]);
    assert_eq!(empty, Err(ProtocolError::EmptyTable));
    let zeros = StakeTable::new(Epoch::new(0), vec![key(0)], stakes(&[0]));
    assert_eq!(zeros, Err(ProtocolError::EmptyTable));
}

#[test]
fn lists_of_different_length_are_refused() {
    let refused = StakeTable::new(Epoch::new(0), vec![key(0)], stakes(&[1, 2]));
    assert_eq!(
        refused,
        Err(ProtocolError::TableSize {
            what: "keys",
            got: 1,
            expected: 2
        })
    );
}

#[test]
fn a_total_beyond_128_bits_is_refused() {
    let refused = StakeTable::new(Epoch::new(0), vec![key(0), key(1)], stakes(&[u128::MAX, 1]));
    assert_eq!(
        refused,
        Err(ProtocolError::OutOfRange {
            what: "total stake"
        })
    );
}

#[test]
fn only_known_operators_with_stake_may_sign() {
    let table = table(&[5, 0]);
    assert!(table.signer(index(0)).is_ok());
    assert_eq!(
        table.signer(index(1)),
        Err(ProtocolError::NoStake(index(1)))
    );
    let unknown = ProtocolError::UnknownOperator {
        got: index(2),
        count: 2,
    };
    assert_eq!(table.signer(index(2)), Err(unknown));
    assert_eq!(table.index_of(&key(1)), Some(index(1)));
    assert_eq!(table.index_of(&key(9)), None);
}

#[test]
fn the_quorum_is_67_percent_and_not_one_unit_less() {
    for total in [100, 10_000, 100 << 90, u128::MAX / 100 * 100] {
        let threshold = total / 100 * 67;
        assert!(!quorum_reached(threshold - 1, total), "below, of {total}");
        assert!(quorum_reached(threshold, total), "at, of {total}");
        assert!(quorum_reached(threshold + 1, total), "above, of {total}");
    }
    // 67 % of 3 is 2.01.
    assert!(!quorum_reached(2, 3) && quorum_reached(3, 3));
}

#[test]
fn nothing_is_no_quorum_of_nothing() {
    assert!(!quorum_reached(0, 0) && !quorum_reached(1, 0) && !quorum_reached(0, 1));
}

#[test]
fn the_quorum_holds_at_the_largest_stakes() {
    assert!(quorum_reached(u128::MAX, u128::MAX));
    let two_thirds = u128::MAX / 3 * 2;
    assert!(!quorum_reached(two_thirds, u128::MAX));
}

#[test]
fn a_bitmap_has_the_least_significant_bit_first() {
    let mut bitmap = Bitmap::empty(12);
    for operator in [0, 3, 9] {
        assert_eq!(bitmap.insert(index(operator)), Ok(true));
    }
    assert_eq!(bitmap.to_bytes(), [0b0000_1001, 0b0000_0010]);
    assert_eq!(bitmap.iter().collect::<Vec<_>>(), [0, 3, 9].map(index));
    assert_eq!((bitmap.len(), bitmap.is_empty()), (3, false));
}

#[test]
fn a_bit_is_new_once() {
    let mut bitmap = Bitmap::empty(12);
    assert_eq!(bitmap.insert(index(3)), Ok(true));
    assert_eq!(bitmap.insert(index(3)), Ok(false));
    let unknown = ProtocolError::UnknownOperator {
        got: index(12),
        count: 12,
    };
    assert_eq!(bitmap.insert(index(12)), Err(unknown));
}

#[test]
fn bits_beyond_the_table_and_other_lengths_are_refused() {
    assert!(Bitmap::from_bytes(&[0xff, 0x0f], 12).is_ok());
    assert_eq!(
        Bitmap::from_bytes(&[0xff, 0x10], 12),
        Err(ProtocolError::BitmapTail { count: 12 })
    );
    assert!(Bitmap::from_bytes(&[0xff, 0xff], 16).is_ok());
    let short = ProtocolError::BitmapLength {
        got: 1,
        expected: 2,
    };
    assert_eq!(Bitmap::from_bytes(&[0xff], 12), Err(short));
    assert!(Bitmap::from_bytes(&[0, 0, 0], 12).is_err() && Bitmap::from_bytes(&[], 0).is_ok());
}

#[test]
fn the_signers_key_is_the_same_by_adding_and_by_subtracting() {
    let table = table(&[1, 2, 0, 4, 5, 6, 7]);
    for signers in [
        &[0u32][..],
        &[1, 6],
        &[0, 1, 3, 4],
        &[0, 1, 3, 4, 5, 6],
        &[1, 3, 4, 5, 6],
    ] {
        let mut bitmap = Bitmap::empty(7);
        for operator in signers {
            bitmap.insert(index(*operator)).unwrap();
        }
        let keys: Vec<_> = signers.iter().map(|operator| key(*operator)).collect();
        assert_eq!(
            table.signers_key(&bitmap).ok(),
            aggregate_keys(&keys),
            "{signers:?}"
        );
    }
    let nobody = table.signers_key(&Bitmap::empty(7));
    assert_eq!(nobody, Err(ProtocolError::Cancelled { what: "keys" }));
}

proptest! {
    #[test]
    fn the_quorum_is_that_of_unbounded_integers(signed in any::<u128>(), total in any::<u128>()) {
        // signed x 100 >= total x 67, taken apart so that nothing overflows.
        let (quotient, remainder) = (total / 100, total % 100);
        let least = quotient * 67 + (remainder * 67).div_ceil(100);
        prop_assert_eq!(quorum_reached(signed, total), total > 0 && signed >= least);
    }

    #[test]
    fn a_bitmap_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..20), count in 0u32..160) {
        if let Ok(bitmap) = Bitmap::from_bytes(&bytes, count) {
            prop_assert_eq!(bitmap.to_bytes(), bytes.clone());
            let mut again = Bitmap::empty(count);
            for operator in bitmap.iter() {
                again.insert(operator).unwrap();
            }
            prop_assert_eq!(again, bitmap);
        }
    }

    #[test]
    fn commitments_of_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Commitment::from_bytes(&bytes);
    }
}

#[test]
fn a_page_that_the_commitment_does_not_name_in_full_is_refused() {
    // Two half-full pages in place of one: the hashes fit, the layout does not.
    let table = table(&[5, 6]);
    let (stakes, keys) = pages(&table);
    let halves = [keys[0][..192].to_vec(), keys[0][192..].to_vec()];
    let key_pages: Vec<Digest> = halves.iter().map(|page| hash::sha256(&[page])).collect();
    let commitment = Commitment {
        key_pages,
        ..table.commitment()
    };
    let refused = StakeTable::from_pages(&commitment, &stakes, &halves);
    assert!(matches!(
        refused,
        Err(ProtocolError::TableSize {
            what: "keys before a page",
            ..
        })
    ));
}
