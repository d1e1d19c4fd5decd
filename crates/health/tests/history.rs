//! Uptime and reputation: within their range, monotone, forgetting, and as their definitions say.

use proptest::prelude::*;
use quorate_canon::{Amount, Bps};
use quorate_health::{LeaseEnd, Reputation, uptime_after};

fn share() -> impl Strategy<Value = Bps> {
    (0..=10_000_u16).prop_map(|share| Bps::new(share).unwrap())
}

fn bps(share: u16) -> Bps {
    Bps::new(share).unwrap()
}

#[test]
fn uptime_is_the_share_of_windows_not_down_and_then_a_mean() {
    assert_eq!(uptime_after(None, 0, 240, 30), bps(10_000));
    assert_eq!(uptime_after(None, 60, 240, 30), bps(7_500));
    assert_eq!(uptime_after(None, 1, 3, 30), bps(6_666), "rounded down");
    // (10 000 x 29 + 0) div 30
    assert_eq!(uptime_after(Some(bps(10_000)), 240, 240, 30), bps(9_666));
    assert_eq!(
        uptime_after(Some(bps(9_000)), 0, 240, 1),
        bps(10_000),
        "no memory"
    );
}

#[test]
fn numbers_that_no_policy_has_do_no_harm() {
    assert_eq!(
        uptime_after(Some(bps(9_000)), 3, 0, 4),
        bps(9_250),
        "no windows"
    );
    assert_eq!(
        uptime_after(Some(bps(9_000)), 5, 3, 2),
        bps(4_500),
        "more than all"
    );
    assert_eq!(
        uptime_after(Some(bps(9_000)), 0, 4, 0),
        bps(10_000),
        "a memory of 0"
    );
}

proptest! {
    #[test]
    fn more_windows_down_is_never_more_uptime(
        before in prop::option::of(share()), a in 0..=256_u16, b in 0..=256_u16, memory in 1..50_u16,
    ) {
        let after = |down| uptime_after(before, down, 256, memory);
        prop_assert!(after(a.max(b)) <= after(a.min(b)));
    }

    /// A steady value is approached from both sides, to less than the memory.
    #[test]
    fn uptime_comes_to_rest_near_a_steady_value(before in share(), down in 0..=20_u16, memory in 1..40_u16) {
        let steady = i32::from(uptime_after(None, down, 20, 1).get());
        let mut uptime = before;
        for _ in 0..40 * 12 {
            uptime = uptime_after(Some(uptime), down, 20, memory);
        }
        let off = steady - i32::from(uptime.get());
        prop_assert!((0..i32::from(memory)).contains(&off), "{off}");
    }

    #[test]
    fn reputation_is_the_mean_weighted_by_fees_while_all_is_remembered(
        leases in prop::collection::vec((1..1_000_000_u64, 0..=100_u64), 1..12),
    ) {
        let memory = Amount::new(u64::MAX);
        let mut reputation = Reputation::default();
        let (mut sum, mut fees) = (0_u128, 0_u128);
        for (fee, paid) in &leases {
            let end = LeaseEnd::Served { paid: *paid, seconds: 100 };
            reputation = reputation.after(Amount::new(*fee), end, memory);
            sum += u128::from(*fee) * u128::from(*paid) * 100;
            fees += u128::from(*fee);
        }
        prop_assert_eq!(u128::from(reputation.weight.get()), fees);
        // Each step rounds down by less than one basis point.
        let off = sum / fees - u128::from(reputation.value.get());
        prop_assert!(off <= leases.len() as u128, "{off}");
    }

    #[test]
    fn more_paid_seconds_never_lower_it(value in share(), weight: u64, fee: u64, a in 0..=100_u64, b in 0..=100_u64) {
        let before = Reputation { value, weight: Amount::new(weight) };
        let after = |paid| {
            let end = LeaseEnd::Served { paid, seconds: 100 };
            before.after(Amount::new(fee), end, Amount::new(1_000)).value
        };
        prop_assert!(after(a.min(b)) <= after(a.max(b)));
    }

    #[test]
    fn the_weight_never_exceeds_the_memory(value in share(), fee: u64, memory in 1_u64..) {
        let full = Reputation { value, weight: Amount::new(memory) };
        let after = full.after(Amount::new(fee), LeaseEnd::Reclaimed, Amount::new(memory));
        prop_assert_eq!(after.weight, Amount::new(memory));
        prop_assert!(after.value <= value);
    }
}

#[test]
fn what_does_not_count_changes_nothing() {
    let before = Reputation {
        value: bps(8_000),
        weight: Amount::new(500),
    };
    let memory = Amount::new(1_000);
    let served = LeaseEnd::Served {
        paid: 1,
        seconds: 2,
    };
    let empty = LeaseEnd::Served {
        paid: 0,
        seconds: 0,
    };
    assert_eq!(before.after(Amount::new(0), served, memory), before);
    assert_eq!(
        before.after(Amount::new(9), LeaseEnd::Annulled, memory),
        before
    );
    assert_eq!(before.after(Amount::new(9), empty, memory), before);
}

#[test]
fn a_lease_that_its_provider_closed_early_counts_as_nothing_served() {
    let before = Reputation {
        value: bps(8_000),
        weight: Amount::new(500),
    };
    let after = before.after(Amount::new(300), LeaseEnd::Reclaimed, Amount::new(700));
    assert_eq!((after.value, after.weight.get()), (bps(5_000), 700));
}
