//! The only file that calls blst's C functions: each wrapper is safe for every argument its types
//! allow. Everything above it is safe Rust.
//!
//! Points here are on their curve (the decoders see to it); the subgroup is the callers' business.
#![allow(unsafe_code)]

use std::ptr;

use blst::*;

use crate::BlsError;

pub(crate) type G1 = blst_p1_affine;
pub(crate) type G2 = blst_p2_affine;

fn decoded(code: BLST_ERROR) -> Result<(), BlsError> {
    match code {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        BLST_ERROR::BLST_POINT_NOT_ON_CURVE => Err(BlsError::NotOnCurve),
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Err(BlsError::NotInSubgroup),
        BLST_ERROR::BLST_PK_IS_INFINITY => Err(BlsError::Infinity),
        _ => Err(BlsError::NotCanonical),
    }
}

macro_rules! group {
    (
        $module:ident, $affine:ty, $point:ty, $uncompressed:literal, $compressed:literal,
        $deserialize:ident, $uncompress:ident, $serialize:ident, $compress:ident, $in_group:ident,
        $affine_is_inf:ident, $is_inf:ident, $to_affine:ident, $cneg:ident,
        $add:ident, $sum:ident, $msm:ident, $msm_scratch:ident
    ) => {
        pub(crate) mod $module {
            use super::*;

            /// Decodes ZCash's uncompressed form: reduced coordinates, on the curve, not infinity.
            pub(crate) fn deserialize(bytes: &[u8; $uncompressed]) -> Result<$affine, BlsError> {
                let mut out = <$affine>::default();
                // SAFETY: without the compression flag blst reads exactly the uncompressed width,
                // with it only half of that; `bytes` holds all of it. `out` is a valid point to write.
                decoded(unsafe { $deserialize(&mut out, bytes.as_ptr()) })?;
                finite(out)
            }

            /// Decodes ZCash's compressed form: reduced coordinate, on the curve, not infinity.
            pub(crate) fn uncompress(bytes: &[u8; $compressed]) -> Result<$affine, BlsError> {
                let mut out = <$affine>::default();
                // SAFETY: blst reads exactly the compressed width. `out` is a valid point to write.
                decoded(unsafe { $uncompress(&mut out, bytes.as_ptr()) })?;
                finite(out)
            }

            fn finite(point: $affine) -> Result<$affine, BlsError> {
                // SAFETY: a plain read of a valid point.
                if unsafe { $affine_is_inf(&point) } {
                    return Err(BlsError::Infinity);
                }
                Ok(point)
            }

            /// ZCash's uncompressed form.
            pub(crate) fn serialize(point: &$affine) -> [u8; $uncompressed] {
                let mut out = [0; $uncompressed];
                // SAFETY: blst writes exactly the uncompressed width.
                unsafe { $serialize(out.as_mut_ptr(), point) };
                out
            }

            /// ZCash's compressed form.
            pub(crate) fn compress(point: &$affine) -> [u8; $compressed] {
                let mut out = [0; $compressed];
                // SAFETY: blst writes exactly the compressed width.
                unsafe { $compress(out.as_mut_ptr(), point) };
                out
            }

            /// Whether the point lies in the prime-order subgroup.
            pub(crate) fn in_group(point: &$affine) -> bool {
                // SAFETY: a plain read of a valid point.
                unsafe { $in_group(point) }
            }

            /// The affine form, or `None` for infinity.
            pub(crate) fn affine(point: &$point) -> Option<$affine> {
                // SAFETY: a plain read of a valid point.
                if unsafe { $is_inf(point) } {
                    return None;
                }
                let mut out = <$affine>::default();
                // SAFETY: reads one valid point, writes another.
                unsafe { $to_affine(&mut out, point) };
                Some(out)
            }

            pub(crate) fn add(a: &$point, b: &$point) -> $point {
                let mut out = <$point>::default();
                // SAFETY: reads two valid points, writes a third; equal and opposite ones included.
                unsafe { $add(&mut out, a, b) };
                out
            }

            pub(crate) fn negate(mut point: $point) -> $point {
                // SAFETY: changes one valid point in place.
                unsafe { $cneg(&mut point, true) };
                point
            }

            /// The sum of all points; infinity for none. One thread.
            pub(crate) fn sum(points: &[&$affine]) -> $point {
                let mut out = <$point>::default();
                if points.is_empty() {
                    return out;
                }
                // SAFETY: `&T` and `*const T` have the same layout, and blst reads exactly
                // `points.len()` pointers, each to a valid point.
                unsafe { $sum(&mut out, points.as_ptr().cast(), points.len()) };
                out
            }

            /// The sum of `scalars[i] x points[i]`; scalars are little-endian, of `BYTES` bytes.
            /// Infinity for none; what is missing of the longer list is ignored. One thread.
            pub(crate) fn multiply_sum<const BYTES: usize>(
                points: &[&$affine],
                scalars: &[[u8; BYTES]],
            ) -> $point {
                let count = points.len().min(scalars.len());
                let mut out = <$point>::default();
                if count == 0 {
                    return out;
                }
                let scalars: Vec<&[u8; BYTES]> = scalars.iter().collect();
                // SAFETY: pure arithmetic on a length.
                let words = unsafe { $msm_scratch(count) }.div_ceil(8);
                let mut scratch = vec![0u64; words];
                // SAFETY: blst reads `count` pointers from each list (both are at least that
                // long), `BYTES` bytes behind each scalar's, and uses the scratch it asked for.
                unsafe {
                    $msm(
                        &mut out,
                        points.as_ptr().cast(),
                        count,
                        scalars.as_ptr().cast(),
                        BYTES.saturating_mul(8),
                        scratch.as_mut_ptr(),
                    );
                }
                out
            }
        }
    };
}

