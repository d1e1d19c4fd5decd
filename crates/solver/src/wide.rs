//! The search within a group: the one loop that everything waits for, and the only unsafe code.
//!
//! All versions visit the same slots with the same bound or a wider one, and the visitor decides by
//! the exact order; so they find the same machines.
#![allow(unsafe_code, reason = "wide loads from columns need pointers")]

use std::ops::Range;

use quorate_matching::{fold, jitter};

use crate::slots::{OVERHANG, Slots};

/// What a request asks of the slots of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// The request's key in the lottery.
    pub(crate) key: u64,
    /// What region and fit add.
    pub(crate) base: u32,
    /// Weight of the lottery.
    pub(crate) weight: u32,
    pub(crate) budget: u32,
    pub(crate) min_uptime: u32,
    pub(crate) gpus: u32,
}

impl Query {
    /// The most that the lottery adds.
    const fn luck(&self) -> u32 {
        self.weight * 10_000
    }
}

/// Visits the slots whose score without the request's part is at least `floor`, and that pass the
/// cheap filters. `visit(slot, score, tie)` returns the floor from there on.
pub(crate) fn sift(
    query: &Query,
    slots: &Slots,
    range: Range<usize>,
    floor: u32,
    visit: impl FnMut(usize, u32, u64) -> u32,
) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if range.end + OVERHANG <= slots.key.len()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
    {
        // SAFETY: the processor has both features, and OVERHANG slots lie beyond the range.
        return unsafe { x86::sift512(query, slots, range, floor, visit) };
    }
    sift_plain(query, slots, range, floor, visit)
}

/// Asks memory for a value that is looked at soon; a hint without effect on any result.
pub(crate) fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the reference is valid, and a prefetch reads nothing that the program sees.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

