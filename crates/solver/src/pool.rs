//! Jobs side by side: scoped threads that take the next job when they are done with one.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `jobs` jobs on at most `threads` threads; the results stand in the order of the jobs.
pub(crate) fn run<T: Send>(threads: usize, jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut places: Vec<Vec<(usize, T)>> = Vec::new();
    places.resize_with(threads.min(jobs).max(1), Vec::new);
    run_at(&mut places, jobs, |done, at| done.push((at, job(at))));
    let mut all: Vec<_> = places.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// Runs `jobs` jobs, each at one of the places: as many threads as there are places, or jobs if
/// those are fewer. Which job runs where is left to chance.
pub(crate) fn run_at<P: Send>(places: &mut [P], jobs: usize, job: impl Fn(&mut P, usize) + Sync) {
    run_then(places, jobs, job, |_| {});
}

/// As [`run_at`], and at each place something more when no job is left.
pub(crate) fn run_then<P: Send>(
    places: &mut [P],
    jobs: usize,
    job: impl Fn(&mut P, usize) + Sync,
    end: impl Fn(&mut P) + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = |place: &mut P| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= jobs {
                return end(place);
            }
            job(place, at);
        }
    };
    let Some((mine, others)) = places.split_first_mut() else {
        return;
    };
    let others = others.iter_mut().take(jobs.saturating_sub(1));
    std::thread::scope(|scope| {
        let others: Vec<_> = others.map(|place| scope.spawn(|| work(place))).collect();
        work(mine);
        for other in others {
            if let Err(panic) = other.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}
