//! The store that may be lost.

use std::fs;
use std::path::Path;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use quorate_store::StoreError;
use quorate_store::derived::{Derived, Opened};

use crate::{EVIDENCE, VOTES, flip_mask, trials};

#[test]
fn what_was_put_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/derived");
    let (store, opened) = Derived::open(&path, 1).unwrap();
    assert_eq!(opened, Opened::Fresh);
    store.put(VOTES, b"k", b"v").unwrap();
    store.flush().unwrap();
    drop(store);
    let (store, opened) = Derived::open(&path, 1).unwrap();
    assert_eq!(opened, Opened::Existing);
    assert_eq!(store.get(VOTES, b"k").unwrap(), Some(b"v".to_vec()));
    assert_eq!(store.get(EVIDENCE, b"k").unwrap(), None);
}

#[test]
fn scan_gives_a_prefix_in_order_and_clear_empties_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Derived::open(&folder.path().join("derived"), 1).unwrap();
    for key in [b"b2", b"a1", b"b1"] {
        store.put(VOTES, key, key).unwrap();
    }
    store.put(EVIDENCE, b"b", b"kept").unwrap();
    let keys = |prefix: &[u8]| -> Vec<_> {
        let records = store.scan(VOTES, prefix).unwrap();
        records.map(|record| record.unwrap().0).collect()
    };
    assert_eq!(keys(b"b"), [b"b1", b"b2"]);
    assert_eq!(keys(b"").len(), 3);
    store.clear(VOTES).unwrap();
    assert!(keys(b"").is_empty());
    assert_eq!(store.get(EVIDENCE, b"b").unwrap(), Some(b"kept".to_vec()));
    assert!(store.delete(EVIDENCE, b"b").unwrap());
    assert!(!store.delete(EVIDENCE, b"b").unwrap());
}

#[test]
fn a_store_of_another_layout_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("derived");
    let (store, _) = Derived::open(&path, 1).unwrap();
    store.put(VOTES, b"k", b"v").unwrap();
    drop(store);
    let (store, opened) = Derived::open(&path, 2).unwrap();
    let Opened::Rebuilt { moved_to, .. } = opened else {
        panic!("{opened:?}");
    };
    assert!(moved_to.is_dir());
    assert_eq!(store.get(VOTES, b"k").unwrap(), None);
}

#[test]
fn a_store_that_does_not_open_is_moved_aside_and_works_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("derived");
    for _ in 0..2 {
        let (store, _) = Derived::open(&path, 1).unwrap();
        store.put(VOTES, b"k", b"v").unwrap();
        drop(store);
        fs::write(path.join("conf"), b"no configuration").unwrap();
        let (store, opened) = Derived::open(&path, 1).unwrap();
        assert!(matches!(opened, Opened::Rebuilt { .. }), "{opened:?}");
        assert_eq!(store.get(VOTES, b"k").unwrap(), None);
        store.put(VOTES, b"k", b"v").unwrap();
    }
    // One is kept, and the lock.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_file_in_the_folders_place_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("derived");
    fs::write(&path, b"a file").unwrap();
    let (_, opened) = Derived::open(&path, 1).unwrap();
    assert!(matches!(opened, Opened::Rebuilt { .. }));
}

#[test]
fn flips_in_the_stores_files_never_give_a_wrong_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("derived");
    let (store, _) = Derived::open(&path, 1).unwrap();
    for number in 0..50u64 {
        store
            .put(VOTES, &number.to_be_bytes(), &payload(number))
            .unwrap();
    }
    drop(store);
    let log = fs::read(path.join("db")).unwrap();
    let used = log.iter().rposition(|byte| *byte != 0).unwrap();
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..trials("QUORATE_STORE_FLIPS", 20, 2_000) {
        let mut flipped = log.clone();
        let at = random.next_u32() as usize % used;
        flipped[at] ^= flip_mask(random.next_u32());
        let trial = tempfile::tempdir().unwrap();
        let copy = trial.path().join("derived");
        copy_store(&path, &copy, &flipped);
        let (store, _) = Derived::open(&copy, 1).unwrap();
        for number in 0..50u64 {
            match store.get(VOTES, &number.to_be_bytes()) {
                Ok(Some(found)) => assert_eq!(found, payload(number), "byte {at}"),
                Ok(None) | Err(StoreError::DamagedRecord { .. } | StoreError::Sled { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn payload(number: u64) -> Vec<u8> {
    format!("payload of record {number:04}").into_bytes()
}

fn copy_store(from: &Path, to: &Path, log: &[u8]) {
    fs::create_dir(to).unwrap();
    fs::write(to.join("db"), log).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != "db" {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
