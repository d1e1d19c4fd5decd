//! Who judges a machine in a health epoch: seats drawn by stake from the epoch's beacon.

use quorate_canon::hash::{sha256, tag};
use quorate_canon::{Digest, FixedWidth as _, HealthEpoch, OperatorIndex, OperatorStake};

use crate::{HealthError, Subject};

/// The stakes of one table, summed up, so that many committees are drawn from it cheaply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// Sum of the stakes up to and including each index.
    sums: Vec<u128>,
}

impl Seats {
    /// Of a stake table, by operator index.
    ///
    /// # Errors
    /// If no operator has stake, or the stakes do not fit in 128 bits together.
    pub fn new(stakes: &[OperatorStake]) -> Result<Self, HealthError> {
        let mut total: u128 = 0;
        let mut sums = Vec::with_capacity(stakes.len());
        for stake in stakes {
            let at = u32::try_from(sums.len()).unwrap_or(u32::MAX);
            total = total
                .checked_add(stake.get())
                .ok_or(HealthError::StakeOverflow { at })?;
            sums.push(total);
        }
        if total == 0 {
            return Err(HealthError::NoStake);
        }
        Ok(Self { sums })
    }

    /// The sum of all stakes; not zero.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// The first index whose sum is above the draw. An index without stake is never that.
    fn holder(&self, draw: u128) -> OperatorIndex {
        let at = self.sums.partition_point(|sum| *sum <= draw);
        OperatorIndex::new(u32::try_from(at).unwrap_or(u32::MAX))
    }
}

/// The committee of one subject and health epoch: the operator of each seat, in the order of drawing.
/// An operator may hold several seats; seats count, not heads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Committee {
    /// The operator of each seat.
    pub seats: Vec<OperatorIndex>,
}

impl Committee {
    /// How many seats an operator holds.
    #[must_use]
    pub fn seats_of(&self, operator: OperatorIndex) -> usize {
        self.seats.iter().filter(|seat| **seat == operator).count()
    }

