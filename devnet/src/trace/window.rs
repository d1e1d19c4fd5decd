//! Which tasks are played, and when: the trace's order at another pace.

use super::rows::Pod;

/// A part of the trace and the time in which it is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first task, counted over those with GPUs.
    pub first: usize,
    /// How many tasks.
    pub count: usize,
    /// Seconds from the first task's post to the last one's.
    pub seconds: u64,
}

impl Window {
    /// The densest thousand tasks: 44 hours of the trace's days 147 and 148, in 100 seconds.
    pub const DENSE: Self = Self {
        first: 6_017,
        count: 1_000,
        seconds: 100,
    };
    /// All 7,064 tasks with GPUs, in 9 minutes.
    pub const FULL: Self = Self {
        first: 0,
        count: 7_064,
        seconds: 540,
    };
}

/// An idle time longer than this is cut to it before the pace is taken: the trace's first 115
/// days hold 25 tasks.
const LONGEST_IDLE: u64 = 3_600;
/// No lease is meant to last less, milliseconds: a task of a minute would otherwise end before the
/// round that matches it.
const SHORTEST_LIFE: u64 = 15_000;

/// When a task comes and how long it wants its GPUs, in milliseconds of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// After the beginning of the run.
    pub at: u64,
    /// From its match to its end.
    pub life: u64,
}

/// Times of the tasks of a window: one factor for all, so that order and density stay the trace's.
#[must_use]
pub fn play(pods: &[Pod], seconds: u64) -> Vec<Played> {
    let mut at = Vec::with_capacity(pods.len());
    let (mut time, mut last) = (0_u64, pods.first().map_or(0, |p| p.creation_time));
    for pod in pods {
        time += pod.creation_time.saturating_sub(last).min(LONGEST_IDLE);
        last = pod.creation_time;
        at.push(time);
    }
    let scale = |trace_seconds: u64| {
        trace_seconds.saturating_mul(seconds).saturating_mul(1_000) / time.max(1)
    };
    pods.iter()
        .zip(at)
        .map(|(pod, at)| Played {
            at: scale(at),
            life: scale(pod.deletion_time - pod.creation_time).max(SHORTEST_LIFE),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::rows::gpu_pods;

    fn window(window: Window) -> Vec<Pod> {
        gpu_pods()
            .expect("trace")
            .into_iter()
            .skip(window.first)
            .take(window.count)
            .collect()
    }

    #[test]
    fn no_thousand_tasks_are_denser() {
        let pods = gpu_pods().expect("trace");
        let span = |first: usize| pods[first + 999].creation_time - pods[first].creation_time;
        let least = (0..pods.len() - 999).map(span).min().expect("some");
        assert_eq!(span(Window::DENSE.first), least);
    }

    #[test]
    fn order_stays_and_the_window_is_filled() {
        for w in [Window::DENSE, Window::FULL] {
            let played = play(&window(w), w.seconds);
            assert_eq!(played.len(), w.count);
            assert!(played.is_sorted_by_key(|p| p.at));
            assert_eq!(
                (played[0].at, played[w.count - 1].at),
                (0, w.seconds * 1_000)
            );
        }
    }

    #[test]
    fn long_idle_times_are_cut() {
        let played = play(&window(Window::FULL), Window::FULL.seconds);
        let longest = played
            .windows(2)
            .map(|p| p[1].at - p[0].at)
            .max()
            .expect("some");
        assert!(longest < 2_000, "{longest} ms");
    }
}
