//! What to do next against a wrong round: a decision from values alone.

use alloy::primitives::B256;
use quorate_canon::Timestamp;

use super::{
    docket::{Case, Stage},
    options::Mode,
};

/// What the chain shows of the case's round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The head's number.
    pub head: u64,
    /// The head's time.
    pub now: Timestamp,
    /// Whether the round was refuted, by whomever.
    pub refuted: bool,
    /// The last second in which it can be, if that is known.
    pub until: Option<Timestamp>,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing now.
    Rest,
    /// Try the challenge by a call, and report.
    TryOut,
    /// Send the challenge.
    Challenge,
    /// Draw a salt and put it on disk; nothing may be sent before.
    DrawSalt,
    /// Send the commitment.
    Commit {
        /// The salt on disk.
        salt: B256,
    },
    /// Show what was committed.
    Reveal {
        /// The salt on disk.
        salt: B256,
    },
    /// Nothing can be done any more, for this reason.
    Leave(&'static str),
}

/// Decides. A commitment that may be out is always brought to its end by a watcher that is told to
/// commit, also when somebody else was faster: its bond comes back only by the revelation.
#[must_use]
pub(super) fn next(mode: Mode, case: &Case, facts: &Facts) -> Step {
    match (case.stage, mode) {
        (Stage::Refuted { .. } | Stage::Over, _) => Step::Rest,
        (Stage::Committing { salt }, Mode::Bounty) => Step::Commit { salt },
        // Once its block was followed. That the next one has a later time, the contract sees to.
        (Stage::Committed { salt, at }, Mode::Bounty) if facts.head >= at.block => {
            Step::Reveal { salt }
        }
        (Stage::Committing { .. } | Stage::Committed { .. }, _) => Step::Rest,
        (Stage::Found | Stage::Tried, mode) => first(mode, case, facts),
    }
}

fn first(mode: Mode, case: &Case, facts: &Facts) -> Step {
    if facts.refuted {
        return Step::Leave("refuted already");
    }
    if case.witness.is_none() {
        return Step::Leave("nothing that was posted shows it");
    }
    if facts.until.is_some_and(|until| facts.now > until) {
        return Step::Leave("its windows are over");
    }
    match mode {
        Mode::DryRun if case.stage == Stage::Tried => Step::Rest,
        Mode::DryRun => Step::TryOut,
        Mode::Challenge => Step::Challenge,
        Mode::Bounty => Step::DrawSalt,
    }
}

#[cfg(test)]
mod tests {
    use quorate_canon::Digest;

    use super::*;
    use crate::{
        testing,
        watch::docket::{At, Verdict},
    };

    const AT: At = At {
        block: 50,
        hash: None,
    };

    fn case(stage: Stage) -> Case {
        let header = testing::header(3, Digest::ZERO);
        Case {
            stage,
            witness: Some(vec![1].into()),
            ..Case::new(Verdict::Wrong, AT, &header, None)
        }
    }

    fn facts() -> Facts {
        Facts {
            head: 60,
            now: Timestamp::new(1_000),
            refuted: false,
            until: Some(Timestamp::new(1_000)),
        }
    }

    #[test]
    fn a_new_case_begins_by_its_mode() {
        let begin = |mode| next(mode, &case(Stage::Found), &facts());
        assert_eq!(begin(Mode::DryRun), Step::TryOut);
        assert_eq!(begin(Mode::Challenge), Step::Challenge);
        assert_eq!(begin(Mode::Bounty), Step::DrawSalt);
    }

    #[test]
    fn a_case_that_was_only_tried_is_sent_by_a_later_run() {
        let tried = case(Stage::Tried);
        assert_eq!(next(Mode::DryRun, &tried, &facts()), Step::Rest);
        assert_eq!(next(Mode::Challenge, &tried, &facts()), Step::Challenge);
    }

    #[test]
    fn nothing_is_sent_after_the_windows_or_a_refutation() {
        let late = Facts {
            now: Timestamp::new(1_001),
            ..facts()
        };
        let done = Facts {
            refuted: true,
            ..facts()
        };
        for mode in [Mode::DryRun, Mode::Challenge, Mode::Bounty] {
            for facts in [late, done] {
                let step = next(mode, &case(Stage::Found), &facts);
                assert!(matches!(step, Step::Leave(_)), "{step:?}");
            }
        }
    }

    #[test]
    fn a_revelation_waits_until_the_commitment_was_followed() {
        let salt = B256::repeat_byte(9);
        let committed = case(Stage::Committed { salt, at: AT });
        let at = |head| Facts { head, ..facts() };
        assert_eq!(next(Mode::Bounty, &committed, &at(49)), Step::Rest);
        assert_eq!(
            next(Mode::Bounty, &committed, &at(50)),
            Step::Reveal { salt }
        );
    }

    /// The bond comes back only so.
    #[test]
    fn a_commitment_is_brought_to_its_end_though_somebody_was_faster() {
        let salt = B256::repeat_byte(9);
        let refuted = Facts {
            refuted: true,
            ..facts()
        };
        let committing = case(Stage::Committing { salt });
        let committed = case(Stage::Committed { salt, at: AT });
        assert_eq!(
            next(Mode::Bounty, &committing, &refuted),
            Step::Commit { salt }
        );
        assert_eq!(
            next(Mode::Bounty, &committed, &refuted),
            Step::Reveal { salt }
        );
    }

    #[test]
    fn what_is_over_rests() {
        for stage in [Stage::Over, Stage::Refuted { salt: None, at: AT }] {
            assert_eq!(next(Mode::Bounty, &case(stage), &facts()), Step::Rest);
        }
    }
}
