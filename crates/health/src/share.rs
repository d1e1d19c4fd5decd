//! What share of its sampled work each operator is shown to have done.
//!
//! Nobody's share grows because somebody else's falls: what counts follows from the samples, and who
//! is shown in them has its part.

use std::collections::{BTreeMap, BTreeSet};

use quorate_canon::codec::Writer;
use quorate_canon::{Bps, Epoch, OperatorIndex, OperatorStake};

use crate::Committee;

/// The whole, in basis points.
const WHOLE: u128 = 10_000;

/// How a sampled round came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoundEnd {
    /// It has no header that stands, or has not ended: it does not count.
    Void,
    /// It was settled in full.
    Settled,
    /// Its header came to nothing because its outcome was not posted: counted twice, so that whoever
    /// stays away loses more where the others' work was in vain.
    Unposted,
}

impl RoundEnd {
    /// How often it counts.
    #[must_use]
    pub const fn weight(self) -> u16 {
        match self {
            Self::Void => 0,
            Self::Settled => 1,
            Self::Unposted => 2,
        }
    }
}

/// A sampled round, and the operators that are shown to have signed its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundWork {
    /// How it came out.
    pub end: RoundEnd,
    /// Who is shown; indices outside the stake table count for nothing.
    pub shown: BTreeSet<OperatorIndex>,
}

impl RoundWork {
    /// Whether those shown hold more than half of the table's stake. Else one who has signed what all
    /// others were right not to sign could turn it against them.
    #[must_use]
    pub fn counts(&self, stakes: &[OperatorStake]) -> bool {
        let (mut shown, mut others): (u128, u128) = (0, 0);
        for (index, stake) in (0_u32..).zip(stakes) {
            let is_shown = self.shown.contains(&OperatorIndex::new(index));
            let sum = if is_shown { &mut shown } else { &mut others };
            // A table's total fits in 128 bits.
            *sum = sum.saturating_add(stake.get());
        }
        shown > others
    }
}

/// A sampled probe, and the operators that are shown to have said a word there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeWork {
    /// Whose business it was.
    pub committee: Committee,
    /// Who is shown; who does not sit on the committee counts for nothing.
    pub shown: BTreeSet<OperatorIndex>,
}

impl ProbeWork {
    /// Whether more than half of the committee's seats are shown.
    #[must_use]
    pub fn counts(&self) -> bool {
        let seats = &self.committee.seats;
        let shown = seats.iter().filter(|seat| self.shown.contains(seat));
        shown.count().saturating_mul(2) > seats.len()
    }
}

/// One operator's share. All zero without stake, or where no round counts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share {
    /// Of the weight of the rounds that count.
    pub of_rounds: Bps,
    /// Of its seats in the probes that count; that of the rounds where it has none.
    pub of_probes: Bps,
    /// The mean of both, rounded down.
    pub total: Bps,
}

/// The shares of a stake epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// Weight of the rounds that count; where it is 0, nobody is judged.
    pub rounds: u16,
    /// How many probes count.
    pub probes: u16,
    /// By operator index.
    pub operators: Vec<Share>,
}

impl Shares {
    /// What L1 is told: `E u64 ‖ rounds u16 ‖ probes u16 ‖ count u32 ‖ count x share u16`.
    #[must_use]
    pub fn message(&self, epoch: Epoch) -> Vec<u8> {
        let mut out = Writer::with_capacity(self.operators.len().saturating_mul(2));
        out.value(&epoch);
        out.value(&self.rounds);
        out.value(&self.probes);
        // Indices have 32 bits.
        out.value(&u32::try_from(self.operators.len()).unwrap_or(u32::MAX));
        for share in &self.operators {
            out.value(&share.total);
        }
        out.into_bytes()
    }
}

/// The shares of the operators of a stake table, by index, from what is shown of its epoch's samples.
#[must_use]
pub fn shares(stakes: &[OperatorStake], rounds: &[RoundWork], probes: &[ProbeWork]) -> Shares {
    let known = |operator: &OperatorIndex| {
        usize::try_from(operator.get()).is_ok_and(|index| index < stakes.len())
    };
    let signed = tally(
        rounds
            .iter()
            .filter(|round| round.counts(stakes))
            .map(|round| {
                let shown = round.shown.iter().copied().filter(known);
                (round.end.weight(), shown.collect())
            }),
    );
    let counted: Vec<_> = probes.iter().filter(|probe| probe.counts()).collect();
    let held = |probe: &&ProbeWork| (1, probe.committee.seats.clone());
    let spoken = |probe: &&ProbeWork| {
        let seats = probe.committee.seats.iter().copied();
        (1, seats.filter(|seat| probe.shown.contains(seat)).collect())
    };
    let (seats, words) = (
        tally(counted.iter().map(held)),
        tally(counted.iter().map(spoken)),
    );
    let share = |(index, stake): (usize, &OperatorStake)| {
        // Indices have 32 bits.
        let operator = OperatorIndex::new(u32::try_from(index).unwrap_or(u32::MAX));
        if stake.get() == 0 || signed.whole == 0 {
            return Share::default();
        }
        let of_rounds = part(signed.of(operator), signed.whole).unwrap_or_default();
        let of_probes = part(words.of(operator), seats.of(operator)).unwrap_or(of_rounds);
        Share {
            of_rounds,
            of_probes,
            total: mean(of_rounds, of_probes),
        }
    };
    Shares {
        rounds: u16::try_from(signed.whole).unwrap_or(u16::MAX),
        probes: u16::try_from(counted.len()).unwrap_or(u16::MAX),
        operators: stakes.iter().enumerate().map(share).collect(),
    }
}

/// Weights, in all and by operator.
struct Weights {
    whole: u64,
    by: BTreeMap<OperatorIndex, u64>,
}

impl Weights {
    fn of(&self, operator: OperatorIndex) -> u64 {
        self.by.get(&operator).copied().unwrap_or(0)
    }
}

/// Adds up things of a weight, each of which counts for everyone that is named, as often as it is.
fn tally(things: impl Iterator<Item = (u16, Vec<OperatorIndex>)>) -> Weights {
    let mut weights = Weights {
        whole: 0,
        by: BTreeMap::new(),
    };
    for (weight, operators) in things {
        let weight = u64::from(weight);
        weights.whole = weights.whole.saturating_add(weight);
        for operator in operators {
            let of = weights.by.entry(operator).or_insert(0);
            *of = of.saturating_add(weight);
        }
    }
    weights
}

/// `10 000 x part div whole`; `None` of nothing.
fn part(part: u64, whole: u64) -> Option<Bps> {
    // A factor below 2^64 and one below 2^14: the product fits.
    let share = u128::from(part).saturating_mul(WHOLE);
    let share = share.checked_div(whole.into())?;
    // A part is never more than the whole.
    Some(
        u16::try_from(share)
            .ok()
            .and_then(Bps::new)
            .unwrap_or(Bps::ONE),
    )
}

fn mean(a: Bps, b: Bps) -> Bps {
    // Both are at most 10 000: neither sum nor mean leaves its range.
    Bps::new(a.get().saturating_add(b.get()) >> 1).unwrap_or(Bps::ONE)
}
