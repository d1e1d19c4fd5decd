// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What share of the sampled work each operator is shown to have done (docs/formats.md, section 15).
/// @dev Words of bits lie as in the bitmaps of certificates: bytes from the left, bits within a byte from the right.
library Shares {
    uint256 private constant FULL = 10_000;
    /// @dev An operator's mark: the weight of the counted rounds in which it is shown, its seats in counted probes in
    /// which it is shown, and all its seats in counted probes; 32 bits each, from the right.
    uint256 private constant SHOWN_SEAT = 1 << 32;
    uint256 private constant SEAT = 1 << 64;

    /// @notice What has been counted so far.
    struct Work {
        uint256 weight; // of the rounds that count
        uint256 probes; // that count
        uint256[] marks; // by operator index, and room up to a whole word of bits
        uint256[] stakes; // the same
        uint256 total; // of the stakes
    }

    /// @notice Nothing counted, for the operators of a table.
    /// @param stakes 16 bytes for each of them
    function begin(bytes memory stakes) internal pure returns (Work memory w) {
        uint256 operators = stakes.length / 16;
        uint256 room = (operators + 255) / 256 * 256;
        (w.marks, w.stakes) = (new uint256[](room), new uint256[](room));
        for (uint256 i; i < operators; ++i) {
            uint256 stake;
            assembly ("memory-safe") {
                stake := shr(128, mload(add(add(stakes, 32), shl(4, i))))
            }
            w.stakes[i] = stake;
            w.total += stake;
        }
    }

    /// @notice Counts a round, if operators with more than half of the stake are shown in it. Else one who has signed
    /// what all others were right not to sign could turn it against them.
    /// @param shown a word for each 256 operators
    /// @param weight of the round, not 0
    function addRound(Work memory w, uint256[] memory shown, uint256 weight) internal pure {
        if (2 * _mark(w, shown, weight) > w.total) {
            w.weight += weight;
            return;
        }
        unchecked {
            _mark(w, shown, 0 - weight);
        }
    }

    /// @notice Counts a probe, if more than half of its committee's seats are shown.
    /// @param seats the operator index of each seat
    function addProbe(Work memory w, uint256[] memory shown, uint256[] memory seats) internal pure {
        uint256 held;
        assembly ("memory-safe") {
            let end := add(seats, shl(5, add(mload(seats), 1)))
            for { let seat := add(seats, 32) } lt(seat, end) { seat := add(seat, 32) } {
                let holder := mload(seat)
                let word := mload(add(shown, shl(5, add(shr(8, holder), 1))))
                held := add(held, and(shr(xor(and(not(holder), 0xff), 7), word), 1))
            }
        }
        if (2 * held <= seats.length) return;
        ++w.probes;
        assembly ("memory-safe") {
            let marks := add(mload(add(w, 64)), 32)
            let end := add(seats, shl(5, add(mload(seats), 1)))
            for { let seat := add(seats, 32) } lt(seat, end) { seat := add(seat, 32) } {
                let holder := mload(seat)
                let word := mload(add(shown, shl(5, add(shr(8, holder), 1))))
                let bit := and(shr(xor(and(not(holder), 0xff), 7), word), 1)
                let mark := add(marks, shl(5, holder))
                mstore(mark, add(mload(mark), add(SEAT, mul(bit, SHOWN_SEAT))))
            }
        }
    }

    /// @notice The share of each operator, basis points.
    /// @param operators how many the table has
    function all(Work memory w, uint256 operators) internal pure returns (uint16[] memory shares) {
        shares = new uint16[](operators);
        if (w.weight == 0) return shares;
        for (uint256 i; i < operators; ++i) {
            if (w.stakes[i] != 0) shares[i] = _share(w.marks[i], w.weight);
        }
    }

    /// @dev Adds a weight, modulo 2^256, to the marks of all who are shown. Returns their stake: indices that nobody has
    /// hold none.
    function _mark(Work memory w, uint256[] memory shown, uint256 weight) private pure returns (uint256 held) {
        assembly ("memory-safe") {
            let marks := add(mload(add(w, 64)), 32)
            let stakes := sub(add(mload(add(w, 96)), 32), marks)
            let words := mload(shown)
            for { let i := 0 } lt(i, words) { i := add(i, 1) } {
                let word := mload(add(shown, shl(5, add(i, 1))))
                for {} word {} {
                    let place := clz(word)
                    word := xor(word, shr(place, shl(255, 1)))
                    let mark := add(marks, shl(5, add(shl(8, i), xor(place, 7))))
                    mstore(mark, add(mload(mark), weight))
                    held := add(held, mload(add(mark, stakes)))
                }
            }
        }
    }

    function _share(uint256 mark, uint256 weight) private pure returns (uint16) {
        uint256 a = FULL * uint32(mark) / weight;
        uint256 seats = mark >> 64;
        uint256 b = seats == 0 ? a : FULL * uint32(mark >> 32) / seats;
        return uint16((a + b) / 2);
    }
}
