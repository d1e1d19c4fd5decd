//! What several tests need: keys, and points that are wrong in one way each.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]

use quorate_bls::{Domain, PublicKey, SecretKey, Signature};

#[path = "vectors.rs"]
pub mod vectors;

/// The base field's order.
pub const P: &str = "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
/// The groups' order.
pub const R: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";

/// The secret key of a test operator.
pub fn secret(index: u32) -> SecretKey {
    SecretKey::from_seed(&[7; 32]).unwrap().child(index)
}

/// Good votes of the first `count` test operators.
pub fn votes(count: u32, message: &[u8]) -> Vec<(PublicKey, Signature)> {
    (0..count)
        .map(secret)
        .map(|secret| (secret.public_key(), secret.sign(Domain::Vote, message)))
        .collect()
}

/// The secret key `r - k`, whose public key is that of `k`, negated.
pub fn negated(secret: &SecretKey) -> SecretKey {
    let order: [u8; 32] = array(R);
    SecretKey::from_bytes(&subtract(&order, &secret.to_bytes())).unwrap()
}

/// The sum of two secrets, mod r.
pub fn sum(a: &SecretKey, b: &SecretKey) -> SecretKey {
    // a - (r - b), plus r where that is negative.
    let (a, minus_b) = (*a.to_bytes(), *negated(b).to_bytes());
    let difference = if a > minus_b {
        subtract(&a, &minus_b)
    } else {
        subtract(&array(R), &subtract(&minus_b, &a))
    };
    SecretKey::from_bytes(&difference).unwrap()
}

/// A point of order 11 on G1's curve, so outside the subgroup.
pub fn g1_outside_subgroup() -> [u8; 96] {
    array(
        "19b3e2c8c6bbf59d3c326b531fc1e639d29200c28624ac604f251a12908c9b7f735318617f625954cc71cdf03229b1ef15d1455562b9a28d0f11a69ecd34f5a8ade01df410168a09cf16ccfbcbfc69403c7c5771a05d217a122b795529939e03",
    )
}

/// A point of G2's curve with x = 2, outside the subgroup.
pub fn g2_outside_subgroup() -> [u8; 192] {
    let mut bytes = [0; 192];
    bytes[47] = 2;
    bytes[96..144].copy_from_slice(&array::<48>("18c6b864ae17dc9da64203ffefb966306425a7bc6aeb7c75247438372716284a4173830420cd476ba1a365b95bfcec38"));
    bytes[144..].copy_from_slice(&array::<48>("172e93db764a8400a7d5071b6b6f5de0da2f0f4a063119abca014006b7c40a2cfe291a1924e65db0d6d0fcfbf3bf3d5c"));
    bytes
}

/// The same point with the first coordinate's first element not reduced: `p` more than it was.
pub fn unreduced<const N: usize>(bytes: &[u8; N]) -> [u8; N] {
    let mut out = *bytes;
    let mut carry = 0;
    for (byte, p) in out[..48].iter_mut().zip(array::<48>(P)).rev() {
        let value = u16::from(*byte) + u16::from(p) + carry;
        *byte = u8::try_from(value & 0xff).unwrap();
        carry = value >> 8;
    }
    assert_eq!(carry, 0, "fits 48 bytes");
    out
}

/// The negative of a signature: `p - y`.
pub fn negative(signature: &Signature) -> Signature {
    let mut bytes = signature.to_bytes96();
    let y: [u8; 48] = bytes[48..].try_into().unwrap();
    bytes[48..].copy_from_slice(&subtract(&array::<48>(P), &y));
    Signature::from_bytes96(&bytes).unwrap()
}

/// Hex as an array.
pub fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// `a - b`, big-endian; `a` is the larger.
fn subtract<const N: usize>(a: &[u8; N], b: &[u8; N]) -> [u8; N] {
    let mut out = [0; N];
    let mut borrow = 0;
    for ((out, a), b) in out.iter_mut().zip(a).zip(b).rev() {
        let value = i16::from(*a) - i16::from(*b) - borrow;
        borrow = i16::from(value < 0);
        *out = u8::try_from(value.rem_euclid(256)).unwrap();
    }
    assert_eq!(borrow, 0, "the first is the larger");
    out
}
