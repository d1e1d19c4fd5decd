//! Byte forms: 48-byte field elements, joined or left-padded to 64 bytes as EIP-2537 wants them.

use std::fmt::Write as _;

use crate::{BlsError, raw};

/// Bytes of a field element.
const ELEMENT: usize = 48;
/// Bytes of a field element as EIP-2537 pads it.
const PADDED: usize = 64;
/// The bits of an element's first byte that no reduced element has, and in which ZCash's forms
/// keep their flags.
const FLAGS: u8 = 0xe0;

/// Refuses flag bits and, as one that has a name of its own, the all-zero form that EIP-2537 gives
/// to infinity. What is left for the decoder is to compare with the field's order.
pub(crate) fn refuse_unreduced(bytes: &[u8]) -> Result<(), BlsError> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(BlsError::Infinity);
    }
    let flagged = |element: &[u8]| element.first().is_some_and(|byte| byte & FLAGS != 0);
    if bytes.chunks_exact(ELEMENT).any(flagged) {
        return Err(BlsError::NotCanonical);
    }
    Ok(())
}

/// Exchanges the halves of both coordinates of a G2 point: from `c0 ‖ c1`, which EIP-2537 and
/// docs/formats.md use, to ZCash's `c1 ‖ c0`, and back.
pub(crate) fn swap_halves(bytes: &[u8; 192]) -> [u8; 192] {
    let mut out = *bytes;
    for coordinate in out.chunks_exact_mut(2 * ELEMENT) {
        coordinate.rotate_left(ELEMENT);
    }
    out
}

/// Left-pads each element to 64 bytes. `WIDE` is `NARROW / 48 * 64`.
pub(crate) fn pad<const NARROW: usize, const WIDE: usize>(bytes: &[u8; NARROW]) -> [u8; WIDE] {
    let mut out = [0; WIDE];
    for (wide, narrow) in out
        .chunks_exact_mut(PADDED)
        .zip(bytes.chunks_exact(ELEMENT))
    {
        let element = wide.iter_mut().skip(PADDED - ELEMENT);
        element.zip(narrow).for_each(|(to, from)| *to = *from);
    }
    out
}

/// Takes the padding away, and refuses any that is not zero.
pub(crate) fn unpad<const NARROW: usize, const WIDE: usize>(
    bytes: &[u8; WIDE],
) -> Result<[u8; NARROW], BlsError> {
    let mut out = [0; NARROW];
    for (wide, narrow) in bytes
        .chunks_exact(PADDED)
        .zip(out.chunks_exact_mut(ELEMENT))
    {
        let (padding, element) = wide.split_at(PADDED - ELEMENT);
        if padding.iter().any(|byte| *byte != 0) {
            return Err(BlsError::NotCanonical);
        }
        narrow.copy_from_slice(element);
    }
    Ok(out)
}

/// Hashes a message to G1 (RFC 9380, `BLS12381G1_XMD:SHA-256_SSWU_RO_`) and returns the point in
/// EIP-2537's form. Public so that another implementation can be compared step by step; verifying
/// does not need it.
#[must_use]
pub fn hash_to_g1(message: &[u8], tag: &[u8]) -> [u8; 128] {
    raw::g1::affine(&raw::hash_to_g1(message, tag))
        .map_or([0; 128], |point| pad(&raw::g1::serialize(&point)))
}

/// Writes `Name(0x...)`.
pub(crate) fn debug_hex(
    f: &mut std::fmt::Formatter<'_>,
    name: &str,
    bytes: &[u8],
) -> std::fmt::Result {
    let hex = bytes.iter().fold(
        String::with_capacity(bytes.len().saturating_mul(2)),
        |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        },
    );
    write!(f, "{name}(0x{hex})")
}
