//! Where signed calls are taken, handed over and waited for; [`super::checks`] is what they must pass.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use quorate_chain::forward::{Carried, Forwarder, Limits, Outcome, SignedCall, Terms};
use tokio::sync::Semaphore;

use super::book::{Book, underway};
use super::budget::{Aside, Budget};
use super::carrier::{Carrier, Ceiling, Loss, Paid};
use super::functions::Targets;
use super::observe::Observe;
use super::rates::{Rates, household};
use super::refusal::Refusal;
use crate::chain::Fault;

/// Calls about which the chain is asked at a time.
const AT_ONCE: usize = 32;

/// What a desk is told.
#[derive(Debug)]
pub struct Plan {
    /// The chain.
    pub chain_id: u64,
    /// Whose requests are carried.
    pub forwarder: Forwarder,
    /// What may be called.
    pub targets: Targets,
    /// What is too much.
    pub limits: Limits,
    /// How long an answer waits for the transaction.
    pub wait: Duration,
}

/// A relay at work.
#[derive(Debug)]
pub struct Desk<C> {
    pub(super) plan: Plan,
    pub(super) carrier: C,
    pub(super) budget: Budget,
    pub(super) accounts: Rates<Address>,
    pub(super) asking: Semaphore,
    pub(super) book: Arc<Book>,
    addresses: Rates<IpAddr>,
    observe: Observe,
}

/// What the checks have found out.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) digest: B256,
    pub(super) function: &'static str,
    pub(super) ceiling: Ceiling,
    pub(super) aside: Aside,
}

impl<C: Carrier> Desk<C> {
    /// A desk over a chain.
    #[must_use]
    pub fn new(plan: Plan, carrier: C, budget: Budget, observe: Observe) -> Self {
        observe.money(budget.spent(now()), budget.per_day());
        let limits = plan.limits;
        Self {
            plan,
            carrier,
            budget,
            observe,
            addresses: Rates::new(limits.address_minute),
            accounts: Rates::new(limits.account_minute),
            asking: Semaphore::new(AT_ONCE),
            book: Arc::default(),
        }
    }

    /// What is carried, and how much of it.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            chain_id: self.plan.chain_id,
            forwarder: self.plan.forwarder.address(),
            targets: self.plan.targets.shown(),
            limits: self.plan.limits,
            exhausted: self.budget.spent(now()) >= self.budget.per_day(),
        }
    }

    /// Counts a visit from a network address, before its body is read.
    ///
    /// # Errors
    /// [`Refusal::AddressTooOften`].
    pub fn admit(&self, address: IpAddr) -> Result<(), Refusal> {
        let admitted = self.addresses.take(household(address), now());
        admitted.map_err(Refusal::AddressTooOften)
    }

    /// Takes a signed call: checks it, sends it, and waits a while for the end. Whoever goes away
    /// meanwhile loses the answer only.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn take(self: &Arc<Self>, call: SignedCall) -> Result<Carried, Refusal> {
        let (place, checked) = self.begin(&call).await?;
        let request = checked.digest;
        self.observe.underway(self.book.underway());
        let desk = Arc::clone(self);
        let work = tokio::spawn(async move {
            let ended = desk.carry(&call, checked).await;
            desk.book.end(request, ended.clone());
            drop(place);
            desk.observe.underway(desk.book.underway());
            ended
        });
        match tokio::time::timeout(self.plan.wait, work).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => Err(Refusal::NotReady(error.to_string())),
            Err(_) => Ok(underway(request)),
        }
    }

    /// How a call ended that was brought here, or that it has not ended.
    ///
    /// # Errors
    /// [`Refusal`], and [`Refusal::Unknown`] where nothing is known of it.
    pub fn outcome(&self, request: B256) -> Result<Carried, Refusal> {
        self.book.outcome(request)
    }

    /// Notes a refusal for whoever runs this.
    pub fn refused(&self, refusal: &Refusal) {
        self.observe.refused(refusal);
    }

    async fn carry(&self, call: &SignedCall, checked: Checked) -> Result<Carried, Refusal> {
        let Checked {
            digest,
            function,
            ceiling,
            aside,
        } = checked;
        let (paid, ended) = match self.carrier.carry(call, digest, ceiling).await {
            Ok(paid) => {
                self.observe.carried(function, digest, &paid);
                (Some(paid.wei), Ok(carried(digest, &paid)))
            }
            Err(loss) => (loss.wei, Err(lost(loss))),
        };
        if let Err(why) = self.budget.settle(aside, paid) {
            self.observe.failed("budget", &why);
        }
        self.observe
            .money(self.budget.spent(now()), self.budget.per_day());
        ended
    }
}

const fn carried(request: B256, paid: &Paid) -> Carried {
    Carried {
        request,
        outcome: Outcome::Carried,
        transaction: Some(paid.transaction),
        block: Some(paid.block),
        gas_used: Some(paid.gas),
    }
}

fn lost(loss: Loss) -> Refusal {
    match (loss.fault, loss.transaction) {
        (Fault::Refused(why), Some(transaction)) => Refusal::Reverted { transaction, why },
        (Fault::Refused(why), None) => Refusal::Reverts(why),
        (fault, _) => Refusal::NotMined(fault.to_string()),
    }
}

pub(super) fn now() -> u64 {
    crate::clock::now().get()
}
