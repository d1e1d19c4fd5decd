// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Fields} from "./Fields.sol";

/// @title The score section of a policy's page in code: docs/formats.md, section 5.
/// @dev A page was validated when it was stored, so its ranges hold and every offset below lies in it.
library ScorePage {
    using Fields for bytes;

    /// @notice A page, with the part of its score section that every pair needs in memory.
    struct Score {
        address page;
        bytes head; // the first 192 bytes: weights, offsets, numbers, least stakes
    }

    uint256 private constant HEAD = 192;
    /// @dev The score section in the page's code: behind the STOP and the version.
    uint256 private constant START = 5;
    uint256 private constant ZONES = 192;
    uint256 private constant ZONE_TABLE = 448;
    uint256 private constant REFERENCE_PRICE = 960;

    /// @notice Reads what every pair needs.
    function load(address page) internal view returns (Score memory s) {
        s.page = page;
        s.head = Fields.fromCode(page, START, HEAD);
    }

    /// @notice The eight weights of a profile (0 to 3), 16 bits each, the first on top of 128.
    function weights(Score memory s, uint256 profile) internal pure returns (uint256) {
        return s.head.uintAt(16 * profile, 16);
    }

    function offsetOf(Score memory s, uint256 profile) internal pure returns (uint256) {
        return s.head.uintAt(64 + 8 * profile, 8);
    }

    function ageCap(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(96, 2);
    }

    function agePoints(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(98, 2);
    }

    /// @notice Most matches of a round; 0 means no limit.
    function maxMatches(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(100, 4);
    }

    function priceSlope(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(104, 4);
    }

    function stakeUnit(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(108, 8);
    }

    function stakeSlope(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(116, 4);
    }

    function priorUptime(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(120, 2);
    }

    function priorReputation(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(122, 2);
    }

    function slashDecay(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(124, 2);
    }

    function sameZone(Score memory s) internal pure returns (uint256) {
        return s.head.uintAt(126, 2);
    }

    /// @notice Least stake for each registered GPU of a tier (below 8).
    function minStake(Score memory s, uint256 tier) internal pure returns (uint256) {
        return s.head.uintAt(128 + 8 * tier, 8);
    }

    function zoneOf(Score memory s, uint256 region) internal view returns (uint256) {
        return _read(s.page, ZONES + region, 1);
    }

    /// @notice The factor of a home zone and another zone.
    function zoneFactor(Score memory s, uint256 home, uint256 there) internal view returns (uint256) {
        return _read(s.page, ZONE_TABLE + 2 * (16 * home + there), 2);
    }

    /// @notice The reference price of a model, 0 if the policy does not know it.
    function referencePrice(Score memory s, uint256 model) internal view returns (uint256) {
        return _read(s.page, REFERENCE_PRICE + 8 * model, 8);
    }

    function _read(address page, uint256 offset, uint256 width) private view returns (uint256 value) {
        assembly ("memory-safe") {
            extcodecopy(page, 0, add(START, offset), 0x20)
            value := shr(sub(256, shl(3, width)), mload(0))
        }
    }
}
