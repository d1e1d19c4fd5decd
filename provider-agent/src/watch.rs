//! When the agent pauses its own machine, and when it resumes it: at once on a fault; after it was well
//! for a while, and for longer with each pause of a day, so that a flapping card does not flap the chain.

use quorate_canon::Timestamp;

/// Pauses older than this no longer lengthen the wait.
const DAY: u64 = 86_400;
/// The wait doubles at most so often.
const DOUBLINGS: usize = 4;

/// The agent's own pauses; kept on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pauses {
    /// Whether the machine is paused by the agent, and not by a person.
    pub ours: bool,
    /// When the agent paused it, within the last day.
    pub times: Vec<Timestamp>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Keep,
    /// Pause the machine.
    Pause,
    /// Resume it.
    Resume,
}

/// What the agent sees of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Now.
    pub now: Timestamp,
    /// Whether an operator would find anything wrong.
    pub faulty: bool,
    /// Whether the chain has the machine paused.
    pub paused: bool,
    /// Whether a person wants it paused.
    pub held: bool,
}

/// Decides; holds what it has seen.
#[derive(Debug, Clone)]
pub struct Watch {
    pauses: Pauses,
    resume_after: u64,
    well_since: Option<Timestamp>,
}

impl Watch {
    /// A watch that resumes after so many seconds of being well.
    #[must_use]
    pub const fn new(pauses: Pauses, resume_after: u64) -> Self {
        Self {
            pauses,
            resume_after,
            well_since: None,
        }
    }

    /// The pauses, to be kept.
    #[must_use]
    pub const fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// What is to be done now.
    pub fn look(&mut self, sight: Sight) -> Step {
        if !sight.paused {
            self.pauses.ours = false;
        }
        if sight.faulty {
            self.well_since = None;
            return if sight.paused {
                Step::Keep
            } else {
                Step::Pause
            };
        }
        let since = *self.well_since.get_or_insert(sight.now);
        let well = sight.now.get().saturating_sub(since.get());
        match (sight.paused, sight.held) {
            // A person wants it paused, and the agent has the key.
            (false, true) => Step::Pause,
            (true, false) if self.pauses.ours && well >= self.wait(sight.now) => Step::Resume,
            _ => Step::Keep,
        }
    }

    /// The machine was paused for a fault.
    pub fn paused(&mut self, now: Timestamp) {
        self.pauses.ours = true;
        self.pauses.times.retain(|time| recent(*time, now));
        self.pauses.times.push(now);
    }

    /// The machine was paused because a person wants it so: it is the agent's to resume, and counts as
    /// no fault.
    pub const fn held(&mut self) {
        self.pauses.ours = true;
    }

    /// How long the machine has to be well, seconds.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> u64 {
        let recent = self.pauses.times.iter().filter(|time| recent(**time, now));
        let doublings = recent.count().saturating_sub(1).min(DOUBLINGS);
        self.resume_after.saturating_mul(1 << doublings)
    }
}

fn recent(time: Timestamp, now: Timestamp) -> bool {
    now.get().saturating_sub(time.get()) < DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(now: u64, faulty: bool, paused: bool) -> Sight {
        Sight {
            now: Timestamp::new(now),
            faulty,
            paused,
            held: false,
        }
    }

    /// Plays a card that is faulty when `faulty` says so, looked at every ten seconds; the times of the
    /// calls.
    fn play(seconds: u64, faulty: impl Fn(u64) -> bool) -> (Vec<u64>, Vec<u64>) {
        let mut watch = Watch::new(Pauses::default(), 600);
        let (mut paused, mut pauses, mut resumes) = (false, Vec::new(), Vec::new());
        for now in (0..seconds).step_by(10) {
            match watch.look(sight(now, faulty(now), paused)) {
                Step::Keep => {}
                Step::Pause => {
                    paused = true;
                    watch.paused(Timestamp::new(now));
                    pauses.push(now);
                }
                Step::Resume => {
                    paused = false;
                    resumes.push(now);
                }
            }
        }
        (pauses, resumes)
    }

    #[test]
    fn a_fault_pauses_at_once_and_once() {
        assert_eq!(play(5_000, |now| now >= 100), (vec![100], vec![]));
    }

    #[test]
    fn a_machine_that_is_well_again_is_resumed_after_a_while() {
        let (pauses, resumes) = play(5_000, |now| (100..200).contains(&now));
        assert_eq!((pauses, resumes), (vec![100], vec![800]));
    }

    #[test]
    fn a_flapping_card_does_not_flap_the_chain() {
        // Faulty for ten seconds of every quarter of an hour, for a day.
        let (pauses, _) = play(DAY, |now| now % 900 == 0);
        assert!(pauses.len() <= 3, "{pauses:?}");
        let always = play(DAY, |now| now % 20 == 0).0;
        assert_eq!(always.len(), 1);
    }

    #[test]
    fn what_a_person_paused_stays_paused() {
        let mut watch = Watch::new(Pauses::default(), 0);
        for now in 0..100 {
            assert_eq!(watch.look(sight(now, false, true)), Step::Keep);
        }
    }

    #[test]
    fn a_person_who_wants_it_paused_outranks_the_watch() {
        let pauses = Pauses {
            ours: true,
            times: vec![Timestamp::new(0)],
        };
        let mut watch = Watch::new(pauses, 0);
        let held = |paused| Sight {
            held: true,
            ..sight(50, false, paused)
        };
        assert_eq!(watch.look(held(true)), Step::Keep);
        assert_eq!(watch.look(held(false)), Step::Pause);
        watch.held();
        assert_eq!(watch.look(held(true)), Step::Keep);
        assert_eq!(watch.look(sight(60, false, true)), Step::Resume);
    }

    #[test]
    fn what_a_person_resumed_is_no_longer_the_agents() {
        let pauses = Pauses {
            ours: true,
            times: vec![Timestamp::new(0)],
        };
        let mut watch = Watch::new(pauses, 0);
        assert_eq!(watch.look(sight(50, false, false)), Step::Keep);
        assert_eq!(
            watch.look(sight(60, false, true)),
            Step::Keep,
            "paused by somebody else"
        );
    }

    #[test]
    fn yesterdays_pauses_are_forgotten() {
        let mut watch = Watch::new(Pauses::default(), 600);
        for now in [0, 1, 2] {
            watch.paused(Timestamp::new(now));
        }
        assert_eq!(watch.wait(Timestamp::new(3)), 2_400);
        assert_eq!(watch.wait(Timestamp::new(DAY + 3)), 600);
    }
}
