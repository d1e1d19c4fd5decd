//! After an epoch: the operator's own list of windows DOWN goes to every aggregator, and those lists
//! of theirs are signed that say of no machine what this operator has not said itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{Digest, HealthEpoch, Timestamp};
use quorate_health::{Claims, Committee, DownEntry, DownList, EpochClock, Judged, Subject, agrees};
use quorate_rpc::wire::DownsVerdict;
use quorate_rpc::{Client, ListRejection, SignedDowns};
use quorate_service::Shutdown;
use tokio::task::JoinError;

use super::observe::ProbeObserve;
use super::plan::Plan;
use super::words::Attester;
use crate::post::now;

/// Pause after the epoch's last second, for probes that are on their way.
const SETTLE: Duration = Duration::from_secs(2);
/// Most lists of one epoch and aggregator that are looked at, over all polls.
const MOST_LISTS: usize = 64;
/// Epochs that words are kept for beyond those that can still be appealed, or shown as work.
const KEPT_EPOCHS: u64 = 4;

/// What attesting needs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Attest {
    /// Who signs.
    pub attester: Arc<dyn Attester>,
    /// The aggregators.
    pub clients: Vec<Client>,
    /// The clock of epochs.
    pub clock: EpochClock,
    /// Pause between two questions to an aggregator.
    pub poll: Duration,
    /// Seconds from a health epoch's start in which its receipts may still show work; 0 where no work is
    /// shown.
    pub shown_seconds: u64,
    /// Logs and metrics.
    pub observe: ProbeObserve,
}

impl Attest {
    /// Attests an epoch that is over, in a task of its own. What fails there is told of and begins anew:
    /// the ledger gives the same signatures again, and aggregators take the same lists twice.
    pub(super) fn spawn(&self, plan: Arc<Plan>, shutdown: &Shutdown) {
        let (attest, shutdown) = (self.clone(), shutdown.clone());
        tokio::spawn(async move {
            while !shutdown.is_asked() {
                let (life, plan, asked) = (attest.clone(), Arc::clone(&plan), shutdown.clone());
                let epoch = plan.epoch;
                let run = tokio::spawn(async move { asked.or(life.run(plan)).await });
                let Err(error) = run.await else {
                    return;
                };
                attest.observe.attest_restarted(epoch, &error.to_string());
                shutdown.sleep(attest.poll).await;
            }
        });
    }

    async fn run(self, plan: Arc<Plan>) {
        let epoch = plan.epoch;
        let Ok(until) = self.clock.certifiable_until(epoch, &plan.policy) else {
            return;
        };
        let begin = plan.end.get().saturating_sub(now().get());
        tokio::time::sleep(Duration::from_secs(begin) + SETTLE).await;
        if now() > until {
            return;
        }
        self.forget(&plan);
        let Some(own) = self.own(&plan).await else {
            return;
        };
        let claims: Claims = own.iter().collect();
        let lists = self.own_lists(&plan, own).await;
        let tasks = self.clients.iter().map(|client| {
            let exchange = Exchange {
                attest: &self,
                client,
                plan: &plan,
                claims: &claims,
                until,
            };
            exchange.run(&lists)
        });
        futures::future::join_all(tasks).await;
    }

    /// The operator's own words; where the store fails, those of the next epoch are asked for.
    pub(super) async fn own(&self, plan: &Plan) -> Option<Vec<DownEntry>> {
        let (attester, epoch) = (Arc::clone(&self.attester), plan.epoch);
        let downs = tokio::task::spawn_blocking(move || attester.downs(epoch)).await;
        match finished(downs)? {
            Ok(downs) => Some(downs),
            Err(error) => {
                self.observe.list_declined(epoch, &error.to_string());
                None
            }
        }
    }

    pub(super) async fn own_lists(
        &self,
        plan: &Arc<Plan>,
        own: Vec<DownEntry>,
    ) -> Vec<SignedDowns> {
        let mut lists = Vec::new();
        for entries in own.chunks(DownList::MOST) {
            if let Ok(list) = DownList::new(plan.network, plan.epoch, entries.to_vec()) {
                lists.extend(self.sign(plan, list, true).await);
            }
        }
        lists
    }

    async fn sign(&self, plan: &Arc<Plan>, list: DownList, own: bool) -> Option<SignedDowns> {
        let (attester, of, signed) = (Arc::clone(&self.attester), Arc::clone(plan), list.clone());
        let signature = tokio::task::spawn_blocking(move || {
            attester.sign(&signed, &|subject| of.sits(subject))
        });
        let (epoch, entries) = (plan.epoch, list.entries().len());
        match finished(signature.await)? {
            Ok(signature) => {
                self.observe.list_signed(epoch, entries, own);
                Some(SignedDowns {
                    list,
                    operator: plan.operator,
                    signature: signature.to_bytes96(),
                })
            }
            Err(error) => {
                self.observe.list_declined(epoch, &error.to_string());
                None
            }
        }
    }

