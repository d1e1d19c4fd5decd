//! Aggregators that say what a test wants, behind the real server.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Response;
use quorate_canon::{Digest, HealthEpoch, OfferId, Round};
use quorate_health::DownList;
use quorate_matching::OutcomeList;
use quorate_protocol::{Unverified, Vote};
use quorate_rpc::wire::{
    ContradictionVerdict, DownsVerdict, ReceiptsVerdict, RoundReport, VoteReceipt, VoteVerdict,
};
use quorate_rpc::{
    Accusers, AttestationHandler, Contradiction, Handler, ListRefusal, ListRejection,
    ReceiptRejection, Server, ServerLimits, SignedDowns, SignedReceipts, VoteRejection, WireError,
    WireLimits,
};
use tonic::codegen::tokio_stream;
use tonic::transport::server::TcpIncoming;

/// What an aggregator knows, and what came to it.
#[derive(Default)]
struct Desk {
    accusers: Mutex<Accusers>,
    asked: Mutex<Vec<(HealthEpoch, OfferId)>>,
    handed: Mutex<Vec<Contradiction>>,
    /// Its next verdicts; then it accepts.
    verdicts: Mutex<VecDeque<ContradictionVerdict>>,
}

/// A running aggregator.
pub(crate) struct Aggregator {
    pub(crate) address: SocketAddr,
    desk: Arc<Desk>,
}

impl Aggregator {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn at(address: SocketAddr) -> Self {
        let server = Server::bind(address, ServerLimits::default(), None)
            .await
            .unwrap();
        let (address, desk) = (server.address(), Arc::<Desk>::default());
        let served = server.run(
            Arc::clone(&desk),
            WireLimits::default(),
            |_| {},
            std::future::pending(),
        );
        tokio::spawn(served);
        Self { address, desk }
    }

    /// What it says of every machine and epoch from now on.
    pub(crate) fn say(&self, accusers: Accusers) {
        *self.desk.accusers.lock().unwrap() = accusers;
    }

    /// What it says of the next contradictions.
    pub(crate) fn judge(&self, verdicts: impl IntoIterator<Item = ContradictionVerdict>) {
        self.desk.verdicts.lock().unwrap().extend(verdicts);
    }

    pub(crate) fn asked(&self) -> Vec<(HealthEpoch, OfferId)> {
        self.desk.asked.lock().unwrap().clone()
    }

    pub(crate) fn handed(&self) -> Vec<Contradiction> {
        self.desk.handed.lock().unwrap().clone()
    }
}

impl AttestationHandler for Desk {
    async fn downs(&self, _: SignedDowns, _: Option<IpAddr>) -> DownsVerdict {
        DownsVerdict::rejected(ListRejection::NoStake, "")
    }

    fn malformed_list(&self, _: &WireError) {}

    async fn proposals(&self, _: HealthEpoch) -> Vec<DownList> {
        Vec::new()
    }

    async fn receipts(&self, _: SignedReceipts, _: Option<IpAddr>) -> ReceiptsVerdict {
        ReceiptsVerdict::rejected(ReceiptRejection::Malformed, "")
    }

    fn malformed_receipts(&self, _: &WireError) {}

    async fn accusers(&self, epoch: HealthEpoch, machine: OfferId) -> Accusers {
        self.asked.lock().unwrap().push((epoch, machine));
        self.accusers.lock().unwrap().clone()
    }

    async fn contradiction(
        &self,
        contradiction: Contradiction,
        _: Option<IpAddr>,
    ) -> ContradictionVerdict {
        self.handed.lock().unwrap().push(contradiction);
        let verdict = self.verdicts.lock().unwrap().pop_front();
        verdict.unwrap_or(ContradictionVerdict::Accepted)
    }
}

impl Handler for Desk {
    type Admission = ();

    async fn vote(&self, _: Vote<Unverified>, _: Option<IpAddr>) -> VoteReceipt {
        VoteReceipt {
            verdict: VoteVerdict::rejected(VoteRejection::RoundOver, ""),
            outcome_wanted: false,
        }
    }

    fn malformed(&self, _: &WireError) {}

    async fn admit(&self, _: Digest, _: Option<IpAddr>) -> Result<Option<()>, ListRefusal> {
        Err(ListRefusal::UnknownHeader)
    }

    async fn list(&self, _: Digest, _: OutcomeList, (): ()) -> Result<bool, ListRefusal> {
        Err(ListRefusal::UnknownHeader)
    }

    async fn round(&self, _: Round) -> Option<RoundReport> {
        None
    }
}

/// A server that begins every answer and ends none; where it is, and how many calls came.
pub(crate) async fn stalling() -> (SocketAddr, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let router = axum::Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let nothing = tokio_stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let answer = Response::builder().header("content-type", "application/grpc");
        std::future::ready(answer.body(Body::from_stream(nothing)).unwrap())
    });
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let routes = tonic::service::Routes::from(router);
    let server = tonic::transport::Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(incoming));
    (address, calls)
}
