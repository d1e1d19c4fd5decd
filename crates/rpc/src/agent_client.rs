//! One machine's agent, as an operator asks it: hostile until its report says otherwise, and then too.
//!
//! A client is one connection, made for one probe and dropped after it. All that the agent can use up
//! is the time until the caller's deadline and a few windows of bytes: no redirect is followed, no
//! certificate but the one on chain is taken, and messages are cut at the longest report.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use quorate_canon::Digest;
use quorate_health::{Question, SignedReport};
use quorate_proto::v1::{self, agent_client::AgentClient as Stub};
use tokio::net::TcpStream;
use tonic::{
    Request, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};
use tower::service_fn;
use url::Url;

use crate::{
    RpcError,
    pinned::Pinned,
    reach::{Reach, ReachError},
    wire::{self, Delivery},
};

/// Bytes in flight at most, on the stream and on the connection: the least that HTTP/2 begins with.
const WINDOW: u32 = 65_535;
/// Bytes of the answer's headers at most.
const HEADERS: u32 = 8 * 1024;
/// Bytes of a decoded answer at most: the longest report, its field's tag and length.
const MESSAGE: usize = SignedReport::MAX_WIDTH + 16;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The endpoint is not called at all.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// No connection: refused, broken, or another certificate.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection broke before an answer came.
    #[error("no answer: {0}")]
    Broken(String),
    /// The agent answered with an error, or with what is no answer.
    #[error("it answered {}: {}", .0.code(), cut(.0.message()))]
    Refused(Box<Status>),
}

impl AgentError {
    /// Whether something came back from the agent that is no report.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether it is this side that could not ask.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Reach(ReachError::Busy))
    }
}

/// A connection to one agent.
#[derive(Debug, Clone)]
pub struct AgentClient(Stub<Channel>);

impl AgentClient {
    /// Connects. Takes as long as it takes: the caller has the deadline, and drops the future.
    ///
    /// # Errors
    /// [`AgentError`].
    pub async fn connect(
        endpoint: &Url,
        certificate: Digest,
        reach: &Reach,
    ) -> Result<Self, AgentError> {
        let address = reach.resolve(endpoint).await?;
        let transport = transport(endpoint, certificate)
            .map_err(|error| AgentError::Connect(error.to_string()))?;
        let connect = service_fn(move |_| tcp(address));
        let channel = transport
            .connect_with_connector(connect)
            .await
            .map_err(|error| AgentError::Connect(words(&error)))?;
        let stub = Stub::new(channel)
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(MESSAGE);
        Ok(Self(stub))
    }

    /// Asks, and gives the answer's bytes, at most as many as a report has. What they are worth is for
    /// the caller to find out.
    ///
    /// # Errors
    /// [`AgentError::Broken`], [`AgentError::Refused`].
    pub async fn probe(&mut self, question: &Question) -> Result<Vec<u8>, AgentError> {
        let question = wire::question_bytes(question);
        let request = Request::new(v1::ProbeRequest { question });
        let reply = self.0.probe(request).await.map_err(sort)?;
        Ok(reply.into_inner().report)
    }

    /// Leaves a receipt; `Ok` says whether it was new. The agent's word for that it is stored.
    ///
    /// # Errors
    /// [`AgentError::Broken`], [`AgentError::Refused`].
    pub async fn deliver(&mut self, delivery: &Delivery) -> Result<bool, AgentError> {
        let request = Request::new(wire::deliver_request(delivery));
        let reply = self.0.deliver(request).await.map_err(sort)?;
        Ok(reply.into_inner().stored)
    }
}

fn transport(endpoint: &Url, certificate: Digest) -> Result<Endpoint, RpcError> {
    let bad = |detail: String| RpcError::Endpoint {
        endpoint: endpoint.to_string(),
        detail,
    };
    let transport = Endpoint::from_shared(endpoint.to_string())
        .map_err(|error| bad(error.to_string()))?
        .tls_config_with_verifier(ClientTlsConfig::new(), Arc::new(Pinned::new(certificate)))
        .map_err(|error| bad(error.to_string()))?
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .http2_adaptive_window(false)
        .http2_max_header_list_size(HEADERS)
        .max_frame_size(16_384)
        // Never idle on purpose, so pings could only keep a dead peer.
        .keep_alive_timeout(Duration::from_secs(10))
        .buffer_size(1);
    Ok(transport)
}

async fn tcp(address: SocketAddr) -> io::Result<TokioIo<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(stream))
}

/// A status that the transport made up has its cause with it; one that the agent sent has none.
fn sort(status: Status) -> AgentError {
    match std::error::Error::source(&status) {
        Some(source) => AgentError::Broken(words(source)),
        None => AgentError::Refused(Box::new(status)),
    }
}

/// An error with its causes, in a line.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    cut(&words)
}

/// A stranger's words, as far as a log line has room for them and without its control characters.
fn cut(words: &str) -> String {
    let seen = words.chars().filter(|c| !c.is_control());
    seen.take(200).collect()
}
