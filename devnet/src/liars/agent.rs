//! An agent that answers probes with anything but what it was asked for.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use provider_agent::{cards::Cards, clock::now, config, signing::MachineKey};
use quorate_canon::{HealthEpoch, OfferId, OperatorIndex};
use quorate_health::{HealthPolicy, Nonce, Question, Report, SignedReport, Subject, Window};
use quorate_keys::ecdsa;
use quorate_rpc::{AgentHandler, AgentRefusal, Server, WireError, wire::Delivery};
use quorate_service::Shutdown;

use crate::Error;

/// How an answer deceives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deceit {
    /// A true report of the machine, signed by it, that answered an earlier probe of this operator.
    Replayed,
    /// A report that another key has signed.
    Forged,
    /// A report that comes after the deadline.
    Late,
    /// A report with a nonce that nobody sent.
    Nonce,
    /// A report of the window before.
    Window,
    /// A report of another machine.
    Machine,
}

impl Deceit {
    /// All of them, in the order of windows.
    pub const ALL: [Self; 6] = [
        Self::Replayed,
        Self::Forged,
        Self::Late,
        Self::Nonce,
        Self::Window,
        Self::Machine,
    ];

    /// The deceit of a window: one after the other, over all epochs.
    #[must_use]
    pub fn of(epoch: HealthEpoch, window: Window) -> Self {
        let windows = u64::from(HealthPolicy::devnet().windows);
        let number = u64::from(epoch.get()) * windows + u64::from(window.0);
        let at = usize::try_from(number % 6).unwrap_or_default();
        Self::ALL.get(at).copied().unwrap_or(Self::Replayed)
    }
}

/// The agent. In the window of its first probe it is honest: it wants a report to replay.
#[derive(Debug)]
pub struct HostileAgent {
    cards: Cards,
    key: MachineKey,
    forger: MachineKey,
    deadline: Duration,
    kept: Mutex<Kept>,
}

/// What it answered honestly.
#[derive(Debug, Default)]
struct Kept {
    honest: Option<(HealthEpoch, Window)>,
    reports: BTreeMap<OperatorIndex, SignedReport>,
}

impl HostileAgent {
    /// Over an agent's configuration: its cards, its key, and a key of its own to forge with.
    ///
    /// # Errors
    /// When the cards cannot be read or a key cannot be made.
    pub fn new(config: &config::Config) -> Result<Self, Error> {
        let key = |secret: &ecdsa::SecretKey| {
            MachineKey::new(secret).map_err(|e| Error::Key(e.to_string()))
        };
        let own = config.machine_key.ecdsa();
        let own = own.map_err(|e| Error::Key(e.to_string()))?;
        let other = ecdsa::SecretKey::generate().map_err(|e| Error::Key(e.to_string()))?;
        Ok(Self {
            cards: Cards::start(config.source()).map_err(program)?,
            key: key(&own)?,
            forger: key(&other)?,
            deadline: Duration::from_millis(HealthPolicy::devnet().deadline_ms.into()),
            kept: Mutex::default(),
        })
    }

    /// The true answer.
    async fn report(&self, question: &Question) -> Result<Report, AgentRefusal> {
        let snapshot = self.cards.read().await.map_err(unable)?;
        Ok(snapshot.report(question, now()))
    }

    /// Whether this is still the window of the first probe.
    fn is_honest(&self, question: &Question) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (question.epoch, question.window);
        *kept.honest.get_or_insert(place) == place
    }

    fn keep(&self, operator: OperatorIndex, report: &SignedReport) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.reports.insert(operator, report.clone());
    }

    /// The operator's own report of before, or anybody's.
    fn replayed(&self, operator: OperatorIndex) -> Option<SignedReport> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let any = || kept.reports.values().next();
        kept.reports.get(&operator).or_else(any).cloned()
    }

    async fn deceive(
        &self,
        question: &Question,
        deceit: Deceit,
    ) -> Result<SignedReport, AgentRefusal> {
        let mut report = self.report(question).await?;
        match deceit {
            Deceit::Replayed => {
                let replayed = self.replayed(question.operator);
                return replayed.ok_or_else(|| unable("nothing to replay yet"));
            }
            Deceit::Forged => return self.forger.sign(report).map_err(unable),
            Deceit::Late => tokio::time::sleep(self.deadline * 3 / 2).await,
            Deceit::Nonce => report.nonce = Nonce(question.nonce.0.map(|byte| !byte)),
            Deceit::Window => report.window = Window(question.window.0.wrapping_sub(1)),
            Deceit::Machine => {
                let Subject::Machine(machine) = question.subject;
                report.subject = Subject::Machine(OfferId::new(machine.get().wrapping_add(1)));
            }
        }
        self.key.sign(report).map_err(unable)
    }
}

impl AgentHandler for HostileAgent {
    async fn probe(
        &self,
        question: Question,
        _: Option<IpAddr>,
    ) -> Result<SignedReport, AgentRefusal> {
        if self.is_honest(&question) {
            let report = self.report(&question).await?;
            let signed = self.key.sign(report).map_err(unable)?;
            self.keep(question.operator, &signed);
            return Ok(signed);
        }
        let (operator, epoch, window) = (question.operator, question.epoch, question.window);
        let deceit = Deceit::of(epoch, window);
        tracing::warn!(%operator, %epoch, %window, ?deceit, "lying: answering a probe with another report");
        self.deceive(&question, deceit).await
    }

    async fn deliver(&self, delivery: Delivery, _: Option<IpAddr>) -> Result<bool, AgentRefusal> {
        let (operator, place) = (delivery.operator, delivery.receipt.0);
        let (epoch, window) = (place.epoch, place.window);
        tracing::warn!(%operator, %epoch, %window, "receipt taken");
        Ok(true)
    }

    fn malformed(&self, error: &WireError) {
        tracing::warn!(%error, "malformed message");
    }
}

/// Serves a hostile agent in the place of the one that a configuration describes, until the end is
/// asked for.
///
/// # Errors
/// When the configuration cannot be used, or the port is taken.
pub async fn serve_hostile_agent(path: &Path, shutdown: Shutdown) -> Result<(), Error> {
    quorate_service::install_crypto();
    let config = config::load(path).map_err(program)?;
    let agent = std::sync::Arc::new(HostileAgent::new(&config)?);
    let tls = Some(config.server_tls());
    let server = Server::bind(config.listen, config.limits.server(), tls).await;
    let served = server.map_err(program)?.run_agent(agent, shutdown.asked());
    served.await.map_err(program)
}

fn unable(why: impl ToString) -> AgentRefusal {
    AgentRefusal::Unable(why.to_string())
}

fn program(error: impl std::error::Error) -> Error {
    Error::program("hostile-agent", error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_deceit_has_its_window_within_two_epochs() {
        let windows = HealthPolicy::devnet().windows;
        for first in 0..8 {
            let epochs = (first..first + 2).map(HealthEpoch::new);
            let places = epochs.flat_map(|epoch| (0..windows).map(move |w| (epoch, Window(w))));
            let seen: BTreeSet<_> = places.map(|(epoch, w)| Deceit::of(epoch, w)).collect();
            assert_eq!(seen, BTreeSet::from(Deceit::ALL));
        }
    }
}
