//! Metrics and readiness of a watcher, and the way its lines take.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use quorate_canon::Round;
use quorate_service::{Metrics, Readiness, health::Requirement};
use tokio::sync::mpsc::UnboundedSender;
use tracing::{error, info, warn};

use super::line::{ActionLine, Fate, Judgement, Line, RoundLine};

/// Labels of judged rounds.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Judged {
    judgement: &'static str,
}

/// Labels of actions.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Acted {
    action: &'static str,
    fate: &'static str,
}

/// Where a watcher's words go: the log, the metrics, and whoever listens.
#[derive(Debug)]
pub(super) struct Observe {
    judged: Family<Judged, Counter>,
    acted: Family<Acted, Counter>,
    taken_back: Counter,
    head: Gauge,
    last: Gauge,
    open: Gauge,
    unsure: Gauge,
    l2: Requirement,
    judging: Requirement,
    lines: Option<UnboundedSender<Line>>,
}

impl Observe {
    /// Registers everything.
    #[must_use]
    pub(super) fn new(
        metrics: &Metrics,
        readiness: &Readiness,
        lines: Option<UnboundedSender<Line>>,
    ) -> Self {
        let gauge = |name, help| metrics.register(name, help, Gauge::default());
        Self {
            judged: metrics.register("auditor_rounds", "Rounds judged", Family::default()),
            acted: metrics.register(
                "auditor_actions",
                "Challenges, commitments, revelations, strikes and what came of them",
                Family::default(),
            ),
            taken_back: metrics.register(
                "auditor_taken_back",
                "Findings that a reorganisation took back",
                Counter::default(),
            ),
            head: gauge("auditor_head", "Newest followed block of L2"),
            last: gauge("auditor_last_round", "Last round that was judged"),
            open: gauge(
                "auditor_open_cases",
                "Wrong rounds with something left to do",
            ),
            unsure: gauge("auditor_unsure_rounds", "Rounds that cannot be judged now"),
            l2: readiness.require("l2"),
            judging: readiness.require("judging"),
            lines,
        }
    }

    /// A round was judged, or could not be.
    pub(super) fn round(&self, line: RoundLine) {
        let name = match line.judgement {
            Judgement::Right => "right",
            Judgement::Wrong => "wrong",
            Judgement::Withheld => "withheld",
            Judgement::Unsure => "unsure",
        };
        let labels = Judged { judgement: name };
        self.judged.get_or_create(&labels).inc();
        if line.judgement != Judgement::Unsure {
            self.last.set(i64::try_from(line.round).unwrap_or(i64::MAX));
        }
        let fault = line.fault.as_ref().map(|fault| fault.words.as_str());
        let (round, reason) = (line.round, line.reason.as_deref());
        match line.judgement {
            Judgement::Right => info!(round, standing = ?line.standing, "round is right"),
            Judgement::Wrong => error!(round, fault, reason, "round is WRONG"),
            Judgement::Withheld => {
                error!(round, reason, "round is WRONG, and its list is withheld")
            }
            Judgement::Unsure => warn!(round, reason, "round cannot be judged"),
        }
        self.say(Line::Round(line));
    }

    /// Something was tried or done.
    pub(super) fn action(&self, line: ActionLine) {
        let labels = Acted {
            action: line.action.name(),
            fate: line.fate.name(),
        };
        self.acted.get_or_create(&labels).inc();
        let (round, action) = (line.round, line.action.name());
        let (transaction, reason) = (line.transaction.as_deref(), line.reason.as_deref());
        match line.fate {
            Fate::Done => info!(round, action, transaction, gas = line.gas, "done"),
            Fate::WouldSucceed => info!(round, action, "dry run: would succeed"),
            Fate::WouldRevert => warn!(round, action, reason, "dry run: would revert"),
            Fate::Failed => warn!(round, action, reason, "not done"),
            Fate::LeftOut => info!(round, action, reason, "left out"),
        }
        self.say(Line::Action(line));
    }

    /// A finding does not count any more.
    pub(super) fn taken_back(&self, round: Round, digest: String, judgement: Judgement) {
        self.taken_back.inc();
        warn!(%round, digest, ?judgement, "taken back by a reorganisation");
        let round = round.get();
        self.say(Line::TakenBack {
            round,
            digest,
            judgement,
        });
    }

    /// The head moved, and everything up to it was looked at.
    pub(super) fn looked(&self, head: u64, open: usize, unsure: usize) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.head.set(i64::try_from(head).unwrap_or(i64::MAX));
        self.open.set(number(open));
        self.unsure.set(number(unsure));
        self.l2.ready();
        match unsure {
            0 => self.judging.ready(),
            count => self
                .judging
                .missing(format!("{count} rounds cannot be judged; the log says why")),
        }
    }

    /// L2 does not answer.
    pub(super) fn deaf(&self, why: &impl std::fmt::Display) {
        self.l2.missing(why.to_string());
    }

    fn say(&self, line: Line) {
        if let Some(lines) = &self.lines {
            // Whoever listened has gone: what was said stands in the log.
            let _ = lines.send(line);
        }
    }
}
