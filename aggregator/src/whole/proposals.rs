//! Rounds that nobody certifies: settled for a bond, which comes back.

use std::path::Path;
use std::time::Duration;

use alloy::primitives::U256;
use quorate_canon::{Epoch, OperatorIndex};
use quorate_rpc::RoundFailure;
use quorate_rpc::wire::Phase;
use tokio::time::sleep;

use super::{Host, eventually, quiet};
use crate::chain::simulated::SimulatedChain;
use crate::chain::{Fault, OnChain, Payer, Standing};
use crate::clock::now;
use crate::config::Duties;
use crate::testing::World;

/// Seconds that a round of the test world has to settle.
const TIMEOUT: u64 = 3_600;
const BOND: u64 = 1_000;

/// A world whose last round closed so many seconds ago.
fn closed(stakes: &[u128], ago: u64) -> (World, SimulatedChain, tempfile::TempDir) {
    let world = World::at(stakes, now().get() - 1_000 - ago);
    let chain = SimulatedChain::default();
    {
        let mut chain = chain.world();
        chain.tables.insert(Epoch::new(0), (*world.table).clone());
        chain.proposal_bond = U256::from(BOND);
    }
    (world, chain, tempfile::tempdir().unwrap())
}

fn half_over(stakes: &[u128]) -> (World, SimulatedChain, tempfile::TempDir) {
    closed(stakes, TIMEOUT / 2 + 10)
}

fn proposing() -> Duties {
    Duties {
        propose: true,
        max_bond_wei: U256::from(BOND),
        ..quiet()
    }
}

/// Two of four vote for one header, whose list comes.
async fn half_voted(world: &World, chain: SimulatedChain, folder: &Path, duties: Duties) -> Host {
    let host = Host::start_with(world, chain, folder, duties);
    host.vote(world, 0, 0).await;
    host.vote(world, 1, 0).await;
    host.send_list_when_known(world).await;
    host
}

/// Nothing is proposed, however often the job looks.
async fn proposes_nothing(host: &Host) {
    sleep(Duration::from_millis(700)).await;
    assert_eq!(host.attempts("propose"), 0);
}

fn outage() -> Vec<Fault> {
    vec![Fault::Unreachable("down".into()); 10_000]
}

#[tokio::test]
async fn a_round_that_nobody_certifies_is_proposed_and_posted() {
    let (world, chain, folder) = half_over(&[25; 4]);
    let host = half_voted(&world, chain, folder.path(), proposing()).await;
    host.until(&world, Phase::Settled).await;
    assert_eq!(host.chain.world().mined, ["propose", "post_chunk"]);
    let digest = host.chain.world().rounds[&world.round()].digest;
    assert_eq!(digest, world.header(world.round(), 0).digest());
    assert_eq!(host.store.proposals().unwrap(), [world.round()]);
    host.stop().await;
}

#[tokio::test]
async fn nothing_is_proposed_before_half_of_the_time_out() {
    let (world, chain, folder) = closed(&[25; 4], TIMEOUT / 2 - 10);
    let host = half_voted(&world, chain, folder.path(), proposing()).await;
    proposes_nothing(&host).await;
    host.stop().await;
}

#[tokio::test]
async fn nothing_is_proposed_that_could_not_be_posted_in_time() {
    let (world, chain, folder) = closed(&[25; 4], TIMEOUT - TIMEOUT / 4);
    let host = half_voted(&world, chain, folder.path(), proposing()).await;
    proposes_nothing(&host).await;
    host.stop().await;
}

#[tokio::test]
async fn proposing_is_off_unless_asked_for() {
    let (world, chain, folder) = half_over(&[25; 4]);
    let host = half_voted(&world, chain, folder.path(), quiet()).await;
    proposes_nothing(&host).await;
    host.stop().await;
}

#[tokio::test]
async fn too_little_stake_behind_a_header_is_not_worth_a_bond() {
    let (world, chain, folder) = half_over(&[33, 33, 34]);
    let host = Host::start_with(&world, chain, folder.path(), proposing());
    host.vote(&world, 0, 0).await;
    host.send_list_when_known(&world).await;
    proposes_nothing(&host).await;
    host.stop().await;
}

