//! What the tests share: small crowded markets from a number, and an oracle that knows only bytes.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, reason = "a module of tests has no outside")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test data is cut to size on purpose"
)]

pub mod ledger;
pub mod oracle;
pub mod world;

/// So many cases; a failure is printed with the number of its world, which is all that it takes.
pub fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

/// How many numbers a test tries: many more with `QUORATE_SOAK=1`.
pub fn soaked(usual: u64) -> u64 {
    match std::env::var("QUORATE_SOAK") {
        Ok(on) if on == "1" => usual * 100,
        _ => usual,
    }
}

/// A ledger of up to 4 offers and 6 requests, with a limit in half of the cases.
pub fn small_ledger(number: u64) -> ledger::Ledger {
    sized_ledger(number, 4, 6)
}

/// A ledger of up to so many offers and requests, with a limit in half of the cases.
pub fn sized_ledger(number: u64, offers: u64, requests: u64) -> ledger::Ledger {
    let mut dice = world::Dice(number);
    let (offers, requests) = (1 + dice.below(offers), 1 + dice.below(requests));
    let limit = if dice.one_in(2) { dice.below(8) } else { 0 };
    ledger::Ledger::new(number, offers, requests).with_limit(limit as u32)
}
