//! AVX2: eight slots in two halves of four products each.
#![allow(unsafe_code, reason = "intrinsics that the processor may lack")]

use std::arch::x86_64::{
    __m256i, _mm_loadl_epi64, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_epi64,
    _mm256_and_si256, _mm256_blendv_epi8, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_cvtepu8_epi32, _mm256_cvtepu16_epi32,
    _mm256_loadu_si256, _mm256_max_epi32, _mm256_max_epu32, _mm256_movemask_ps, _mm256_mul_epu32,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi32,
    _mm256_shuffle_ps, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::{CELLS, Lanes, NONE, Query, Work};
use crate::block::{Block, LANES};

/// The constants of `fold`; a test holds them against it.
const FOLD_REQUEST: u64 = 0x9E37_79B9_7F4A_7C15;
const FOLD_OFFER: u64 = 0xD1B5_4A32_D192_ED03;

/// Says that the processor has AVX2: only [`Avx2::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Runs work compiled for these registers.
    pub(crate) fn work<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2")]
        fn inner<W: Work>(lanes: Avx2, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: the processor has the feature, as `self` says.
        unsafe { inner(self, work) }
    }
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn cells(self, heads: &[i32; CELLS], near: &[i32; CELLS], floor: i32) -> u16 {
        // SAFETY: the processor has the feature, as `self` says.
        unsafe { cells(heads, near, floor) }
    }

    #[inline(always)]
    fn most(self, heads: &[i32; CELLS], near: &[i32; CELLS], mask: u16) -> i32 {
        // SAFETY: the processor has the feature, as `self` says.
        unsafe { most(heads, near, mask) }
    }

    #[inline(always)]
    fn tops(self, heads: &[i32; LANES], floor: i32) -> u8 {
        // SAFETY: the processor has the feature, as `self` says.
        unsafe { tops(heads, floor) }
    }

    #[inline(always)]
    fn slots(self, query: &Query, block: &Block, floor: i32) -> (u8, [i32; LANES]) {
        // SAFETY: the processor has the feature, as `self` says.
        unsafe { slots(query, block, floor) }
    }
}

