//! EigenLayer's real core on a chain of its own.

use alloy::primitives::U256;
use devnet::{
    Error,
    chains::{Account, Anvil, AnvilConfig},
    core::{
        CoreDelays,
        abi::{ICoreViews, IRewardsCoordinatorInit},
        artifacts::CoreCode,
        deploy_core,
    },
};
use quorate_bindings::eigenlayer::IRewardsCoordinator;

#[tokio::test]
async fn core_deploys_behind_proxies() {
    let dir = tempfile::tempdir().expect("dir");
    let anvil = Anvil::start(&AnvilConfig::l1(dir.path()))
        .await
        .expect("anvil");
    let owner = Account::named(&anvil, "owner").expect("account");
    anvil
        .fund(owner.address(), U256::from(10u128.pow(21)))
        .await
        .expect("funded");
    let code = CoreCode::load().expect("code");
    let core = deploy_core(&owner, &code, CoreDelays::default())
        .await
        .expect("deployed");
    let views = ICoreViews::new(core.allocation_manager, anvil.provider());
    assert_eq!(
        views.DEALLOCATION_DELAY().call().await.expect("call"),
        1_800
    );
    assert_eq!(
        views
            .ALLOCATION_CONFIGURATION_DELAY()
            .call()
            .await
            .expect("call"),
        3
    );
    let rewards = IRewardsCoordinator::new(core.rewards_coordinator, anvil.provider());
    let interval = rewards.CALCULATION_INTERVAL_SECONDS();
    assert_eq!(interval.call().await.expect("call"), 86_400);
    // Nobody initialises it a second time: the proxy was, and the owner is its owner.
    let again = IRewardsCoordinatorInit::initializeCall {
        initialOwner: owner.address(),
        initialPausedStatus: U256::ZERO,
        rewardsUpdater: owner.address(),
        activationDelay: 0,
        defaultSplitBips: 0,
    };
    let refused = owner.call(core.rewards_coordinator, &again).await;
    assert!(
        matches!(refused, Err(Error::WouldRevert { .. })),
        "{refused:?}"
    );
}
