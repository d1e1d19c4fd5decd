//! The frame around every record: payload, then a checksum bound to the record's identity.
//!
//! `check = first 16 bytes of SHA-256("quorate/record/v1" ‖ length of table u16 ‖ table ‖
//! length of key u32 ‖ key ‖ payload)`, integers big-endian; `record = payload ‖ check`.
//! A checksum over the bytes alone would accept a record that lies under another's key.

use sha2::{Digest, Sha256};

use crate::{Result, StoreError, Table};

/// Width of the checksum behind each payload, in bytes.
pub const CHECK_WIDTH: usize = 16;

/// Frames `payload` as the record of `key` in `table`.
#[must_use]
pub fn seal(table: Table, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(payload.len() + CHECK_WIDTH);
    record.extend_from_slice(payload);
    record.extend_from_slice(&check(table, key, payload));
    record
}

/// Takes the payload out of the record that was read under `key` in `table`.
///
/// # Errors
/// [`StoreError::DamagedRecord`] when the checksum does not fit.
pub fn open(table: Table, key: &[u8], mut record: Vec<u8>) -> Result<Vec<u8>> {
    let damaged = || StoreError::DamagedRecord {
        table: table.name(),
        key: hex(key),
    };
    let width = record.len().checked_sub(CHECK_WIDTH).ok_or_else(damaged)?;
    let (payload, found) = record.split_at(width);
    if check(table, key, payload) != found {
        return Err(damaged());
    }
    record.truncate(width);
    Ok(record)
}

fn check(table: Table, key: &[u8], payload: &[u8]) -> [u8; CHECK_WIDTH] {
    let name = table.name().as_bytes();
    // Widths: a table's name has at most 32 bytes; no store takes a key of 4 GiB.
    let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let key_length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let digest = Sha256::new()
        .chain_update(b"quorate/record/v1")
        .chain_update(name_length.to_be_bytes())
        .chain_update(name)
        .chain_update(key_length.to_be_bytes())
        .chain_update(key)
        .chain_update(payload)
        .finalize();
    let mut check = [0; CHECK_WIDTH];
    check.copy_from_slice(&digest[..CHECK_WIDTH]);
    check
}

/// Keys in error messages: hex, and only the beginning of long ones.
fn hex(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let mut text: String = bytes
        .iter()
        .take(SHOWN)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if bytes.len() > SHOWN {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VOTES: Table = Table::new("votes");
    const EVIDENCE: Table = Table::new("evidence");

    proptest! {
        #[test]
        fn a_sealed_payload_opens_to_itself(key: Vec<u8>, payload: Vec<u8>) {
            let record = seal(VOTES, &key, &payload);
            prop_assert_eq!(open(VOTES, &key, record).unwrap(), payload);
        }

        #[test]
        fn a_record_under_another_key_is_damaged(key: Vec<u8>, other: Vec<u8>, payload: Vec<u8>) {
            prop_assume!(key != other);
            prop_assert!(open(VOTES, &other, seal(VOTES, &key, &payload)).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_damaged_and_never_panic(key: Vec<u8>, record: Vec<u8>) {
            prop_assert!(open(VOTES, &key, record).is_err());
        }
    }

    #[test]
    fn a_record_in_another_table_is_damaged() {
        let record = seal(VOTES, b"k", b"payload");
        assert!(open(EVIDENCE, b"k", record).is_err());
    }

    #[test]
    fn key_and_payload_do_not_run_into_each_other() {
        assert!(open(VOTES, b"ab", seal(VOTES, b"a", b"bc")).is_err());
        assert_ne!(seal(VOTES, b"ab", b"c")[1..], seal(VOTES, b"a", b"bc")[2..]);
    }

    #[test]
    fn every_single_byte_flip_is_noticed() {
        let record = seal(VOTES, b"key", &[7; 64]);
        for at in 0..record.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut flipped = record.clone();
                flipped[at] ^= flip;
                assert!(open(VOTES, b"key", flipped).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn the_frame_is_frozen() {
        let record = seal(VOTES, b"k", b"p");
        assert_eq!(record[0], b'p');
        assert_eq!(hex(&record[1..]), FROZEN);
    }

    const FROZEN: &str = "ceae7b3b42188e342d936aa5c2c6321b";
}
