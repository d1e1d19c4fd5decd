//! One process at a time.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use quorate_store::StoreError;
use quorate_store::derived::Derived;
use quorate_store::sqlite::Database;

use crate::{SCHEMA, child};

#[test]
fn a_second_handle_in_this_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let first = Database::create(&path, &SCHEMA).unwrap();
    let second = Database::open(&path, &SCHEMA);
    assert!(matches!(second, Err(StoreError::Locked { .. })));
    drop(first);
    assert!(Database::open(&path, &SCHEMA).is_ok());
}

/// R3.
#[test]
fn a_second_process_is_refused_within_five_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let _database = Database::create(&path, &SCHEMA).unwrap();
    let started = Instant::now();
    assert_eq!(answer("locking::second_process", &path), "locked");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_derived_store_in_use_is_refused_and_not_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("derived");
    let (_store, _) = Derived::open(&path, 1).unwrap();
    assert_eq!(answer("locking::second_process_derived", &path), "locked");
    let again = Derived::open(&path, 1);
    assert!(matches!(again, Err(StoreError::Locked { .. })));
    assert!(!folder.path().join("derived.damaged").exists());
}

#[test]
fn second_process() {
    if let Some(path) = child::path() {
        say(Database::open(&path, &SCHEMA).map(drop));
    }
}

#[test]
fn second_process_derived() {
    if let Some(path) = child::path() {
        say(Derived::open(&path, 1).map(drop));
    }
}

fn say(opened: Result<(), StoreError>) {
    match opened {
        Err(StoreError::Locked { .. }) => println!("\nanswer locked"),
        other => println!("\nanswer {other:?}"),
    }
}

fn answer(name: &str, path: &std::path::Path) -> String {
    let mut child = child::spawn(name, path);
    let output = BufReader::new(child.stdout.take().unwrap());
    let answer = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("answer ").map(str::to_owned));
    child.wait().unwrap();
    answer.unwrap()
}