    /// The operators that hold seats, ascending, each once.
    #[must_use]
    pub fn members(&self) -> Vec<OperatorIndex> {
        let mut members = self.seats.clone();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Whether these operators together hold more than two thirds of the seats. Each counts once.
    #[must_use]
    pub fn is_two_thirds(&self, operators: &[OperatorIndex]) -> bool {
        self.stands_by(|seat| operators.contains(&seat))
    }

    /// Whether the operators of a set hold more than two thirds of the seats.
    pub(crate) fn stands_by(&self, is_in: impl Fn(OperatorIndex) -> bool) -> bool {
        let held = self.seats.iter().filter(|seat| is_in(**seat)).count();
        held.saturating_mul(3) > self.seats.len().saturating_mul(2)
    }
}

/// Draws the committee of a subject: seat `i` falls to the operator at
/// `SHA-256(tag("quorate/seat/v1") ‖ randomness ‖ epoch u32 ‖ subject 9 ‖ i u16) mod total` of the
/// line on which the operators' stakes lie side by side, by index.
///
/// The residue favours low numbers by less than one part in 2^128.
#[must_use]
pub fn committee(
    randomness: &Digest,
    epoch: HealthEpoch,
    subject: Subject,
    stakes: &Seats,
    seats: u16,
) -> Committee {
    let seat = |number: u16| {
        let hash = sha256(&[
            &tag("quorate/seat/v1"),
            &randomness.0,
            &epoch.to_bytes(),
            &subject.to_bytes(),
            &number.to_be_bytes(),
        ]);
        stakes.holder(residue(&hash, stakes.total()))
    };
    Committee {
        seats: (0..seats).map(seat).collect(),
    }
}

/// The hash as a big-endian number, modulo `total`; 0 for a total of 0. Bit by bit, since nothing
/// here has 256 bits.
fn residue(hash: &Digest, total: u128) -> u128 {
    let bits = hash
        .0
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1));
    bits.fold(0_u128, |rest, bit| {
        // rest < total, so 2 x rest + 1 < 2 x total: one subtraction is enough, and where the doubling
        // left the 128 bits, the wrapped difference is the true one.
        let overflow = rest >> 127 == 1;
        let doubled = (rest << 1) | u128::from(bit);
        if overflow || doubled >= total {
            doubled.wrapping_sub(total)
        } else {
            doubled
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quorate_canon::OfferId;

    fn stakes(stakes: &[u128]) -> Seats {
        let stakes: Vec<_> = stakes.iter().map(|s| OperatorStake::new(*s)).collect();
        Seats::new(&stakes).unwrap()
    }

    fn machine(id: u64) -> Subject {
        Subject::Machine(OfferId::new(id))
    }

    /// Another way to the same residue: half by half, where products still fit.
    fn residue_by_halves(hash: &Digest, total: u64) -> u128 {
        let (high, low) = hash.0.split_at(16);
        let number = |half: &[u8]| u128::from_be_bytes(half.try_into().unwrap());
        let total = u128::from(total);
        let two_128 = (u128::MAX % total + 1) % total;
        (number(high) % total * two_128 % total + number(low) % total) % total
    }

    proptest! {
        #[test]
        fn residues_agree_with_another_way(hash: [u8; 32], total in 1_u64..) {
            let hash = Digest(hash);
            prop_assert_eq!(residue(&hash, total.into()), residue_by_halves(&hash, total));
        }

        /// Beyond 64 bits: what is taken away is a multiple. (q x total + r, for a number made so.)
        #[test]
        fn residues_of_wide_totals_are_right(quotient: u64, total in (1_u128 << 64).., rest: u128) {
            let rest = rest % total;
            // quotient x total + rest, limb by limb, if it has at most 256 bits: it has at most 192.
            let (high, low) = (total >> 64, total & u128::from(u64::MAX));
            let low = u128::from(quotient) * low + (rest & u128::from(u64::MAX));
            let high = u128::from(quotient) * high + (rest >> 64) + (low >> 64);
            let mut hash = [0; 32];
            hash[24..].copy_from_slice(&u64::try_from(low & u128::from(u64::MAX)).unwrap().to_be_bytes());
            hash[8..24].copy_from_slice(&high.to_be_bytes());
            prop_assert_eq!(residue(&Digest(hash), total), rest);
        }

        #[test]
        fn a_draw_falls_to_whom_its_stake_says(table in proptest::collection::vec(0_u128..5, 1..12)) {
            prop_assume!(table.iter().sum::<u128>() > 0);
            let seats = stakes(&table);
            let line: Vec<u32> = table
                .iter()
                .enumerate()
                .flat_map(|(index, stake)| vec![u32::try_from(index).unwrap(); usize::try_from(*stake).unwrap()])
                .collect();
            for (draw, index) in line.iter().enumerate() {
                prop_assert_eq!(seats.holder(draw as u128), OperatorIndex::new(*index));
            }
        }
    }

    #[test]
    fn seats_follow_stake() {
        let table = stakes(&[700, 0, 200, 100]);
        let drawn = committee(
            &Digest([3; 32]),
            HealthEpoch::new(1),
            machine(9),
            &table,
            1_000,
        );
        let held = |index| drawn.seats_of(OperatorIndex::new(index));
        assert_eq!(held(1), 0, "no stake, no seat");
        // Four standard deviations about 700, 200 and 100 seats.
        assert!((642..=758).contains(&held(0)), "{}", held(0));
        assert!((149..=251).contains(&held(2)), "{}", held(2));
        assert!((62..=138).contains(&held(3)), "{}", held(3));
        assert_eq!(held(0) + held(2) + held(3), 1_000);
    }

    #[test]
    fn committees_differ_by_machine_epoch_and_beacon() {
        let table = stakes(&[1; 100]);
        let draw = |beacon: u8, epoch: u32, id: u64| {
            committee(
                &Digest([beacon; 32]),
                HealthEpoch::new(epoch),
                machine(id),
                &table,
                31,
            )
        };
        let first = draw(1, 1, 1);
        assert_eq!(first, draw(1, 1, 1));
        assert_ne!(first, draw(2, 1, 1));
        assert_ne!(first, draw(1, 2, 1));
        assert_ne!(first, draw(1, 1, 2));
    }

    #[test]
    fn a_larger_committee_begins_with_the_smaller() {
        let table = stakes(&[5, 9, 2, 7]);
        let draw = |seats| {
            committee(
                &Digest([8; 32]),
                HealthEpoch::new(0),
                machine(3),
                &table,
                seats,
            )
        };
        assert_eq!(draw(62).seats[..31], draw(31).seats);
    }

    #[test]
    fn two_thirds_are_seats_and_strictly_more() {
        let seats = [0, 0, 0, 0, 1, 2].map(OperatorIndex::new).to_vec();
        let committee = Committee { seats };
        let of = |operators: &[u32]| {
            let operators: Vec<_> = operators.iter().copied().map(OperatorIndex::new).collect();
            committee.is_two_thirds(&operators)
        };
        assert!(!of(&[0]), "four of six are not more than two thirds");
        assert!(!of(&[0, 0, 0]), "nobody counts twice");
        assert!(of(&[0, 1]));
        assert_eq!(committee.members().len(), 3);
    }

    #[test]
    fn a_table_without_stake_has_no_committee() {
        assert_eq!(Seats::new(&[]), Err(HealthError::NoStake));
        assert_eq!(
            Seats::new(&[OperatorStake::new(0)]),
            Err(HealthError::NoStake)
        );
        let huge = [OperatorStake::new(u128::MAX), OperatorStake::new(1)];
        assert_eq!(Seats::new(&huge), Err(HealthError::StakeOverflow { at: 1 }));
    }
}
