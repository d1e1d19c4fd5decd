//! Pay for settling and posting.

use std::time::Duration;

use quorate_canon::Round;

use super::*;
use crate::duties::Claims;

/// A dollar is worth a transaction.
const LEAST: u64 = 1_000_000;

impl Stage {
    fn claims(&self) -> Claims<SimulatedChain> {
        let schedule = self.world.facts.schedule;
        Claims::new(
            self.handle(),
            self.observe.clone(),
            schedule,
            Duration::ZERO,
            LEAST,
        )
    }

    /// So much was earned under the policy in force from this round on.
    fn earn(&self, first: u64, micro: u64) {
        let mut world = self.chain.world();
        world.duty.earned.insert(Round::new(first), micro);
    }

    fn pot(&self, micro: u64) {
        self.chain.world().duty.pot = micro;
    }

    fn credited(&self) -> u64 {
        self.chain.world().duty.credited
    }
}

#[tokio::test]
async fn what_was_earned_is_claimed_once_it_is_worth_it() {
    let stage = Stage::new();
    stage.pot(9 * LEAST);
    let mut claims = stage.claims();
    stage.earn(0, LEAST - 1);
    claims.work_off(now()).await;
    assert_eq!(stage.attempts("reward_settler"), 0);
    let waits = "quorate_aggregator_fees_earned_microdollars 999999";
    assert!(stage.counts(waits));
    stage.earn(0, LEAST);
    claims.work_off(now()).await;
    claims.work_off(now()).await;
    assert_eq!(stage.credited(), LEAST);
    assert_eq!(stage.attempts("reward_settler"), 1);
    assert!(stage.counts("quorate_aggregator_fees_paid_microdollars_total 1000000"));
    assert!(stage.counts("quorate_aggregator_fees_earned_microdollars 0"));
}

#[tokio::test]
async fn nothing_is_claimed_from_an_empty_pot() {
    let stage = Stage::new();
    stage.earn(0, 5 * LEAST);
    stage.pot(LEAST - 1);
    let mut claims = stage.claims();
    claims.work_off(now()).await;
    assert_eq!(stage.attempts("reward_settler"), 0);
    stage.pot(2 * LEAST);
    claims.work_off(now()).await;
    assert_eq!(stage.credited(), 2 * LEAST);
    assert_eq!(stage.chain.world().duty.debt, 3 * LEAST);
}

#[tokio::test]
async fn a_debt_is_collected_when_the_pot_has_money_again() {
    let stage = Stage::new();
    stage.chain.world().duty.debt = 3 * LEAST;
    let mut claims = stage.claims();
    claims.work_off(now()).await;
    assert_eq!(stage.attempts("collect_debt"), 0);
    assert!(stage.counts("quorate_aggregator_fees_owed_microdollars 3000000"));
    stage.pot(2 * LEAST);
    claims.work_off(now()).await;
    assert_eq!(stage.credited(), 2 * LEAST);
    stage.pot(2 * LEAST);
    claims.work_off(now()).await;
    claims.work_off(now()).await;
    assert_eq!(stage.credited(), 3 * LEAST);
    assert_eq!(stage.attempts("collect_debt"), 2);
}

#[tokio::test]
async fn what_was_left_under_earlier_policies_is_claimed_too() {
    let stage = Stage::new();
    stage.pot(99 * LEAST);
    // It is about round 1,050.
    for first in [0, 13, 700, 1_049] {
        stage.earn(first, LEAST);
    }
    let mut claims = stage.claims();
    claims.work_off(now()).await;
    assert_eq!(stage.credited(), 4 * LEAST);
    // A policy that comes into force later is found as well.
    stage.earn(1_060, 2 * LEAST);
    stage.earn(1_049, LEAST);
    claims.work_off(stage.time(11, 0)).await;
    assert_eq!(stage.credited(), 7 * LEAST);
}

#[tokio::test]
async fn a_claim_that_fails_is_made_again_and_keeps_no_other_back() {
    let stage = Stage::new();
    stage.pot(99 * LEAST);
    stage.earn(0, LEAST);
    stage.earn(700, 2 * LEAST);
    stage.fail("reward_settler", &[outage()]);
    let mut claims = stage.claims();
    claims.work_off(now()).await;
    assert!(stage.met("reward_settler"));
    assert_eq!(stage.credited(), LEAST);
    claims.work_off(now()).await;
    assert_eq!(stage.credited(), 3 * LEAST);
}

#[tokio::test]
async fn who_claims_for_us_is_no_failure() {
    let stage = Stage::new();
    stage.pot(9 * LEAST);
    stage.earn(0, LEAST);
    let why = "NothingEarned(address,bytes32) 0x00";
    stage.fail("reward_settler", &[refused(why)]);
    stage.claims().work_off(now()).await;
    assert!(stage.met("reward_settler"));
    assert!(stage.counts("quorate_aggregator_fees_paid_microdollars_total 0"));
}
