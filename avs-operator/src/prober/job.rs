//! What is to be done, and when: kept in a heap by time.

use std::cmp::Ordering;
use std::sync::Arc;

use quorate_bls::Signature;
use quorate_canon::Timestamp;
use quorate_health::Window;
use quorate_health::{Place, Subject, WindowTally};

use super::plan::Plan;
use super::roster::Candidate;

/// One thing to do about one machine in one window.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// When, Unix milliseconds.
    pub(super) at: u64,
    pub(super) kind: Kind,
    pub(super) plan: Arc<Plan>,
    pub(super) window: Window,
    /// First second of the window.
    pub(super) start: Timestamp,
    /// First second after it.
    pub(super) end: Timestamp,
    /// The machine as it stood when the window was planned, and its place on the roster.
    pub(super) machine: Candidate,
    pub(super) index: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Ask, judge, and say the word if there is one.
    Probe { attempt: u8, tally: WindowTally },
    /// Leave a receipt that the agent did not take before.
    Deliver {
        signature: Box<Signature>,
        pause_ms: u64,
    },
    /// After a restart: leave the receipt again that was signed for this window, if one was.
    Resume,
}

impl Job {
    pub(super) const fn subject(&self) -> Subject {
        Subject::Machine(self.machine.id)
    }

    pub(super) fn place(&self) -> Place {
        self.plan.place(self.machine.id, self.window)
    }

    pub(super) const fn end_ms(&self) -> u64 {
        self.end.get().saturating_mul(1_000)
    }

    /// Whether a probe has waited so long for its turn that its answer could come after its slice.
    pub(super) fn is_late(&self, now: u64) -> bool {
        let room = u64::from(self.plan.policy.deadline_ms) / 2;
        matches!(self.kind, Kind::Probe { .. }) && now > self.at.saturating_add(room.max(1_000))
    }

    /// The first attempt from `attempt` on whose moment has not passed at `now`, or has but its slice
    /// still holds a whole deadline: the chain shows a window's machines a block after it began. `None`
    /// once there are no more.
    pub(super) fn probe(mut self, attempt: u8, tally: WindowTally, now: u64) -> Option<Self> {
        for attempt in attempt..self.plan.policy.fails {
            let at = self
                .plan
                .moment(self.machine.id, self.window, attempt)
                .ok()?;
            let latest = self.plan.latest(self.window, attempt).ok()?;
            if at.max(latest) >= now {
                self.at = at.max(now);
                self.kind = Kind::Probe { attempt, tally };
                return Some(self);
            }
        }
        None
    }
}

/// By time, the earliest the greatest: the heap gives that first.
impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |job: &Self| (job.at, job.machine.id);
        key(other).cmp(&key(self))
    }
}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Job {}
