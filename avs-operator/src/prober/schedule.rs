//! The prober's one loop: epochs, windows, and a heap of what is due.
//!
//! An open tally lives in its job and is lost with the process. That is harmless: a window whose tally
//! is lost gets no word, which costs nobody anything, and the ledger would refuse a second one.

use std::collections::BinaryHeap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_health::{EpochClock, Subject, Window, WindowClock, WindowTally};
use quorate_service::Shutdown;
use tokio::task::{JoinHandle, JoinSet};

use super::attest::Attest;
use super::board::{Wanted, as_of};
use super::job::{Job, Kind};
use super::plan::{Plan, PlanError, Planner};
use super::probe::{Prober, now_ms};
use super::roster::Roster;

/// Longest sleep: the wall clock may be set meanwhile.
const LOOK: u64 = 1_000;
/// Pause before an epoch is planned again.
const RETRY: u64 = 2_000;
/// How often the epoch before a restart is planned: then its lists are let go.
const TRIES: usize = 30;
/// Milliseconds between two receipts that are offered again after a restart.
const RESUME: u64 = 2;

/// Where plans of epochs come from.
pub trait Plans: Send + Sync + 'static {
    /// The plan of an epoch, once it can be known.
    fn plan(&self, epoch: HealthEpoch) -> impl Future<Output = Result<Plan, PlanError>> + Send;
}

impl Plans for Planner {
    async fn plan(&self, epoch: HealthEpoch) -> Result<Plan, PlanError> {
        Self::plan(self, epoch).await
    }
}

/// The loop.
#[derive(Debug)]
pub struct Schedule<P> {
    pub(super) prober: Arc<Prober>,
    pub(super) plans: Arc<P>,
    pub(super) attest: Attest,
    pub(super) clock: EpochClock,
    pub(super) concurrency: usize,
    pub(super) most_machines: usize,
    /// The process' start: no word is said in a window that began before.
    pub(super) started: Timestamp,
}

/// What the loop has under way.
#[derive(Default)]
struct Running {
    plan: Option<Arc<Plan>>,
    planning: Option<(HealthEpoch, JoinHandle<Result<Plan, PlanError>>)>,
    retry_at: u64,
    /// The window whose jobs are on the heap, or are being drawn.
    window: Option<(HealthEpoch, Window)>,
    drawing: Option<JoinHandle<Vec<Job>>>,
    heap: BinaryHeap<Job>,
    jobs: JoinSet<Option<Job>>,
}

