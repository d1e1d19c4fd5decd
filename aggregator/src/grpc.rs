//! The gRPC service's side of the aggregator: votes go to the collector, lists to the store.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

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
    collector::{Mailbox, Source, ingress::Message},
    downs::Desk,
    observe::Observe,
    settle::Beacons,
    store::{HeaderId, Store, blocking},
    tally::Intake,
};

/// Lists that are received at a time, of one header and in all: each may be 50 MB.
const PER_HEADER: usize = 3;
const IN_ALL: usize = 8;

/// The lists that are being sent now; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    active: Arc<Mutex<Vec<(Digest, Source)>>>,
}

impl Uploads {
    /// Whether somebody is sending the list behind this header.
    pub fn is_active(&self, digest: Digest) -> bool {
        self.lock().iter().any(|(active, _)| *active == digest)
    }

    /// Takes a place. An address has one place, so that nobody alone can hold them all.
    fn begin(&self, digest: Digest, source: Source) -> Option<Upload> {
        let mut active = self.lock();
        let same = active.iter().filter(|(other, _)| *other == digest).count();
        let taken = source.is_some()
            && active
                .iter()
                .any(|(other, by)| (*other, *by) == (digest, source));
        if taken || same >= PER_HEADER || active.len() >= IN_ALL {
            return None;
        }
        active.push((digest, source));
        Some(Upload {
            uploads: self.clone(),
            digest,
            source,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Digest, Source)>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the uploads; given back on drop.
#[derive(Debug)]
pub struct Upload {
    uploads: Uploads,
    digest: Digest,
    source: Source,
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut active = self.uploads.lock();
        if let Some(place) = active
            .iter()
            .position(|entry| *entry == (self.digest, self.source))
        {
            active.swap_remove(place);
        }
    }
}

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
        let wanted = self
            .mailbox
            .header(digest)
            .await
            .ok_or(ListRefusal::UnknownHeader)?;
        if wanted.here {
            return Ok(None);
        }
        self.uploads
            .begin(digest, peer)
            .map(Some)
            .ok_or(ListRefusal::Busy)
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
        let (got, expected) = (list.outcome_root(), wanted.header.outcome_root);
        if got != expected {
            return Err(ListRefusal::WrongRoot { got, expected });
        }
        let id = HeaderId {
            round: wanted.header.round,
            digest,
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Digest = Digest([1; 32]);

    fn address(n: u8) -> Source {
        Some(IpAddr::from([192, 0, 2, n]))
    }

    #[test]
    fn an_address_has_one_place_for_a_list() {
        let uploads = Uploads::default();
        let first = uploads.begin(HEADER, address(1)).unwrap();
        assert!(uploads.begin(HEADER, address(1)).is_none());
        assert!(uploads.begin(HEADER, address(2)).is_some());
        drop(first);
        assert!(uploads.begin(HEADER, address(1)).is_some());
    }

    #[test]
    fn a_header_has_few_places_and_all_have_a_bounded_number() {
        let uploads = Uploads::default();
        let held: Vec<_> = (0..u8::try_from(PER_HEADER).unwrap())
            .map(|n| uploads.begin(HEADER, address(n)).unwrap())
            .collect();
        assert!(uploads.begin(HEADER, address(99)).is_none());
        let more: Vec<_> = (0..20)
            .filter_map(|n| uploads.begin(Digest([n + 2; 32]), address(n)))
            .collect();
        assert_eq!(held.len() + more.len(), IN_ALL);
        drop((held, more));
        assert!(!uploads.is_active(HEADER));
    }
}
