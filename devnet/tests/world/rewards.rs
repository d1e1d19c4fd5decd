//! What L2 says of operators' work ends as a submission that EigenLayer's real core takes.

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
    sol_types::SolEvent,
};
use devnet::{
    World,
    chains::Account,
    deploy::{OPERATOR_SET, Price, abi::IPlainBridge},
    relayer::RELAYER,
};
use quorate_bindings::eigenlayer::IRewardsCoordinator::{
    self, OperatorDirectedOperatorSetRewardsSubmissionCreated as Created,
};
use quorate_bindings::{IRewards, erc20::IERC20};

/// Shares of work of the four operators, basis points.
const SHARES: [u16; 4] = [10_000, 7_500, 0, 333];
/// Their stakes in the table of epoch 0, tokens.
const STAKES: [u64; 4] = [1_000, 1_200, 1_400, 1_600];

/// Moves L1's clock: epoch 0 must be over.
pub(crate) async fn the_core_takes_what_operators_have_earned(world: &World) {
    let (l1, contracts) = (&world.chains.l1, &world.contracts.l1);
    let seconds = u64::from(world.clock.stake_epoch) + 60;
    l1.provider()
        .raw_request::<_, serde_json::Value>("evm_increaseTime".into(), (seconds,))
        .await
        .expect("later");
    tell(world).await;

    let before = [contracts.rewards, world.core.rewards_coordinator];
    let before = [held(world, before[0]).await, held(world, before[1]).await];
    let stranger = Account::named(l1, "whoever submits").expect("account");
    l1.fund(stranger.address(), U256::from(10_u64.pow(18)))
        .await
        .expect("funded");
    let receipt = stranger
        .call(contracts.rewards, &IRewards::submitCall { epoch: 0 })
        .await
        .expect("submitted");

    let logs = receipt.inner.logs();
    let ours = logs
        .iter()
        .find_map(|log| IRewards::Submitted::decode_log(&log.inner).ok())
        .expect("our event");
    let core = logs
        .iter()
        .filter(|log| log.address() == world.core.rewards_coordinator)
        .find_map(|log| Created::decode_log(&log.inner).ok())
        .expect("the core's event");
    let taken = &core.operatorDirectedRewardsSubmission;
    assert_eq!(core.caller, contracts.rewards);
    let set = &core.operatorSet;
    assert_eq!((set.avs, set.id), (contracts.service_manager, OPERATOR_SET));
    assert_eq!(taken.token, contracts.token);
    assert_eq!(taken.strategiesAndMultipliers.len(), 1);
    assert_eq!(
        taken.strategiesAndMultipliers[0].strategy,
        contracts.strategy
    );
    assert_eq!(
        (taken.startTimestamp, taken.duration),
        (ours.start, ours.duration)
    );
    let paid: Vec<_> = taken
        .operatorRewards
        .iter()
        .map(|reward| (reward.operator, reward.amount))
        .collect();
    assert_eq!(paid, earned(world));

    let total = paid
        .iter()
        .fold(U256::ZERO, |sum, (_, amount)| sum + amount);
    assert_eq!(ours.total, total);
    assert_eq!(held(world, contracts.rewards).await, before[0] - total);
    let coordinator = world.core.rewards_coordinator;
    assert_eq!(held(world, coordinator).await, before[1] + total);
    let views = IRewardsCoordinator::new(coordinator, l1.provider());
    let known = views.isOperatorDirectedOperatorSetRewardsSubmissionHash(
        contracts.service_manager,
        core.operatorDirectedRewardsSubmissionHash,
    );
    assert!(known.call().await.expect("call"));
    let claimer = views.claimerFor(contracts.service_manager);
    assert_eq!(claimer.call().await.expect("call"), contracts.rewards);
}

/// L2's word about epoch 0, as the bridge brings it. No node runs here that would have sent another.
async fn tell(world: &World) {
    let mut payload = [
        &0_u64.to_be_bytes()[..],
        &[0, 5, 0, 3],
        &4_u32.to_be_bytes(),
    ]
    .concat();
    payload.extend(SHARES.iter().flat_map(|share| share.to_be_bytes()));
    let relayer = Account::named(&world.chains.l1, RELAYER).expect("account");
    let deliver = IPlainBridge::deliverCall {
        nonce: 0,
        payload: payload.into(),
    };
    relayer
        .call(world.contracts.l1.work_bridge, &deliver)
        .await
        .expect("delivered");
}

/// Operators and their parts of the budget, in the order of addresses; who earned nothing is left out.
fn earned(world: &World) -> Vec<(Address, U256)> {
    let total: u64 = STAKES.iter().sum();
    let part = |stake: u64, share: u16| {
        let (stake, share) = (U256::from(stake), U256::from(share));
        Price::devnet().epoch_budget * stake * share / (U256::from(total) * U256::from(10_000))
    };
    let parts = STAKES
        .iter()
        .zip(SHARES)
        .map(|(stake, share)| part(*stake, share));
    let addresses = world.operators.iter().map(|operator| operator.address());
    let mut all: Vec<_> = addresses
        .zip(parts)
        .filter(|(_, part)| !part.is_zero())
        .collect();
    all.sort_unstable();
    assert_eq!(all.len(), 3);
    all
}

async fn held(world: &World, who: Address) -> U256 {
    let token = IERC20::new(world.contracts.l1.token, world.chains.l1.provider());
    token.balanceOf(who).call().await.expect("call")
}
