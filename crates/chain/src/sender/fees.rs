//! What is offered for gas.

/// Nodes take a replacement from 10 % more on; this leaves room for rounding.
const BUMP_PERCENT: u128 = 113;

/// The two prices of EIP-1559, wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fees {
    /// Most that is paid, tip included.
    pub max: u128,
    /// Most that goes to the proposer.
    pub tip: u128,
}

impl Fees {
    /// For a first try: twice the base fee, so that six full blocks do not price it out.
    pub(super) fn first(base: u128, tip: u128, cap: u128) -> Self {
        let max = base.saturating_mul(2).saturating_add(tip).min(cap);
        Self {
            max,
            tip: tip.min(max),
        }
    }

    /// For a replacement; `None` if the cap does not allow one that nodes would take.
    pub(super) fn bumped(self, base: u128, tip: u128, cap: u128) -> Option<Self> {
        let fresh = Self::first(base, tip, cap);
        let max = bump(self.max).max(fresh.max);
        let tip = bump(self.tip).max(fresh.tip);
        (max <= cap && tip <= max).then_some(Self { max, tip })
    }
}

const fn bump(price: u128) -> u128 {
    (price.saturating_mul(BUMP_PERCENT) / 100).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_offers_at_least_13_percent_more_of_both() {
        let first = Fees::first(100, 10, 10_000);
        assert_eq!(first, Fees { max: 210, tip: 10 });
        assert_eq!(
            first.bumped(100, 10, 10_000),
            Some(Fees { max: 238, tip: 12 })
        );
    }

    #[test]
    fn a_replacement_follows_a_base_fee_that_has_run_away() {
        let bumped = Fees::first(100, 10, 10_000).bumped(800, 10, 10_000);
        assert_eq!(
            bumped,
            Some(Fees {
                max: 1_610,
                tip: 12
            })
        );
    }

    #[test]
    fn the_cap_is_never_passed() {
        assert_eq!(Fees::first(100, 10, 150), Fees { max: 150, tip: 10 });
        assert_eq!(Fees { max: 140, tip: 10 }.bumped(100, 10, 150), None);
    }
}
