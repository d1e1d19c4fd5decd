// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {vm2} from "../l2/Vm2.sol";
import {HealthKit} from "./HealthKit.sol";
import {MockRounds} from "./HealthMocks.sol";
import {TrustingTable} from "./HostileLists.t.sol";

/// @notice What whoever is hostile can make dear: each call of a test is a transaction, with cold storage.
/// forge-config: default.isolate = true
contract StruckGasTest is HealthKit {
    /// @dev What one transaction may cost at most, since EIP-7825.
    uint256 private constant MOST = 16_777_216;

    function _windows() internal pure override returns (uint16) {
        return 240;
    }

    function setUp() public override {
        super.setUp();
        HealthClock.Links memory links = _links(address(0));
        links.table = IStakeTable(address(new TrustingTable(stakes)));
        health = new Health(links);
        _open(0);
        vm.warp(_start(1));
    }

    /// @dev Twenty machines, each in the same windows.
    function _twenty(uint256 windows) private view returns (bytes memory list) {
        list = _head(0, 20);
        for (uint64 id = 1; id <= 20; ++id) {
            list = bytes.concat(list, _entry(id, windows));
        }
    }

    /// @dev Somebody has window 0 certified first, and a receipt of one seat of each machine against it.
    function test_strikesInOneWindowDoNotMakeTheOthersDear() external {
        health.certify(_twenty(1), _all(), "");
        for (uint64 id = 1; id <= 20; ++id) {
            health.appeal(0, 0, id, 0, health.committeeOf(0, id)[0], "");
        }
        health.certify(_twenty((1 << 240) - 1), _all(), "");
        uint256 gas = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint("certify 20 machines, 240 windows, one struck", gas);
        assertEq(health.downOf(20, 0), (1 << 240) - 1, "all windows");
        assertLe(gas, MOST / 4, "of one transaction");
    }

    /// @dev A committee of 1,024 seats, and each window in a list of its own, with window 0 beside it.
    function test_aWindowFallsForTheGasOfATransactionHoweverManyListsHoldItUp() external {
        vm.warp(GENESIS - 10);
        bytes memory page = _policy(CERTIFY, APPEAL);
        _put(page, 3_014, 2, 1_024);
        rounds = new MockRounds(_schedule(), page);
        HealthClock.Links memory links = _links(address(0));
        links.table = IStakeTable(address(new TrustingTable(stakes)));
        health = new Health(links);
        _open(0);
        vm.warp(_start(1));
        for (uint256 w = 1; w < 240; ++w) {
            health.certify(_one(0, M, 1 | 1 << w), _all(), "");
        }
        assertEq(health.lists(0), 239, "lists");
        _fell();
    }

    /// @dev Receipts against window 0 of M until it falls.
    function _fell() private {
        uint32[] memory members = _members(health.committeeOf(0, M));
        uint256 gas;
        for (uint256 i; health.downOf(M, 0) & 1 == 1; ++i) {
            health.appeal(0, 0, M, 0, members[i], "");
            gas = vm2.lastCallGas().gasTotalUsed;
        }
        emit log_named_uint("appeal that fells what many lists hold up", gas);
        assertLe(gas, MOST / 2, "of one transaction");
    }
}
