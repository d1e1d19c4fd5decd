// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LeaseKit} from "./LeaseKit.sol";

/// @notice Reputation by docs/formats.md, section 14: how leases were served, weighted by the fees they paid.
contract ReputationsTest is LeaseKit {
    uint64 private constant MEMORY = 1_000_000; // of the tests' policy

    function _reputation() private view returns (uint16 reputation) {
        (,, reputation,,,) = providers.providerAt(PROVIDER, uint64(block.timestamp));
    }

    function _settled() private {
        vm.warp(block.timestamp + WINDOWS + 1);
        escrow.settle(1);
    }

    function test_aServedLeaseIsWorthAllOfIt() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 3_600);
        _close(STRANGER);
        assertEq(_reputation(), 65_535, "none before");
        _settled();
        assertEq(_reputation(), 10_000, "reputation");
        (uint16 value, uint64 weight) = escrow.reputationOf(PROVIDER);
        assertEq(abi.encode(value, weight), abi.encode(10_000, _feeOf(21_000)), "by its fee");
    }

    function test_secondsThatWereDownLowerIt() external {
        uint64 start = _lease(3_600);
        health.mark(1, start, start + 900);
        vm.warp(start + 3_600);
        _close(STRANGER);
        _settled();
        assertEq(_reputation(), 7_500, "three quarters");
    }

    function test_aProviderThatLeavesEarlyCountsAsNothing() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 1_800);
        _close(PROVIDER);
        _settled();
        assertEq(_reputation(), 0, "reputation");
    }

    function test_anAnnulledLeaseDoesNotCount() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 100);
        _refute(0, 10, 0);
        vm.prank(address(disputes));
        market.annul(1);
        assertEq(_reputation(), 65_535, "reputation");
    }

    function test_aLeaseWithoutAFeeDoesNotCount() external {
        uint64 start = _lease(3_600);
        health.mark(1, start, start + 3_600);
        vm.warp(start + 3_600);
        _close(STRANGER);
        _settled();
        assertEq(_reputation(), 65_535, "reputation");
    }

    function test_itMovesWithTheLastMoneyNotBefore() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 1_800);
        escrow.settle(1);
        assertEq(_reputation(), 65_535, "not yet");
    }

    /// @dev Ten leases of an hour each, down for random seconds, against the formula once more.
    function testFuzz_reputationIsTheWeightedMean(uint256 seed) external {
        uint256 value;
        uint256 weight;
        vm.startPrank(PROVIDER);
        market.postOffers(_offer(4, 1e8));
        vm.stopPrank();
        uint64 n;
        for (uint64 id = 1; id <= 5; ++id) {
            seed = uint256(keccak256(abi.encode(seed)));
            _postRequest(1, 1e8, 3_600);
            ++n;
            vm.warp(_closeOf(n) - 1);
            while (!rounds.isLive(n)) vm.warp(_closeOf(++n) - 1);
            _run(n, _list(_one(1, id)));
            uint64 start = uint64(block.timestamp);
            uint64 down = uint64(seed) % 3_600;
            health.mark(1, start, start + down);
            vm.warp(start + 3_600);
            market.closeLeases(_ids(id));
            escrow.settle(id);
            uint256 fee = _feeOf(1e8 * uint256(3_600 - down) / 3_600);
            if (fee == 0) continue;
            value = (value * weight + 10_000 * uint256(3_600 - down) / 3_600 * fee) / (weight + fee);
            weight = weight + fee < MEMORY ? weight + fee : MEMORY;
            assertEq(_reputation(), value, "mean");
            n = uint64((block.timestamp - GENESIS) / PERIOD) + 1;
        }
        (, uint64 kept) = escrow.reputationOf(PROVIDER);
        assertEq(kept, weight, "weight");
    }
}
