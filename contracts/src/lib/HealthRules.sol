// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {CodePages} from "./CodePages.sol";

/// @title The fields of the policy's health section that contracts read: docs/formats.md, sections 5 and 14.
library HealthRules {
    /// @dev Where the section begins in the page, and how much of it is read.
    uint256 private constant SECTION = 3_012;
    uint256 private constant READ = 176;
    /// @dev Where `min_stake` of the score section begins, 8 bytes a tier.
    uint256 private constant MIN_STAKE = 132;

    /// @notice What contracts need of it. Checked by whoever took the policy.
    struct Rules {
        uint16 windows; // of a health epoch, 1 to 256
        uint16 seats; // of a committee
        uint16 slashWindows; // DOWN in two epochs, from which on a machine is slashed
        uint32 certifySeconds; // for lists, after the epoch
        uint32 appealSeconds; // for receipts, after that
        uint16 slashBps; // of the machine's share of stake
        uint64 bounty; // millionths, most for whoever slashes
        uint16 jailEpochs;
        uint16 uptimeMemory; // at least 1
    }

    /// @notice The section of a page in code.
    function read(address page) internal view returns (Rules memory r) {
        bytes memory section = CodePages.read(page, SECTION, READ);
        r.windows = uint16(_uint(section, 0, 2));
        r.seats = uint16(_uint(section, 2, 2));
        r.slashWindows = uint16(_uint(section, 8, 2));
        r.appealSeconds = uint32(_uint(section, 12, 4));
        r.certifySeconds = uint32(_uint(section, 158, 4));
        r.slashBps = uint16(_uint(section, 162, 2));
        r.bounty = uint64(_uint(section, 164, 8));
        r.jailEpochs = uint16(_uint(section, 172, 2));
        r.uptimeMemory = uint16(_uint(section, 174, 2));
    }

    /// @notice What a tier (0 to 7) asks for each registered GPU, in millionths of the stake token.
    function minStake(address page, uint8 tier) internal view returns (uint64) {
        return uint64(_uint(CodePages.read(page, MIN_STAKE + 8 * uint256(tier), 8), 0, 8));
    }

    /// @dev The big-endian number of `width` bytes (1 to 32) at `offset`.
    function _uint(bytes memory from, uint256 offset, uint256 width) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(add(add(from, 0x20), offset)))
        }
    }
}
