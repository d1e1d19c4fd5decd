//! Numbers drawn from hashes.

use quorate_canon::Digest;
use quorate_canon::codec::Reader;

/// `draw x span div 2^64`: below `span`, or 0 where it is 0.
pub(crate) fn scaled(draw: u64, span: u64) -> u64 {
    // The product of two numbers below 2^64 fits in 128 bits.
    let product = u128::from(draw).saturating_mul(span.into());
    u64::try_from(product >> 64).unwrap_or(u64::MAX)
}

/// The first 24 bytes of a hash as three numbers.
pub(crate) fn numbers(hash: &Digest) -> [u64; 3] {
    let mut input = Reader::new(&hash.0);
    // 32 bytes hold them.
    [0; 3].map(|_: u64| input.value().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_scaled_to_its_span() {
        assert_eq!(scaled(u64::MAX, 0), 0);
        assert_eq!(scaled(u64::MAX, 16), 15);
        assert_eq!(scaled(1 << 63, 16), 8);
        assert_eq!(scaled((1 << 63) - 1, 16), 7);
        assert_eq!(scaled(u64::MAX, u64::MAX), u64::MAX - 1);
    }

    #[test]
    fn a_hash_begins_with_three_big_endian_numbers() {
        let mut hash = [9; 32];
        for (at, byte) in hash.iter_mut().take(24).enumerate() {
            *byte = if at % 8 == 7 {
                1 + u8::try_from(at / 8).unwrap()
            } else {
                0
            };
        }
        assert_eq!(numbers(&Digest(hash)), [1, 2, 3]);
    }
}
