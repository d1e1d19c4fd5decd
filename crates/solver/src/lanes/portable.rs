//! Without any particular registers: what the wider versions are held against.

use quorate_matching::{fold, jitter};

use super::{CELLS, Lanes, NONE, Query};
use crate::block::{Block, LANES};

/// Plain loops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Lanes for Portable {
    #[inline(always)]
    fn cells(self, heads: &[i32; CELLS], near: &[i32; CELLS], floor: i32) -> u16 {
        let both = heads.iter().zip(near).enumerate();
        both.fold(0, |mask, (at, (head, near))| {
            mask | u16::from(head + near >= floor) << at
        })
    }

    #[inline(always)]
    fn most(self, heads: &[i32; CELLS], near: &[i32; CELLS], mask: u16) -> i32 {
        let both = heads.iter().zip(near).enumerate();
        both.fold(NONE, |most, (at, (head, near))| {
            if mask >> at & 1 == 1 {
                most.max(head + near)
            } else {
                most
            }
        })
    }

    #[inline(always)]
    fn tops(self, heads: &[i32; LANES], floor: i32) -> u8 {
        let all = heads.iter().enumerate();
        all.fold(0, |mask, (at, head)| mask | u8::from(*head >= floor) << at)
    }

    #[inline(always)]
    fn slots(self, query: &Query, block: &Block, floor: i32) -> (u8, [i32; LANES]) {
        let mut mask = 0;
        let scores = std::array::from_fn(|lane| {
            let luck = query.weight * u32::from(jitter(fold(query.key, block.key[lane])));
            let score = (query.base + block.part[lane] + luck).cast_signed();
            let passes = block.ask[lane] <= query.budget
                && block.left[lane] >= query.gpus
                && block.uptime[lane] >= query.min_uptime
                && score >= floor;
            mask |= u8::from(passes) << lane;
            score
        });
        (mask, scores)
    }
}
