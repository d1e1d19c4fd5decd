//! One chain behind several endpoints.

mod answer;
mod blocks;
mod calls;
mod header;
mod logs;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use alloy::providers::RootProvider;
use alloy::rpc::client::RpcClient;
use quorate_canon::{Digest, Timestamp};
use url::Url;

use crate::ChainError;
use transport::Failover;

pub use header::Header;
pub(crate) use logs::{known, position};

/// How a chain is reached.
#[derive(Clone)]
pub struct RpcConfig {
    /// JSON-RPC endpoints over HTTP; the first is asked first.
    pub endpoints: Vec<Url>,
    /// Chain id that every endpoint must have.
    pub chain_id: u64,
    /// Longest wait for one answer of one endpoint.
    pub timeout: Duration,
    /// Rounds over all endpoints before a call is given up.
    pub attempts: usize,
    /// Wait between two rounds over the endpoints.
    pub pause: Duration,
    /// Largest answer that is read, bytes.
    pub max_response: usize,
}

impl RpcConfig {
    /// Endpoints of one chain, with limits for ordinary use: 5 s a call, 2 rounds, 32 MiB.
    #[must_use]
    pub fn new(endpoints: Vec<Url>, chain_id: u64) -> Self {
        Self {
            endpoints,
            chain_id,
            timeout: Duration::from_secs(5),
            attempts: 2,
            pause: Duration::from_millis(200),
            max_response: 32 << 20,
        }
    }
}

// Paths and user parts of RPC urls carry keys: only hosts are shown.
impl std::fmt::Debug for RpcConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(endpoint_name).collect();
        f.debug_struct("RpcConfig")
            .field("endpoints", &endpoints)
            .field("chain_id", &self.chain_id)
            .finish_non_exhaustive()
    }
}

/// A block as everything above the wire names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: Digest,
    /// Timestamp.
    pub timestamp: Timestamp,
}

/// A chain. Clones share connections and the endpoints' state.
#[derive(Clone)]
pub struct Rpc {
    client: RpcClient,
    provider: RootProvider,
    chain_id: u64,
    config: Arc<RpcConfig>,
    transport: Failover,
}

impl Rpc {
    /// Connects, and refuses a wrong chain. Endpoints that do not answer now are checked before
    /// their first use. Installs ring as the process's TLS provider where none is installed yet.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`] if any endpoint answers another chain id, [`ChainError::NoEndpoint`]
    /// for an empty list, [`ChainError::Rpc`] if no endpoint answers.
    pub async fn connect(config: RpcConfig) -> Result<Self, ChainError> {
        if config.endpoints.is_empty() {
            return Err(ChainError::NoEndpoint);
        }
        install_crypto();
        let http = reqwest::Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(alloy::transports::TransportErrorKind::custom)?;
        let transport = Failover::new(&config, http);
        match transport.check_chain_ids().await {
            Ok(()) => {}
            Err(Ok((endpoint, got))) => {
                return Err(ChainError::WrongChain {
                    endpoint,
                    got,
                    expected: config.chain_id,
                });
            }
            Err(Err(error)) => return Err(error.into()),
        }
        let client = RpcClient::new(transport.clone(), false);
        Ok(Self {
            provider: RootProvider::new(client.clone()),
            client,
            chain_id: config.chain_id,
            config: Arc::new(config),
            transport,
        })
    }

    /// How many endpoints there are.
    #[must_use]
    pub fn endpoints(&self) -> usize {
        self.transport.endpoints()
    }

    /// Asks another endpoint first from now on: the one that answered last gave an answer that cannot be
    /// right, which only whoever asked can tell.
    pub fn turn(&self) {
        self.transport.turn();
    }

    /// The chain id that was checked at the start.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// A provider for the contract bindings' view functions, over the same endpoints. It has no
    /// wallet and fills nothing in: sending is [`crate::sender::TxSender`]'s.
    #[must_use]
    pub const fn provider(&self) -> &RootProvider {
        &self.provider
    }

    /// The raw JSON-RPC client, for methods that have no function here.
    #[must_use]
    pub const fn client(&self) -> &RpcClient {
        &self.client
    }
}

impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

/// reqwest panics without a TLS provider, even for plain HTTP.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Host and port of an endpoint.
fn endpoint_name(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "?".to_owned(),
    }
}
