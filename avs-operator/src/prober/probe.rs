//! One probe, from the question to the word.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use quorate_bls::Signature;
use quorate_canon::{OfferId, Timestamp};
use quorate_chain::machines::Endpoint;
use quorate_health::{
    Answer, Checks, Environment, Expected, LeaseState, Nonce, Previous, ProbeView, Question,
    Receipt, Verdict, Why, WindowTally, Word, verdict,
};
use quorate_rpc::wire::Delivery;
use quorate_rpc::{AgentClient, AgentError, Reach, agent_url};

use super::board::{Board, BoardReader, as_of};
use super::job::{Job, Kind};
use super::network::NetworkWatch;
use super::observe::ProbeObserve;
use super::report;
use super::roster::Candidate;
use super::scribe::Scribe;
use super::words::Attester;

/// First pause before a receipt is offered again, milliseconds; doubled up to [`MAX_PAUSE`].
const FIRST_PAUSE: u64 = 1_000;
const MAX_PAUSE: u64 = 60_000;
/// How much longer than the deadline a probe may seem to take before this process is taken to have
/// been stopped or starved meanwhile, so that its clock judges nobody.
const STARVED: Duration = Duration::from_secs(1);
/// How long a verdict that a lease would excuse waits for the block that could have one.
const LEASE_WAIT: Duration = Duration::from_secs(5);

/// What probes are made with. Shared by all of them.
#[derive(Debug)]
pub struct Prober {
    pub(super) board: BoardReader,
    pub(super) attester: Arc<dyn Attester>,
    pub(super) scribe: Scribe,
    pub(super) reach: Reach,
    pub(super) watch: Arc<NetworkWatch>,
    pub(super) observe: ProbeObserve,
    /// Oldest head, seconds, that is taken for the present chain.
    pub(super) stale_seconds: u64,
    /// The last report of each machine, for rates. Lost with the process: rates then begin anew.
    pub(super) previous: Mutex<HashMap<OfferId, Previous>>,
}

/// What came of asking.
struct Asked {
    answer: Answer,
    client: Option<AgentClient>,
    /// What the connection said, where there is no report.
    detail: String,
    begun: Instant,
    took: Duration,
    at: Timestamp,
    /// Whether this side could not ask, or cannot say when the answer came.
    hindered: bool,
}

impl Prober {
    /// Does a job; gives the next one of the same machine and window, if there is one.
    pub(super) async fn run(self: Arc<Self>, job: Job) -> Option<Job> {
        match job.kind.clone() {
            Kind::Probe { attempt, tally } => self.probe(job, attempt, tally).await,
            Kind::Deliver {
                signature,
                pause_ms,
            } => self.deliver_again(job, &signature, pause_ms).await,
            Kind::Resume => self.resume(job).await,
        }
    }

    async fn probe(&self, job: Job, attempt: u8, mut tally: WindowTally) -> Option<Job> {
        let before = self.board.look();
        let (machine, endpoint, cards) = self.facts(&before, &job)?;
        let question = Question {
            subject: job.subject(),
            operator: job.plan.operator,
            epoch: job.plan.epoch,
            window: job.window,
            nonce: nonce()?,
            lease: lease(&before, machine.id),
            checks: Checks::REPORT,
        };
        let deadline = Duration::from_millis(job.plan.policy.deadline_ms.into());
        let mut asked = self.ask(&question, &endpoint, machine, deadline).await;
        let environment = self.environment(&before, &asked).await;
        let mut view = ProbeView {
            question,
            expected: Expected {
                cards,
                model: machine.model,
                vram_mib: machine.vram_mib,
            },
            lease_after: lease(&self.board.look(), machine.id),
            maintenance: before.machines.maintenance_at(machine.id, asked.at),
            environment,
            answer: std::mem::replace(&mut asked.answer, Answer::Silence),
            previous: self.remember(machine.id, None),
            now: asked.at,
        };
        let mut judged = verdict(&view, &job.plan.policy);
        if matches!(judged, Verdict::Fail(reason) if reason.excused_in_use()) {
            view.lease_after = self.lease_once_known(machine.id, asked.at).await;
            judged = verdict(&view, &job.plan.policy);
        }
        self.remember(machine.id, report::remembered(&view.answer, asked.at));
        self.observe
            .judged(&job.place(), &judged, asked.took, &asked.detail);
        tally.add(&judged);
        self.say(job, attempt, tally, asked.client).await
    }

