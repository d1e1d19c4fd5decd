//! The gRPC service's side of the aggregator: votes go to the collector, lists to the store.

mod uploads;

use std::{net::IpAddr, sync::Arc, time::Instant};

use quorate_canon::{Digest, HealthEpoch, OfferId, Round};
use quorate_health::DownList;
use quorate_matching::OutcomeList;
use quorate_protocol::{Unverified, Vote};
use quorate_rpc::{
    Accusers, AttestationHandler, Contradiction, ContradictionRejection, ListRejection,
    ReceiptRejection, SignedDowns, SignedReceipts, VoteRejection, WireError,
    handler::{Handler, ListRefusal},
    wire::{ContradictionVerdict, DownsVerdict, ReceiptsVerdict, RoundReport, VoteReceipt},
};
use tokio::sync::watch;

use crate::{
    chain::HealthChain,
    collector::{Mailbox, ingress::Message},
    downs::Desk,
    observe::Observe,
    settle::Beacons,
    store::{HeaderId, Store, blocking},
    tally::Intake,
};

pub use uploads::{Upload, Uploads};

/// What answers operators.
pub struct Service<C, B> {
    mailbox: Mailbox,
    store: Arc<Store>,
    uploads: Uploads,
    observe: Observe,
    /// Counts lists, for those who wait for one.
    came: watch::Sender<u64>,
    /// Where lists of windows DOWN come in; none where the network has no `Health`.
    desk: Option<Arc<Desk<C, B>>>,
    /// Where receipts come in; none where operators' work is not shown.
    intake: Option<Arc<Intake>>,
}

impl<C, B> Service<C, B> {
    /// A service over the collector's mailbox.
    pub fn new(
        mailbox: Mailbox,
        store: Arc<Store>,
        uploads: Uploads,
        observe: Observe,
        came: watch::Sender<u64>,
        desk: Option<Arc<Desk<C, B>>>,
    ) -> Self {
        Self {
            mailbox,
            store,
            uploads,
            observe,
            came,
            desk,
            intake: None,
        }
    }

    /// The same, which takes receipts.
    #[must_use]
    pub fn collecting(self, intake: Option<Arc<Intake>>) -> Self {
        Self { intake, ..self }
    }
}

impl<C: HealthChain, B: Beacons> AttestationHandler for Service<C, B> {
    async fn downs(&self, downs: SignedDowns, peer: Option<IpAddr>) -> DownsVerdict {
        match &self.desk {
            Some(desk) => desk.take(downs, peer).await,
            None => DownsVerdict::rejected(
                ListRejection::NotReady,
                "this aggregator has no Health contract configured",
            ),
        }
    }

    fn malformed_list(&self, error: &WireError) {
        self.observe
            .downs_rejected(ListRejection::Malformed, &error.to_string());
    }

    async fn proposals(&self, epoch: HealthEpoch) -> Vec<DownList> {
        match &self.desk {
            Some(desk) => desk.waiting(epoch).await,
            None => Vec::new(),
        }
    }

    async fn receipts(&self, receipts: SignedReceipts, peer: Option<IpAddr>) -> ReceiptsVerdict {
        match &self.intake {
            Some(intake) => intake.take(receipts, peer).await,
            None => ReceiptsVerdict::rejected(
                ReceiptRejection::NotCollecting,
                "this aggregator does not show operators' work",
            ),
        }
    }

    fn malformed_receipts(&self, error: &WireError) {
        self.observe
            .receipts_rejected(ReceiptRejection::Malformed, &error.to_string());
    }

    async fn accusers(&self, epoch: HealthEpoch, machine: OfferId) -> Accusers {
        match &self.desk {
            Some(desk) => desk.accusers(epoch, machine).await,
            None => Accusers::default(),
        }
    }

    async fn contradiction(
        &self,
        contradiction: Contradiction,
        peer: Option<IpAddr>,
    ) -> ContradictionVerdict {
        match &self.desk {
            Some(desk) => desk.contradict(contradiction, peer).await,
            None => ContradictionVerdict::rejected(
                ContradictionRejection::NotJudging,
                "this aggregator has no Health contract configured",
            ),
        }
    }

    fn malformed_contradiction(&self, error: &WireError) {
        self.observe
            .contradiction_rejected(ContradictionRejection::Malformed, &error.to_string());
    }
}

impl<C: HealthChain, B: Beacons> Handler for Service<C, B> {
    type Admission = Upload;

    async fn vote(&self, vote: Vote<Unverified>, peer: Option<IpAddr>) -> VoteReceipt {
        self.mailbox.vote(vote, peer).await
    }

    fn malformed(&self, error: &WireError) {
        self.observe
            .vote_rejected(VoteRejection::Malformed, &error.to_string());
    }

    async fn admit(
        &self,
        digest: Digest,
        peer: Option<IpAddr>,
    ) -> Result<Option<Upload>, ListRefusal> {
        let asked = self.mailbox.sender(digest, peer).await;
        let (wanted, signed) = asked.ok_or(ListRefusal::UnknownHeader)?;
        if wanted.here {
            return Ok(None);
        }
        self.uploads
            .begin(digest, peer, signed, Instant::now())
            .map(Some)
            .ok_or(ListRefusal::Busy)
    }

    fn stands(&self, admission: &Upload) -> bool {
        admission.stands()
    }

    async fn list(
        &self,
        digest: Digest,
        list: OutcomeList,
        admission: Upload,
    ) -> Result<bool, ListRefusal> {
        let wanted = self
            .mailbox
            .header(digest)
            .await
            .ok_or(ListRefusal::UnknownHeader)?;
        let expected = wanted.header.outcome_root;
        let id = HeaderId {
            round: wanted.header.round,
            digest,
        };
        // A million leaves take a second.
        let hashed = tokio::task::spawn_blocking(move || (list.outcome_root(), list));
        let hashed = hashed.await;
        let (got, list) = hashed.map_err(|error| ListRefusal::Store(error.to_string()))?;
        if got != expected {
            return Err(ListRefusal::WrongRoot { got, expected });
        }
        let (store, entries) = (Arc::clone(&self.store), list.count());
        let new = blocking(move || store.put_list(id, &list))
            .await
            .map_err(ListRefusal::Store)?;
        self.observe.list_received(id.round, digest, entries);
        self.mailbox.tell(Message::ListStored(id)).await;
        self.came
            .send_modify(|count| *count = count.wrapping_add(1));
        drop(admission);
        Ok(new)
    }

    async fn round(&self, round: Round) -> Option<RoundReport> {
        self.mailbox.round(round).await
    }
}