fn sift_plain(
    query: &Query,
    slots: &Slots,
    range: Range<usize>,
    mut floor: u32,
    mut visit: impl FnMut(usize, u32, u64) -> u32,
) -> u32 {
    for at in range {
        let fixed = query.base + slots.part[at];
        if fixed + query.luck() < floor {
            break;
        }
        if slots.ask[at] > query.budget
            || slots.left[at] < query.gpus
            || slots.uptime[at] < query.min_uptime
        {
            continue;
        }
        let tie = fold(query.key, slots.key[at]);
        let score = fixed + query.weight * u32::from(jitter(tie));
        if score >= floor {
            floor = visit(at, score, tie);
        }
    }
    floor
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_add_epi32, _mm256_cmpge_epu32_mask, _mm256_cmple_epu32_mask,
        _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256, _mm512_add_epi64,
        _mm512_and_si512, _mm512_cvtepi64_epi32, _mm512_loadu_si512, _mm512_mul_epu32,
        _mm512_set1_epi64, _mm512_srli_epi64, _mm512_xor_si512,
    };
    use std::ops::Range;

    use quorate_matching::fold;

    use super::Query;
    use crate::slots::Slots;

    /// The constants of `fold`; a test holds them against it.
    const FOLD_REQUEST: u64 = 0x9E37_79B9_7F4A_7C15;
    const FOLD_OFFER: u64 = 0xD1B5_4A32_D192_ED03;
    const LANES: usize = 8;

    /// Eight slots at a time.
    ///
    /// # Safety
    /// The processor must have AVX-512 F and VL, and each column must hold at least 8 slots beyond
    /// the end of the range.
    #[target_feature(enable = "avx512f,avx512vl")]
    pub(super) unsafe fn sift512(
        query: &Query,
        slots: &Slots,
        range: Range<usize>,
        mut floor: u32,
        mut visit: impl FnMut(usize, u32, u64) -> u32,
    ) -> u32 {
        let key = query.key ^ FOLD_REQUEST;
        let low = _mm512_set1_epi64(i64::from_ne_bytes((key & 0xffff_ffff).to_ne_bytes()));
        let high = _mm512_set1_epi64(i64::from_ne_bytes((key >> 32).to_ne_bytes()));
        let weight = _mm512_set1_epi64(i64::from(query.weight));
        let budget = all(query.budget);
        let uptime = all(query.min_uptime);
        let gpus = all(query.gpus);
        let base = all(query.base);
        let mut at = range.start;
        while at < range.end && query.base + slots.part[at] + query.luck() >= floor {
            // SAFETY: `at` lies in the range, and 8 slots lie beyond its end.
            let (ask, up, left, part, keys) = unsafe {
                (
                    load(&slots.ask, at),
                    load(&slots.uptime, at),
                    load(&slots.left, at),
                    load(&slots.part, at),
                    _mm512_loadu_si512(slots.key.as_ptr().add(at).cast()),
                )
            };
            let mut mask = _mm256_cmple_epu32_mask(ask, budget)
                & _mm256_cmpge_epu32_mask(up, uptime)
                & _mm256_cmpge_epu32_mask(left, gpus);
            if range.end - at < LANES {
                mask &= (1 << (range.end - at)) - 1;
            }
            if mask != 0 {
                let luck = lottery(keys, low, high);
                let luck = _mm512_cvtepi64_epi32(_mm512_mul_epu32(luck, weight));
                let score = _mm256_add_epi32(_mm256_add_epi32(part, base), luck);
                mask &= _mm256_cmpge_epu32_mask(score, all(floor));
                if mask != 0 {
                    let mut scores = [0_u32; LANES];
                    // SAFETY: the array holds eight numbers of 32 bits.
                    unsafe { _mm256_storeu_si256(scores.as_mut_ptr().cast::<__m256i>(), score) };
                    while mask != 0 {
                        let lane = mask.trailing_zeros() as usize;
                        mask &= mask - 1;
                        if scores[lane] >= floor {
                            let tie = fold(query.key, slots.key[at + lane]);
                            floor = visit(at + lane, scores[lane], tie);
                        }
                    }
                }
            }
            at += LANES;
        }
        floor
    }

    #[target_feature(enable = "avx512f,avx512vl")]
    fn all(value: u32) -> __m256i {
        _mm256_set1_epi32(i32::from_ne_bytes(value.to_ne_bytes()))
    }

    /// # Safety
    /// Eight numbers must lie in the column from `at` on.
    #[target_feature(enable = "avx512f,avx512vl")]
    unsafe fn load(column: &[u32], at: usize) -> __m256i {
        // SAFETY: as the caller promises.
        unsafe { _mm256_loadu_si256(column.as_ptr().add(at).cast::<__m256i>()) }
    }

    /// The jitter of eight pairs: the upper 32 bits of the folded product, scaled.
    #[target_feature(enable = "avx512f,avx512vl")]
    fn lottery(keys: __m512i, low: __m512i, high: __m512i) -> __m512i {
        let word = _mm512_set1_epi64(0xffff_ffff);
        let fold_offer = _mm512_set1_epi64(i64::from_ne_bytes(FOLD_OFFER.to_ne_bytes()));
        let other = _mm512_xor_si512(keys, fold_offer);
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OVERHANG, Query, Slots, sift, sift_plain};
    use crate::slots::Slot;

    proptest! {
        #[test]
        fn wide_and_plain_visit_the_same(
            key: u64, base in 0_u32..1_000_000, weight in 0_u32..2_001, floor in 0_u32..30_000_000,
            rows in proptest::collection::vec((any::<u64>(), 0_u32..20_000_000, 0_u32..4), 0..70),
        ) {
            let mut rows = rows;
            rows.sort_by_key(|row| std::cmp::Reverse(row.1));
            let mut slots = Slots::default();
            for (key, part, small) in &rows {
                slots.push(Slot { key: *key, part: *part, ask: *small, uptime: 3, left: *small, offer: 0 });
            }
            (0..OVERHANG).for_each(|_| slots.push(Slot::default()));
            let query = Query { key, base, weight, budget: 2, min_uptime: 3, gpus: 1 };
            let (mut wide, mut plain) = (Vec::new(), Vec::new());
            sift(&query, &slots, 0..rows.len(), floor, |at, score, tie| {
                wide.push((at, score, tie));
                floor
            });
            sift_plain(&query, &slots, 0..rows.len(), floor, |at, score, tie| {
                plain.push((at, score, tie));
                floor
            });
            prop_assert_eq!(wide, plain);
        }
    }
}
