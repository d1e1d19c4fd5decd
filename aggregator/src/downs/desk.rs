//! Takes lists from operators, and shows what waits for their signatures.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use quorate_bls::{self as bls, PublicKey, Signature};
use quorate_canon::{Digest, HealthEpoch, OperatorIndex, Timestamp};
use quorate_health::DownList;
use quorate_protocol::{Domain, Schedule};
use quorate_rpc::{ListRejection, SignedDowns, wire::DownsVerdict};

use super::{Book, Own, Proposal, Signed, Terms, loading::Loading};
use crate::chain::HealthChain;
use crate::clock::now;
use crate::observe::Observe;
use crate::settle::Beacons;
use crate::store::{Proposed, Store, blocking};
use crate::suspects::{Checking, Sender, Unchecked};

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
    pub(super) loading: Loading,
    /// Lists whose signatures are checked. A list comes from its operator.
    pub(super) lists: Checking<HealthEpoch>,
    /// Receipts whose signatures are checked. They come from the agents that were given them.
    pub(super) receipts: Checking<HealthEpoch>,
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
            loading: Loading::default(),
            lists: Checking::default(),
            receipts: Checking::default(),
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
        let what = self.read(list.epoch(), |book| book.look(operator, &list));
        match what.unwrap_or(Signed::Own) {
            Signed::Again => return Ok(Signed::Again),
            Signed::TooMany => {
                let detail = format!("operator {operator} has handed in all it may");
                return Err((ListRejection::TooManyLists, detail));
            }
            Signed::Own | Signed::Proposal => {}
        }
        let digest = list.digest();
        let bytes = downs.signature;
        let sender = Sender {
            span: list.epoch(),
            source: peer,
            operator,
        };
        let verify = move || signature(&bytes, &key, digest);
        let checked = self.lists.check(sender, 1, verify).await;
        let signature = checked.map_err(|unchecked| match unchecked {
            Unchecked::Bad(NotSigned) => {
                let detail = format!("not operator {operator}'s signature of list {digest}");
                (ListRejection::BadSignature, detail)
            }
            Unchecked::CutOff(failures) => {
                let detail = format!("{failures} bad signatures under index {operator}");
                (ListRejection::TooManyFailures, detail)
            }
            Unchecked::Busy(why) => (ListRejection::Overloaded, why),
        })?;
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

/// The bytes are not the key's signature.
pub(super) struct NotSigned;

/// The signature of a digest, if it is the key's.
pub(super) fn signature(
    bytes: &[u8; 96],
    key: &PublicKey,
    digest: Digest,
) -> Result<Signature, NotSigned> {
    let signature = Signature::from_bytes96(bytes).map_err(|_| NotSigned)?;
    match bls::verify(bls::Domain::Vote, key, &digest.get(), &signature) {
        true => Ok(signature),
        false => Err(NotSigned),
    }
}

fn stored(proposal: &Proposal) -> Proposed {
    Proposed {
        list: proposal.list.clone(),
        expected: proposal.expected.clone(),
        certified: proposal.certified,
    }
}