    /// The word that the window has come to, or the next attempt.
    async fn say(
        &self,
        job: Job,
        attempt: u8,
        tally: WindowTally,
        client: Option<AgentClient>,
    ) -> Option<Job> {
        match tally.word(job.place(), &job.plan.policy) {
            Some(Word::Receipt(receipt)) => {
                let signature = self.sign(&job, receipt).await?;
                let left = match client {
                    Some(client) => self.leave(&job, &signature, client).await,
                    None => false,
                };
                if left {
                    return None;
                }
                self.later(job, signature, FIRST_PAUSE)
            }
            Some(Word::Down(place)) => {
                let (attester, start) = (Arc::clone(&self.attester), job.start);
                let said = tokio::task::spawn_blocking(move || attester.failed(&place, start));
                let refused = match said.await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                match refused {
                    None => self.observe.down(&place),
                    Some(detail) => self.observe.refused(job.machine.id, job.window, &detail),
                }
                None
            }
            None => job.probe(attempt.saturating_add(1), tally, now_ms()),
        }
    }

    /// A probe whose turn came too late judges nobody: it breaks the row, as any UNKNOWN.
    pub(super) fn skip(&self, job: Job) -> Option<Job> {
        let Kind::Probe { attempt, mut tally } = job.kind else {
            return None;
        };
        self.observe.late();
        tally.add(&Verdict::Unknown(Why::OwnNetwork));
        job.probe(attempt.saturating_add(1), tally, now_ms())
    }

    /// The machine as it is now: its offer's newest version, and where its agent is. `None` once it
    /// has no agent any more.
    fn facts(
        &self,
        board: &Board,
        job: &Job,
    ) -> Option<(Candidate, Endpoint, Vec<quorate_health::GpuUuid>)> {
        let roster = board.roster.as_ref();
        let machine = roster
            .filter(|roster| roster.wanted.as_of == as_of(job.start))
            .and_then(|roster| roster.machines.get(job.index))
            .filter(|machine| machine.id == job.machine.id)
            .copied()
            .unwrap_or(job.machine);
        let view = board
            .machines
            .machine_at(machine.id, board.head.timestamp)?;
        Some((machine, view.endpoint.clone(), view.cards.to_vec()))
    }

    async fn ask(
        &self,
        question: &Question,
        endpoint: &Endpoint,
        machine: Candidate,
        deadline: Duration,
    ) -> Asked {
        let begun = Instant::now();
        let asking = Box::pin(async {
            let url = agent_url(&endpoint.url)?;
            let mut client = AgentClient::connect(&url, endpoint.certificate, &self.reach).await?;
            let bytes = client.probe(question).await?;
            Ok::<_, AgentError>((client, bytes))
        });
        let outcome = tokio::time::timeout(deadline, asking).await;
        let took = begun.elapsed();
        let mut asked = Asked {
            answer: Answer::Silence,
            client: None,
            detail: String::new(),
            begun,
            took,
            at: now(),
            hindered: took > deadline.saturating_add(STARVED),
        };
        match outcome {
            // What comes after the deadline is nothing, also where the timer was slower than the answer.
            Ok(Ok((client, bytes))) if took <= deadline => {
                asked.answer = report::read(&bytes, machine.key);
                asked.client = Some(client);
            }
            Ok(Ok(_)) => "answered too late".clone_into(&mut asked.detail),
            Ok(Err(error)) => {
                if error.is_answer() {
                    asked.answer = Answer::Unreadable;
                }
                asked.hindered |= error.is_ours();
                asked.detail = error.to_string();
            }
            Err(_) => "deadline".clone_into(&mut asked.detail),
        }
        asked
    }

    async fn environment(&self, board: &Board, asked: &Asked) -> Environment {
        let network = !asked.hindered
            && match asked.answer {
                Answer::Silence => self.watch.works_since(asked.begun).await,
                _ => self.watch.is_quiet_since(asked.begun),
            };
        let head = board.head.timestamp.get();
        Environment {
            network,
            relay: true,
            chain: asked.at.get().saturating_sub(head) <= self.stale_seconds,
            // Without it there would be no plan, and no probe.
            beacon: true,
        }
    }

