//! R2: killed at any moment between ledger and publication, never a second digest of a round.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, SystemTime};

use quorate_canon::{Digest, Round};
use quorate_signer::{RecordState, SigningLedger};

use crate::world::{Place, fix, header, identity, signer};
use crate::{child, trials};

#[test]
fn killed_at_any_moment_a_round_never_gets_a_second_digest() {
    let place = Place::new();
    drop(place.create());
    let mut unpublished = 0;
    for trial in 0..trials("QUORATE_SIGNER_KILLS", 25, 500) {
        let mut child = child::spawn("crash::operator", &place.path());
        wait_until_ready(&mut child);
        std::thread::sleep(Duration::from_micros(random() % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let published = published(&place.path());
        let ledger = place.open();
        unpublished += agree(&ledger, &published, trial);
    }
    let published = published(&place.path());
    assert!(!published.is_empty());
    println!(
        "{} rounds, {unpublished} kills between ledger and publication",
        published.len()
    );
}

fn wait_until_ready(child: &mut Child) {
    let output = BufReader::new(child.stdout.take().unwrap());
    let ready = output.lines().any(|line| line.unwrap() == "ready");
    assert!(ready, "the operator did not start");
}

/// Every published digest is the recorded one. Returns how many rounds were recorded when the
/// process died, but not published.
fn agree(ledger: &SigningLedger, published: &BTreeMap<Round, Digest>, trial: usize) -> usize {
    for (round, digest) in published {
        let record = ledger.vote(*round).unwrap().unwrap();
        assert_eq!(
            record.header.digest(),
            *digest,
            "trial {trial}, round {round}"
        );
        assert!(matches!(record.state, RecordState::Signed(_)));
    }
    let last = ledger.watermark().unwrap();
    usize::from(last.is_some_and(|last| !published.contains_key(&last)))
}

/// Not a test of its own: the operator that is killed. Its headers differ from run to run, and
/// it counts every round as after its start, so that the ledger alone protects it.
#[test]
fn operator() {
    let Some(path) = child::path() else { return };
    let signer = signer(SigningLedger::open(&path, &identity()).unwrap(), 0);
    let last = signer.ledger().watermark().unwrap().map_or(0, Round::get);
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log(&path))
        .unwrap();
    println!("\nready");
    for round in last.saturating_sub(2).max(1).. {
        fix(&signer, round);
        let vote = match signer.sign_vote(&header(round, random())) {
            Ok(vote) => vote,
            // Signed before the kill, or skipped.
            Err(refused) => {
                assert!(refused.is_refusal(), "{refused}");
                match signer.stored_vote(Round::new(round)).unwrap() {
                    Some(vote) => vote,
                    None => continue,
                }
            }
        };
        assert!(crate::world::is_signed_by(&vote, &signer.public_key()));
        // In one call, so that a kill does not cut the line.
        let line = format!("{round} {}\n", vote.digest());
        log.write_all(line.as_bytes()).unwrap();
    }
}

/// Every round's published digest; fails at two of one round.
fn published(path: &Path) -> BTreeMap<Round, Digest> {
    let mut digests = BTreeMap::new();
    for line in fs::read_to_string(log(path)).unwrap_or_default().lines() {
        let (round, digest) = line.split_once(' ').unwrap();
        let round = Round::new(round.parse().unwrap());
        let digest: Digest = digest.parse().unwrap();
        let first = *digests.entry(round).or_insert(digest);
        assert_eq!(first, digest, "two digests of round {round}");
    }
    digests
}

fn log(path: &Path) -> PathBuf {
    path.with_extension("published")
}

fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::from(now.unwrap().subsec_nanos())
}
