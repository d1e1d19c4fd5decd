// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Kit} from "./Kit.sol";
import {vm2} from "./Vm2.sol";

/// @notice What posting a chunk costs as a whole transaction: each call of a test is one, with cold storage.
/// forge-config: default.isolate = true
contract GasTest is Kit {
    /// @dev Offers of 8 GPUs and requests of 1, in pages of 64.
    function _fill(uint256 offers, uint256 requests) private {
        bytes memory batch;
        for (uint256 i; i < 64; ++i) {
            batch = bytes.concat(batch, _offer(8, 1_000));
        }
        for (uint256 i; i < offers; i += 64) {
            vm.prank(PROVIDER);
            market.postOffers(batch);
        }
        batch = "";
        for (uint256 i; i < 64; ++i) {
            batch = bytes.concat(batch, _request(1, 2_000, 30, TENANT));
        }
        for (uint256 i; i < requests; i += 64) {
            vm.prank(TENANT);
            market.postRequests(batch);
        }
    }

    /// @dev 256 matches, `each` of them on an offer, requests from `firstRequest`; returns gas a match.
    function _post(uint64 n, uint256 each, uint64 firstRequest) private returns (uint256) {
        Entry[] memory entries = new Entry[](256);
        for (uint64 i; i < 256; ++i) {
            entries[i] = Entry(uint64(i / each) + 1, firstRequest + i, 1e9 - i, 0x0123456789abcdef);
        }
        bytes memory list = _list(entries);
        IRounds.Settlement memory s = _certify(n, list);
        bytes memory header = _headerOf(s);
        IRounds.Chunk memory c = _chunk(n, list, 0);
        rounds.postChunk(header, c);
        return vm2.lastCallGas().gasTotalUsed / 256;
    }

    function _closeAll(uint64 firstRequest) private {
        uint64[] memory ids = new uint64[](256);
        for (uint64 i; i < 256; ++i) {
            ids[i] = firstRequest + i;
        }
        market.closeLeases(ids);
    }

    /// @dev The first leases of a machine, then leases on machines that have a history.
    function _perMatch(uint256 each) private returns (uint256 first, uint256 again) {
        _fill(256, 512);
        first = _post(0, each, 1);
        vm.warp(block.timestamp + 31);
        _closeAll(1);
        again = _post(3, each, 257);
    }

    function test_gas_postOneMatchAnOffer() external {
        (uint256 first, uint256 again) = _perMatch(1);
        emit log_named_uint("a match, one an offer, first leases", first);
        emit log_named_uint("a match, one an offer, later leases", again);
        assertLe(first, 15_500, "gas a match at one match an offer, first leases");
        assertLe(again, 37_600, "gas a match at one match an offer, machines with a history");
    }

    function test_gas_postFourMatchesAnOffer() external {
        (uint256 first, uint256 again) = _perMatch(4);
        emit log_named_uint("a match, four an offer, first leases", first);
        emit log_named_uint("a match, four an offer, later leases", again);
        assertLe(first, 10_400, "gas a match at four matches an offer, first leases");
        assertLe(again, 16_000, "gas a match at four matches an offer, machines with a history");
    }
}
