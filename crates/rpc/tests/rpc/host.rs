//! A server with a handler that accepts everything, for tests.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use quorate_bls::{Domain as Purpose, SecretKey};
use quorate_canon::{Address, ChainId, Digest, HealthEpoch, OfferId, OperatorIndex, Round};
use quorate_health::DownList;
use quorate_matching::OutcomeList;
use quorate_protocol::{Domain, Header, Unverified, Vote};
use quorate_rpc::{
    Accusers, AttestationHandler, Client, ClientLimits, ClientTls, Contradiction, Server,
    ServerLimits, ServerTls, SignedDowns, SignedReceipts, WireError, WireLimits,
    handler::{Handler, ListRefusal},
    wire::{
        ContradictionVerdict, DownsVerdict, Phase, ReceiptsVerdict, RoundReport, VoteReceipt,
        VoteVerdict,
    },
};
use tokio::sync::oneshot;

/// Accepts every vote after `pause`, wants one list, knows round 7.
#[derive(Default)]
pub(crate) struct Accepting {
    pub(crate) pause: Duration,
    pub(crate) votes: AtomicUsize,
    pub(crate) malformed: AtomicUsize,
    pub(crate) lists: AtomicUsize,
    /// Admitted lists have lost their places.
    pub(crate) displaced: bool,
    pub(crate) receipts: Mutex<Vec<SignedReceipts>>,
    pub(crate) accusers: Mutex<Accusers>,
    pub(crate) contradictions: Mutex<Vec<Contradiction>>,
}

impl AttestationHandler for Accepting {
    async fn downs(&self, _: SignedDowns, _: Option<std::net::IpAddr>) -> DownsVerdict {
        DownsVerdict::Accepted
    }

    fn malformed_list(&self, _: &WireError) {
        self.malformed.fetch_add(1, Ordering::SeqCst);
    }

    async fn proposals(&self, _: HealthEpoch) -> Vec<DownList> {
        Vec::new()
    }

    async fn receipts(
        &self,
        receipts: SignedReceipts,
        _: Option<std::net::IpAddr>,
    ) -> ReceiptsVerdict {
        self.receipts.lock().unwrap().push(receipts);
        ReceiptsVerdict::Accepted
    }

    fn malformed_receipts(&self, _: &WireError) {
        self.malformed.fetch_add(1, Ordering::SeqCst);
    }

    async fn accusers(&self, _: HealthEpoch, _: OfferId) -> Accusers {
        self.accusers.lock().unwrap().clone()
    }

    async fn contradiction(
        &self,
        contradiction: Contradiction,
        _: Option<std::net::IpAddr>,
    ) -> ContradictionVerdict {
        self.contradictions.lock().unwrap().push(contradiction);
        ContradictionVerdict::Accepted
    }

    fn malformed_contradiction(&self, _: &WireError) {
        self.malformed.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler for Accepting {
    type Admission = ();

    async fn vote(&self, _: Vote<Unverified>, _: Option<std::net::IpAddr>) -> VoteReceipt {
        tokio::time::sleep(self.pause).await;
        self.votes.fetch_add(1, Ordering::SeqCst);
        VoteReceipt {
            verdict: VoteVerdict::Accepted,
            outcome_wanted: true,
        }
    }

    fn malformed(&self, _: &WireError) {
        self.malformed.fetch_add(1, Ordering::SeqCst);
    }

    async fn admit(
        &self,
        digest: Digest,
        _: Option<std::net::IpAddr>,
    ) -> Result<Option<()>, ListRefusal> {
        if digest == Digest([0; 32]) {
            Err(ListRefusal::UnknownHeader)
        } else {
            Ok(Some(()))
        }
    }

    fn stands(&self, (): &()) -> bool {
        !self.displaced
    }

    async fn list(&self, _: Digest, list: OutcomeList, (): ()) -> Result<bool, ListRefusal> {
        self.lists
            .fetch_add(list.entries().len() + 1, Ordering::SeqCst);
        Ok(true)
    }

    async fn round(&self, round: Round) -> Option<RoundReport> {
        (round == Round::new(7)).then_some(RoundReport {
            round,
            phase: Phase::Collecting,
            failure: None,
            leading: None,
            signed: 0,
            total: None,
            signers: 0,
            headers: 0,
            outcome_wanted: false,
            chunks_posted: 0,
            chunks: 0,
        })
    }
}

/// A running server; ends on drop.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) handler: Arc<Accepting>,
    _end: oneshot::Sender<()>,
}

impl Host {
    pub(crate) async fn start(
        handler: Accepting,
        limits: ServerLimits,
        tls: Option<ServerTls>,
    ) -> Self {
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), limits, tls)
            .await
            .unwrap();
        let address = server.address();
        let handler = Arc::new(handler);
        let (end, ended) = oneshot::channel::<()>();
        let served = server.run(Arc::clone(&handler), WireLimits::default(), |_| {}, async {
            let _ = ended.await;
        });
        tokio::spawn(async move { served.await.unwrap() });
        Self {
            address,
            handler,
            _end: end,
        }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(Accepting::default(), ServerLimits::default(), None).await
    }

    pub(crate) fn client(&self) -> Client {
        let url = format!("http://{}", self.address).parse().unwrap();
        Client::new(&url, &ClientTls::default(), ClientLimits::default()).unwrap()
    }
}

/// The bytes of some vote.
pub(crate) fn vote() -> Vec<u8> {
    let domain = Domain {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(2),
        rounds: Address([3; 20]),
        avs: Address([4; 20]),
        operator_set: 0,
    };
    let header = Header {
        domain,
        round: Round::new(7),
        snapshot_number: 1,
        snapshot_hash: Digest([1; 32]),
        policy_hash: Digest([2; 32]),
        inputs_root: Digest([3; 32]),
        seed: quorate_protocol::seed(&domain, Round::new(7), &Digest([6; 32]), 1, &[0; 48]),
        outcome_root: Digest([5; 32]),
    };
    let key = SecretKey::from_seed(&[9; 32]).unwrap();
    let signature = key.sign(Purpose::Vote, &header.digest().0);
    Vote::<Unverified>::new(header, OperatorIndex::new(0), signature).to_bytes()
}
