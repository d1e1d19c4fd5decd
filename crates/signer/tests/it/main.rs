//! The signer on a real disk: what it signs, what it refuses, and that neither crashes, threads,
//! backups nor clocks make it sign twice.

mod backups;
mod binding;
mod child;
mod crash;
mod history;
mod interchange;
mod repeats;
mod signing;
mod talk;
mod threads;
mod word_crash;
mod words;
mod world;

/// How often a trial is repeated: a sample in tests, in full with `QUORATE_SOAK` set, or as
/// often as `variable` says.
fn trials(variable: &str, sample: usize, soak: usize) -> usize {
    match std::env::var(variable) {
        Ok(count) => count.parse().unwrap(),
        Err(_) if std::env::var_os("QUORATE_SOAK").is_some() => soak,
        Err(_) => sample,
    }
}
