// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {PolicyPage} from "./PolicyPage.sol";

/// @title What a policy's page must keep to before it may take effect: docs/formats.md, sections 5 and 14.
library PolicyRules {
    using PolicyPage for bytes;

    uint256 private constant SCORE = PolicyPage.SCORE;
    uint256 private constant HEALTH = PolicyPage.HEALTH;
    uint256 private constant MONEY = PolicyPage.MONEY;
    uint256 private constant STANDING = PolicyPage.STANDING;
    uint256 private constant FULL = 10_000;
    /// @dev Pay and stake wait for lists and receipts, so neither may wait for ever.
    uint256 private constant MAX_WAIT = 30 days;

    /// @notice Reverts unless the page follows every rule; names the offset of the first that it breaks.
    function validate(bytes memory page) internal pure {
        if (page.length != PolicyPage.LENGTH) revert PolicyPage.WrongPolicyLength(page.length, PolicyPage.LENGTH);
        if (page.versionOf() == 0) revert PolicyPage.BadPolicy(0);
        _validateScore(page);
        _validateHealth(page);
        _validateMoney(page);
        _validateStanding(page);
    }

    /// @notice For how many seconds lists of an epoch are taken, and then receipts.
    function waitsOf(bytes memory page) internal pure returns (uint256 certifySeconds, uint256 appealSeconds) {
        return (page.uintAt(HEALTH + 158, 4), page.uintAt(HEALTH + 12, 4));
    }

    function _validateScore(bytes memory page) private pure {
        _validateWeights(page);
        // Age never adds more than one whole factor.
        if (page.uintAt(SCORE + 96, 2) * page.uintAt(SCORE + 98, 2) > FULL) revert PolicyPage.BadPolicy(SCORE + 96);
        _atMost(page, SCORE + 104, 4, 1_000_000); // price_slope
        _atLeastOne(page, SCORE + 108, 8); // stake_unit
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
    }

    /// @dev Each profile's weights sum to 10,000, that of randomness is at most 2,000; offsets are bounded.
    function _validateWeights(bytes memory page) private pure {
        for (uint256 profile; profile < 4; ++profile) {
            uint256 row = SCORE + 16 * profile;
            uint256 sum;
            for (uint256 f; f < 8; ++f) {
                sum += page.uintAt(row + 2 * f, 2);
            }
            if (sum != FULL) revert PolicyPage.BadPolicy(row);
            _atMost(page, row + 14, 2, 2_000);
            _atMost(page, SCORE + 64 + 8 * profile, 8, 100_000_000);
        }
    }

    function _validateHealth(bytes memory page) private pure {
        _within(page, HEALTH, 2, 1, 256); // windows
        _within(page, HEALTH + 2, 2, 31, 1_024); // seats
        _within(page, HEALTH + 4, 2, 1_000, type(uint16).max); // deadline_ms
        _within(page, HEALTH + 6, 1, 2, 16); // fails
        _atMost(page, HEALTH + 7, 1, 3); // flags
        _atLeastOne(page, HEALTH + 8, 2); // slash_windows
        _within(page, HEALTH + 12, 4, 1, MAX_WAIT); // appeal_seconds
        _atMost(page, HEALTH + 28, 4, (1 << 13) - 1); // required
        uint256 hardware = page.uintAt(HEALTH + 32, 32);
        uint256 application = page.uintAt(HEALTH + 64, 32);
        // An XID has one cause.
        if (hardware & application != 0) revert PolicyPage.BadPolicy(HEALTH + 64);
        if ((hardware | application) & page.uintAt(HEALTH + 96, 32) != 0) revert PolicyPage.BadPolicy(HEALTH + 96);
        _atMost(page, HEALTH + 138, 2, FULL); // min_width
        _atMost(page, HEALTH + 142, 2, FULL); // min_memory
        _within(page, HEALTH + 158, 4, 1, MAX_WAIT); // certify_seconds
        _atMost(page, HEALTH + 162, 2, FULL); // slash_bps
        _atLeastOne(page, HEALTH + 174, 2); // uptime_memory
        _atLeastOne(page, HEALTH + 176, 8); // reputation_memory
        _spare(page, HEALTH + 184, 72);
    }

    function _validateMoney(bytes memory page) private pure {
        _atMost(page, MONEY + 8, 2, FULL); // protocol_fee_bps
        _atMost(page, MONEY + 38, 2, FULL); // withhold_bps
        _spare(page, MONEY + 48, 12);
    }

    function _validateStanding(bytes memory page) private pure {
        if (page.uintAt(STANDING, 8) != 0) revert PolicyPage.BadPolicy(STANDING);
        for (uint256 at_ = STANDING + 8; at_ < STANDING + 40; at_ += 8) {
            // Floors ascend strictly: no tier is empty, and each price has one.
            if (page.uintAt(at_, 8) <= page.uintAt(at_ - 8, 8)) revert PolicyPage.BadPolicy(at_);
        }
        _validateLadder(page);
        _atMost(page, STANDING + 96, 2, FULL); // reward_bps
        _spare(page, STANDING + 106, 22);
    }

    /// @dev keep, rise, run, weight of seven levels. The last level's rise and run are not used, so not judged.
    function _validateLadder(bytes memory page) private pure {
        uint256 first = STANDING + 40;
        uint256 last = first + 48;
        if (page.uintAt(first, 2) != 0) revert PolicyPage.BadPolicy(first); // the lowest is always kept
        for (uint256 at_ = first; at_ < last; at_ += 8) {
            uint256 keepAbove = page.uintAt(at_ + 8, 2);
            if (keepAbove < page.uintAt(at_, 2)) revert PolicyPage.BadPolicy(at_ + 8);
            // Who rises is not dropped by the same uptime.
            _within(page, at_ + 2, 2, keepAbove, FULL);
            _atLeastOne(page, at_ + 4, 2); // run
            if (page.uintAt(at_ + 14, 2) < page.uintAt(at_ + 6, 2)) revert PolicyPage.BadPolicy(at_ + 14); // weight
        }
        _atMost(page, last + 6, 2, FULL); // the greatest weight
    }

    function _within(bytes memory page, uint256 offset, uint256 width, uint256 least, uint256 most) private pure {
        uint256 value = page.uintAt(offset, width);
        if (value < least || value > most) revert PolicyPage.BadPolicy(offset);
    }

    function _atMost(bytes memory page, uint256 offset, uint256 width, uint256 most) private pure {
        if (page.uintAt(offset, width) > most) revert PolicyPage.BadPolicy(offset);
    }

    function _atLeastOne(bytes memory page, uint256 offset, uint256 width) private pure {
        if (page.uintAt(offset, width) == 0) revert PolicyPage.BadPolicy(offset);
    }

    function _spare(bytes memory page, uint256 offset, uint256 length) private pure {
        for (uint256 i = offset; i < offset + length; ++i) {
            if (page[i] != 0) revert PolicyPage.BadPolicy(offset);
        }
    }
}
