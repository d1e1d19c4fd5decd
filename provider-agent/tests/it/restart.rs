//! What was answered for is there after the process was killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use provider_agent::store::{Kept, Store, StoredReceipt};
use quorate_canon::{HealthEpoch, OperatorIndex, Timestamp};
use quorate_health::Window;

const FOLDER: &str = "AGENT_TEST_STORE";

fn receipt(operator: u32) -> StoredReceipt {
    StoredReceipt {
        epoch: HealthEpoch::new(3),
        window: Window(1),
        operator: OperatorIndex::new(operator),
        signature: [7; 96],
        at: Timestamp::new(9),
    }
}

fn store(folder: &Path) -> Store {
    Store::open(&folder.join("agent.sqlite"), 100_000).unwrap()
}

/// The child: keeps receipts and says so, until it is killed. Does nothing when run by hand.
#[test]
fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = store(Path::new(&folder));
    for operator in 0.. {
        assert_eq!(store.keep_receipt(&receipt(operator)).unwrap(), Kept::New);
        println!("kept {operator}");
    }
}

#[test]
fn receipts_that_were_answered_for_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "restart::child_that_is_killed", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut kept = 0;
    for line in lines.map_while(Result::ok) {
        // The test harness writes lines of its own.
        if let Some((_, operator)) = line.split_once("kept ") {
            kept = operator.trim().parse::<u32>().unwrap();
            if kept == 20 {
                // SIGKILL: nothing is flushed, nothing is closed.
                child.kill().unwrap();
                break;
            }
        }
    }
    child.wait().unwrap();
    assert_eq!(kept, 20, "the child worked");
    let store = store(folder.path());
    let held = store.receipts_of(HealthEpoch::new(3), Window(1)).unwrap();
    assert!(held.len() >= 21, "{} held", held.len());
    assert_eq!(held[20], receipt(20));
    assert_eq!(store.receipts(), held.len());
    assert_eq!(store.keep_receipt(&receipt(20)).unwrap(), Kept::Known);
}
