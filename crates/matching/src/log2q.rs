//! The logarithm that prices and stakes are compared on.

use crate::num::halves;

/// 2^16 log2(x), rounded down as the procedure of `docs/formats.md` section 6 does it: bit by bit,
/// by squaring a 64-bit mantissa. That procedure is the definition.
///
/// Monotone, and exact at powers of two. 0 for 0, which no valid record holds.
#[must_use]
pub fn log2q(x: u64) -> u32 {
    let Some(exponent) = x.checked_ilog2() else {
        return 0;
    };
    let mut mantissa = x << x.leading_zeros();
    let mut result = exponent;
    for _ in 0..16 {
        // The mantissa lies in [2^63, 2^64), its square in [2^126, 2^128).
        let square = u128::from(mantissa).wrapping_mul(u128::from(mantissa));
        let (high, low) = halves(square);
        let carry = high >> 63 == 1;
        mantissa = if carry {
            high
        } else {
            (high << 1) | (low >> 63)
        };
        result = (result << 1) | u32::from(carry);
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::log2q;

    #[test]
    fn powers_of_two_are_exact() {
        for exponent in 0..64 {
            assert_eq!(log2q(1 << exponent), exponent << 16);
        }
        assert_eq!(log2q(u64::MAX), (64 << 16) - 1);
    }

    #[test]
    fn zero_has_an_answer() {
        assert_eq!(log2q(0), 0);
    }

    #[test]
    fn it_never_falls_over_all_small_numbers() {
        assert!((1..200_000).all(|x| log2q(x) <= log2q(x + 1)));
    }

    proptest! {
        #[test]
        fn it_never_falls(x in 1..u64::MAX) {
            prop_assert!(log2q(x) <= log2q(x + 1));
        }

        #[test]
        fn doubling_adds_one_octave(x in 1..u64::MAX / 2) {
            prop_assert_eq!(log2q(2 * x), log2q(x) + (1 << 16));
        }
    }
}
