//! Where machines closed, and how far below a cell's, a group's or a block's machines that lies.

use std::ops::Range;

use quorate_matching::OutcomeList;

use super::Round;
use super::entries::Claim;
use crate::block::LANES;
use crate::lanes::NONE;
use crate::market::SIZES;
use crate::pool;

/// More than any pair scores.
const BEYOND: i32 = i32::MAX / 4;

/// By machine and size: score and tie of the match with which the machine closed for the size; the
/// score is [`NONE`] if it never did, [`BEYOND`] if it was closed before the round began.
pub(super) struct Closes(Vec<[(i32, u64); SIZES]>);

impl Closes {
    pub(super) fn new(round: &Round<'_>, list: &OutcomeList, claim: &Claim) -> Self {
        let market = &round.ready.market;
        let of = |machine: usize| {
            let free = market.free[machine].gpus;
            let span = &claim.spans[market.positions[machine] as usize];
            let entries = &list.entries()[span.start as usize..span.end as usize];
            std::array::from_fn(|size| {
                let room = usize::from(free).checked_sub(size + 1);
                let Some(room) = room else {
                    return (BEYOND, 0);
                };
                let closing = entries
                    .iter()
                    .find(|entry| usize::from(entry.used.gpus) > room);
                // Entries are true by now, and true scores of a valid policy fit.
                closing.map_or((NONE, 0), |entry| {
                    (i32::try_from(entry.score).unwrap_or(BEYOND), entry.tie)
                })
            })
        };
        Self((0..market.machines.len()).map(of).collect())
    }

    /// Score and tie that a pair has to reach for the machine to have had GPUs for it.
    pub(super) fn of(&self, machine: u32, size: usize) -> (i32, u64) {
        self.0[machine as usize][size]
    }
}

/// By how much a profile's requests must fall short to be ruled out: a pair that reaches its
/// machine's close scores so much, but for what is counted here, above zero.
pub(super) struct Gains {
    /// By size and block, without the fit.
    blocks: Vec<i32>,
    /// By size and group, with it.
    tops: Vec<i32>,
    /// By size and cell.
    heads: Vec<i32>,
}

impl Gains {
    /// By profile.
    pub(super) fn all(round: &Round<'_>, closes: &Closes) -> Vec<Self> {
        pool::run(round.threads, 4, |profile| {
            Self::new(round, closes, profile)
        })
    }

    fn new(round: &Round<'_>, closes: &Closes, profile: usize) -> Self {
        let market = &round.ready.market;
        let shelf = &round.ready.stock.shelves[profile];
        let (blocks, groups) = (shelf.blocks.len(), market.groups.len());
        let mut gains = Self {
            blocks: vec![NONE; SIZES * blocks],
            tops: vec![NONE; SIZES * groups],
            heads: vec![NONE; SIZES * market.cells.len()],
        };
        for (at, group) in market.groups.iter().enumerate() {
            for block in group.blocks.start as usize..group.blocks.end as usize {
                for lane in 0..LANES {
                    let machine = shelf.blocks[block].machine[lane];
                    if shelf.blocks[block].left[lane] == 0 {
                        continue;
                    }
                    let part = shelf.blocks[block].part[lane].cast_signed();
                    for (size, (close, _)) in closes.0[machine as usize].iter().enumerate() {
                        let gain = match *close {
                            NONE => BEYOND,
                            BEYOND => continue,
                            close => part - close,
                        };
                        let most = &mut gains.blocks[size * blocks + block];
                        *most = gain.max(*most);
                    }
                }
            }
            for size in 0..SIZES {
                let range = group.blocks.start as usize..group.blocks.end as usize;
                let best = gains.blocks[size * blocks..][range].iter().max();
                let best = best.copied().unwrap_or(NONE);
                let fit = if size + 1 == SIZES {
                    market.tables.most_fit(profile)
                } else {
                    market.tables.fit(profile, size as u8 + 1, group.free)
                };
                let top = best.saturating_add_unsigned(fit);
                gains.tops[size * groups + at] = top;
                let head = &mut gains.heads[size * market.cells.len() + group.cell as usize];
                *head = top.max(*head);
            }
        }
        gains
    }

    /// Of the cells, for a size.
    pub(super) fn heads(&self, round: &Round<'_>, size: usize) -> &[i32] {
        let cells = round.ready.market.cells.len();
        &self.heads[size * cells..][..cells]
    }

    /// Of the groups, for a size, eight by eight.
    pub(super) fn tops(&self, round: &Round<'_>, size: usize) -> &[[i32; LANES]] {
        let groups = round.ready.market.groups.len();
        self.tops[size * groups..][..groups].as_chunks().0
    }

    /// Of up to eight blocks from one on, for a size.
    #[inline(always)]
    pub(super) fn blocks(&self, size: usize, blocks: Range<usize>) -> [i32; LANES] {
        let all = &self.blocks[size * (self.blocks.len() / SIZES)..];
        let mut eight = [NONE; LANES];
        for (to, gain) in eight.iter_mut().zip(&all[blocks]) {
            *to = *gain;
        }
        eight
    }
}
