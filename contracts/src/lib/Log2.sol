// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";

/// @title The logarithm that prices and stakes are compared on: docs/formats.md, section 6.
library Log2 {
    /// @notice 2^16 times the binary logarithm of a 64-bit number, rounded down bit by bit. 0 for 0, which no
    /// valid record holds.
    /// @dev The format's procedure is the definition: a mantissa of 64 bits is squared sixteen times.
    function log2q(uint256 x) internal pure returns (uint256 r) {
        if (x == 0) return 0;
        r = LibBit.fls(x);
        assembly ("memory-safe") {
            let m := shl(sub(63, r), x)
            let carry
            // Eight squarings a turn: the turn itself costs as much as one.
            for { let i := 2 } i { i := sub(i, 1) } {
                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)

                m := shr(63, mul(m, m))
                carry := shr(64, m)
                r := add(add(r, r), carry)
                m := shr(carry, m)
            }
        }
    }
}
