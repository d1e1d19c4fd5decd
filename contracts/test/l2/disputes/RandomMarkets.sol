// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Kit} from "../Kit.sol";

/// @notice Random markets in which most pairs are eligible and capacity is short.
abstract contract RandomMarkets is Kit {
    function _random(uint256 seed, string memory what, uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, i)));
    }

    /// @dev Posts random offers and requests; most pairs are eligible, and capacity is short.
    function _fillMarket(uint256 seed, uint256 offers, uint256 requests) internal {
        for (uint256 i; i < 2; ++i) {
            address provider = i == 0 ? PROVIDER : address(0xA2);
            uint256 amount = (1 + _random(seed, "stake", i) % 500) * 1e18;
            quor.mint(provider, amount);
            vm.startPrank(provider);
            quor.approve(address(providers), amount);
            providers.stake(amount);
            vm.stopPrank();
            if (_random(seed, "observed", i) % 2 == 0) {
                providers.setReputation(provider, uint16(_random(seed, "reputation", i) % 10_001));
            }
            providers.setSlash(provider, uint16(_random(seed, "slash", i) % 2_000), 0);
        }
        for (uint256 i; i < offers; ++i) {
            vm.prank(i % 2 == 0 ? PROVIDER : address(0xA2));
            uint64 id = market.postOffers(_randomOffer(_random(seed, "offer", i)));
            if (_random(seed, "up", i) % 2 == 0) providers.setUptime(id, uint16(_random(seed, "uptime", i) % 10_001));
        }
        for (uint256 i; i < requests; ++i) {
            vm.prank(TENANT);
            market.postRequests(_randomRequest(_random(seed, "request", i)));
        }
    }

    function _randomOffer(uint256 x) internal pure returns (bytes memory r) {
        r = _offer(uint8(1 + x % 4), uint64(500 + (x >> 8) % 1_500));
        _put(r, 148, 1, (x >> 32) % 3); // model
        _put(r, 150, 1, (x >> 40) % 6); // region
        _put(r, 104, 4, 24_000);
    }

    function _randomRequest(uint256 x) internal pure returns (bytes memory r) {
        r = _request(uint8(1 + x % 3), uint64(1_200 + (x >> 8) % 1_200), uint32(100 + (x >> 32) % 5_000), TENANT);
        _put(r, 32, 32, 1 | (x >> 64) % 8); // models
        _put(r, 64, 32, 63); // regions
        _put(r, 287, 1, (x >> 80) % 6); // home
        _put(r, 291, 1, (x >> 88) % 4); // profile
        if ((x >> 96) % 8 == 0) _put(r, 284, 2, 4_500); // min_uptime: the prior is too low
    }
}
