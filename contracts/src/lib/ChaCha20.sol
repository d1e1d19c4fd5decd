// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The block function of ChaCha20 (RFC 8439, section 2.3), of which a caller asks one 64-bit word.
/// @notice The counter has 64 bits and the nonce 64 (words 12, 13 and 14, 15 of the state), as in the cipher's first
/// publication; the state is the same as the RFC's with the counter's high word as the first word of its nonce.
/// @dev The state's four rows lie in four 256-bit words, each with its four 32-bit words in lanes of 64 bits, the
/// first on top. One addition adds a whole row. Rows that are only added to keep their carries above the 32 bits:
/// forty additions fill six bits of the 32 that are spare. A lane is cut back when it is mixed into another row.
library ChaCha20 {
    /// @dev "expand 32-byte k"
    uint256 private constant CONSTANTS = 0x0000000061707865000000003320646e0000000079622d32000000006b206574;
    uint256 private constant LANES = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    /// @dev Times this, a 32-bit lane stands twice in its 64 bits, and a shift of that is a rotation.
    uint256 private constant TWICE = 0x100000001;

    /// @notice A key as the state holds it, to be worked out once for many blocks.
    struct Key {
        uint256 b; // the second row
        uint256 c; // the third row
    }

    /// @notice A key of 32 bytes, in the order of the RFC.
    function load(bytes32 key) internal pure returns (Key memory k) {
        uint256 swapped = _swap(uint256(key));
        (k.b, k.c) = (_spread(swapped >> 128), _spread(swapped & type(uint128).max));
    }

    /// @notice Word `index` (0 to 7; little-endian, 64 bits) of the block.
    /// @param counter number of the block, @param nonce number of the stream: both 64 bits
    function word(Key memory k, uint256 counter, uint256 nonce, uint256 index) internal pure returns (uint256 value) {
        uint256 d = (counter & 0xffffffff) << 192 | (counter >> 32 & 0xffffffff) << 128 | (nonce & 0xffffffff) << 64
            | (nonce >> 32 & 0xffffffff);
        uint256 row = _row(k.b, k.c, d, index >> 1);
        // The two 32-bit words of the upper or of the lower half of the row, the second one on top.
        if (index & 1 == 0) row >>= 128;
        return (row & 0xffffffff) << 32 | row >> 64 & 0xffffffff;
    }

    /// @dev Twenty rounds on the state, then the state that they began with added: row `which` of the block.
    function _row(uint256 b0, uint256 c0, uint256 d0, uint256 which) private pure returns (uint256 row) {
        assembly ("memory-safe") {
            // On the stack: the optimizer would work constants out anew at every use.
            let lanes := LANES
            let twice := TWICE
            let a := CONSTANTS
            let b := b0
            let c := c0
            let d := d0
            for { let i := 10 } i { i := sub(i, 1) } {
                // four quarter rounds, on the columns
                a := add(a, b)
                d := and(shr(16, mul(and(xor(d, a), lanes), twice)), lanes)
                c := add(c, d)
                b := and(shr(20, mul(and(xor(b, c), lanes), twice)), lanes)
                a := add(a, b)
                d := and(shr(24, mul(and(xor(d, a), lanes), twice)), lanes)
                c := add(c, d)
                b := and(shr(25, mul(and(xor(b, c), lanes), twice)), lanes)
                // and four on the diagonals: the rows turned by one, two and three lanes, and back
                b := or(shl(64, b), shr(192, b))
                c := or(shl(128, c), shr(128, c))
                d := or(shr(64, d), shl(192, d))
                a := add(a, b)
                d := and(shr(16, mul(and(xor(d, a), lanes), twice)), lanes)
                c := add(c, d)
                b := and(shr(20, mul(and(xor(b, c), lanes), twice)), lanes)
                a := add(a, b)
                d := and(shr(24, mul(and(xor(d, a), lanes), twice)), lanes)
                c := add(c, d)
                b := and(shr(25, mul(and(xor(b, c), lanes), twice)), lanes)
                b := or(shr(64, b), shl(192, b))
                c := or(shl(128, c), shr(128, c))
                d := or(shl(64, d), shr(192, d))
            }
            switch which
            case 0 { row := add(a, CONSTANTS) }
            case 1 { row := add(b, b0) }
            case 2 { row := add(c, c0) }
            default { row := add(d, d0) }
        }
    }

    /// @dev Turns the four bytes of each 32-bit word round.
    function _swap(uint256 v) private pure returns (uint256) {
        uint256 bytes_ = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        uint256 pairs = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        v = (v & bytes_) << 8 | v >> 8 & bytes_;
        return (v & pairs) << 16 | v >> 16 & pairs;
    }

    /// @dev Four 32-bit words, joined in 128 bits, each into a lane of 64.
    function _spread(uint256 v) private pure returns (uint256) {
        v = (v >> 64) << 128 | v & type(uint64).max;
        return (v | v << 32) & LANES;
    }
}
