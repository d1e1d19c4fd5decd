//! What a transaction does, and what it does not leave behind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use quorate_store::StoreError;
use quorate_store::sqlite::Database;

use crate::{EVIDENCE, SCHEMA, VOTES};

fn database() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::create(&folder.path().join("test.db"), &SCHEMA).unwrap();
    (folder, database)
}

#[test]
fn insert_keeps_the_first_and_put_the_last() {
    let (_folder, database) = database();
    database
        .transact(|t| {
            assert!(t.insert(VOTES, b"k", b"first")?);
            assert!(!t.insert(VOTES, b"k", b"second")?);
            assert_eq!(t.get(VOTES, b"k")?.as_deref(), Some(b"first".as_slice()));
            t.put(VOTES, b"k", b"third")?;
            assert_eq!(t.get(VOTES, b"k")?.as_deref(), Some(b"third".as_slice()));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn delete_says_whether_there_was_anything() {
    let (_folder, database) = database();
    database
        .transact(|t| {
            t.put(VOTES, b"k", b"v")?;
            assert!(t.delete(VOTES, b"k")?);
            assert!(!t.delete(VOTES, b"k")?);
            assert_eq!(t.get(VOTES, b"k")?, None);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn tables_do_not_see_each_others_records() {
    let (_folder, database) = database();
    let found = database.transact(|t| {
        t.put(VOTES, b"k", b"v")?;
        t.get(EVIDENCE, b"k")
    });
    assert_eq!(found.unwrap(), None);
}

#[test]
fn an_error_rolls_back_all_of_it() {
    let (_folder, database) = database();
    let result = database.transact(|t| {
        t.put(VOTES, b"k", b"v")?;
        Err::<(), _>(StoreError::Missing {
            path: "for the test".into(),
        })
    });
    assert!(result.is_err());
    assert_eq!(database.transact(|t| t.get(VOTES, b"k")).unwrap(), None);
}

#[test]
fn a_panic_rolls_back_and_the_database_still_works() {
    let (_folder, database) = database();
    let result = catch_unwind(AssertUnwindSafe(|| {
        database.transact(|t| {
            t.put(VOTES, b"k", b"v")?;
            panic!("for the test");
            #[allow(unreachable_code)]
            Ok::<(), StoreError>(())
        })
    }));
    assert!(result.is_err());
    assert_eq!(database.transact(|t| t.get(VOTES, b"k")).unwrap(), None);
    database.transact(|t| t.put(VOTES, b"k", b"v")).unwrap();
}

#[test]
fn threads_take_turns() {
    let (_folder, database) = database();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    database
                        .transact(|t| {
                            let count = t.get(VOTES, b"count")?.map_or(0, |found| found[0]);
                            t.put(VOTES, b"count", &[count + 1])
                        })
                        .unwrap();
                }
            });
        }
    });
    let count = database.transact(|t| t.get(VOTES, b"count")).unwrap();
    assert_eq!(count, Some(vec![40]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn scans_and_last_equal_those_of_a_sorted_map(
        records in prop::collection::btree_map(
            prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff)], 0..4),
            any::<Vec<u8>>(),
            0..20,
        ),
        prefix in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xff)], 0..3),
    ) {
        let (_folder, database) = database();
        let (scanned, keys, last) = database
            .transact(|t| {
                for (key, payload) in &records {
                    t.put(VOTES, key, payload)?;
                }
                Ok::<_, StoreError>((
                    t.scan(VOTES, &prefix)?,
                    t.keys(VOTES, &prefix)?,
                    t.last(VOTES)?,
                ))
            })
            .unwrap();
        let expected: Vec<_> = records
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(key, payload)| (key.clone(), payload.clone()))
            .collect();
        let expected_keys: Vec<_> = expected.iter().map(|(key, _)| key.clone()).collect();
        prop_assert_eq!(keys, expected_keys);
        prop_assert_eq!(scanned, expected);
        prop_assert_eq!(last, records.last_key_value().map(|(k, v)| (k.clone(), v.clone())));
    }
}
