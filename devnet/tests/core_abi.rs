//! The hand-written interfaces of the core agree with the ABI that its package quotes.

use std::collections::BTreeSet;

use alloy::{
    json_abi::JsonAbi,
    sol_types::{SolEvent, SolInterface},
};
use devnet::core::{
    abi::{IInitialOwner, IInitialPause, IRewardsCoordinatorInit, IStrategyManagerInit},
    artifacts::{CoreContract, quoted_abi},
};
use quorate_bindings::eigenlayer::IRewardsCoordinator;
use quorate_bindings::eigenlayer::{
    IAllocationManager, IDelegationManager, IPermissionController, IStrategyManager,
};

/// Every selector of the interface is one of the contract's.
fn assert_part_of<I: SolInterface>(contract: CoreContract) {
    let abi: JsonAbi = serde_json::from_str(&quoted_abi(contract).expect("quoted")).expect("abi");
    let theirs: BTreeSet<[u8; 4]> = abi.functions().map(|f| f.selector().0).collect();
    assert!(I::selectors().count() > 0);
    for ours in I::selectors() {
        assert!(
            theirs.contains(&ours),
            "{} has no {} of {}",
            contract.name(),
            hex::encode(ours),
            I::NAME
        );
    }
}

#[test]
fn what_operators_call_is_there() {
    assert_part_of::<IAllocationManager::IAllocationManagerCalls>(CoreContract::AllocationManager);
    assert_part_of::<IDelegationManager::IDelegationManagerCalls>(CoreContract::DelegationManager);
    assert_part_of::<IStrategyManager::IStrategyManagerCalls>(CoreContract::StrategyManager);
    assert_part_of::<IPermissionController::IPermissionControllerCalls>(
        CoreContract::PermissionController,
    );
}

#[test]
fn what_the_deployer_calls_is_there() {
    assert_part_of::<IInitialPause::IInitialPauseCalls>(CoreContract::AllocationManager);
    assert_part_of::<IInitialPause::IInitialPauseCalls>(CoreContract::DelegationManager);
    assert_part_of::<IStrategyManagerInit::IStrategyManagerInitCalls>(
        CoreContract::StrategyManager,
    );
    assert_part_of::<IInitialOwner::IInitialOwnerCalls>(CoreContract::EigenPodManager);
    assert_part_of::<IInitialOwner::IInitialOwnerCalls>(CoreContract::AVSDirectory);
    assert_part_of::<IRewardsCoordinatorInit::IRewardsCoordinatorInitCalls>(
        CoreContract::RewardsCoordinator,
    );
}

#[test]
fn what_rewards_are_read_by_is_there() {
    assert_part_of::<IRewardsCoordinator::IRewardsCoordinatorCalls>(
        CoreContract::RewardsCoordinator,
    );
    let quoted = quoted_abi(CoreContract::RewardsCoordinator).expect("quoted");
    let abi: JsonAbi = serde_json::from_str(&quoted).expect("abi");
    let event =
        IRewardsCoordinator::OperatorDirectedOperatorSetRewardsSubmissionCreated::SIGNATURE_HASH;
    assert!(abi.events().any(|theirs| theirs.selector() == event));
}

#[test]
fn another_contracts_function_is_noticed() {
    let result = std::panic::catch_unwind(|| {
        assert_part_of::<IInitialOwner::IInitialOwnerCalls>(CoreContract::AllocationManager);
    });
    assert!(result.is_err());
}
