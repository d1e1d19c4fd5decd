//! Whole health epochs, simulated: machines with faults, operators that probe them through the real
//! rules, an aggregator that proposes lists, and what is certified in the end held against the truth.
//!
//! **What is real.** Committees, moments, verdicts, tallies, words, claims, proposals, who may sign a
//! list and two thirds of the seats are this crate's own functions under
//! [`HealthPolicy::recommended`]: 240 windows of six minutes, 31 seats. **What is made up**: the
//! machines, the network between, the operators' clocks, and the BLS signature that draws moments (96
//! bytes of a hash stand for it).
//!
//! **Truth.** A machine is *out* where its fault calls for a FAIL and nothing calls for UNKNOWN. The
//! word *false* is used of three things only:
//!
//! - a *false FAIL*: an honest operator's FAIL although, all the time from question to answer, UNKNOWN
//!   was due (its own network was cut, or a maintenance was in force), or the machine was not out.
//!   Silence because packets were lost on the way is counted by itself: to the operator it is silence,
//!   and a FAIL is the right verdict; that it never becomes a DOWN is what has to hold.
//! - a *false PASS*, or a *false UNKNOWN*: that verdict although the machine was out all that time, or
//!   UNKNOWN although nothing called for it.
//! - a *false DOWN*: a certified window in which the machine was out for less than one slice (a window
//!   divided by `fails`, two minutes) in all.
//!
//! **Which windows may be either.** A window has to be DOWN if the machine was out from before its
//! first moment to after its last one by every operator's clock. It must not be DOWN as above. In
//! between, mostly the partial windows at either end of an outage and those of a machine that flaps
//! faster than windows pass, both answers are right, and which one comes depends on moments that
//! nobody could foresee.
//!
//! An *outage* is a stretch in which the machine is out without a pause, and which holds a window that
//! has to be DOWN: with `fails` attempts in each window, that is as long as the policy asks. It is
//! *missed* if such a window is not certified.

mod agent;
mod ailment;
mod counts;
mod crew;
mod dice;
mod draw;
mod faults;
mod judge;
mod probing;
mod spans;
mod story;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use counts::Counts;
pub(crate) use faults::Fault;

/// What came of all machines with one fault.
pub(crate) type Rows = Vec<(Fault, Counts)>;

/// Simulates at least so many provider-epochs, the same number of each fault, on all cores. The same
/// seed gives the same rows, on however many cores.
pub(crate) fn run(provider_epochs: u64, seed: u64) -> Rows {
    let faults = u64::try_from(Fault::ALL.len()).unwrap_or(u64::MAX);
    let epochs = provider_epochs.div_ceil(faults);
    let next = AtomicU64::new(0);
    let work = || {
        let mut rows = empty();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= epochs {
                return rows;
            }
            add(&mut rows, judge::epoch(seed, number));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut all = empty();
        for worker in workers {
            match worker.join() {
                Ok(rows) => add(&mut all, rows),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

fn empty() -> Rows {
    Fault::ALL.map(|fault| (fault, Counts::default())).into()
}

fn add(all: &mut Rows, rows: Rows) {
    for ((_, sum), (_, counts)) in all.iter_mut().zip(rows) {
        sum.add(&counts);
    }
}
