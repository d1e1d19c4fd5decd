//! Creating and opening databases.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use quorate_store::StoreError;
use quorate_store::sqlite::{Database, Migration, Schema, Transaction};

use crate::{EVIDENCE, SCHEMA, VOTES};

#[test]
fn opening_what_is_not_there_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let opened = Database::open(&path, &SCHEMA);
    assert!(matches!(opened, Err(StoreError::Missing { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn creating_leaves_one_private_file_that_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Database::create(&path, &SCHEMA).unwrap());
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["ledger.db"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert!(Database::open(&path, &SCHEMA).is_ok());
}

#[test]
fn an_open_database_and_its_journal_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let database = Database::create(&path, &SCHEMA).unwrap();
    database.transact(|t| t.put(VOTES, b"k", b"v")).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn an_existing_database_is_not_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let database = Database::create(&path, &SCHEMA).unwrap();
    database.transact(|t| t.put(VOTES, b"k", b"v")).unwrap();
    drop(database);
    let again = Database::create(&path, &SCHEMA);
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    let database = Database::open_or_create(&path, &SCHEMA).unwrap();
    let found = database.transact(|t| t.get(VOTES, b"k")).unwrap();
    assert_eq!(found.as_deref(), Some(b"v".as_slice()));
}

#[test]
fn a_journal_left_by_another_database_is_not_applied_to_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let journal = folder.path().join("ledger.db-wal");
    fs::write(&journal, b"old frames").unwrap();
    match Database::create(&path, &SCHEMA) {
        Err(StoreError::Exists { path }) => assert_eq!(path, journal),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_filling_leaves_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let refused = |_: &Transaction<'_>| {
        Err(StoreError::Missing {
            path: "for the test".into(),
        })
    };
    assert!(Database::create_with(&path, &SCHEMA, refused).is_err());
    assert!(!path.exists());
}

#[test]
fn a_database_of_another_application_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Database::create(&path, &SCHEMA).unwrap());
    let other = Schema {
        application_id: 7,
        ..SCHEMA
    };
    match Database::open(&path, &other) {
        Err(StoreError::WrongApplication { got, expected, .. }) => {
            assert_eq!((got, expected), (SCHEMA.application_id, 7));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_older_database_is_migrated_and_keeps_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let older = Schema {
        migrations: &[Migration::AddTable(VOTES)],
        ..SCHEMA
    };
    let database = Database::create(&path, &older).unwrap();
    database.transact(|t| t.put(VOTES, b"k", b"v")).unwrap();
    assert!(database.transact(|t| t.get(EVIDENCE, b"k")).is_err());
    drop(database);

    let database = Database::open(&path, &SCHEMA).unwrap();
    let found = database.transact(|t| t.get(VOTES, b"k")).unwrap();
    assert_eq!(found.as_deref(), Some(b"v".as_slice()));
    assert_eq!(database.transact(|t| t.get(EVIDENCE, b"k")).unwrap(), None);
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Database::create(&path, &SCHEMA).unwrap());
    let older = Schema {
        migrations: &[Migration::AddTable(VOTES)],
        ..SCHEMA
    };
    let opened = Database::open(&path, &older);
    let newer = matches!(
        opened,
        Err(StoreError::TooNew {
            got: 2,
            known: 1,
            ..
        })
    );
    assert!(newer);
    assert!(Database::open(&path, &SCHEMA).is_ok());
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    for content in [vec![b'x'; 5_000], b"short".to_vec()] {
        fs::write(&path, content).unwrap();
        let opened = Database::open(&path, &SCHEMA);
        assert!(
            matches!(opened, Err(StoreError::Damaged { .. })),
            "{opened:?}"
        );
    }
}

#[test]
fn an_empty_file_is_not_taken_for_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    fs::write(&path, b"").unwrap();
    let opened = Database::open(&path, &SCHEMA);
    assert!(matches!(
        opened,
        Err(StoreError::WrongApplication { got: 0, .. })
    ));
}

#[test]
fn a_file_that_others_could_reach_is_made_private_at_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Database::create(&path, &SCHEMA).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _database = Database::open(&path, &SCHEMA).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
}
