// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {vm2} from "../l2/Vm2.sol";
import {TableKit} from "../TableKit.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice What downtime costs on chain, with 128 operators: each call of a test is a transaction, with cold storage.
/// forge-config: default.isolate = true
contract HealthGasTest is HealthKit {
    uint256 private constant OPERATORS = 128;

    function setUp() public override {
        for (uint256 i; i < OPERATORS; ++i) {
            operatorStakes.push(1_000 + i);
        }
        _deploy();
        for (uint64 id = 1; id <= 400; ++id) {
            machines.set(id, GENESIS - 10, 0);
        }
        _open(0);
    }

    function _list(uint32 epoch, uint64 first, uint16 count) private view returns (bytes memory list) {
        list = _head(epoch, count);
        for (uint64 i; i < count; ++i) {
            list = bytes.concat(list, _entry(first + i, 6));
        }
    }

    /// @dev The whole transaction's gas, the bytes of its call included.
    function _report(string memory what) private returns (uint256 gas) {
        gas = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, gas);
    }

    /// @dev One, ten and a hundred machines; none was down in the last sixteen epochs.
    function _certifyAll(bytes memory bitmap, string[3] memory names) private returns (uint256 each) {
        vm.warp(_start(1));
        uint256[3] memory gas;
        uint16[3] memory counts = [uint16(1), 10, 100];
        uint64 first = 1;
        for (uint256 i; i < 3; ++i) {
            bytes memory list = _list(0, first, counts[i]);
            bytes memory aggregate = _sign(bitmap, sha256(list));
            health.certify(list, bitmap, aggregate);
            gas[i] = _report(names[i]);
            assertEq(health.downOf(first + counts[i] - 1, 0), 6, "the last of the list is down");
            first += counts[i];
        }
        return (gas[2] - gas[1]) / 90;
    }

    function test_certifyByAll() external {
        uint256 each = _certifyAll(
            _all(), ["certify 1 machine, all sign", "certify 10 machines, all sign", "certify 100 machines, all sign"]
        );
        emit log_named_uint("  of that each machine", each);
        assertLe(each, 45_000, "gas of a machine");
    }

    function test_certifyWithoutEightOperators() external {
        uint256[] memory absent = new uint256[](8);
        for (uint256 i; i < 8; ++i) {
            absent[i] = 5 + 15 * i;
        }
        uint256 each = _certifyAll(
            _without(absent),
            ["certify 1 machine, 8 absent", "certify 10 machines, 8 absent", "certify 100 machines, 8 absent"]
        );
        emit log_named_uint("  of that each machine", each);
        assertLe(each, 60_000, "gas of a machine");
    }

    /// @dev The most stretches that there can be: every fourth operator is absent.
    function test_certifyWithoutAQuarter() external {
        uint256[] memory absent = new uint256[](32);
        for (uint256 i; i < 32; ++i) {
            absent[i] = 4 * i;
        }
        bytes memory bitmap = _without(absent);
        bytes memory list = _head(0, 0);
        uint64 id;
        uint16 count;
        while (count < 10) {
            ++id;
            if (_held(_plainCommittee(0, id), bitmap) * 3 <= 2 * uint256(SEATS)) continue;
            list = bytes.concat(list, _entry(id, 6));
            ++count;
        }
        list[101] = 0x0a;
        vm.warp(_start(1));
        health.certify(list, bitmap, _sign(bitmap, sha256(list)));
        _report("certify 10 machines, 32 absent");
        assertEq(health.downOf(id, 0), 6, "the last of the list is down");
    }

    function test_certifyInTheNextEpoch() external {
        vm.warp(_start(1));
        _certify(_list(0, 1, 10));
        _open(1);
        vm.warp(_start(2));
        _certify(_list(1, 1, 10));
        _report("certify 10 machines, down before");
    }

    function test_openEpoch() external {
        vm.warp(_start(1));
        health.openEpoch(1, _beacon(1));
        _report("openEpoch");
    }

    function test_appeal() external {
        vm.warp(_start(1));
        _certify(_list(0, 1, 100));
        uint32[] memory members = _members(_plainCommittee(0, 50));
        uint256 i;
        while (health.downOf(50, 0) == 6) {
            _appeal(0, 0, 50, 1, members[i++]);
            uint256 gas = vm2.lastCallGas().gasTotalUsed;
            if (health.downOf(50, 0) != 6) emit log_named_uint("appeal that fells a window", gas);
            else if (i < 3) emit log_named_uint("appeal", gas);
        }
    }

    function test_slashAndRelease() external {
        token.mint(PROVIDER, 1e30);
        vm.startPrank(PROVIDER);
        token.approve(address(providers), type(uint256).max);
        providers.stake(100e18);
        vm.stopPrank();
        providers.addGpus(PROVIDER, 4);
        _down(0, M, 6);
        _down(1, M, 6);
        vm.warp(_start(2) + CERTIFY + APPEAL);
        vm.prank(CALLER);
        health.slash(M, 0);
        _report("slash");
        vm.warp(health.jailedUntil(M));
        health.release(M);
        _report("release");
    }

    function test_observe() external {
        _down(0, M, 6);
        vm.warp(_start(12));
        health.observe(M, 1);
        _report("observe 1 epoch, the first");
        health.observe(M, 1);
        _report("observe 1 epoch");
        health.observe(M, 7);
        _report("observe 7 epochs");
    }

    function test_unpaidSeconds() external {
        _down(0, M, 6);
        vm.warp(_start(40));
        health.unpaidSeconds(M, _start(16), _start(32));
        _report("unpaidSeconds, 16 epochs without downtime");
        health.unpaidSeconds(M, _start(0), _start(16));
        _report("unpaidSeconds, 16 epochs, one with downtime");
    }
}
