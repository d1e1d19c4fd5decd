//! The whole world without its nodes: the core, the contracts, the bridge and the market for real.
//!
//! One world serves all of the tests, which run one after the other: two networks on two cores
//! make timings flaky.

mod rewards;

use std::time::Duration;

use alloy::{primitives::U256, providers::Provider, sol_types::SolEvent};
use devnet::{
    World, WorldConfig,
    chains::Account,
    core::abi::ICoreViews,
    trace::{Mapping, Script, TraceSeed, Window},
};
use quorate_bindings::{
    IMarket, IServiceManager, ISlasher, IStakeTable,
    eigenlayer::{IAllocationManager, IDelegationManager, IStrategyManager},
    erc20::IERC20,
};
use quorate_bls::Domain as BlsDomain;
use quorate_canon::{Digest, Round, codec::FixedWidth};
use quorate_matching::Seed;
use quorate_protocol::Header;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn the_world_stands_and_lives() {
    let dir = tempfile::tempdir().expect("dir");
    let mut world = World::start(WorldConfig::new(dir.path()))
        .await
        .expect("world");
    let feeder = world.take_feeder().expect("once");
    let stop = CancellationToken::new();
    let playing = tokio::spawn(feeder.play(stop.clone()));

    every_machine_is_on_offer(&world).await;
    operators_are_members_with_slashable_stake(&world).await;
    the_first_table_reaches_l2(&world).await;
    an_operator_that_contradicts_itself_loses_stake(&world).await;
    slashed_shares_reach_the_vault(&world).await;
    the_first_tasks_have_become_requests(&world).await;
    rewards::the_core_takes_what_operators_have_earned(&world).await;

    stop.cancel();
    let fed = playing.await.expect("played");
    assert_eq!(fed.failed, 0);
    assert!(fed.posted > 0);
}

async fn every_machine_is_on_offer(world: &World) {
    let market = IMarket::new(world.contracts.l2.market, world.chains.l2.provider());
    assert_eq!(market.offerCount().call().await.expect("call"), 1_213);
}

async fn operators_are_members_with_slashable_stake(world: &World) {
    let manager =
        IAllocationManager::new(world.core.allocation_manager, world.chains.l1.provider());
    let set = world.contracts.l1.avs().set();
    let head = world
        .chains
        .l1
        .provider()
        .get_block_number()
        .await
        .expect("head");
    let future = u32::try_from(head).expect("small") + world.clock.slashable_seconds();
    let operators: Vec<_> = world.operators.iter().map(|o| o.address()).collect();
    let strategies = vec![world.contracts.l1.strategy];
    let stakes = manager
        .getMinimumSlashableStake(set, operators, strategies, future)
        .call()
        .await
        .expect("call");
    let tokens = |n: u64| vec![U256::from(n) * U256::from(10_u64.pow(18))];
    assert_eq!(
        stakes,
        [tokens(1_000), tokens(1_200), tokens(1_400), tokens(1_600)]
    );
}