/// Heads plus near, eight and eight.
#[inline]
#[target_feature(enable = "avx2")]
fn sums(heads: &[i32; CELLS], near: &[i32; CELLS]) -> [__m256i; 2] {
    let half = |at: usize| {
        let (heads, near) = (&heads[at..at + LANES], &near[at..at + LANES]);
        // SAFETY: both slices hold eight numbers of 32 bits.
        unsafe {
            _mm256_add_epi32(
                _mm256_loadu_si256(heads.as_ptr().cast()),
                _mm256_loadu_si256(near.as_ptr().cast()),
            )
        }
    };
    [half(0), half(LANES)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn cells(heads: &[i32; CELLS], near: &[i32; CELLS], floor: i32) -> u16 {
    let floor = _mm256_set1_epi32(floor);
    let [low, high] = sums(heads, near).map(|sum| !u16::from(bits(_mm256_cmpgt_epi32(floor, sum))));
    low & 0xff | high << 8
}

#[inline]
#[target_feature(enable = "avx2")]
fn most(heads: &[i32; CELLS], near: &[i32; CELLS], mask: u16) -> i32 {
    let none = _mm256_set1_epi32(NONE);
    let lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    let [low, high] = sums(heads, near);
    let chosen = |sum, mask: u16| {
        let wanted = _mm256_and_si256(_mm256_set1_epi32(i32::from(mask)), lane);
        _mm256_blendv_epi8(none, sum, _mm256_cmpeq_epi32(wanted, lane))
    };
    let most = _mm256_max_epi32(chosen(low, mask & 0xff), chosen(high, mask >> 8));
    let mut all = [0; LANES];
    // SAFETY: the array holds eight numbers of 32 bits.
    unsafe { _mm256_storeu_si256(all.as_mut_ptr().cast(), most) };
    all.into_iter().fold(NONE, i32::max)
}

#[inline]
#[target_feature(enable = "avx2")]
fn tops(heads: &[i32; LANES], floor: i32) -> u8 {
    // SAFETY: the array holds eight numbers of 32 bits.
    let heads = unsafe { _mm256_loadu_si256(heads.as_ptr().cast()) };
    !bits(_mm256_cmpgt_epi32(_mm256_set1_epi32(floor), heads))
}

#[inline]
#[target_feature(enable = "avx2")]
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
    let mask = bits(at_least(all(query.budget), ask))
        & bits(at_least(uptime, all(u32::from(query.min_uptime))))
        & bits(at_least(left, all(u32::from(query.gpus))));
    let mut scores = [0; LANES];
    if mask == 0 {
        return (0, scores);
    }
    // SAFETY: the array holds eight numbers of 64 bits.
    let (first, second) = unsafe {
        (
            _mm256_loadu_si256(block.key.as_ptr().cast()),
            _mm256_loadu_si256(block.key[4..].as_ptr().cast()),
        )
    };
    let key = query.key ^ FOLD_REQUEST;
    let weight = _mm256_set1_epi64x(i64::from(query.weight));
    let first = _mm256_mul_epu32(lottery(first, key), weight);
    let second = _mm256_mul_epu32(lottery(second, key), weight);
    let luck = joined(first, second);
    let score = _mm256_add_epi32(_mm256_add_epi32(part, all(query.base)), luck);
    // SAFETY: the array holds eight numbers of 32 bits.
    unsafe { _mm256_storeu_si256(scores.as_mut_ptr().cast(), score) };
    let high = !bits(_mm256_cmpgt_epi32(_mm256_set1_epi32(floor), score));
    (mask & high, scores)
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(value: u32) -> __m256i {
    _mm256_set1_epi32(value.cast_signed())
}

/// Where `a` is at least `b`, unsigned.
#[inline]
#[target_feature(enable = "avx2")]
fn at_least(a: __m256i, b: __m256i) -> __m256i {
    _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a)
}

/// The highest bit of each of the eight.
#[inline]
#[target_feature(enable = "avx2")]
fn bits(lanes: __m256i) -> u8 {
    _mm256_movemask_ps(_mm256_castsi256_ps(lanes)).to_le_bytes()[0]
}

/// The lower halves of the four words of one, then of the other.
#[inline]
#[target_feature(enable = "avx2")]
fn joined(first: __m256i, second: __m256i) -> __m256i {
    let mixed =
        _mm256_shuffle_ps::<0b10_00_10_00>(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second));
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_castps_si256(mixed))
}

/// The jitter of four pairs: the upper 32 bits of the folded product, scaled.
#[inline]
#[target_feature(enable = "avx2")]
fn lottery(keys: __m256i, request: u64) -> __m256i {
    let word = _mm256_set1_epi64x(0xffff_ffff);
    let low = _mm256_set1_epi64x(request.cast_signed());
    let high = _mm256_set1_epi64x((request >> 32).cast_signed());
    let other = _mm256_xor_si256(keys, _mm256_set1_epi64x(FOLD_OFFER.cast_signed()));
    let other_high = _mm256_srli_epi64::<32>(other);
    let low_low = _mm256_mul_epu32(low, other);
    let cross = _mm256_mul_epu32(high, other);
    let cross = _mm256_add_epi64(cross, _mm256_srli_epi64::<32>(low_low));
    let second = _mm256_mul_epu32(low, other_high);
    let second = _mm256_add_epi64(second, _mm256_and_si256(cross, word));
    let top = _mm256_mul_epu32(high, other_high);
    let top = _mm256_add_epi64(top, _mm256_srli_epi64::<32>(cross));
    let top = _mm256_add_epi64(top, _mm256_srli_epi64::<32>(second));
    // The product's highest 32 bits XOR the upper half of its low word.
    let upper = _mm256_xor_si256(_mm256_srli_epi64::<32>(top), _mm256_and_si256(second, word));
    let scale = _mm256_set1_epi64x(10_001);
    _mm256_srli_epi64::<32>(_mm256_mul_epu32(upper, scale))
}
