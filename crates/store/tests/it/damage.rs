//! R5: flipped bytes give an error or the right value, never a panic or a wrong one.

use std::fs;
use std::path::Path;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use quorate_store::StoreError;
use quorate_store::sqlite::Database;

use crate::{SCHEMA, VOTES, flip_mask, trials};

const RECORDS: u64 = 40;

#[test]
fn a_flip_in_a_record_gives_an_error_or_the_right_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flips.db");
    let original = filled(&path);
    let records: Vec<_> = (0..RECORDS).map(|n| place(&original, n)).collect();
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut noticed = 0;
    let trials = trials("QUORATE_STORE_FLIPS", 2_000, 20_000);
    for _ in 0..trials {
        let number = u64::from(random.next_u32()) % RECORDS;
        let (start, width) = records[number as usize];
        let at = start + random.next_u32() as usize % width;
        let flipped = flip(&original, at, random.next_u32());
        fs::write(&path, &flipped).unwrap();
        match read(&path, number) {
            Err(StoreError::DamagedRecord { .. } | StoreError::Damaged { .. }) => noticed += 1,
            other => panic!("byte {at} of record {number}: {other:?}"),
        }
    }
    assert_eq!(noticed, trials);
}

#[test]
fn a_flip_anywhere_in_the_file_never_gives_a_wrong_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flips.db");
    let original = filled(&path);
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..trials("QUORATE_STORE_FLIPS", 300, 20_000) {
        let at = random.next_u32() as usize % original.len();
        fs::write(&path, flip(&original, at, random.next_u32())).unwrap();
        for number in [0, u64::from(random.next_u32()) % RECORDS] {
            // A flip in the tree above a record can hide it; none can change it.
            if let Ok(Some(found)) = read(&path, number) {
                assert_eq!(found, payload(number), "byte {at} of the file");
            }
        }
        remove_journals(folder.path());
    }
}

/// A record written under one key and copied under another, bytes and all.
#[test]
fn swapped_records_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("swap.db");
    let mut bytes = filled(&path);
    let ((a, width), (b, other)) = (place(&bytes, 3), place(&bytes, 4));
    assert_eq!(width, other);
    for offset in 0..width {
        bytes.swap(a + offset, b + offset);
    }
    fs::write(&path, &bytes).unwrap();
    for number in [3, 4] {
        let found = read(&path, number);
        assert!(matches!(found, Err(StoreError::DamagedRecord { .. })));
    }
}

/// Who deletes or counts records must not need what is in them.
#[test]
fn keys_are_read_without_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let original = filled(&path);
    let (start, _) = place(&original, 7);
    fs::write(&path, flip(&original, start, 1 << 24)).unwrap();
    let database = Database::open(&path, &SCHEMA).unwrap();
    let scanned = database.transact(|t| t.scan(VOTES, &[]));
    assert!(matches!(scanned, Err(StoreError::DamagedRecord { .. })));
    let keys: Result<_, StoreError> = database.transact(|t| t.keys(VOTES, &[]));
    let expected: Vec<_> = (0..RECORDS).map(|n| n.to_be_bytes().to_vec()).collect();
    assert_eq!(keys.unwrap(), expected);
}

fn filled(path: &Path) -> Vec<u8> {
    let database = Database::create(path, &SCHEMA).unwrap();
    database
        .transact(|t| (0..RECORDS).try_for_each(|n| t.put(VOTES, &n.to_be_bytes(), &payload(n))))
        .unwrap();
    drop(database);
    fs::read(path).unwrap()
}

/// Where the record of `number`, checksum included, lies in the file.
fn place(file: &[u8], number: u64) -> (usize, usize) {
    let payload = payload(number);
    let start = file.windows(payload.len()).position(|w| w == payload);
    (
        start.unwrap(),
        payload.len() + quorate_store::record::CHECK_WIDTH,
    )
}

fn read(path: &Path, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let database = Database::open(path, &SCHEMA)?;
    database.transact(|t| t.get(VOTES, &number.to_be_bytes()))
}

fn payload(number: u64) -> Vec<u8> {
    format!("payload of record {number:04}, long enough to be found again").into_bytes()
}

fn flip(original: &[u8], at: usize, random: u32) -> Vec<u8> {
    let mut bytes = original.to_vec();
    bytes[at] ^= flip_mask(random);
    bytes
}

fn remove_journals(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e != "db") {
            fs::remove_file(path).unwrap();
        }
    }
}