group!(
    g1,
    blst_p1_affine,
    blst_p1,
    96,
    48,
    blst_p1_deserialize,
    blst_p1_uncompress,
    blst_p1_affine_serialize,
    blst_p1_affine_compress,
    blst_p1_affine_in_g1,
    blst_p1_affine_is_inf,
    blst_p1_is_inf,
    blst_p1_to_affine,
    blst_p1_cneg,
    blst_p1_add_or_double,
    blst_p1s_add,
    blst_p1s_mult_pippenger,
    blst_p1s_mult_pippenger_scratch_sizeof
);
group!(
    g2,
    blst_p2_affine,
    blst_p2,
    192,
    96,
    blst_p2_deserialize,
    blst_p2_uncompress,
    blst_p2_affine_serialize,
    blst_p2_affine_compress,
    blst_p2_affine_in_g2,
    blst_p2_affine_is_inf,
    blst_p2_is_inf,
    blst_p2_to_affine,
    blst_p2_cneg,
    blst_p2_add_or_double,
    blst_p2s_add,
    blst_p2s_mult_pippenger,
    blst_p2s_mult_pippenger_scratch_sizeof
);

/// `hash_to_curve` of RFC 9380, suite `BLS12381G1_XMD:SHA-256_SSWU_RO_`.
pub(crate) fn hash_to_g1(message: &[u8], tag: &[u8]) -> blst_p1 {
    let mut out = blst_p1::default();
    // SAFETY: blst reads the slices within their lengths; no augmentation is given.
    unsafe {
        blst_hash_to_g1(
            &mut out,
            message.as_ptr(),
            message.len(),
            tag.as_ptr(),
            tag.len(),
            ptr::null(),
            0,
        );
    }
    out
}

/// The generator of G2.
pub(crate) fn g2_generator() -> blst_p2_affine {
    // SAFETY: blst returns a pointer to a constant.
    unsafe { *blst_p2_affine_generator() }
}

/// The product of the pairings of all pairs, after the final exponentiation: one for none. Points
/// are finite. One thread, whatever the machine has: blst's own wrapper would take them all.
pub(crate) fn pairing_product(pairs: &[(blst_p1_affine, blst_p2_affine)]) -> blst_fp12 {
    let mut out = blst_fp12::default();
    if pairs.is_empty() {
        return out;
    }
    let ps: Vec<*const blst_p1_affine> = pairs.iter().map(|(p, _)| ptr::from_ref(p)).collect();
    let qs: Vec<*const blst_p2_affine> = pairs.iter().map(|(_, q)| ptr::from_ref(q)).collect();
    // SAFETY: blst reads `pairs.len()` pointers from each list, each to a valid point, and writes
    // `out`; its default, one, is a valid element.
    unsafe { blst_miller_loop_n(&mut out, qs.as_ptr(), ps.as_ptr(), pairs.len()) };
    out.final_exp()
}

/// The sum of two elements of the pairing's target group, written additively.
pub(crate) fn gt_add(a: &blst_fp12, b: &blst_fp12) -> blst_fp12 {
    let mut out = blst_fp12::default();
    // SAFETY: reads two valid elements, writes a third.
    unsafe { blst_fp12_mul(&mut out, a, b) };
    out
}

/// The negative of an element of the target group: there, the conjugate.
pub(crate) fn gt_negate(mut element: blst_fp12) -> blst_fp12 {
    // SAFETY: changes one valid element in place.
    unsafe { blst_fp12_conjugate(&mut element) };
    element
}
