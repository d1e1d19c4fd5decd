// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Kit} from "./Kit.sol";

/// @notice One lease to try things on: 3 GPUs at 7,000 out of a budget of 10,000, on offer 1, for request 1.
abstract contract LeaseKit is Kit {
    uint64 internal constant ASK = 7_000;
    uint64 internal constant BUDGET = 10_000;
    uint8 internal constant GPUS = 3;
    address internal constant STRANGER = address(0xBAD);

    /// @dev The round that makes the lease.
    uint64 internal leaseRound;

    /// @dev A lease of `term` seconds that starts now, whose offer is `record`.
    function _leaseOn(bytes memory record, uint32 term) internal returns (uint64 start) {
        vm.prank(PROVIDER);
        market.postOffers(record);
        _postRequest(GPUS, BUDGET, term);
        _run(leaseRound, _list(_one(1, 1)));
        return uint64(block.timestamp);
    }

    function _lease(uint32 term) internal returns (uint64 start) {
        return _leaseOn(_offer(4, ASK), term);
    }

    /// @dev An offer that is reclaimed with notice.
    function _withNotice(uint32 notice) internal pure returns (bytes memory r) {
        r = _offer(4, ASK);
        _put(r, 144, 4, notice);
    }

    function _close(address who) internal {
        vm.prank(who);
        market.closeLeases(_ids(1));
    }

    function closeAs(address who) external {
        _close(who);
    }

    function _ids(uint64 id) internal pure returns (uint64[] memory ids) {
        ids = new uint64[](1);
        ids[0] = id;
    }

    function _endOfLease() internal view returns (uint64 end) {
        (,,,, end) = market.leaseOf(1);
    }

    /// @dev What seconds of the lease cost, rounded down.
    function _earned(uint256 seconds_) internal pure returns (uint256) {
        return uint256(GPUS) * ASK * seconds_ / 3_600;
    }

    function _lockedFor(uint256 term) internal pure returns (uint256) {
        return (uint256(GPUS) * BUDGET * term + 3_599) / 3_600;
    }

    /// @dev Of what a lease costs: the protocol's, and the provider's rest.
    function _feeOf(uint256 charge) internal pure returns (uint256) {
        return charge * PROTOCOL_BPS / 10_000;
    }

    function _payOf(uint256 charge) internal pure returns (uint256) {
        return charge - _feeOf(charge);
    }

    /// @dev The policy with `value` of `width` bytes at `offset` of its money section, from the lease's round on, which is
    /// a later one from now on.
    function _moneyPolicy(uint256 offset, uint256 width, uint256 value) internal {
        (,, address where) = rounds.policyAt(leaseRound);
        bytes memory page = new bytes(where.code.length - 1);
        assembly ("memory-safe") {
            extcodecopy(where, add(page, 0x20), 1, mload(page))
        }
        _put(page, AT_MONEY + offset, width, value);
        leaseRound += 2;
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, leaseRound);
    }
}
