// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title How long after a refutation signers of refuted rounds may still be struck, in 8 bits.
/// @dev A round's signers can be struck as long as its digest is kept: for a lap of the ring. An alert's mark is the part
/// of a lap, modulo 255 and plus 1, in which the newest round lay when the last refutation came; no refuted round lies
/// behind it. So an alert never ends too early. It may end up to two parts later than it could, and where no
/// round was settled for some laps, another lap later: then strikes are asked in vain, which costs gas and nothing else.
library Alerts {
    /// @dev Parts of a lap. From a round to the last that keeps its digest it is at most so many.
    uint256 private constant PARTS = 64;
    uint256 private constant NUMBERS = 255;

    /// @notice The mark of a refutation while round `newest` is the newest: 1 to 255.
    function mark(uint256 newest, uint256 ring) internal pure returns (uint256) {
        unchecked {
            return _partOf(newest, ring) + 1; // of 0 to 254
        }
    }

    /// @notice Whether what was refuted when the alert was marked may still be struck when round `newest` is the newest.
    function holds(uint256 mark_, uint256 newest, uint256 ring) internal pure returns (bool) {
        unchecked {
            return (_partOf(newest, ring) + NUMBERS + 1 - mark_) % NUMBERS <= PARTS; // a mark is at most `NUMBERS`
        }
    }

    /// @dev `ring` is not zero: `Schedules` sees to it.
    function _partOf(uint256 n, uint256 ring) private pure returns (uint256) {
        unchecked {
            return n / ((ring + PARTS - 1) / PARTS) % NUMBERS; // of 32 bits
        }
    }
}
