//! Stores on a real disk: creation, locking, crashes, damage.

mod child;
mod crash;
mod creation;
mod damage;
mod derived;
mod locking;
mod transactions;

use quorate_store::Table;
use quorate_store::sqlite::{Migration, Schema};

const VOTES: Table = Table::new("votes");
const EVIDENCE: Table = Table::new("evidence");

const SCHEMA: Schema = Schema {
    application_id: 0x5154_4553,
    migrations: &[Migration::AddTable(VOTES), Migration::AddTable(EVIDENCE)],
};

/// How often a trial is repeated: a sample in tests, in full with `QUORATE_SOAK` set, or as
/// often as `variable` says.
fn trials(variable: &str, sample: usize, soak: usize) -> usize {
    match std::env::var(variable) {
        Ok(count) => count.parse().unwrap(),
        Err(_) if std::env::var_os("QUORATE_SOAK").is_some() => soak,
        Err(_) => sample,
    }
}

/// What to XOR a byte with so that it changes.
fn flip_mask(random: u32) -> u8 {
    random.to_be_bytes()[0].max(1)
}