#[tokio::test]
async fn a_header_without_list_is_not_proposed_until_it_comes() {
    let (world, chain, folder) = half_over(&[25; 4]);
    let host = Host::start_with(&world, chain, folder.path(), proposing());
    host.vote(&world, 0, 0).await;
    host.vote(&world, 1, 0).await;
    proposes_nothing(&host).await;
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn a_bond_above_the_limit_is_not_paid() {
    let (world, chain, folder) = half_over(&[25; 4]);
    chain.world().proposal_bond = U256::from(BOND + 1);
    let host = half_voted(&world, chain, folder.path(), proposing()).await;
    eventually(async || {
        let report = host.report(world.round()).await?;
        (report.reason() == Some(RoundFailure::ProposalRefused)).then_some(())
    })
    .await;
    proposes_nothing(&host).await;
    host.stop().await;
}

#[tokio::test]
async fn a_refusal_for_the_time_puts_a_block_on_a_quiet_chain() {
    let (world, chain, folder) = half_over(&[25; 4]);
    let early = Fault::Refused("OutOfTime(1, 2, 3)".into());
    chain
        .world()
        .faults
        .insert("propose", vec![early, Fault::Unreachable("down".into())]);
    let host = half_voted(&world, chain, folder.path(), proposing()).await;
    host.until(&world, Phase::Settled).await;
    assert_eq!(host.chain.world().mined, ["tick", "propose", "post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn a_certificate_that_comes_later_confirms_the_proposal() {
    let (world, chain, folder) = half_over(&[25; 4]);
    chain.world().faults.insert("post_chunk", outage());
    let host = half_voted(&world, chain, folder.path(), proposing()).await;
    eventually(async || {
        host.chain
            .world()
            .bonds
            .contains_key(&world.round())
            .then_some(())
    })
    .await;
    host.vote(&world, 2, 0).await;
    eventually(async || host.chain.world().bonds.is_empty().then_some(())).await;
    assert!(!host.chain.world().rounds[&world.round()].proposed);
    host.chain.world().faults.clear();
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn a_certificate_of_another_header_takes_the_proposals_place() {
    let (world, chain, folder) = half_over(&[30, 35, 35]);
    chain.world().faults.insert("post_chunk", outage());
    let duties = Duties {
        propose_min_stake_bps: 3_000,
        ..proposing()
    };
    let host = Host::start_with(&world, chain, folder.path(), duties);
    host.vote(&world, 0, 1).await;
    eventually(async || host.send_list_of(&world, 1).await.ok()).await;
    eventually(async || {
        host.chain
            .world()
            .bonds
            .contains_key(&world.round())
            .then_some(())
    })
    .await;
    host.vote(&world, 1, 0).await;
    host.vote(&world, 2, 0).await;
    let right = world.header(world.round(), 0).digest();
    eventually(async || (host.chain.world().rounds[&world.round()].digest == right).then_some(()))
        .await;
    host.chain.world().faults.clear();
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

// --- operators that L2 has struck ---

fn strike(chain: &SimulatedChain, operators: &[u32]) {
    let operators = operators.iter().copied().map(OperatorIndex::new);
    chain.world().struck.extend(operators);
}

#[tokio::test]
async fn a_certificate_is_built_again_without_struck_operators() {
    let (world, chain, folder) = closed(&[20; 5], 5);
    strike(&chain, &[4]);
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..5 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    let digest = world.header(world.round(), 0).digest();
    let signers: Vec<u32> = host.chain.world().certificates[&digest]
        .operators()
        .map(OperatorIndex::get)
        .collect();
    assert_eq!(signers, [0, 1, 2, 3]);
    host.stop().await;
}

#[tokio::test]
async fn when_the_struck_leave_no_quorum_the_round_goes_on_by_proposal() {
    let (world, chain, folder) = half_over(&[25; 4]);
    strike(&chain, &[0, 1, 2]);
    let host = Host::start_with(&world, chain, folder.path(), proposing());
    for operator in 0..3 {
        host.vote(&world, operator, 1).await;
    }
    host.vote(&world, 3, 0).await;
    // The liars' header has most votes and a list; the honest one's has the unstruck stake.
    eventually(async || host.send_list_of(&world, 1).await.ok()).await;
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    let digest = host.chain.world().rounds[&world.round()].digest;
    assert_eq!(digest, world.header(world.round(), 0).digest());
    host.stop().await;
}

// --- bonds ---

/// A proposal of ours in a round whose deadline has passed.
fn proposed(standing: Standing) -> (World, SimulatedChain, tempfile::TempDir) {
    let (world, chain, folder) = closed(&[25; 4], TIMEOUT + 100);
    {
        let mut chain = chain.world();
        let stands = OnChain {
            standing,
            digest: world.header(world.round(), 0).digest(),
            posted: 1,
            proposed: false,
        };
        chain.rounds.insert(world.round(), stands);
        chain.bonds.insert(world.round(), Payer::Us);
    }
    let store = crate::store::Store::open(&folder.path().join("aggregator.sqlite")).unwrap();
    store.put_proposal(world.round()).unwrap();
    (world, chain, folder)
}

async fn forgotten(host: &Host) {
    eventually(async || host.store.proposals().unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_bond_is_fetched_when_its_round_is_final() {
    let (world, chain, folder) = proposed(Standing::Settled);
    let host = Host::start(&world, chain, folder.path());
    sleep(Duration::from_millis(300)).await;
    assert_eq!(host.attempts("settle_bond"), 0, "not before");
    host.chain.world().finals.insert(world.round());
    forgotten(&host).await;
    let mined = host.chain.world().mined.clone();
    assert!(mined.ends_with(&["settle_bond", "withdraw"]), "{mined:?}");
    assert!(host.chain.world().credit.is_zero());
    host.stop().await;
}

#[tokio::test]
async fn a_bond_that_a_certificate_released_is_fetched() {
    let (world, chain, folder) = proposed(Standing::Settled);
    {
        let mut chain = chain.world();
        chain.bonds.clear();
        chain.credit = U256::from(BOND);
    }
    let host = Host::start(&world, chain, folder.path());
    forgotten(&host).await;
    assert_eq!(host.attempts("settle_bond"), 0);
    assert!(host.chain.world().credit.is_zero());
    host.stop().await;
}

#[tokio::test]
async fn a_lost_bond_is_counted_and_let_go() {
    for standing in [Standing::Refuted, Standing::Certified] {
        let (world, chain, folder) = proposed(standing);
        let host = Host::start(&world, chain, folder.path());
        forgotten(&host).await;
        assert_eq!(host.attempts("withdraw"), 0);
        let page = host.metrics.encode().unwrap();
        assert!(
            page.contains("quorate_aggregator_bonds_lost_total 1"),
            "{page}"
        );
        host.stop().await;
    }
}

#[tokio::test]
async fn somebody_elses_bond_is_none_of_ours() {
    let (world, chain, folder) = proposed(Standing::Settled);
    chain.world().bonds.insert(world.round(), Payer::Other);
    let host = Host::start(&world, chain, folder.path());
    forgotten(&host).await;
    assert_eq!(host.attempts("settle_bond") + host.attempts("withdraw"), 0);
    host.stop().await;
}
