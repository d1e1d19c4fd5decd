// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Fields} from "./Fields.sol";

/// @title The score section of a policy's page in code: docs/formats.md, section 5.
/// @dev A page was validated when it was stored, so its ranges hold and every offset below lies in it. What numbers the
/// places are worked out from has 8 bits.
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
        unchecked {
            return s.head.uintAt(16 * profile, 16);
        }
    }

    function offsetOf(Score memory s, uint256 profile) internal pure returns (uint256) {
        unchecked {
            return s.head.uintAt(64 + 8 * profile, 8);
        }
    }

    /// @notice The numbers from `age_cap` to `same_zone` in one word, for those below to take out.
    function numbers(Score memory s) internal pure returns (uint256) {
        return s.head.wordAt(96);
    }

    function ageCap(uint256 n) internal pure returns (uint256) {
        return n >> 240;
    }

    function agePoints(uint256 n) internal pure returns (uint256) {
        return n >> 224 & 0xffff;
    }

    /// @notice Most matches of a round; 0 means no limit.
    function maxMatches(uint256 n) internal pure returns (uint256) {
        return n >> 192 & 0xffffffff;
    }

    function priceSlope(uint256 n) internal pure returns (uint256) {
        return n >> 160 & 0xffffffff;
    }

    function stakeUnit(uint256 n) internal pure returns (uint256) {
        return n >> 96 & 0xffffffffffffffff;
    }

    function stakeSlope(uint256 n) internal pure returns (uint256) {
        return n >> 64 & 0xffffffff;
    }

    function priorUptime(uint256 n) internal pure returns (uint256) {
        return n >> 48 & 0xffff;
    }

    function priorReputation(uint256 n) internal pure returns (uint256) {
        return n >> 32 & 0xffff;
    }

    function slashDecay(uint256 n) internal pure returns (uint256) {
        return n >> 16 & 0xffff;
    }

    function sameZone(uint256 n) internal pure returns (uint256) {
        return n & 0xffff;
    }

    /// @notice Least stake for each registered GPU of a tier (below 8).
    function minStake(Score memory s, uint256 tier) internal pure returns (uint256) {
        unchecked {
            return s.head.uintAt(128 + 8 * tier, 8);
        }
    }

    /// @notice The factor of a home region and another region: same zone, or what the table says of the zones.
    function regionFactor(Score memory s, uint256 home, uint256 there) internal view returns (uint256) {
        address page = s.page;
        unchecked {
            uint256 from = _read(page, ZONES + home, 248);
            uint256 to = _read(page, ZONES + there, 248);
            return from == to ? sameZone(numbers(s)) : _read(page, ZONE_TABLE + 2 * (16 * from + to), 240);
        }
    }

    /// @notice The reference price of a model, 0 if the policy does not know it.
    function referencePrice(Score memory s, uint256 model) internal view returns (uint256) {
        unchecked {
            return _read(s.page, REFERENCE_PRICE + 8 * model, 192);
        }
    }

    /// @dev The word at `offset` of the section, shifted right by `shift`.
    function _read(address page, uint256 offset, uint256 shift) private view returns (uint256 value) {
        assembly ("memory-safe") {
            extcodecopy(page, 0, add(START, offset), 0x20)
            value := shr(shift, mload(0))
        }
    }
}
