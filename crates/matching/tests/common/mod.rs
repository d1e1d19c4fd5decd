//! What the tests share: small crowded markets from a number, and an oracle that knows only bytes.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, reason = "a module of tests has no outside")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test data is cut to size on purpose"
)]

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
