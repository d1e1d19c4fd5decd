// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IPermissionController} from "../../src/interfaces/eigenlayer/IPermissionController.sol";
import {IRewardsCoordinator} from "../../src/interfaces/eigenlayer/IRewardsCoordinator.sol";
import {Dialect, SetUp} from "../../src/l1/CoreAdapter.sol";
import {Rewards} from "../../src/l1/Rewards.sol";
import {ServiceManager} from "../../src/l1/ServiceManager.sol";
import {Beacon} from "../../src/l1/Seeds.sol";
import {Slasher} from "../../src/l1/Slasher.sol";
import {Times} from "../../src/l1/Times.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Base} from "../Base.t.sol";
import {BlsKit} from "../BlsKit.sol";
import {MockCore} from "./MockCore.sol";
import {MockRewardsCoordinator} from "./MockRewardsCoordinator.sol";

/// @notice A bridge that keeps what it was given.
contract MemoryBridge is IBridge {
    bytes public last;
    uint256 public value;
    uint64 public count;

    function send(bytes calldata payload) external payable returns (uint64) {
        (last, value) = (payload, msg.value);
        return count++;
    }
}

/// @notice L1 as deployed, over a mock of the core.
abstract contract L1Base is Base {
    uint64 internal constant GENESIS = 1_700_000_000;
    uint32 internal constant SET_ID = 7;
    uint64 internal constant L2_CHAIN = 42_161;
    address internal constant ROUNDS = address(0x2222);
    address internal constant GUARDIAN = address(0x9999);
    uint256 internal constant BEACON_SECRET = 77;
    address internal constant VAULT = address(0x7777);
    // On purpose not ascending: the core lists them as they were added.
    address internal constant STRATEGY_A = address(0x5002);
    address internal constant STRATEGY_B = address(0x5001);

    MockCore internal core;
    MemoryBridge internal down;
    ServiceManager internal manager;
    Slasher internal slasher;
    /// @dev Zero in tests without rewards.
    Rewards internal rewards;
    MockRewardsCoordinator internal coordinator;

    function _times() internal pure returns (Times memory) {
        return Times({
            genesis: GENESIS,
            period: 60,
            stakeEpoch: 1 days,
            tableLead: 1 days,
            tableWindow: 4 hours,
            settleTimeout: 10 minutes,
            challengeWindow: 2 days,
            revealWindow: 1 days,
            bridgeDelay: 6.4 days,
            executionWindow: 1 days,
            secondsPerBlock: 12
        });
    }

    function _deploy(Dialect dialect, uint256 minStake) internal {
        vm.warp(GENESIS);
        core = new MockCore();
        down = new MemoryBridge();
        manager = new ServiceManager(address(core), SET_ID, address(down), minStake, _times());
        uint64 sunset = uint64(block.timestamp + 365 days);
        slasher =
            new Slasher(address(manager), address(this), L2_CHAIN, ROUNDS, GUARDIAN, sunset, _beacon(), HEALTH_EPOCH);
        _beforeSetUp();
        manager.setUp(_setUp(dialect));
    }

    /// @dev Where tests put `Rewards`, which must stand before `setUp`.
    function _beforeSetUp() internal virtual {}

    /// @dev A beacon of our own, so that it can sign for any round.
    function _beacon() internal view returns (Beacon memory) {
        return Beacon({
            key: BlsKit.packedKeyOf(BEACON_SECRET),
            chainHash: keccak256("beacon"),
            genesis: GENESIS - 1_000,
            period: 3,
            delay: 20
        });
    }

    function _setUp(Dialect dialect) internal view returns (SetUp memory) {
        address[] memory strategies = new address[](2);
        (strategies[0], strategies[1]) = (STRATEGY_A, STRATEGY_B);
        return SetUp(
            dialect,
            IPermissionController(address(core)),
            address(slasher),
            VAULT,
            strategies,
            "https://quorate.example",
            address(rewards),
            IRewardsCoordinator(address(coordinator))
        );
    }

    // --- operators: number i has address 0x1000 + i and secret 5000 + i ---

    function _operator(uint256 i) internal pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    function _registration(address operator, uint256 secret) internal view returns (bytes memory) {
        bytes memory key = BlsKit.keyOf(secret);
        bytes32 message = manager.popMessage(operator, BLS12381.packKey(key));
        return abi.encode(key, BlsKit.sign(secret, BLS12381.DST_POSSESSION, message));
    }

    function _register(uint256 i) internal {
        core.register(_operator(i), address(manager), SET_ID, _registration(_operator(i), 5000 + i));
    }

    /// @dev With stake 100 + i in one strategy and 1000 in the other.
    function _registerWithStake(uint256 i) internal {
        core.setStake(_operator(i), STRATEGY_A, 100 + i);
        core.setStake(_operator(i), STRATEGY_B, 1000);
        _register(i);
    }

    function _ids(uint32 id) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](1);
        ids[0] = id;
    }
}
