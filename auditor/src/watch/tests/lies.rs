//! Right lists made wrong, in every way that section 7 of the design names.

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{Capacity, Entry, NO_LOWEST, OutcomeList, RefutationCode};

use crate::inputs::RoundInputs;

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Leaves a match out; the sums are made to fit.
    Drop,
    /// Another score.
    Score,
    /// Another tie.
    Tie,
    /// A sum that is too large.
    Sum,
    /// Two entries of an offer change places, as they are.
    Swap,
    /// The last entry once more; beyond the limit, if there is one.
    Repeat,
    /// Everything after the first half is left out.
    CutShort,
    /// A request that nobody made.
    Invent,
    /// A request on another machine than its own, with numbers that fit where the pair exists.
    Move,
    /// Another lowest position.
    Lowest,
    /// No lowest position.
    NoLowest,
    /// Nothing at all.
    Nothing,
}

pub(super) const ALL: [Lie; 12] = [
    Lie::Drop,
    Lie::Score,
    Lie::Tie,
    Lie::Sum,
    Lie::Swap,
    Lie::Repeat,
    Lie::CutShort,
    Lie::Invent,
    Lie::Move,
    Lie::Lowest,
    Lie::NoLowest,
    Lie::Nothing,
];

impl Lie {
    /// What a watcher may call it.
    pub(super) fn codes(self) -> &'static [RefutationCode] {
        use RefutationCode as C;
        match self {
            Self::Drop | Self::CutShort | Self::Nothing => &[C::Blocking],
            Self::Score => &[C::WrongScore],
            Self::Tie => &[C::WrongTie],
            Self::Sum => &[C::WrongSum, C::OverCapacity],
            // The lowest entry may be one of the two: then its place is named wrongly.
            Self::Swap => &[C::WrongOrder, C::WrongSum, C::WrongCut],
            Self::Repeat => &[
                C::WrongCut,
                C::MatchedTwice,
                C::WrongOrder,
                C::WrongSum,
                C::OverCapacity,
            ],
            Self::Invent => &[C::UnknownRequest],
            Self::Move => &[
                C::Ineligible,
                C::WrongScore,
                C::WrongTie,
                C::WrongOrder,
                C::WrongSum,
                C::OverCapacity,
                C::Blocking,
                C::OffersNotAscending,
            ],
            Self::Lowest | Self::NoLowest => &[C::WrongCut],
        }
    }

    /// The right list made wrong at a place; `None` where it cannot be so.
    pub(super) fn tell(
        self,
        inputs: &RoundInputs,
        right: &OutcomeList,
        place: usize,
    ) -> Option<OutcomeList> {
        let mut entries = right.entries().to_vec();
        let count = entries.len();
        if count < 2 {
            return None;
        }
        let at = place % count;
        match self {
            Self::Drop => {
                entries.remove(at);
                return Some(summed(inputs, entries));
            }
            Self::Score => entries[at].score ^= 1,
            Self::Tie => entries[at].tie ^= 1,
            Self::Sum => entries[at].used.cpu_milli = entries[at].used.cpu_milli.checked_add(1)?,
            Self::Swap => {
                let same = |pair: &[Entry]| pair[0].offer == pair[1].offer;
                let at = entries.windows(2).position(same)?;
                entries.swap(at, at + 1);
            }
            Self::Repeat => entries.push(entries[count - 1]),
            Self::CutShort => {
                entries.truncate(count / 2);
                return Some(summed(inputs, entries));
            }
            Self::Invent => entries[at].request = RequestId::new(1 << 40),
            Self::Move => {
                let offers = inputs.snapshot.offers();
                let to: OfferId = offers[place % offers.len()].offer.id;
                if entries[at].offer == to {
                    return None;
                }
                entries[at].offer = to;
                entries.sort_by_key(|entry| entry.offer);
                return Some(summed(inputs, entries));
            }
            Self::Lowest => {
                let other = (right.lowest() + 1) % right.count();
                return OutcomeList::claimed(entries, other).ok();
            }
            Self::NoLowest => return OutcomeList::claimed(entries, NO_LOWEST).ok(),
            Self::Nothing => return Some(summed(inputs, Vec::new())),
        }
        OutcomeList::claimed(entries, right.lowest()).ok()
    }
}

/// The entries with the sums that follow, and their own lowest position.
fn summed(inputs: &RoundInputs, mut entries: Vec<Entry>) -> OutcomeList {
    let mut before: Option<(OfferId, Capacity)> = None;
    for entry in &mut entries {
        let above = before.filter(|(offer, _)| *offer == entry.offer);
        let above = above.map_or(Capacity::ZERO, |(_, used)| used);
        let request = &inputs.snapshot.request(entry.request).unwrap().request;
        entry.used = above.checked_add(&request.demand()).unwrap();
        before = Some((entry.offer, entry.used));
    }
    let lowest = entries
        .iter()
        .zip(0_u32..)
        .min_by_key(|(entry, _)| entry.rank());
    let lowest = lowest.map_or(NO_LOWEST, |(_, at)| at);
    OutcomeList::claimed(entries, lowest).unwrap()
}
