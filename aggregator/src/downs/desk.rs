//! Takes lists from operators, and shows what waits for their signatures.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use quorate_bls::{self as bls, Signature};
use quorate_canon::{HealthEpoch, OperatorIndex, Timestamp};
use quorate_health::DownList;
use quorate_protocol::{Domain, Schedule};
use quorate_rpc::{ListRejection, SignedDowns, wire::DownsVerdict};

use super::{Book, Own, Proposal, Signed, Terms};
use crate::chain::HealthChain;
use crate::clock::now;
use crate::observe::Observe;
use crate::settle::Beacons;
use crate::store::{Proposed, Store, blocking};

/// Bad signatures from one address in one operator's name in one epoch before no more are checked.
const FAILURES: u32 = 16;
/// What a desk does besides taking lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Switches {
    /// Operators' lists stay in the store when nobody asks for them any more: they show their work, and
    /// somebody else deletes them.
    pub keeps: bool,
    /// Receipts are taken against lists: somebody takes both to L1.
    pub judges: bool,
}

/// An epoch that is under way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) terms: Arc<Terms>,
    pub(super) book: Book,
    pub(super) failures: BTreeMap<(Option<IpAddr>, OperatorIndex), u32>,
}

/// The desk.
pub struct Desk<C, B> {
    pub(super) chain: Arc<C>,
    pub(super) beacons: Arc<B>,
    pub(super) store: Arc<Store>,
    pub(super) observe: Observe,
    pub(super) domain: Domain,
    pub(super) schedule: Schedule,
    pub(super) switches: Switches,
    pub(super) epochs: Mutex<BTreeMap<HealthEpoch, Entry>>,
    /// The last epoch that was found to be over for good: nobody is asked about it or about older ones.
    pub(super) closed: Mutex<Option<HealthEpoch>>,
    /// One epoch's terms are loaded at a time: a thousand callers do not ask the chain a thousand times.
    pub(super) loading: tokio::sync::Mutex<()>,
}

