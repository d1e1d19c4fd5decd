//! An aggregator process that is killed with SIGKILL between two votes, or within one: what it
//! acknowledged is there afterwards, and the round is completed.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use quorate_canon::Epoch;
use quorate_rpc::wire::{Phase, VoteVerdict};

use crate::{chain::simulated::SimulatedChain, testing::World, whole::Host};

/// Where the child finds its data, and the genesis that both go by.
pub(crate) const FOLDER: &str = "QUORATE_TEST_FOLDER";
pub(crate) const GENESIS: &str = "QUORATE_TEST_GENESIS";
/// What a child prints before the number of an operator whose vote or receipt was acknowledged.
pub(crate) const MARK: &str = "acknowledged ";
const OPERATORS: usize = 40;

fn stage(genesis: u64) -> (World, SimulatedChain) {
    let world = World::at(&[1; OPERATORS], genesis);
    let chain = SimulatedChain::default();
    chain
        .world()
        .tables
        .insert(Epoch::new(0), (*world.table).clone());
    (world, chain)
}

/// Not a test of its own: the process that the test below kills.
#[tokio::test]
#[ignore = "the child of a_killed_aggregator_loses_no_acknowledged_vote"]
async fn child() {
    let (Ok(folder), Ok(genesis)) = (env::var(FOLDER), env::var(GENESIS)) else {
        return;
    };
    let (world, chain) = stage(genesis.parse().unwrap());
    let host = Host::start(&world, chain, Path::new(&folder));
    // 26 of 40 are no quorum: the round is left in mid-aggregation.
    for operator in 0..26 {
        assert_eq!(
            host.vote(&world, operator, 0).await.verdict,
            VoteVerdict::Accepted
        );
        println!("{MARK}{operator}");
    }
    std::future::pending::<()>().await;
}

/// Starts a child, the ignored test of this name.
pub(crate) fn spawn(child: &str, folder: &Path, genesis: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(GENESIS, genesis.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child after it has acknowledged `count` of them; returns how many it had by then.
pub(crate) fn kill_after(child: &mut Child, count: usize) -> usize {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = 0;
    for line in lines.map_while(Result::ok) {
        if line.contains(MARK) {
            acknowledged += 1;
            if acknowledged == count {
                // SIGKILL, by its handle; lines that it still wrote are counted as well.
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn a_killed_aggregator_loses_no_acknowledged_vote_and_completes_the_round() {
    let genesis = crate::clock::now().get() - 1_000;
    for count in [1, 9, 26] {
        let folder = tempfile::tempdir().unwrap();
        let acknowledged = kill_after(&mut spawn("killed::child", folder.path(), genesis), count);
        assert!(acknowledged >= count);

        let (world, chain) = stage(genesis);
        let host = Host::start(&world, chain, folder.path());
        let (votes, damaged) = host.store.votes(quorate_canon::Round::new(0)).unwrap();
        assert!(
            votes.len() >= acknowledged,
            "{} of {acknowledged} acknowledged votes are there",
            votes.len()
        );
        assert_eq!(damaged, 0);
        for operator in 0..27 {
            let verdict = host.vote(&world, operator, 0).await.verdict;
            let expected = if (operator as usize) < votes.len() {
                VoteVerdict::Duplicate
            } else {
                VoteVerdict::Accepted
            };
            assert_eq!(verdict, expected, "operator {operator}");
        }
        assert!(host.until(&world, Phase::Certified).await.signers >= 27);
        host.stop().await;
    }
}
