//! The server: every limit set, health and reflection beside the service, an end that does not hang.

use std::{future::Future, net::SocketAddr, sync::Arc};

use quorate_proto::v1::aggregator_server::AggregatorServer;
use tokio::net::TcpListener;
use tonic::{service::Routes, transport::Server as Transport};
use tonic_health::server::HealthReporter;

use crate::{
    RpcError, ServerLimits, ServerTls, WireLimits, accept,
    asks::CountAsks,
    attestations::{self, AttestationHandler},
    edge::Edge,
    handler::Handler,
    places::Places,
};

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
    pub async fn run<H: Handler + AttestationHandler>(
        self,
        handler: Arc<H>,
        wire: WireLimits,
        health: impl FnOnce(HealthReporter),
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), RpcError> {
        let (reporter, routes) = routes(handler, wire, &self.limits)?;
        reporter.set_serving::<AggregatorServer<Edge<H>>>().await;
        health(reporter.clone());

        let signal = async move {
            shutdown.await;
            reporter
                .set_not_serving::<AggregatorServer<Edge<H>>>()
                .await;
        };
        self.serve(routes, signal).await
    }

    /// What the server takes.
    pub(crate) const fn limits(&self) -> &ServerLimits {
        &self.limits
    }

    /// Serves `routes` until `shutdown`.
    pub(crate) async fn serve(
        self,
        routes: Routes,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), RpcError> {
        let limits = self.limits;
        let mut transport = transport(&limits);
        if let Some(tls) = &self.tls {
            transport = transport.tls_config(tls.config(limits.keepalive_timeout)?)?;
        }
        let incoming = accept::incoming(self.listener, Places::new(&limits), &limits);
        let (ending, ended) = tokio::sync::oneshot::channel();
        let signal = async move {
            shutdown.await;
            // Nobody listens if the transport ended by itself.
            let _ = ending.send(());
        };
        let served = transport
            .layer(CountAsks)
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, signal);
        // Large, and made once.
        let served = Box::pin(served);
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

/// The services, health and reflection; nothing accepts compressed messages.
fn routes<H: Handler + AttestationHandler>(
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
    let mut routes = Routes::builder();
    attestations::add(&mut routes, Arc::clone(&handler), limits.message_bytes);
    let edge = Edge {
        handler,
        wire,
        part_timeout: limits.part_timeout,
    };
    let service = AggregatorServer::new(edge).max_decoding_message_size(limits.message_bytes);
    routes
        .add_service(service)
        .add_service(health.max_decoding_message_size(limits.message_bytes))
        .add_service(reflection.max_decoding_message_size(limits.message_bytes));
    Ok((reporter, routes.routes()))
}
