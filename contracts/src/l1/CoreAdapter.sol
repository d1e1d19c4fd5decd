// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {
    CreateSetParams,
    CreateSetParamsV2,
    DeregisterParams,
    IAllocationManager,
    OperatorSet,
    SlashingParams
} from "../interfaces/eigenlayer/IAllocationManager.sol";
import {IPermissionController} from "../interfaces/eigenlayer/IPermissionController.sol";
import {
    IRewardsCoordinator,
    IStrategyManager,
    OperatorDirectedRewardsSubmission,
    StrategyAndMultiplier
} from "../interfaces/eigenlayer/IRewardsCoordinator.sol";

/// @notice How the core is told who may slash.
enum Dialect {
    /// up to v1.8: whom the PermissionController allows
    Appointee,
    /// from v1.9: one slasher for each operator set, named when the set is created
    SlasherSlot
}

/// @notice What a new operator set is made of.
struct SetUp {
    Dialect dialect;
    /// @dev used by `Dialect.Appointee`, and for rewards
    IPermissionController permissions;
    address slasher;
    /// @dev where slashed shares go, for ever
    address recipient;
    address[] strategies;
    string metadataURI;
    /// @dev `Rewards`, zero for none
    address rewards;
    /// @dev the core's, used if there is `rewards`
    IRewardsCoordinator rewardsCoordinator;
}

/// @title All that we ask of EigenLayer's core, in both of its dialects. Runs as the contract that uses it.
library CoreAdapter {
    /// @notice Our operator set in the core.
    struct Core {
        IAllocationManager manager;
        address avs;
        uint32 setId;
    }

    /// @notice Makes the AVS known, `registrar` its registrar, and creates its redistributing operator set, which
    /// `slasher` may slash. The AVS itself must be the caller.
    function createSet(Core memory core, address registrar, SetUp calldata s) internal {
        // The core wants the metadata first, and asks the registrar whether it serves the AVS.
        core.manager.updateAVSMetadataURI(core.avs, s.metadataURI);
        core.manager.setAVSRegistrar(core.avs, registrar);
        address[] memory recipients = new address[](1);
        recipients[0] = s.recipient;
        if (s.dialect == Dialect.Appointee) {
            CreateSetParams[] memory sets = new CreateSetParams[](1);
            sets[0] = CreateSetParams(core.setId, s.strategies);
            core.manager.createRedistributingOperatorSets(core.avs, sets, recipients);
            s.permissions
                .setAppointee(core.avs, s.slasher, address(core.manager), IAllocationManager.slashOperator.selector);
        } else {
            CreateSetParamsV2[] memory sets = new CreateSetParamsV2[](1);
            sets[0] = CreateSetParamsV2(core.setId, s.strategies, s.slasher);
            core.manager.createRedistributingOperatorSets(core.avs, sets, recipients);
        }
    }

    /// @notice Lets `rewards` submit rewards of the AVS, and fetch what the core gives back of them, which it gives to the
    /// AVS. The AVS itself must be the caller.
    function allowRewards(Core memory core, SetUp calldata s) internal {
        s.permissions
            .setAppointee(
                core.avs,
                s.rewards,
                address(s.rewardsCoordinator),
                IRewardsCoordinator.createOperatorDirectedOperatorSetRewardsSubmission.selector
            );
        s.rewardsCoordinator.setClaimerFor(s.rewards);
    }

    /// @notice Submits rewards, whose strategies are filled in here: those of the set, one for one, as `stakes` counts
    /// them. One that the core has taken off its list would have all refused, and is left out. The caller must be the
    /// AVS's appointee and have approved the sum.
    function reward(
        Core memory core,
        IRewardsCoordinator coordinator,
        OperatorDirectedRewardsSubmission memory submission
    ) internal {
        submission.strategiesAndMultipliers = _weights(core, coordinator.strategyManager());
        OperatorDirectedRewardsSubmission[] memory submissions = new OperatorDirectedRewardsSubmission[](1);
        submissions[0] = submission;
        coordinator.createOperatorDirectedOperatorSetRewardsSubmission(_set(core), submissions);
    }

    /// @notice The slashable stake of each operator, at the least it can be up to `futureBlock`: the sum over the
    /// set's strategies, one for one, each counted up to 2^128 - 1 so that no answer of the core overflows.
    function stakes(Core memory core, address[] memory operators, uint32 futureBlock)
        internal
        view
        returns (uint256[] memory sums)
    {
        address[] memory strategies = core.manager.getStrategiesInOperatorSet(_set(core));
        uint256[][] memory parts = core.manager.getMinimumSlashableStake(_set(core), operators, strategies, futureBlock);
        sums = new uint256[](operators.length);
        for (uint256 i = 0; i < operators.length; ++i) {
            for (uint256 j = 0; j < strategies.length; ++j) {
                uint256 part = parts[i][j];
                sums[i] += part < type(uint128).max ? part : type(uint128).max;
            }
        }
    }

    /// @notice Slashes `wad` of 1e18 of what an operator has allocated to the set, in each of its strategies.
    /// @return shares what the core really took; empty if the operator cannot be slashed any more
    /// @dev The core skips a strategy without magnitude in silence: look at the shares.
    function slash(Core memory core, address operator, uint256 wad, string memory description)
        internal
        returns (uint256[] memory shares)
    {
        if (!core.manager.isOperatorSlashable(operator, _set(core))) return new uint256[](0);
        address[] memory strategies = core.manager.getStrategiesInOperatorSet(_set(core));
        _sort(strategies);
        uint256[] memory wads = new uint256[](strategies.length);
        for (uint256 i = 0; i < wads.length; ++i) {
            wads[i] = wad;
        }
        (, shares) =
            core.manager.slashOperator(core.avs, SlashingParams(operator, core.setId, strategies, wads, description));
    }

    /// @notice Takes an operator out of the set.
    function eject(Core memory core, address operator) internal {
        uint32[] memory ids = new uint32[](1);
        ids[0] = core.setId;
        core.manager.deregisterFromOperatorSets(DeregisterParams(operator, core.avs, ids));
    }

    function _weights(Core memory core, IStrategyManager list)
        private
        view
        returns (StrategyAndMultiplier[] memory weights)
    {
        address[] memory strategies = core.manager.getStrategiesInOperatorSet(_set(core));
        _sort(strategies);
        weights = new StrategyAndMultiplier[](strategies.length);
        uint256 count = 0;
        for (uint256 i = 0; i < strategies.length; ++i) {
            if (!list.strategyIsWhitelistedForDeposit(strategies[i])) continue;
            weights[count++] = StrategyAndMultiplier(strategies[i], 1e18);
        }
        assembly ("memory-safe") {
            mstore(weights, count)
        }
    }

    function _set(Core memory core) private pure returns (OperatorSet memory) {
        return OperatorSet(core.avs, core.setId);
    }

    /// @dev The core wants strategies ascending and lists them as they were added. A handful: insertion.
    function _sort(address[] memory list) private pure {
        for (uint256 i = 1; i < list.length; ++i) {
            address item = list[i];
            uint256 j = i;
            for (; j > 0 && list[j - 1] > item; --j) {
                list[j] = list[j - 1];
            }
            list[j] = item;
        }
    }
}
