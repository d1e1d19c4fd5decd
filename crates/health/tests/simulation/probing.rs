//! One member of a committee at its work: every window of the epoch, attempt by attempt.

use quorate_canon::{Mask256, OperatorIndex};
use quorate_health::{
    Answer, Checks, Environment, HealthPolicy, LeaseState, Nonce, Place, Previous, ProbeView,
    Question, Report, Subject, Verdict, Window, WindowTally, Word, moment, verdict,
};

use super::agent::{blank, expected, unix};
use super::ailment::Ailment;
use super::counts::Counts;
use super::crew::Crew;
use super::dice::Dice;
use super::spans::{Ms, SECOND};
use super::story::{BASE, Story};

/// A question's leases are those of a block that may be this old.
const BLOCK: Ms = SECOND;

/// A member, and the machine that it judges.
pub(super) struct Member<'a> {
    pub(super) crew: &'a Crew,
    pub(super) policy: &'a HealthPolicy,
    pub(super) story: &'a Story,
    pub(super) subject: Subject,
    pub(super) operator: OperatorIndex,
    /// Whether it is one of those that are cut off where the story says so.
    pub(super) cut: bool,
    /// How much its clock is ahead, milliseconds.
    pub(super) ahead: i64,
    pub(super) dice: Dice,
}

/// What a member may say of the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) receipts: Mask256,
    pub(super) down: Mask256,
}

/// What would be right to say of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Pass,
    Fail,
    Unknown,
    Either,
}

impl Member<'_> {
    /// Probes all windows, counts verdicts, and gives the words.
    pub(super) fn work(mut self, counts: &mut Counts) -> Words {
        let mut words = Words {
            receipts: Mask256::ZERO,
            down: Mask256::ZERO,
        };
        let mut view = self.first_view();
        let mut spare = None;
        for window in 0..self.policy.windows {
            let bit = u8::try_from(window).expect("at most 256 windows");
            match self.window(Window(window), &mut view, &mut spare, counts) {
                Some(Word::Receipt(_)) => words.receipts = words.receipts.with(bit),
                Some(Word::Down(_)) => words.down = words.down.with(bit),
                None => {}
            }
        }
        words
    }

    fn first_view(&self) -> ProbeView {
        let question = Question {
            subject: self.subject,
            operator: self.operator,
            epoch: self.crew.epoch,
            window: Window(0),
            nonce: Nonce::default(),
            lease: LeaseState::Free,
            checks: Checks::REPORT,
        };
        ProbeView {
            question,
            expected: expected(),
            lease_after: LeaseState::Free,
            maintenance: self.story.maintenance,
            environment: Environment::SOUND,
            answer: Answer::Silence,
            previous: None,
            now: unix(0),
        }
    }

    fn window(
        &mut self,
        window: Window,
        view: &mut ProbeView,
        spare: &mut Option<Box<Report>>,
        counts: &mut Counts,
    ) -> Option<Word> {
        let (crew, policy) = (self.crew, self.policy);
        let (start, end) = crew
            .windows
            .span(crew.epoch, window)
            .expect("a window of the epoch");
        let length = (end.get() - start.get()) * SECOND;
        let start = (start.get() - BASE) * SECOND;
        let place = Place {
            network: crew.network,
            subject: self.subject,
            epoch: crew.epoch,
            window,
        };
        let signature = crew.signature(self.operator);
        let mut tally = WindowTally::default();
        for attempt in 0..policy.fails {
            let within = moment(signature, self.subject, window, attempt, length, policy);
            let by_own_clock = start + within.expect("an attempt of the policy");
            let sent = by_own_clock.saturating_add_signed(-self.ahead);
            view.question.window = window;
            let judged = self.probe(sent, view, spare, counts);
            tally.add(&judged);
            if !tally.is_open(policy) {
                break;
            }
        }
        tally.word(place, policy)
    }

    fn probe(
        &mut self,
        sent: Ms,
        view: &mut ProbeView,
        spare: &mut Option<Box<Report>>,
        counts: &mut Counts,
    ) -> Verdict {
        let deadline = Ms::from(self.policy.deadline_ms);
        let question = &mut view.question;
        let halves = [self.dice.roll(), self.dice.roll()];
        for (to, from) in question.nonce.0.chunks_exact_mut(8).zip(halves) {
            to.copy_from_slice(&from.to_be_bytes());
        }
        question.lease = self.story.lease(sent - BLOCK);
        let lost = self.dice.happens(self.story.lost);
        let done = sent + self.latency(sent);
        let cut_off = self.cut && self.story.cut.overlap(sent, done.min(sent + deadline)) > 0;
        let scratch = spare.take().unwrap_or_else(|| Box::new(blank(question)));
        view.answer = if lost || cut_off || done > sent + deadline {
            *spare = Some(scratch);
            Answer::Silence
        } else {
            self.story.answer(question, sent, done, scratch)
        };
        let done = match view.answer {
            Answer::Silence => sent + deadline,
            _ => done,
        };
        view.environment.network = !cut_off;
        view.lease_after = self.story.lease(done);
        view.now = unix(done.saturating_add_signed(self.ahead));
        let judged = verdict(view, self.policy);
        counts.probe(self.due(sent, done, cut_off), &judged, lost);
        // The next probe's report before is this one, and its old place is free for the next.
        if let Answer::Report(report) = std::mem::replace(&mut view.answer, Answer::Silence) {
            let answered = view.now;
            let old = view.previous.replace(Previous { report, answered });
            *spare = old.map(|old| old.report);
        }
        judged
    }

    /// From question to answer, if there is one.
    fn latency(&mut self, sent: Ms) -> Ms {
        let (from, until) = self.story.latency;
        let usual = self.dice.between(from, until);
        if self.story.ailment == Ailment::Late && self.story.ailing.has(sent) {
            return u64::from(self.policy.deadline_ms) + 1 + usual;
        }
        usual
    }

    fn due(&self, sent: Ms, done: Ms, cut_off: bool) -> Due {
        if cut_off {
            return Due::Unknown;
        }
        let story = self.story;
        if let Some(maintenance) = &story.maintenance {
            let in_force = |at| maintenance.in_force(unix(at), self.policy);
            match (in_force(done - story.skew), in_force(done + story.skew)) {
                (true, true) => return Due::Unknown,
                (false, false) => {}
                _ => return Due::Either,
            }
        }
        let until = done + 1;
        if story.out.covers(sent, until) {
            Due::Fail
        } else if story.out.overlap(sent, until) + story.blurred.overlap(sent, until) == 0 {
            Due::Pass
        } else {
            Due::Either
        }
    }
}

impl Counts {
    fn probe(&mut self, due: Due, judged: &Verdict, lost: bool) {
        self.verdicts += 1;
        match (due, judged) {
            (Due::Pass, Verdict::Fail(_)) if lost => self.lost += 1,
            (Due::Pass | Due::Unknown, Verdict::Fail(_)) => self.false_fails += 1,
            (Due::Fail | Due::Unknown, Verdict::Pass) => self.false_passes += 1,
            (Due::Pass | Due::Fail, Verdict::Unknown(_)) => self.false_unknowns += 1,
            _ => {}
        }
        match judged {
            Verdict::Fail(_) => self.fails += 1,
            Verdict::Unknown(_) => self.unknowns += 1,
            Verdict::Pass => {}
        }
    }
}
