//! The server: every limit set, health and reflection beside the service, an end that does not hang.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures::StreamExt as _;
use quorate_canon::{Digest, Round};
use quorate_matching::OutcomeList;
use quorate_proto::v1::{
    self,
    aggregator_server::{Aggregator, AggregatorServer},
};
use quorate_protocol::{Unverified, Vote};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming, service::Routes, transport::Server as Transport,
};
use tonic_health::server::HealthReporter;
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};

use crate::{
    RpcError, ServerLimits, ServerTls, VoteRejection, WireError, WireLimits, accept,
    wire::{self, ListAssembler, RoundReport, VoteReceipt},
};

/// Why a list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListRefusal {
    /// No header with this digest is known here.
    #[error("no header with this digest is known here")]
    UnknownHeader,
    /// Someone else is sending it, or too many lists are being sent.
    #[error("another upload is under way")]
    Busy,
    /// The list has another root than the header signs.
    #[error("the list's outcome root is {got}, the header's is {expected}")]
    WrongRoot {
        /// Root of what was sent.
        got: Digest,
        /// What the header says.
        expected: Digest,
    },
    /// It could not be stored.
    #[error("the list could not be stored: {0}")]
    Store(String),
}

impl From<ListRefusal> for Status {
    fn from(refusal: ListRefusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            ListRefusal::UnknownHeader => Self::not_found(words),
            ListRefusal::Busy => Self::resource_exhausted(words),
            ListRefusal::WrongRoot { .. } => Self::invalid_argument(words),
            ListRefusal::Store(_) => Self::unavailable(words),
        }
    }
}

/// What an aggregator does with what comes in. A caller that hangs up drops the future of its own
/// call: an implementor that began something hands it to a task of its own first.
pub trait Handler: Send + Sync + 'static {
    /// Held while a list is being received; dropping it lets others send.
    type Admission: Send;

    /// Takes a vote from `peer`, if its address is known. Accepted means: stored durably.
    fn vote(
        &self,
        vote: Vote<Unverified>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = VoteReceipt> + Send;

    /// A message came that is no vote.
    fn malformed(&self, error: &WireError);

    /// Whether `peer` may send a list for this header now. `None`: it is here already.
    fn admit(
        &self,
        digest: Digest,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Result<Option<Self::Admission>, ListRefusal>> + Send;

    /// Takes a whole list; true if it is new.
    fn list(
        &self,
        digest: Digest,
        list: OutcomeList,
        admission: Self::Admission,
    ) -> impl Future<Output = Result<bool, ListRefusal>> + Send;

    /// How a round stands, if it is known here.
    fn round(&self, round: Round) -> impl Future<Output = Option<RoundReport>> + Send;
}

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: ServerLimits,
    tls: Option<ServerTls>,
}

impl Server {
    /// Listens on `address`; port 0 takes a free one, see [`Self::address`].
    pub async fn bind(
        address: SocketAddr,
        limits: ServerLimits,
        tls: Option<ServerTls>,
    ) -> Result<Self, RpcError> {
        let listen = |source| RpcError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            listener,
            address,
            limits,
            tls,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then lets requests in progress end for `limits.drain`.
    pub async fn run<H: Handler>(
        self,
        handler: Arc<H>,
        wire: WireLimits,
        health: impl FnOnce(HealthReporter),
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), RpcError> {
        let limits = self.limits;
        let (reporter, routes) = routes(handler, wire, &limits)?;
        reporter.set_serving::<AggregatorServer<Edge<H>>>().await;
        health(reporter.clone());

        let mut transport = transport(&limits);
        if let Some(tls) = &self.tls {
            transport = transport.tls_config(tls.config(limits.keepalive_timeout)?)?;
        }
        let shed = ServiceBuilder::new()
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(limits.requests))
            .into_inner();
        let (ending, ended) = tokio::sync::oneshot::channel();
        let signal = async move {
            shutdown.await;
            reporter
                .set_not_serving::<AggregatorServer<Edge<H>>>()
                .await;
            // Nobody listens if the transport ended by itself.
            let _ = ending.send(());
        };
        let served = transport
            .layer(shed)
            .add_routes(routes)
            .serve_with_incoming_shutdown(accept::incoming(self.listener, &limits), signal);
        tokio::select! {
            result = served => Ok(result?),
            () = async { if ended.await.is_ok() { tokio::time::sleep(limits.drain).await } else { std::future::pending().await } } => Ok(()),
        }
    }
}