async fn the_first_table_reaches_l2(world: &World) {
    let (l1, l2) = (world.chains.l1.provider(), world.chains.l2.provider());
    let manager = IServiceManager::new(world.contracts.l1.service_manager, l1);
    let table = IStakeTable::new(world.contracts.l2.stake_table, l2);
    for _ in 0..50 {
        if table.commitmentOf(0).call().await.expect("call").known {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let sent = manager.commitmentOf(0).call().await.expect("call");
    assert_eq!(
        table.commitmentOf(0).call().await.expect("call").commitment,
        sent
    );

    let stranger = Account::named(&world.chains.l2, "stranger").expect("account");
    world
        .chains
        .l2
        .fund(stranger.address(), U256::from(10_u64.pow(18)))
        .await
        .expect("funded");
    let keys = manager.keysPage(0).call().await.expect("call");
    let stakes = manager.stakesOf(0).call().await.expect("call");
    let to = world.contracts.l2.stake_table;
    stranger
        .call(
            to,
            &IStakeTable::postKeysPageCall {
                epoch: 0,
                page: 0,
                keys,
            },
        )
        .await
        .expect("posted");
    stranger
        .call(to, &IStakeTable::postStakesPageCall { epoch: 0, stakes })
        .await
        .expect("posted");
    assert!(table.isComplete(0).call().await.expect("call"));
}

fn header(world: &World, outcome: u8) -> Header {
    Header {
        domain: world.domain(),
        round: Round::new(0),
        snapshot_number: 1,
        snapshot_hash: Digest([1; 32]),
        policy_hash: Digest([2; 32]),
        inputs_root: Digest([3; 32]),
        seed: Seed([4; 32]),
        outcome_root: Digest([outcome; 32]),
    }
}

async fn an_operator_that_contradicts_itself_loses_stake(world: &World) {
    let delegation =
        IDelegationManager::new(world.core.delegation_manager, world.chains.l1.provider());
    let operator = &world.operators[2];
    let strategy = world.contracts.l1.strategy;
    let shares = async || {
        delegation
            .operatorShares(operator.address(), strategy)
            .call()
            .await
            .expect("call")
    };
    let before = shares().await;
    let signed = |outcome| {
        let header = header(world, outcome);
        let signature = operator
            .bls()
            .sign(BlsDomain::Vote, &header.digest().0)
            .to_eip2537();
        (header.to_bytes().into(), signature.into())
    };
    let ((header_a, signature_a), (header_b, signature_b)) = (signed(5), signed(6));
    let accuser = Account::named(&world.chains.l1, "accuser").expect("account");
    world
        .chains
        .l1
        .fund(accuser.address(), U256::from(10_u64.pow(18)))
        .await
        .expect("funded");
    let call = ISlasher::proveEquivocationCall {
        operatorIndex: 2,
        headerA: header_a,
        signatureA: signature_a,
        headerB: header_b,
        signatureB: signature_b,
    };
    let receipt = accuser
        .call(world.contracts.l1.slasher, &call)
        .await
        .expect("slashed");
    let slashed = receipt
        .inner
        .logs()
        .iter()
        .find_map(|log| ISlasher::OperatorSlashed::decode_log(&log.inner).ok())
        .expect("event");
    assert!(slashed.moved);
    assert_eq!(slashed.operator, operator.address());
    let taken = slashed.shares.iter().fold(U256::ZERO, |sum, s| sum + s);
    assert!(taken > U256::ZERO);
    assert_eq!(shares().await, before - taken);
}

async fn slashed_shares_reach_the_vault(world: &World) {
    let l1 = world.chains.l1.provider();
    let token = IERC20::new(world.contracts.l1.token, l1);
    let vault = world.contracts.l1.vault;
    assert_eq!(
        token.balanceOf(vault).call().await.expect("call"),
        U256::ZERO
    );
    let views = ICoreViews::new(world.core.allocation_manager, l1);
    let set = world.contracts.l1.avs().set();
    let core_set = ICoreViews::Set {
        avs: set.avs,
        id: set.id,
    };
    let slash_id = views.getSlashCount(core_set).call().await.expect("call");
    let clear = IStrategyManager::clearBurnOrRedistributableSharesCall {
        operatorSet: set,
        slashId: slash_id,
    };
    world
        .owners
        .l1
        .call(world.core.strategy_manager, &clear)
        .await
        .expect("cleared");
    assert!(token.balanceOf(vault).call().await.expect("call") > U256::ZERO);
}

/// What the market holds after the first seconds is the script's beginning.
async fn the_first_tasks_have_become_requests(world: &World) {
    let market = IMarket::new(world.contracts.l2.market, world.chains.l2.provider());
    let mut count = 0;
    for _ in 0..120 {
        count = market.requestCount().call().await.expect("call");
        if count >= 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(count >= 20, "{count} requests");
    let script = Script::new(
        Window::DENSE,
        Mapping {
            seed: TraceSeed(1),
            start: world.start,
        },
    )
    .expect("script");
    let due: Vec<_> = script
        .tasks
        .iter()
        .take(20)
        .map(|t| t.request.access_key)
        .collect();
    let mut posted = Vec::new();
    for id in 1..=count {
        let record = market.requestRecord(id).call().await.expect("call").record;
        posted.push(
            quorate_matching::Request::from_bytes(&record)
                .expect("valid")
                .access_key,
        );
    }
    assert!(due.iter().all(|task| posted.contains(task)));
}
