//! The signer on a real disk: what it signs, what it refuses, and that neither crashes, threads,
//! backups nor clocks make it sign twice.

mod backups;
mod binding;
mod child;
mod crash;
mod history;
mod interchange;
mod signing;
mod threads;
mod world;

/// How often a trial is repeated: few times in tests, as often as asked for in a soak.
fn trials(variable: &str, sample: usize) -> usize {
    std::env::var(variable).map_or(sample, |count| count.parse().unwrap())
}
