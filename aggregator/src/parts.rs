//! The actors and what binds them together; which chains and which beacon is open.

use std::collections::BTreeSet;
use std::sync::Arc;

use quorate_service::Shutdown;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::chain::{DutyChain, TallyChain};
use crate::collector::{Limits, Mailbox, State, actor};
use crate::config::Duties;
use crate::courts::docket::Docket;
use crate::courts::trials::Trials;
use crate::courts::words::Words;
use crate::downs::{Certifier, Court, Desk, Switches};
use crate::duties::{Claims, Opener, Roll, Slashes};
use crate::grpc::{Service, Uploads};
use crate::observe::Observe;
use crate::reach::Facts;
use crate::settle::bonds::Bonds;
use crate::settle::{self, Beacons};
use crate::store::Store;
use crate::tables::Keeper;
use crate::tally::{Clerk, Desks, Intake, Work};

/// What an aggregator is made of; tests put a simulated chain and beacon in.
pub struct Parts<C, B> {
    /// What never changes.
    pub facts: Facts,
    /// The chains.
    pub chain: Arc<C>,
    /// The beacon.
    pub beacons: Arc<B>,
    /// The database.
    pub store: Arc<Store>,
    /// Metrics and logs.
    pub observe: Observe,
    /// The collector's limits.
    pub limits: Limits,
    /// What is done beside settling.
    pub duties: Duties,
    /// Whether the network has a `Health` contract: then downtime is certified.
    pub health: bool,
    /// Whether it has an `Escrow`, which pays for settling.
    pub escrow: bool,
    /// What is done about operators' work.
    pub work: Work,
}