/// A transport with every limit set.
fn transport(limits: &ServerLimits) -> Transport {
    Transport::builder()
        .accept_http1(false)
        .max_concurrent_streams(limits.streams_per_connection)
        .concurrency_limit_per_connection(limits.requests_per_connection)
        .load_shed(true)
        .http2_max_pending_accept_reset_streams(Some(limits.pending_accept_resets))
        .http2_max_local_error_reset_streams(Some(limits.local_error_resets))
        .http2_max_header_list_size(limits.header_list_bytes)
        .http2_adaptive_window(Some(false))
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_frame_size(16 * 1024)
        .timeout(limits.request_timeout)
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        // The grace is kept by the connection itself: with both set, tonic would only cut, not ask.
        .max_connection_age(limits.connection_age)
}

/// The service, health and reflection; nothing accepts compressed messages.
fn routes<H: Handler>(
    handler: Arc<H>,
    wire: WireLimits,
    limits: &ServerLimits,
) -> Result<(HealthReporter, Routes), RpcError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(quorate_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| RpcError::Descriptors(error.to_string()))?;
    let service = AggregatorServer::new(Edge { handler, wire })
        .max_decoding_message_size(limits.message_bytes);
    let mut routes = Routes::builder();
    routes
        .add_service(service)
        .add_service(health.max_decoding_message_size(limits.message_bytes))
        .add_service(reflection.max_decoding_message_size(limits.message_bytes));
    Ok((reporter, routes.routes()))
}

/// Stands between the generated trait and the handler.
struct Edge<H> {
    handler: Arc<H>,
    wire: WireLimits,
}

#[tonic::async_trait]
impl<H: Handler> Aggregator for Edge<H> {
    async fn submit_vote(
        &self,
        request: Request<v1::SubmitVoteRequest>,
    ) -> Result<Response<v1::SubmitVoteReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| accept::group(address.ip()));
        let receipt = match wire::vote(request.get_ref()) {
            Ok(vote) => self.handler.vote(vote, peer).await,
            Err(error) => {
                self.handler.malformed(&error);
                VoteReceipt::rejected(VoteRejection::Malformed, error.to_string())
            }
        };
        Ok(Response::new(receipt.into()))
    }

    async fn submit_outcome(
        &self,
        request: Request<Streaming<v1::OutcomePart>>,
    ) -> Result<Response<v1::SubmitOutcomeReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| accept::group(address.ip()));
        let mut parts = request.into_inner();
        let first = parts
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("no part came"))?;
        let mut list = ListAssembler::begin(&first, &self.wire).map_err(invalid)?;
        let digest = list.digest();
        let Some(admission) = self.handler.admit(digest, peer).await? else {
            return Ok(Response::new(v1::SubmitOutcomeReply { stored: false }));
        };
        list.push(&first).map_err(invalid)?;
        while let Some(part) = parts.next().await {
            list.push(&part?).map_err(invalid)?;
        }
        let list = list.finish().map_err(invalid)?;
        let stored = self.handler.list(digest, list, admission).await?;
        Ok(Response::new(v1::SubmitOutcomeReply { stored }))
    }

    async fn get_round(
        &self,
        request: Request<v1::GetRoundRequest>,
    ) -> Result<Response<v1::RoundStatus>, Status> {
        let round = Round::new(request.get_ref().round);
        match self.handler.round(round).await {
            Some(report) => Ok(Response::new(report.into())),
            None => Err(Status::not_found(format!(
                "round {round} is not known here"
            ))),
        }
    }
}

/// A message that breaks the protocol, as a status.
#[allow(clippy::needless_pass_by_value)] // the shape of `map_err`
fn invalid(error: WireError) -> Status {
    Status::invalid_argument(error.to_string())
}
