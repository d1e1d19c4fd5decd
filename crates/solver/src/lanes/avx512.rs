//! AVX-512.
#![allow(unsafe_code, reason = "intrinsics that the processor may lack")]

use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadl_epi64, _mm_loadu_si128, _mm256_add_epi32, _mm256_cmpge_epi32_mask,
    _mm256_cmpge_epu32_mask, _mm256_cmple_epu32_mask, _mm256_cvtepu8_epi32, _mm256_cvtepu16_epi32,
    _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256, _mm512_add_epi32, _mm512_add_epi64,
    _mm512_and_si512, _mm512_cmpge_epi32_mask, _mm512_cvtepi64_epi32, _mm512_loadu_si512,
    _mm512_mask_reduce_max_epi32, _mm512_mul_epu32, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_srli_epi64, _mm512_xor_si512,
};

use super::{CELLS, Lanes, NONE, Query, Work};
use crate::block::{Block, LANES};

/// The constants of `fold`; a test holds them against it.
const FOLD_REQUEST: u64 = 0x9E37_79B9_7F4A_7C15;
const FOLD_OFFER: u64 = 0xD1B5_4A32_D192_ED03;

/// Says that the processor has AVX-512 F and VL: only [`Avx512::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        has.then_some(Self(()))
    }

    /// Runs work compiled for these registers.
    pub(crate) fn work<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx512f,avx512vl")]
        fn inner<W: Work>(lanes: Avx512, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: the processor has the features, as `self` says.
        unsafe { inner(self, work) }
    }
}

impl Lanes for Avx512 {
    #[inline(always)]
    fn cells(self, heads: &[i32; CELLS], near: &[i32; CELLS], floor: i32) -> u16 {
        // SAFETY: the processor has the features, as `self` says.
        unsafe { cells(heads, near, floor) }
    }

    #[inline(always)]
    fn most(self, heads: &[i32; CELLS], near: &[i32; CELLS], mask: u16) -> i32 {
        // SAFETY: the processor has the features, as `self` says.
        unsafe { most(heads, near, mask) }
    }

    #[inline(always)]
    fn tops(self, heads: &[i32; LANES], floor: i32) -> u8 {
        // SAFETY: the processor has the features, as `self` says.
        unsafe { tops(heads, floor) }
    }

    #[inline(always)]
    fn slots(self, query: &Query, block: &Block, floor: i32) -> (u8, [i32; LANES]) {
        // SAFETY: the processor has the features, as `self` says.
        unsafe { slots(query, block, floor) }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn sums(heads: &[i32; CELLS], near: &[i32; CELLS]) -> __m512i {
    // SAFETY: both arrays hold sixteen numbers of 32 bits.
    let (heads, near) = unsafe {
        (
            _mm512_loadu_si512(heads.as_ptr().cast()),
            _mm512_loadu_si512(near.as_ptr().cast()),
        )
    };
    _mm512_add_epi32(heads, near)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn cells(heads: &[i32; CELLS], near: &[i32; CELLS], floor: i32) -> u16 {
    _mm512_cmpge_epi32_mask(sums(heads, near), _mm512_set1_epi32(floor))
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn most(heads: &[i32; CELLS], near: &[i32; CELLS], mask: u16) -> i32 {
    _mm512_mask_reduce_max_epi32(mask, sums(heads, near)).max(NONE)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn tops(heads: &[i32; LANES], floor: i32) -> u8 {
    // SAFETY: the array holds eight numbers of 32 bits.
    let heads = unsafe { _mm256_loadu_si256(heads.as_ptr().cast()) };
    _mm256_cmpge_epi32_mask(heads, _mm256_set1_epi32(floor))
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn slots(query: &Query, block: &Block, floor: i32) -> (u8, [i32; LANES]) {
    // SAFETY: each array of a block holds eight numbers of its width.
    let (part, ask, uptime, left) = unsafe {
        (
            _mm256_loadu_si256(block.part.as_ptr().cast()),
            _mm256_loadu_si256(block.ask.as_ptr().cast()),
            _mm_loadu_si128(block.uptime.as_ptr().cast()),
            _mm_loadl_epi64(block.left.as_ptr().cast()),
        )
    };
    let uptime = _mm256_cvtepu16_epi32(uptime);
    let left = _mm256_cvtepu8_epi32(left);
    let mask = _mm256_cmple_epu32_mask(ask, all(query.budget))
        & _mm256_cmpge_epu32_mask(uptime, all(u32::from(query.min_uptime)))
        & _mm256_cmpge_epu32_mask(left, all(u32::from(query.gpus)));
    let mut scores = [0; LANES];
    if mask == 0 {
        return (0, scores);
    }
    // SAFETY: the array holds eight numbers of 64 bits.
    let keys = unsafe { _mm512_loadu_si512(block.key.as_ptr().cast()) };
    let luck = lottery(keys, query.key ^ FOLD_REQUEST);
    let weight = _mm512_set1_epi64(i64::from(query.weight));
    let luck = _mm512_cvtepi64_epi32(_mm512_mul_epu32(luck, weight));
    let score = _mm256_add_epi32(_mm256_add_epi32(part, all(query.base)), luck);
    // SAFETY: the array holds eight numbers of 32 bits.
    unsafe { _mm256_storeu_si256(scores.as_mut_ptr().cast(), score) };
    let high = _mm256_cmpge_epi32_mask(score, _mm256_set1_epi32(floor));
    (mask & high, scores)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn all(value: u32) -> __m256i {
    _mm256_set1_epi32(value.cast_signed())
}

/// The jitter of eight pairs: the upper 32 bits of the folded product, scaled.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn lottery(keys: __m512i, request: u64) -> __m512i {
    let word = _mm512_set1_epi64(0xffff_ffff);
    let low = _mm512_set1_epi64(request.cast_signed());
    let high = _mm512_set1_epi64((request >> 32).cast_signed());
    let other = _mm512_xor_si512(keys, _mm512_set1_epi64(FOLD_OFFER.cast_signed()));
    let other_high = _mm512_srli_epi64::<32>(other);
    let low_low = _mm512_mul_epu32(low, other);
    let cross = _mm512_mul_epu32(high, other);
    let cross = _mm512_add_epi64(cross, _mm512_srli_epi64::<32>(low_low));
    let second = _mm512_mul_epu32(low, other_high);
    let second = _mm512_add_epi64(second, _mm512_and_si512(cross, word));
    let top = _mm512_mul_epu32(high, other_high);
    let top = _mm512_add_epi64(top, _mm512_srli_epi64::<32>(cross));
    let top = _mm512_add_epi64(top, _mm512_srli_epi64::<32>(second));
    // The product's highest 32 bits XOR the upper half of its low word.
    let upper = _mm512_xor_si512(_mm512_srli_epi64::<32>(top), _mm512_and_si512(second, word));
    let scale = _mm512_set1_epi64(10_001);
    _mm512_srli_epi64::<32>(_mm512_mul_epu32(upper, scale))
}