/// An aggregator at work.
pub struct Running<C, B> {
    /// What answers operators.
    pub service: Arc<Service<C, B>>,
    /// The way to the collector.
    pub mailbox: Mailbox,
    /// Where receipts are handed in, if operators' work is shown.
    pub intake: Option<Arc<Intake>>,
    /// Its tasks, by name.
    pub tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl<C: DutyChain + TallyChain, B: Beacons> Parts<C, B> {
    /// Starts all actors. They end when the end is asked for.
    pub fn start(self, shutdown: &Shutdown) -> Running<C, B> {
        let (mailbox, messages) = Mailbox::new();
        let (jobs, queue) = settle::queue();
        let (came, lists) = watch::channel(0);
        let (uploads, courts) = (Uploads::default(), Arc::new(Notify::new()));
        let mut tasks = Vec::new();

        let tools = actor::Tools {
            chain: Arc::clone(&self.chain),
            store: Arc::clone(&self.store),
            observe: self.observe.clone(),
            uploads: uploads.clone(),
            jobs,
            courts: Arc::clone(&courts),
            keep_signers: self.work.keeps_signers(),
        };
        let state = State::new(self.facts.domain, self.facts.schedule, self.limits);
        let collector = actor::Collector::new(state, tools, mailbox.clone());
        tasks.push((
            "collector",
            tokio::spawn(collector.run(messages, shutdown.clone())),
        ));

        let tools = settle::Tools {
            domain: self.facts.domain,
            schedule: self.facts.schedule,
            chain: Arc::clone(&self.chain),
            beacons: Arc::clone(&self.beacons),
            store: Arc::clone(&self.store),
            mailbox: mailbox.clone(),
            observe: self.observe.clone(),
            lists,
            terms: self.duties.terms(),
        };
        tasks.push((
            "settle",
            tokio::spawn(settle::run(tools, queue, shutdown.clone())),
        ));
        self.start_duties(&mailbox, courts, shutdown, &mut tasks);

        let desk = self.start_downs(shutdown, &mut tasks);
        self.start_claims(shutdown, &mut tasks);
        let intake = self.start_work(shutdown, &mut tasks);
        let (store, observe) = (self.store, self.observe);
        let service = Service::new(mailbox.clone(), store, uploads, observe, came, desk);
        let service = service.collecting(intake.clone());
        Running {
            service: Arc::new(service),
            mailbox,
            intake,
            tasks,
        }
    }

    /// Starts what is done about downtime.
    fn start_downs(
        &self,
        shutdown: &Shutdown,
        tasks: &mut Vec<(&'static str, JoinHandle<()>)>,
    ) -> Option<Arc<Desk<C, B>>> {
        if !self.health {
            return None;
        }
        let (pause, schedule) = (self.duties.pause(), self.facts.schedule);
        let desk = Arc::new(Desk::new(
            Arc::clone(&self.chain),
            Arc::clone(&self.beacons),
            Arc::clone(&self.store),
            self.observe.clone(),
            (self.facts.domain, schedule),
            Switches {
                keeps: self.work.tally,
                judges: self.duties.evidence,
            },
        ));
        let certifier = Certifier {
            desk: Arc::clone(&desk),
            chain: Arc::clone(&self.chain),
            observe: self.observe.clone(),
            pause,
        };
        tasks.push(("downs", tokio::spawn(certifier.run(shutdown.clone()))));
        if self.duties.evidence {
            let court = Court::new(
                Arc::clone(&self.chain),
                Arc::clone(&self.store),
                self.observe.clone(),
                schedule,
                pause,
                self.duties.evidence_days.saturating_mul(86_400),
            );
            tasks.push(("strikes", tokio::spawn(court.run(shutdown.clone()))));
        }
        self.start_machines(shutdown, tasks);
        Some(desk)
    }

    /// Starts what is done about machines: slashes, epochs, uptime, jail.
    fn start_machines(&self, shutdown: &Shutdown, tasks: &mut Vec<(&'static str, JoinHandle<()>)>) {
        let (pause, schedule) = (self.duties.pause(), self.facts.schedule);
        let (chain, observe) = (|| Arc::clone(&self.chain), || self.observe.clone());
        if self.duties.slash {
            let kept = self.duties.slash_days.saturating_mul(86_400);
            let slashes = Slashes::new(chain(), observe(), schedule, pause, kept);
            tasks.push(("slashes", tokio::spawn(slashes.run(shutdown.clone()))));
        }
        if self.duties.open_epochs {
            let beacons = Arc::clone(&self.beacons);
            let opener = Opener::new(chain(), beacons, observe(), schedule, pause);
            tasks.push(("epochs", tokio::spawn(opener.run(shutdown.clone()))));
        }
        if let Some(switches) = self.duties.switches() {
            let roll = Roll::new(chain(), observe(), schedule, pause, switches);
            tasks.push(("machines", tokio::spawn(roll.run(shutdown.clone()))));
        }
    }

    /// Starts what is done about our own pay.
    fn start_claims(&self, shutdown: &Shutdown, tasks: &mut Vec<(&'static str, JoinHandle<()>)>) {
        if !self.duties.claim || !self.escrow {
            return;
        }
        let claims = Claims::new(
            Arc::clone(&self.chain),
            self.observe.clone(),
            self.facts.schedule,
            self.duties.pause(),
            self.duties.claim_min_micro,
        );
        tasks.push(("claims", tokio::spawn(claims.run(shutdown.clone()))));
    }

    /// Starts what is done about operators' work; gives where receipts are handed in.
    fn start_work(
        &self,
        shutdown: &Shutdown,
        tasks: &mut Vec<(&'static str, JoinHandle<()>)>,
    ) -> Option<Arc<Intake>> {
        if self.work == Work::default() {
            return None;
        }
        let intake = Arc::new(Intake::new(Arc::clone(&self.store), self.observe.clone()));
        let clerk = Clerk::new(Desks {
            chain: Arc::clone(&self.chain),
            beacons: Arc::clone(&self.beacons),
            store: Arc::clone(&self.store),
            intake: Arc::clone(&intake),
            observe: self.observe.clone(),
            facts: self.facts,
            work: self.work,
            pause: self.duties.pause(),
        });
        tasks.push(("work", tokio::spawn(clerk.run(shutdown.clone()))));
        self.work.tally.then_some(intake)
    }

    /// Starts what is done beside settling.
    fn start_duties(
        &self,
        mailbox: &Mailbox,
        courts: Arc<Notify>,
        shutdown: &Shutdown,
        tasks: &mut Vec<(&'static str, JoinHandle<()>)>,
    ) {
        let (pause, schedule) = (self.duties.pause(), self.facts.schedule);
        if self.duties.tables {
            let keeper = Keeper::new(
                Arc::clone(&self.chain),
                schedule,
                self.observe.clone(),
                pause,
            );
            tasks.push(("tables", tokio::spawn(keeper.run(shutdown.clone()))));
        }
        if self.duties.evidence {
            let docket = Docket::new(
                Arc::clone(&self.chain),
                Arc::clone(&self.store),
                self.observe.clone(),
                pause,
                self.duties.evidence_days.saturating_mul(86_400),
                schedule,
            );
            tasks.push(("courts", tokio::spawn(docket.run(courts, shutdown.clone()))));
            let trials = Trials::new(
                Arc::clone(&self.chain),
                Arc::clone(&self.beacons),
                Arc::clone(&self.store),
                self.observe.clone(),
                schedule,
                pause,
                self.duties.evidence_days.saturating_mul(86_400),
            );
            tasks.push(("trials", tokio::spawn(trials.run(shutdown.clone()))));
        }
        // Also where nothing is proposed any more: earlier bonds are still out.
        let bonds = Bonds {
            chain: Arc::clone(&self.chain),
            store: Arc::clone(&self.store),
            observe: self.observe.clone(),
            schedule,
            pause,
        };
        tasks.push(("bonds", tokio::spawn(bonds.run(shutdown.clone()))));
        if self.duties.evidence || self.duties.report_all {
            let words = Words {
                chain: Arc::clone(&self.chain),
                store: Arc::clone(&self.store),
                observe: self.observe.clone(),
                all: self.duties.report_all.then(|| mailbox.clone()),
                pause,
                settled: BTreeSet::new(),
            };
            tasks.push(("words", tokio::spawn(words.run(shutdown.clone()))));
        }
    }
}