impl<P: Plans> Schedule<P> {
    /// Runs until the end is asked for.
    pub async fn run(&self, shutdown: &Shutdown) {
        let mut running = Running::default();
        let mut board = self.prober.board.clone();
        self.attest_before(shutdown);
        loop {
            let now = now_ms();
            self.turn(&mut running, now, shutdown);
            self.start_due(&mut running, now);
            let wait = Duration::from_millis(wait(&running, self.concurrency, now));
            let Running {
                planning,
                drawing,
                heap,
                jobs,
                ..
            } = &mut running;
            tokio::select! {
                () = shutdown.asked() => return,
                Some(done) = jobs.join_next() => heap.extend(done.ok().flatten()),
                plan = finished(planning.as_mut().map(|(_, task)| task)) => {
                    self.planned(&mut running, plan, now);
                }
                drawn = finished(drawing.as_mut()) => {
                    *drawing = None;
                    heap.extend(drawn.unwrap_or_default());
                }
                () = board.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// What time has brought: another epoch, another window.
    fn turn(&self, running: &mut Running, now: u64, shutdown: &Shutdown) {
        let time = Timestamp::new(now / 1_000);
        let Some(epoch) = self.epoch_at(time) else {
            return;
        };
        if running
            .plan
            .as_ref()
            .is_some_and(|plan| plan.epoch != epoch)
            && let Some(over) = running.plan.take()
        {
            self.attest.spawn(over, shutdown);
        }
        let Some(plan) = &running.plan else {
            let planned = running.planning.as_ref().map(|(epoch, _)| *epoch);
            if planned != Some(epoch) && now >= running.retry_at {
                let plans = Arc::clone(&self.plans);
                let task = tokio::spawn(async move { plans.plan(epoch).await });
                if let Some((_, old)) = running.planning.replace((epoch, task)) {
                    old.abort();
                }
            }
            return;
        };
        let Ok((_, window)) = plan.windows.at(time) else {
            return;
        };
        if running.window != Some((epoch, window))
            && let Some(roster) = self.roster(plan, window)
        {
            running.window = Some((epoch, window));
            running.drawing = Some(self.draw(Arc::clone(plan), window, roster, now));
        }
        // Ahead of time, so that it is there when the window begins. The next epoch's first is not: its
        // committees are not known before.
        let next = Window(window.0.saturating_add(1));
        if running.window == Some((epoch, window))
            && let Some(wanted) = self.wanted(plan, next)
            && wanted.as_of <= time
        {
            self.prober.board.want(wanted);
        }
    }

    /// What is asked of the chain for a window; `None` if the epoch has no such window.
    fn wanted(&self, plan: &Plan, window: Window) -> Option<Wanted> {
        let (window_start, _) = plan.span(window).ok()?;
        Some(Wanted {
            epoch_start: plan.start,
            as_of: as_of(window_start),
            min_stake: plan.min_stake,
            most: self.most_machines,
        })
    }

    /// The roster of a window; asked for if it is not there yet.
    fn roster(&self, plan: &Plan, window: Window) -> Option<Arc<Roster>> {
        let wanted = self.wanted(plan, window)?;
        self.prober.board.want(wanted);
        let roster = self.prober.board.look().roster;
        roster.filter(|roster| roster.wanted == wanted)
    }

    /// The jobs of a window, drawn on a thread that may take long: committees are many hashes.
    fn draw(
        &self,
        plan: Arc<Plan>,
        window: Window,
        roster: Arc<Roster>,
        now: u64,
    ) -> JoinHandle<Vec<Job>> {
        let observe = self.prober.observe.clone();
        let started = self.started;
        tokio::task::spawn_blocking(move || {
            let jobs = draw(&plan, window, &roster, started, now);
            observe.window(jobs.len(), roster.left_out);
            jobs
        })
    }

    fn start_due(&self, running: &mut Running, now: u64) {
        while running.jobs.len() < self.concurrency
            && running.heap.peek().is_some_and(|job| job.at <= now)
        {
            let Some(job) = running.heap.pop() else {
                return;
            };
            if job.is_late(now) {
                running.heap.extend(self.prober.skip(job));
            } else {
                running.jobs.spawn(Arc::clone(&self.prober).run(job));
            }
        }
    }

    fn planned(&self, running: &mut Running, plan: Option<Result<Plan, PlanError>>, now: u64) {
        let Some((epoch, _)) = running.planning.take() else {
            return;
        };
        match plan {
            Some(Ok(plan)) => {
                self.prober.observe.planned(epoch, plan.policy.windows);
                self.prober
                    .forget_before(plan.start, self.clock.epoch_seconds);
                running.plan = Some(Arc::new(plan));
            }
            failed => {
                let detail = match failed {
                    Some(Err(error)) => error.to_string(),
                    _ => "the task ended".to_owned(),
                };
                self.prober.observe.not_planned(epoch, &detail);
                running.retry_at = now.saturating_add(RETRY);
            }
        }
    }

    /// After a restart: the epoch before may still be certified.
    fn attest_before(&self, shutdown: &Shutdown) {
        let before = self
            .epoch_at(self.started)
            .and_then(|epoch| epoch.checked_sub(1));
        let Some(before) = before else { return };
        let (plans, attest) = (Arc::clone(&self.plans), self.attest.clone());
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            for _ in 0..TRIES {
                if let Some(Ok(plan)) = shutdown.or(plans.plan(before)).await {
                    return attest.spawn(Arc::new(plan), &shutdown);
                }
                if !shutdown.sleep(Duration::from_millis(RETRY)).await {
                    return;
                }
            }
        });
    }

    /// `None` before genesis.
    fn epoch_at(&self, time: Timestamp) -> Option<HealthEpoch> {
        let clock = WindowClock {
            genesis: self.clock.genesis,
            epoch_seconds: self.clock.epoch_seconds,
            windows: 1,
        };
        let (epoch, _) = clock.at(time).ok()?;
        (time >= self.clock.genesis).then_some(epoch)
    }
}

/// How long nothing is due, milliseconds.
fn wait(running: &Running, concurrency: usize, now: u64) -> u64 {
    // With all hands full, only one that comes free changes anything.
    if running.jobs.len() >= concurrency {
        return LOOK;
    }
    let next = running.heap.peek().map_or(u64::MAX, |job| job.at);
    next.saturating_sub(now).min(LOOK)
}

async fn finished<T>(task: Option<&mut JoinHandle<T>>) -> Option<T> {
    match task {
        Some(task) => task.await.ok(),
        None => std::future::pending().await,
    }
}

/// The first job of each machine on whose committee the operator sits. In a window that began before
/// the process nothing is probed: no receipt could be signed, and DOWN without the chance of a receipt
/// would be unfair.
pub(super) fn draw(
    plan: &Arc<Plan>,
    window: Window,
    roster: &Roster,
    started: Timestamp,
    now: u64,
) -> Vec<Job> {
    let Ok((start, end)) = plan.span(window) else {
        return Vec::new();
    };
    let mut jobs = Vec::new();
    for (index, machine) in roster.machines.iter().enumerate() {
        if !plan.sits(Subject::Machine(machine.id)) {
            continue;
        }
        let job = Job {
            at: now.saturating_add(RESUME.saturating_mul(u64::try_from(index).unwrap_or(0))),
            kind: Kind::Resume,
            plan: Arc::clone(plan),
            window,
            start,
            end,
            machine: *machine,
            index,
        };
        if start <= started {
            jobs.push(job);
        } else {
            jobs.extend(job.probe(0, WindowTally::default(), now));
        }
    }
    jobs
}
