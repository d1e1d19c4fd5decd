// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LeaseKit} from "./LeaseKit.sol";
import {vm2} from "./Vm2.sol";

/// @notice What people pay for money's ways, as whole transactions: each call of a test is one, with cold storage.
/// forge-config: default.isolate = true
contract MoneyGasTest is LeaseKit {
    function _gas(string memory what, uint256 limit) private returns (uint256 gas) {
        gas = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, gas);
        assertLe(gas, limit, what);
    }

    function test_gas_ofALeasesMoney() external {
        _postOffer(4, ASK);
        _postRequest(GPUS, BUDGET, 7_200);
        _gas("posting the first request", 252_000);
        _postRequest(GPUS, BUDGET, 7_200);
        _gas("posting another", 218_000);
        _run(0, _list(_one(1, 1)));
        uint64 start = uint64(block.timestamp);
        vm.warp(start + WINDOWS + 1_000);
        escrow.settle(1);
        _gas("settling in part, the first time", 182_000);
        vm.warp(start + WINDOWS + 2_000);
        escrow.settle(1);
        _gas("settling in part, again", 130_000);
        vm.prank(TENANT);
        market.extend(1, 600);
        _gas("extending", 122_000);
        vm.warp(start + 7_800);
        market.closeLeases(_ids(1));
        _gas("closing", 97_000);
        escrow.settle(1);
        _gas("settling to the end", 211_000);
        vm.prank(PROVIDER);
        escrow.withdraw(0);
        _gas("withdrawing", 67_000);
    }

    function test_gas_ofALeaseSettledOnce() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 3_600);
        market.closeLeases(_ids(1));
        _gas("closing", 97_000);
        escrow.settle(1);
        _gas("settling at once", 264_000);
    }
}
