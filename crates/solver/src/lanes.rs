//! The loops that everything waits for, in the widest registers that the processor has.
//!
//! All versions compute the same numbers, to the last bit; which one runs decides nothing but time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

pub(crate) use portable::Portable;

use crate::block::{Block, LANES};

/// Cells that are looked at together.
pub(crate) const CELLS: usize = 16;

/// A head that stands for nothing: with any nearness and lottery it stays far below zero.
pub(crate) const NONE: i32 = i32::MIN / 2;

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
    pub(crate) min_uptime: u16,
    pub(crate) gpus: u8,
}

/// One kind of registers.
pub(crate) trait Lanes: Copy {
    /// Which cells have head + near of at least `floor`.
    fn cells(self, heads: &[i32; CELLS], near: &[i32; CELLS], floor: i32) -> u16;

    /// The most of head + near over the cells of the mask; at most [`NONE`] + near if there is none.
    fn most(self, heads: &[i32; CELLS], near: &[i32; CELLS], mask: u16) -> i32;

    /// Which groups have heads of at least `floor`.
    fn tops(self, heads: &[i32; LANES], floor: i32) -> u8;

    /// Which slots pass the cheap filters with a score, without the request's part, of at least
    /// `floor`; and the scores, which say something of those slots only.
    fn slots(self, query: &Query, block: &Block, floor: i32) -> (u8, [i32; LANES]);
}

/// Work that runs in any registers.
pub(crate) trait Work {
    /// What it brings.
    type Output;

    /// Does it. Implementations are to be inlined, so that the registers reach every loop.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// The kinds that this processor has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Width {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Width {
    /// All that this processor has, the widest last.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(avx2::Avx2::detect().map(Self::Avx2));
            all.extend(avx512::Avx512::detect().map(Self::Avx512));
        }
        all
    }

    /// The widest.
    pub(crate) fn widest() -> Self {
        Self::all().pop().unwrap_or(Self::Portable)
    }

    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            Self::Portable => work.run(Portable),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.work(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.work(work),
        }
    }
}

/// Asks memory for a value that is looked at soon; a hint without effect on any result.
#[allow(unsafe_code, reason = "prefetching is an intrinsic")]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Slots<'a>(&'a Query, &'a Block, i32);

    impl Work for Slots<'_> {
        type Output = Vec<Option<i32>>;

        fn run<L: Lanes>(self, lanes: L) -> Self::Output {
            let (mask, scores) = lanes.slots(self.0, self.1, self.2);
            let lane = |at: usize| (mask >> at & 1 == 1).then_some(scores[at]);
            (0..LANES).map(lane).collect()
        }
    }

    struct Cells<'a>(&'a [i32; CELLS], &'a [i32; CELLS], i32, u16);

    impl Work for Cells<'_> {
        type Output = (u16, i32, u8);

        fn run<L: Lanes>(self, lanes: L) -> Self::Output {
            let most = lanes.most(self.0, self.1, self.3);
            let tops = std::array::from_fn(|at| self.0[at]);
            let tops = lanes.tops(&tops, self.2);
            (lanes.cells(self.0, self.1, self.2), most, tops)
        }
    }

    fn block() -> impl Strategy<Value = Block> {
        let near = |around: u32| {
            prop_oneof![
                Just(0),
                Just(around),
                Just(u32::MAX),
                around - 2..around + 3
            ]
        };
        let small = prop_oneof![Just(0_u8), Just(255), 0_u8..5];
        let uptime = prop_oneof![Just(0_u16), Just(10_000), Just(u16::MAX), 8_998_u16..9_003];
        let row = (
            any::<u64>(),
            0_u32..100_000_000,
            near(60_000),
            uptime,
            small,
        );
        proptest::collection::vec(row, LANES).prop_map(|rows| {
            let mut block = Block::default();
            for (lane, (key, part, ask, uptime, left)) in rows.into_iter().enumerate() {
                block.set(
                    lane,
                    &crate::block::Slot {
                        key,
                        part,
                        ask,
                        machine: 0,
                        uptime,
                        left,
                    },
                );
            }
            block
        })
    }

    proptest! {
        #[test]
        fn all_widths_score_slots_alike(
            key: u64, base in 0_u32..100_000_000, weight in 0_u32..2_001, block in block(),
            budget in prop_oneof![Just(u32::MAX), 59_999_u32..60_002], floor in 0_i32..220_000_000,
            gpus in 1_u8..=255, min_uptime in prop_oneof![Just(0_u16), 8_999_u16..9_002],
        ) {
            let query = Query { key, base, weight, budget, min_uptime, gpus };
            let expected = Width::Portable.run(Slots(&query, &block, floor));
            for width in Width::all() {
                prop_assert_eq!(&width.run(Slots(&query, &block, floor)), &expected, "{:?}", width);
            }
        }

        #[test]
        fn all_widths_bound_cells_alike(
            heads in proptest::array::uniform16(prop_oneof![Just(NONE), 0_i32..200_000_000]),
            near in proptest::array::uniform16(0_i32..100_000_000),
            floor in -100_000_000_i32..300_000_000, mask: u16,
        ) {
            let expected = Width::Portable.run(Cells(&heads, &near, floor, mask));
            for width in Width::all() {
                prop_assert_eq!(width.run(Cells(&heads, &near, floor, mask)), expected, "{:?}", width);
            }
        }
    }
}