    /// Leases once a block after `t` has come: a card may be handed over in the block that this node
    /// has not seen yet.
    async fn lease_once_known(&self, machine: OfferId, t: Timestamp) -> LeaseState {
        let mut board = self.board.clone();
        let later = async {
            while board.look().head.timestamp <= t {
                board.changed().await;
            }
        };
        // Where none comes in time, what is known stands.
        let _ = tokio::time::timeout(LEASE_WAIT, later).await;
        lease(&self.board.look(), machine)
    }

    /// The report before, replaced by this one if there is one.
    fn remember(&self, machine: OfferId, new: Option<Previous>) -> Option<Previous> {
        let mut previous = self.previous.lock().ok()?;
        match new {
            Some(new) => previous.insert(machine, new),
            None => previous.get(&machine).cloned(),
        }
    }

    /// Forgets reports from before the epoch that ended at `start`: of machines that are gone.
    pub(super) fn forget_before(&self, start: Timestamp, epoch_seconds: u32) {
        let oldest = start.get().saturating_sub(epoch_seconds.into());
        if let Ok(mut previous) = self.previous.lock() {
            previous.retain(|_, previous| previous.answered.get() >= oldest);
        }
    }

    async fn sign(&self, job: &Job, receipt: Receipt) -> Option<Signature> {
        match self.scribe.sign(receipt, job.start).await {
            Ok(signature) => {
                self.observe.receipt_signed();
                Some(signature)
            }
            Err(detail) => {
                self.observe.refused(job.machine.id, job.window, &detail);
                None
            }
        }
    }

    /// Leaves a receipt; whether the agent has it now.
    async fn leave(&self, job: &Job, signature: &Signature, mut client: AgentClient) -> bool {
        let delivery = Delivery {
            receipt: Receipt(job.place()),
            operator: job.plan.operator,
            signature: signature.to_bytes96(),
        };
        let deadline = Duration::from_millis(job.plan.policy.deadline_ms.into());
        let delivered = tokio::time::timeout(deadline, client.deliver(&delivery)).await;
        let stored = matches!(delivered, Ok(Ok(_)));
        if stored {
            self.observe.receipt_delivered();
        }
        stored
    }

    /// Offers the receipt again after a pause, while its window lasts.
    fn later(&self, mut job: Job, signature: Signature, pause_ms: u64) -> Option<Job> {
        job.at = now_ms().saturating_add(pause_ms);
        if job.at >= job.end_ms() {
            self.observe.receipt_kept(job.machine.id, job.window);
            return None;
        }
        job.kind = Kind::Deliver {
            signature: Box::new(signature),
            pause_ms: pause_ms.saturating_mul(2).min(MAX_PAUSE),
        };
        Some(job)
    }

    async fn deliver_again(&self, job: Job, signature: &Signature, pause_ms: u64) -> Option<Job> {
        let (_, endpoint, _) = self.facts(&self.board.look(), &job)?;
        let deadline = Duration::from_millis(job.plan.policy.deadline_ms.into());
        let connecting = Box::pin(async {
            let url = agent_url(&endpoint.url).ok()?;
            let client = AgentClient::connect(&url, endpoint.certificate, &self.reach);
            client.await.ok()
        });
        let client = tokio::time::timeout(deadline, connecting).await.ok();
        if let Some(client) = client.flatten()
            && self.leave(&job, signature, client).await
        {
            return None;
        }
        self.later(job, *signature, pause_ms)
    }

    /// The ledger knows which receipts were signed, not which were delivered: they are offered again,
    /// and an agent that has them says so.
    async fn resume(&self, job: Job) -> Option<Job> {
        let (attester, place) = (Arc::clone(&self.attester), job.place());
        let words = tokio::task::spawn_blocking(move || attester.words(place.epoch, place.subject));
        let words = words.await.ok()?.ok()?;
        let bit = u8::try_from(job.window.0).ok()?;
        if !words.receipts.bit(bit) {
            return None;
        }
        let signature = self.sign(&job, Receipt(place)).await?;
        self.deliver_again(job, &signature, FIRST_PAUSE).await
    }
}

/// Whether the machine is leased, as of the board's block.
fn lease(board: &Board, machine: OfferId) -> LeaseState {
    board.machines.lease_at(machine, board.head.timestamp)
}

fn nonce() -> Option<Nonce> {
    let mut nonce = [0; 16];
    // A system without randomness probes nobody.
    getrandom::fill(&mut nonce).ok()?;
    Some(Nonce(nonce))
}

fn now() -> Timestamp {
    Timestamp::new(now_ms() / 1_000)
}

/// The wall clock, Unix milliseconds.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
