//! Killed at any moment between ledger and publication: what was published never contradicts itself, and
//! the ledger holds all of it.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use quorate_canon::FixedWidth as _;
use quorate_canon::HealthEpoch;
use quorate_health::{DownList, Receipt, contradicts};
use quorate_signer::SigningLedger;

use crate::world::{Place, down, identity, list, receipt, signer, window_start};
use crate::{child, trials};

#[test]
fn killed_at_any_moment_no_published_word_contradicts_another() {
    let place = Place::new();
    drop(place.create());
    for _ in 0..trials("QUORATE_SIGNER_KILLS", 12, 500) {
        let mut child = child::spawn("word_crash::speaker", &place.path());
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(output.any(|line| line.unwrap() == "ready"));
        std::thread::sleep(Duration::from_micros(random() % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        check(&place);
    }
    let (receipts, lists) = published(&place.path());
    assert!(!receipts.is_empty() && !lists.is_empty());
    println!("{} receipts, {} lists", receipts.len(), lists.len());
}

fn check(place: &Place) {
    let (receipts, lists) = published(&place.path());
    let ledger = place.open();
    for Receipt(said) in &receipts {
        let words = ledger.words(said.epoch, said.subject).unwrap();
        assert!(words.receipts.bit(u8::try_from(said.window.0).unwrap()));
    }
    for list in &lists {
        let against = receipts.iter().find(|receipt| contradicts(receipt, list));
        assert_eq!(against, None, "{list:?}");
        for entry in list.entries() {
            let words = ledger.words(list.epoch(), entry.subject).unwrap();
            assert!(entry.windows.is_subset_of(&words.downs));
        }
    }
}

/// Not a test of its own: the operator that is killed. What it says differs from run to run, and every
/// window counts as after its start, so that the ledger alone protects it.
#[test]
fn speaker() {
    let Some(path) = child::path() else { return };
    let signer = signer(SigningLedger::open(&path, &identity()).unwrap(), 0);
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log(&path))
        .unwrap();
    let done = published(&path)
        .1
        .iter()
        .map(|list| list.epoch().get())
        .max();
    println!("\nready");
    for epoch in done.unwrap_or(0).. {
        for window in 0..6 {
            let start = window_start(epoch, window);
            if random().is_multiple_of(2) {
                // Said otherwise before a kill, or after the epoch's list: nothing is published.
                let receipt = receipt(1, epoch, window);
                if signer.sign_receipt(&receipt, start).is_ok() {
                    publish(&mut log, 'r', &receipt.to_bytes());
                }
            } else {
                let _ = signer.record_down(&down(1, epoch, window), start);
            }
        }
        let own = signer.ledger().downs(HealthEpoch::new(epoch)).unwrap();
        if !own.is_empty() {
            let list = list(epoch, &own);
            signer.sign_list(&list, |_| true).unwrap();
            publish(&mut log, 'l', &list.to_bytes());
        }
    }
}

/// In one call, so that a kill does not cut the line.
fn publish(log: &mut fs::File, kind: char, bytes: &[u8]) {
    let line = format!("{kind} {}\n", hex::encode(bytes));
    log.write_all(line.as_bytes()).unwrap();
}

fn published(path: &Path) -> (Vec<Receipt>, Vec<DownList>) {
    let (mut receipts, mut lists) = (Vec::new(), Vec::new());
    for line in fs::read_to_string(log(path)).unwrap_or_default().lines() {
        let (kind, bytes) = line.split_once(' ').unwrap();
        let bytes = hex::decode(bytes).unwrap();
        match kind {
            "r" => receipts.push(Receipt::from_bytes(&bytes).unwrap()),
            _ => lists.push(DownList::from_bytes(&bytes).unwrap()),
        }
    }
    (receipts, lists)
}

fn log(path: &Path) -> PathBuf {
    path.with_extension("words")
}

fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // The lowest digits of a clock may be even only.
    u64::from(now.unwrap().subsec_nanos()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}