impl<C: HealthChain, B: Beacons> Desk<C, B> {
    /// An empty desk; what was stored for an epoch is read when the epoch is first asked for.
    pub fn new(
        chain: Arc<C>,
        beacons: Arc<B>,
        store: Arc<Store>,
        observe: Observe,
        (domain, schedule): (Domain, Schedule),
        switches: Switches,
    ) -> Self {
        Self {
            chain,
            beacons,
            store,
            observe,
            domain,
            schedule,
            switches,
            epochs: Mutex::default(),
            closed: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// Takes a list. Accepted means: stored durably.
    pub async fn take(&self, downs: SignedDowns, peer: Option<IpAddr>) -> DownsVerdict {
        match self.try_take(downs, peer).await {
            Ok(Signed::Own | Signed::Proposal) => DownsVerdict::Accepted,
            Ok(_) => DownsVerdict::Duplicate,
            Err((reason, detail)) => {
                self.observe.downs_rejected(reason, &detail);
                DownsVerdict::rejected(reason, detail)
            }
        }
    }

    async fn try_take(
        &self,
        downs: SignedDowns,
        peer: Option<IpAddr>,
    ) -> Result<Signed, (ListRejection, String)> {
        let (list, operator) = (downs.list, downs.operator);
        if *list.network() != self.domain {
            let detail = format!("the list is of {:?}", list.network());
            return Err((ListRejection::WrongNetwork, detail));
        }
        let terms = self.terms(list.epoch(), now()).await?;
        list.require_windows(terms.policy.windows)
            .map_err(|error| (ListRejection::Malformed, error.to_string()))?;
        let key = terms.table.signer(operator).map(|(key, _)| *key);
        let key = key.map_err(|error| (ListRejection::NoStake, error.to_string()))?;
        match self.look(&list, operator, peer)? {
            Signed::Again => return Ok(Signed::Again),
            Signed::TooMany => {
                let detail = format!("operator {operator} has handed in all it may");
                return Err((ListRejection::TooManyLists, detail));
            }
            Signed::Own | Signed::Proposal => {}
        }
        let digest = list.digest();
        let bytes = downs.signature;
        let checked = tokio::task::spawn_blocking(move || {
            let signature = Signature::from_bytes96(&bytes).ok()?;
            bls::verify(bls::Domain::Vote, &key, &digest.get(), &signature).then_some(signature)
        });
        let Some(signature) = checked.await.unwrap_or(None) else {
            self.failed(list.epoch(), operator, peer);
            let detail = format!("not operator {operator}'s signature of list {digest}");
            return Err((ListRejection::BadSignature, detail));
        };
        self.keep(operator, Own { list, signature }).await
    }

    /// Stores a verified list, then counts it: who hears "accepted" finds it here after any crash.
    async fn keep(
        &self,
        operator: OperatorIndex,
        own: Own,
    ) -> Result<Signed, (ListRejection, String)> {
        let (store, kept) = (Arc::clone(&self.store), own.clone());
        blocking(move || store.put_downs(operator, &kept.list, &kept.signature))
            .await
            .map_err(|error| (ListRejection::Overloaded, error))?;
        let (epoch, entries) = (own.list.epoch(), own.list.entries().len());
        let what = match self.lock().get_mut(&epoch) {
            Some(entry) => entry.book.take(operator, own),
            None => Signed::Own,
        };
        self.observe.downs_taken(epoch, operator, entries);
        Ok(what)
    }

    /// What would become of a list.
    fn look(
        &self,
        list: &DownList,
        operator: OperatorIndex,
        peer: Option<IpAddr>,
    ) -> Result<Signed, (ListRejection, String)> {
        if self.has_failed_too_often(list.epoch(), operator, peer) {
            let detail = format!("{FAILURES} bad signatures under index {operator}");
            return Err((ListRejection::TooManyFailures, detail));
        }
        let what = self.read(list.epoch(), |book| book.look(operator, list));
        Ok(what.unwrap_or(Signed::Own))
    }

    /// Whether no more signatures under this index are checked that come from there.
    pub(super) fn has_failed_too_often(
        &self,
        epoch: HealthEpoch,
        operator: OperatorIndex,
        peer: Option<IpAddr>,
    ) -> bool {
        let epochs = self.lock();
        let entry = epochs.get(&epoch);
        let failures = entry.and_then(|entry| entry.failures.get(&(peer, operator)));
        failures.is_some_and(|failures| *failures >= FAILURES)
    }

    /// Counts against those who send bad signatures.
    pub(super) fn failed(&self, epoch: HealthEpoch, operator: OperatorIndex, peer: Option<IpAddr>) {
        if let Some(entry) = self.lock().get_mut(&epoch) {
            let count = entry.failures.entry((peer, operator)).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The terms of an epoch that takes lists at `clock`.
    async fn terms(
        &self,
        epoch: HealthEpoch,
        clock: Timestamp,
    ) -> Result<Arc<Terms>, (ListRejection, String)> {
        let terms = self.kept_terms(epoch, clock).await?;
        if clock > terms.times.until {
            let until = terms.times.until;
            let detail = format!("lists of health epoch {epoch} were taken until {until}");
            return Err((ListRejection::EpochClosed, detail));
        }
        Ok(terms)
    }

    /// The lists of an epoch that wait for signatures.
    pub async fn waiting(&self, epoch: HealthEpoch) -> Vec<DownList> {
        if self.terms(epoch, now()).await.is_err() {
            return Vec::new();
        }
        let epochs = self.lock();
        let proposals = epochs.get(&epoch).map(|entry| entry.book.proposals());
        let waiting = proposals.into_iter().flatten();
        waiting
            .filter(|proposal| !proposal.certified)
            .map(|proposal| proposal.list.clone())
            .collect()
    }

    /// Epochs with lists, and what they are judged by.
    pub(super) fn under_way(&self) -> Vec<(HealthEpoch, Arc<Terms>)> {
        let epochs = self.lock();
        let with_lists = epochs.iter().filter(|(_, entry)| !entry.book.is_empty());
        with_lists
            .map(|(epoch, entry)| (*epoch, Arc::clone(&entry.terms)))
            .collect()
    }

    /// Proposes what can be proposed, durably before anybody sees it.
    pub(super) async fn propose(&self, epoch: HealthEpoch) -> Result<(), String> {
        let found = {
            let epochs = self.lock();
            let entry = epochs.get(&epoch);
            entry.map(|entry| (Arc::clone(&entry.terms), entry.book.clone()))
        };
        let Some((terms, mut book)) = found else {
            return Ok(());
        };
        let before = book.proposals().len();
        let proposing = tokio::task::spawn_blocking(move || {
            book.propose(&terms);
            book
        });
        let book = proposing.await.map_err(|error| error.to_string())?;
        let fresh: Vec<_> = book.proposals().iter().skip(before).cloned().collect();
        if !fresh.is_empty() {
            self.observe.downs_proposed(epoch, fresh.len());
        }
        let all: Vec<_> = book.proposals().iter().map(stored).collect();
        let store = Arc::clone(&self.store);
        blocking(move || store.put_proposed(epoch, &all)).await?;
        if let Some(entry) = self.lock().get_mut(&epoch) {
            entry.book.adopt(book);
        }
        Ok(())
    }

    /// What is proposed for an epoch.
    pub(super) fn proposals(&self, epoch: HealthEpoch) -> Vec<Proposal> {
        let epochs = self.lock();
        let entry = epochs.get(&epoch);
        entry.map_or_else(Vec::new, |entry| entry.book.proposals().to_vec())
    }

    /// Notes that a proposal stands on L2.
    pub(super) async fn certified(&self, proposal: &Proposal) -> Result<(), String> {
        let epoch = proposal.list.epoch();
        let all = match self.lock().get_mut(&epoch) {
            Some(entry) => {
                entry.book.certified(proposal.digest);
                entry.book.proposals().iter().map(stored).collect()
            }
            None => Vec::new(),
        };
        let store = Arc::clone(&self.store);
        blocking(move || store.put_proposed(epoch, &all)).await
    }
}

fn stored(proposal: &Proposal) -> Proposed {
    Proposed {
        list: proposal.list.clone(),
        expected: proposal.expected.clone(),
        certified: proposal.certified,
    }
}
