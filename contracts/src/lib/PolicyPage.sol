// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {CodePages} from "./CodePages.sol";

/// @title The policy's page: hash, rules and the fields that contracts read. docs/formats.md, section 5.
library PolicyPage {
    /// @notice Bytes of a page: version ‖ score ‖ health ‖ money.
    uint256 internal constant LENGTH = 3104;
    uint256 private constant SCORE = 4;
    uint256 private constant SCORE_LENGTH = 3008;
    uint256 private constant HEALTH = 3012;
    uint256 private constant HEALTH_LENGTH = 32;
    uint256 private constant MONEY = 3044;
    uint256 private constant MONEY_LENGTH = 60;
    /// @dev tag("quorate/policy/v1")
    bytes32 private constant TAG = "quorate/policy/v1";
    uint256 private constant FULL = 10_000;

    /// @notice What contracts need of the money section.
    struct Money {
        uint64 requestFee; // micro-dollars, for each request, not returned
        uint16 protocolFeeBps; // of what a lease pays
        uint64 minCharge; // micro-dollars, least that a tenant pays who ends a lease early
        uint32 voidNotice; // seconds for which the leases of a void round go on
        uint64 postingFee; // micro-dollars for each entry, to whoever posts its chunk
    }

    /// @notice The page has another length.
    error WrongPolicyLength(uint256 got, uint256 expected);
    /// @notice The value at `offset` of the page breaks a rule of section 5.
    error BadPolicy(uint256 offset);

    /// @notice The hash that headers name.
    function hash(bytes memory page) internal pure returns (bytes32) {
        if (page.length != LENGTH) revert WrongPolicyLength(page.length, LENGTH);
        return sha256(
            abi.encodePacked(
                TAG,
                versionOf(page),
                sha256(_slice(page, SCORE, SCORE_LENGTH)),
                sha256(_slice(page, HEALTH, HEALTH_LENGTH)),
                sha256(_slice(page, MONEY, MONEY_LENGTH))
            )
        );
    }

    /// @notice The revision of the rules that a page names.
    function versionOf(bytes memory page) internal pure returns (uint32) {
        return uint32(_uint(page, 0, 4));
    }

    /// @notice Reverts unless the page follows every rule of section 5.
    function validate(bytes memory page) internal pure {
        if (page.length != LENGTH) revert WrongPolicyLength(page.length, LENGTH);
        if (versionOf(page) == 0) revert BadPolicy(0);
        _validateWeights(page);
        _validateAge(page);
        _atMost(page, SCORE + 104, 4, 1_000_000); // price_slope
        if (_uint(page, SCORE + 108, 8) == 0) revert BadPolicy(SCORE + 108); // stake_unit
        _atMost(page, SCORE + 116, 4, 1_000_000); // stake_slope
        // prior_uptime, prior_reputation, slash_decay, same_zone
        for (uint256 i; i < 4; ++i) {
            _atMost(page, SCORE + 120 + 2 * i, 2, FULL);
        }
        for (uint256 i; i < 256; ++i) {
            _atMost(page, SCORE + 192 + i, 1, 15); // zones
        }
        for (uint256 i; i < 256; ++i) {
            _atMost(page, SCORE + 448 + 2 * i, 2, FULL); // zone_table
        }
        if (_uint(page, HEALTH, HEALTH_LENGTH) != 0) revert BadPolicy(HEALTH);
        _atMost(page, MONEY + 8, 2, FULL); // protocol_fee_bps
        if (_uint(page, MONEY + 30, 30) != 0) revert BadPolicy(MONEY + 30);
    }

    /// @notice The money section of a page in code.
    function money(address page) internal view returns (Money memory m) {
        uint256 word = uint256(bytes32(CodePages.read(page, MONEY, 32)));
        m.requestFee = uint64(word >> 192);
        m.protocolFeeBps = uint16(word >> 176);
        m.minCharge = uint64(word >> 112);
        m.voidNotice = uint32(word >> 80);
        m.postingFee = uint64(word >> 16);
    }

    /// @dev Each profile's weights sum to 10,000, that of randomness is at most 2,000; offsets are bounded.
    function _validateWeights(bytes memory page) private pure {
        for (uint256 profile; profile < 4; ++profile) {
            uint256 row = SCORE + 16 * profile;
            uint256 sum;
            for (uint256 f; f < 8; ++f) {
                sum += _uint(page, row + 2 * f, 2);
            }
            if (sum != FULL) revert BadPolicy(row);
            _atMost(page, row + 14, 2, 2_000);
            _atMost(page, SCORE + 64 + 8 * profile, 8, 100_000_000);
        }
    }

    /// @dev Age never adds more than one whole factor.
    function _validateAge(bytes memory page) private pure {
        if (_uint(page, SCORE + 96, 2) * _uint(page, SCORE + 98, 2) > FULL) revert BadPolicy(SCORE + 96);
    }

    function _atMost(bytes memory page, uint256 offset, uint256 width, uint256 most) private pure {
        if (_uint(page, offset, width) > most) revert BadPolicy(offset);
    }

    /// @dev The big-endian number of `width` bytes (1 to 32) at `offset`.
    function _uint(bytes memory page, uint256 offset, uint256 width) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(add(add(page, 0x20), offset)))
        }
    }

    function _slice(bytes memory page, uint256 offset, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(page, 0x20), offset), length)
        }
    }
}
