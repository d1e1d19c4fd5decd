//! R4: a process killed at any moment loses no acknowledged write.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use quorate_store::sqlite::Database;

use crate::{SCHEMA, VOTES, child, trials};

const VARIABLE: &str = "QUORATE_STORE_KILLS";
const SAMPLE: usize = 12;

#[test]
fn kill_loses_no_acknowledged_write_and_no_open_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crash.db");
    drop(Database::create(&path, &SCHEMA).unwrap());
    let mut acknowledged = 0;
    for trial in 0..trials(VARIABLE, SAMPLE, 200) {
        acknowledged = acknowledged.max(run_and_kill(&path));
        let database = Database::open(&path, &SCHEMA).unwrap();
        let found = database.transact(|t| t.scan(VOTES, b"")).unwrap();
        let expected: Vec<_> = (1..=found.len() as u64).map(record).collect();
        assert_eq!(found, expected, "trial {trial}");
        let stored = found.len() as u64;
        assert!(
            stored >= acknowledged,
            "{stored} stored, {acknowledged} acknowledged"
        );
        acknowledged = stored;
    }
    assert!(acknowledged > 0);
}

/// Not a test of its own: what the killed process does.
#[test]
fn writer() {
    let Some(path) = child::path() else { return };
    let database = Database::open(&path, &SCHEMA).unwrap();
    let stored = database.transact(|t| t.scan(VOTES, b"")).unwrap().len() as u64;
    let mut output = std::io::stdout();
    for number in stored + 1.. {
        let (key, payload) = record(number);
        let inserted = database.transact(|t| t.insert(VOTES, &key, &payload));
        assert!(inserted.unwrap());
        output
            .write_all(format!("\nstored {number}\n").as_bytes())
            .unwrap();
        output.flush().unwrap();
    }
}

/// Starts a writer, kills it after a random time, and returns the last write that it
/// acknowledged.
fn run_and_kill(path: &Path) -> u64 {
    let mut child = child::spawn("crash::writer", path);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let mut last = 0;
        while let Some(Ok(line)) = output.next() {
            // The last line may be cut off by the kill: then it is no number or, at worst, a
            // shorter one.
            if let Some(number) = line.strip_prefix("stored ") {
                last = last.max(number.parse().unwrap_or(0));
            }
        }
        last
    });
    std::thread::sleep(Duration::from_millis(20 + random() % 150));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn record(number: u64) -> (Vec<u8>, Vec<u8>) {
    let key = number.to_be_bytes();
    (key.to_vec(), key.repeat(1 + (number % 40) as usize))
}

/// Any moment will do; nothing here can be repeated exactly anyway.
fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::from(now.unwrap().subsec_nanos()) / 1_000
}
