//! Brings what operators agree on to L2: proposes, waits for signatures, opens the epoch, certifies.

use std::{sync::Arc, time::Duration};

use quorate_bls as bls;
use quorate_canon::Timestamp;
use quorate_protocol::Bitmap;
use quorate_service::Shutdown;

use super::{Desk, Proposal, Terms};
use crate::chain::actions::SignedList;
use crate::chain::{Action, Fault, HealthChain};
use crate::clock::now;
use crate::observe::Observe;
use crate::settle::Beacons;

/// What `Health` says of a list of which nothing is new: another aggregator was faster.
const NOTHING_NEW: &str = "NothingCounts";
/// What it says of an epoch that was opened meanwhile.
const OPEN: &str = "AlreadyOpen";

/// The work on epochs that are over.
pub struct Certifier<C, B> {
    /// Where lists come in.
    pub desk: Arc<Desk<C, B>>,
    /// The chains.
    pub chain: Arc<C>,
    /// Metrics and logs.
    pub observe: Observe,
    /// Pause between two looks.
    pub pause: Duration,
}

impl<C: HealthChain, B: Beacons> Certifier<C, B> {
    /// Works until the end is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        if shutdown.or(self.desk.wake(now())).await.is_none() {
            return;
        }
        loop {
            if shutdown.or(self.work_off(now())).await.is_none()
                || !shutdown.sleep(self.pause).await
            {
                return;
            }
        }
    }

    /// Looks at every epoch with lists once; one that fails keeps no other back.
    pub async fn work_off(&self, clock: Timestamp) {
        for (epoch, terms) in self.desk.under_way() {
            if clock < terms.times.frozen || clock > terms.times.until {
                continue;
            }
            if let Err(error) = self.desk.propose(epoch).await {
                self.observe.store_failed(error);
                continue;
            }
            for proposal in self.desk.proposals(epoch) {
                if let Err(fault) = self.advance(&proposal, &terms, clock).await {
                    self.observe.certify_failed(epoch, proposal.digest, &fault);
                }
            }
        }
        if let Err(error) = self.desk.forget(clock).await {
            self.observe.store_failed(error);
        }
    }

    /// Certifies a proposal once all have signed, or once it is due and enough have.
    async fn advance(
        &self,
        proposal: &Proposal,
        terms: &Arc<Terms>,
        clock: Timestamp,
    ) -> Result<(), Fault> {
        let ready = proposal.is_complete() || clock >= terms.times.due;
        if proposal.certified || !ready || !is_worth_it(proposal, terms).await? {
            return Ok(());
        }
        if !self.chain.is_open(terms.epoch).await? {
            match self
                .act(Action::OpenEpoch(terms.epoch, terms.beacon), terms)
                .await
            {
                Err(Fault::Refused(why)) if why.contains(OPEN) => {}
                result => result?,
            }
        }
        let signed = sum(proposal, terms)?;
        match self
            .act(Action::CertifyDowns(Box::new(signed)), terms)
            .await
        {
            Ok(()) => self.observe.downs_certified(
                terms.epoch,
                proposal.digest,
                proposal.list.entries().len(),
                proposal.signatures.len(),
            ),
            Err(Fault::Refused(why)) if why.contains(NOTHING_NEW) => {}
            Err(fault) => return Err(fault),
        }
        self.desk
            .certified(proposal)
            .await
            .map_err(Fault::Unreachable)
    }

    async fn act(&self, action: Action, terms: &Terms) -> Result<(), Fault> {
        let result = self.chain.act(&action, terms.times.until).await;
        self.observe.acted(&action, &result);
        result.map(drop)
    }
}

/// [`Proposal::is_worth_it`], beside the other tasks: each machine's seats are drawn, up to 256 committees
/// of up to 1,024.
async fn is_worth_it(proposal: &Proposal, terms: &Arc<Terms>) -> Result<bool, Fault> {
    let (proposal, terms) = (proposal.clone(), Arc::clone(terms));
    let judged = tokio::task::spawn_blocking(move || proposal.is_worth_it(&terms));
    judged
        .await
        .map_err(|error| Fault::BadData(error.to_string()))
}

/// The signatures of a proposal as one.
fn sum(proposal: &Proposal, terms: &Terms) -> Result<SignedList, Fault> {
    let mut bitmap = Bitmap::empty(terms.table.count());
    for operator in proposal.signatures.keys() {
        bitmap
            .insert(*operator)
            .map_err(|error| Fault::BadData(error.to_string()))?;
    }
    let signatures: Vec<_> = proposal.signatures.values().copied().collect();
    let aggregate = bls::aggregate(&signatures)
        .ok_or_else(|| Fault::BadData("the signatures cancel out".to_owned()))?;
    Ok(SignedList {
        list: proposal.list.clone(),
        bitmap: bitmap.to_bytes(),
        aggregate: aggregate.to_eip2537().to_vec(),
    })
}