    /// Words of epochs that nobody can appeal and no work is shown of any more are forgotten, so that
    /// the ledger does not grow.
    fn forget(&self, plan: &Plan) {
        let Some(below) = self.forgettable(plan) else {
            return;
        };
        let attester = Arc::clone(&self.attester);
        // A store that fails here fails where words are said, and is heard of there.
        tokio::task::spawn_blocking(move || attester.forget(below));
    }

    /// The health epoch below which no word is needed once `plan`'s is over.
    pub(super) fn forgettable(&self, plan: &Plan) -> Option<HealthEpoch> {
        let open = u64::from(plan.policy.certify_seconds) + u64::from(plan.policy.appeal_seconds);
        let seconds = u64::from(self.clock.epoch_seconds.max(1));
        let kept = open.max(self.shown_seconds).div_ceil(seconds);
        let below = u64::from(plan.epoch.get()).checked_sub(kept.saturating_add(KEPT_EPOCHS))?;
        u32::try_from(below).ok().map(HealthEpoch::new)
    }
}

/// One aggregator and one epoch.
pub(super) struct Exchange<'a> {
    pub(super) attest: &'a Attest,
    pub(super) client: &'a Client,
    pub(super) plan: &'a Arc<Plan>,
    pub(super) claims: &'a Claims,
    pub(super) until: Timestamp,
}

impl Exchange<'_> {
    pub(super) async fn run(self, own: &[SignedDowns]) {
        for list in own {
            self.submit(list).await;
        }
        let mut seen: BTreeSet<Digest> = own.iter().map(|list| list.list.digest()).collect();
        while now() <= self.until {
            // An aggregator that is down, or lies, costs its own poll only.
            for list in self.client.downs(self.plan.epoch).await.unwrap_or_default() {
                if seen.len() < MOST_LISTS && seen.insert(list.digest()) {
                    self.consider(list).await;
                }
            }
            tokio::time::sleep(self.attest.poll).await;
        }
    }

    async fn consider(&self, list: DownList) {
        let committees = committees(self.plan, &list);
        let judged = Judged {
            network: self.plan.network,
            epoch: self.plan.epoch,
            windows: self.plan.policy.windows,
            committees: &committees,
        };
        match agrees(&list, self.claims, self.plan.operator, &judged) {
            Ok(()) => {
                if let Some(signed) = self.attest.sign(self.plan, list, false).await {
                    self.submit(&signed).await;
                }
            }
            Err(error) => self
                .attest
                .observe
                .list_declined(self.plan.epoch, &error.to_string()),
        }
    }

    /// Between two attempts to hand a list in.
    fn pause(&self) -> Duration {
        self.attest.poll.min(Duration::from_secs(2))
    }

    /// Sends a list until it is taken, or refused for good, while lists are taken.
    async fn submit(&self, list: &SignedDowns) {
        let (observe, endpoint) = (&self.attest.observe, self.client.endpoint());
        while now() <= self.until {
            match self.client.submit_downs(list).await {
                Ok(verdict) => {
                    match verdict {
                        DownsVerdict::Rejected { code, .. } if may_pass(code) => {
                            tokio::time::sleep(self.pause()).await;
                            continue;
                        }
                        DownsVerdict::Rejected { code, detail, .. } => {
                            observe.list_refused(self.plan.epoch, endpoint, code, &detail);
                        }
                        DownsVerdict::Accepted | DownsVerdict::Duplicate => {
                            observe.list_taken(self.plan.epoch, endpoint);
                        }
                    }
                    return;
                }
                Err(_) => tokio::time::sleep(self.pause()).await,
            }
        }
    }
}

/// What came of work on another thread. Its panic goes on here, where it is noticed; `None` if the
/// runtime ends.
fn finished<T>(work: Result<T, JoinError>) -> Option<T> {
    work.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(ended) => ended,
    })
    .ok()
}

/// Whether the same list may be taken later: the aggregator is not ready, or its clock behind ours.
fn may_pass(code: u32) -> bool {
    ListRejection::from_code(code).is_some_and(ListRejection::is_retryable)
}

/// The committees of a list's machines.
fn committees(plan: &Plan, list: &DownList) -> BTreeMap<Subject, Committee> {
    let subjects = list.entries().iter().map(|entry| entry.subject);
    subjects
        .map(|subject| (subject, plan.committee(subject)))
        .collect()
}
