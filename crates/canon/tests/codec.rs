//! The codec is exact: one encoding for a value, one value for an encoding.

use proptest::prelude::*;
use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{Bps, CodecError, Mask256, OperatorStake, Round, Timestamp};

#[test]
fn integers_are_big_endian() {
    assert_eq!(0x0102_u16.to_bytes(), [1, 2]);
    assert_eq!(Timestamp::new(1).to_bytes(), [0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(OperatorStake::new(1 << 120).to_bytes()[..2], [1, 0]);
}

#[test]
fn a_value_wants_its_width_exactly() {
    let width = |got| CodecError::Width { got, expected: 8 };
    assert_eq!(Round::from_bytes(&[0; 7]), Err(width(7)));
    assert_eq!(Round::from_bytes(&[0; 9]), Err(width(9)));
}

#[test]
fn an_input_that_ends_inside_a_field_says_where() {
    let mut input = Reader::new(&[0; 5]);
    assert_eq!(input.value::<u16>(), Ok(0));
    assert_eq!(
        input.value::<u32>(),
        Err(CodecError::Short {
            at: 2,
            got: 3,
            expected: 4
        })
    );
    assert_eq!(
        input.slice(4),
        Err(CodecError::Short {
            at: 2,
            got: 3,
            expected: 4
        })
    );
}

#[test]
fn a_spare_byte_that_is_set_is_named() {
    let mut input = Reader::new(&[7, 0, 0, 5, 0]);
    assert_eq!(input.value::<u8>(), Ok(7));
    assert_eq!(input.spare(4), Err(CodecError::Spare { at: 3, got: 5 }));
}

#[test]
fn what_is_left_over_is_an_error() {
    let mut input = Reader::new(&[1, 2, 3]);
    assert_eq!(input.value::<u8>(), Ok(1));
    assert_eq!(input.remaining(), 2);
    assert_eq!(
        input.finish(),
        Err(CodecError::Width {
            got: 3,
            expected: 1
        })
    );
}

#[test]
fn arrays_are_their_values_in_order() {
    let table = [[1_u16, 2], [3, 4]];
    assert_eq!(table.to_bytes(), [0, 1, 0, 2, 0, 3, 0, 4]);
    assert_eq!(<[[u16; 2]; 2]>::from_bytes(&table.to_bytes()), Ok(table));
}

#[test]
fn a_writer_is_reused_without_a_trace() {
    let mut out = Writer::with_capacity(4);
    out.put(b"before");
    out.clear();
    out.value(&3_u8);
    out.spare(2);
    assert_eq!(out.as_bytes(), [3, 0, 0]);
}

proptest! {
    #[test]
    fn values_come_back(a: u64, b: u128, share in 0_u16..=10_000, mask: [u8; 32]) {
        prop_assert_eq!(Round::from_bytes(&Round::new(a).to_bytes()), Ok(Round::new(a)));
        prop_assert_eq!(u128::from_bytes(&b.to_bytes()), Ok(b));
        let share = Bps::new(share).unwrap();
        prop_assert_eq!(Bps::from_bytes(&share.to_bytes()), Ok(share));
        prop_assert_eq!(Mask256::from_bytes(&mask), Ok(Mask256(mask)));
    }

    #[test]
    fn masks_agree_with_their_bits(a: [u8; 32], b: [u8; 32]) {
        let (a, b) = (Mask256(a), Mask256(b));
        let members = |mask: &Mask256| (0..=255).filter(|i| mask.bit(*i)).collect::<Vec<u8>>();
        prop_assert_eq!(Mask256::of(&members(&a)), a);
        let common = members(&a).into_iter().filter(|i| b.bit(*i)).count();
        prop_assert_eq!(a.intersects(&b), common > 0);
        prop_assert_eq!(a.is_subset_of(&b), common == members(&a).len());
    }
}
