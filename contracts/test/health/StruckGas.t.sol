// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {vm2} from "../l2/Vm2.sol";
import {HealthKit} from "./HealthKit.sol";
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
}
