//! A JSON-RPC transport over several endpoints: one answers for all.
//!
//! A request goes to the endpoint that answered last; when that one times out, sends too much,
//! speaks no JSON-RPC or says that it is overloaded or behind, the request goes to the next. An
//! endpoint that could not be asked for its chain id at the start is asked before its first use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use alloy::rpc::json_rpc::{Id, Request, RequestPacket, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower::Service;
use tracing::{debug, warn};
use url::Url;

use super::RpcConfig;
use super::answer::{chain_id_of, excerpt, refuses};

/// What is known about an endpoint's chain id.
const UNCHECKED: u8 = 0;
const RIGHT: u8 = 1;
const WRONG: u8 = 2;

struct Endpoint {
    url: Url,
    chain: AtomicU8,
}

impl Endpoint {
    /// Host and port only: paths and user parts of RPC urls carry keys.
    fn name(&self) -> String {
        super::endpoint_name(&self.url)
    }
}

struct Shared {
    client: reqwest::Client,
    endpoints: Vec<Endpoint>,
    preferred: AtomicUsize,
    chain_id: u64,
    rounds: usize,
    pause: Duration,
    max_response: usize,
}

/// Why one endpoint gave no usable answer.
enum Failure {
    /// It could not be asked, or its answer was no JSON-RPC.
    Transport(TransportError),
    /// It answered that it cannot answer now; kept, in case that all say so.
    Answer(ResponsePacket),
}

/// The transport. Clones share the endpoints' state.
#[derive(Clone)]
pub(crate) struct Failover(Arc<Shared>);

impl Failover {
    pub(super) fn new(config: &RpcConfig, client: reqwest::Client) -> Self {
        let endpoints = config
            .endpoints
            .iter()
            .map(|url| Endpoint {
                url: url.clone(),
                chain: AtomicU8::new(UNCHECKED),
            })
            .collect();
        Self(Arc::new(Shared {
            client,
            endpoints,
            preferred: AtomicUsize::new(0),
            chain_id: config.chain_id,
            rounds: config.attempts.max(1),
            pause: config.pause,
            max_response: config.max_response,
        }))
    }

    /// Asks every endpoint for its chain id.
    ///
    /// # Errors
    /// `Err(Ok((endpoint, got)))` names one of another chain; `Err(Err(_))` says that none answered.
    pub(super) async fn check_chain_ids(
        &self,
    ) -> Result<(), Result<(String, u64), TransportError>> {
        let mut answered = false;
        let mut last = TransportErrorKind::backend_gone();
        for endpoint in &self.0.endpoints {
            match self.0.ask_chain_id(endpoint).await {
                Ok(got) if got == self.0.chain_id => answered = true,
                Ok(got) => return Err(Ok((endpoint.name(), got))),
                Err(error) => {
                    warn!(endpoint = %endpoint.name(), %error, "endpoint does not answer");
                    last = error;
                }
            }
        }
        if answered { Ok(()) } else { Err(Err(last)) }
    }

    /// How many endpoints there are.
    pub(super) fn endpoints(&self) -> usize {
        self.0.endpoints.len()
    }

    /// Asks the endpoint after the one that answered last first from now on.
    pub(super) fn turn(&self) {
        let preferred = self.0.preferred.load(Ordering::Relaxed);
        let next = (preferred + 1) % self.endpoints().max(1);
        self.0.preferred.store(next, Ordering::Relaxed);
    }

    async fn run(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let shared = &self.0;
        let count = shared.endpoints.len();
        let mut answer = None;
        let mut last = TransportErrorKind::backend_gone();
        for round in 0..shared.rounds {
            let start = shared.preferred.load(Ordering::Relaxed);
            for step in 0..count {
                let at = (start + step) % count;
                let Some(endpoint) = shared.endpoints.get(at) else {
                    continue;
                };
                match shared.try_endpoint(endpoint, &request).await {
                    Ok(response) => {
                        shared.preferred.store(at, Ordering::Relaxed);
                        return Ok(response);
                    }
                    Err(Failure::Answer(response)) => answer = Some(response),
                    Err(Failure::Transport(error)) => {
                        debug!(endpoint = %endpoint.name(), %error, "endpoint failed");
                        last = error;
                    }
                }
            }
            if round + 1 < shared.rounds {
                tokio::time::sleep(shared.pause).await;
            }
        }
        answer.ok_or(last)
    }
}

impl Shared {
    async fn try_endpoint(
        &self,
        endpoint: &Endpoint,
        request: &RequestPacket,
    ) -> Result<ResponsePacket, Failure> {
        match endpoint.chain.load(Ordering::Relaxed) {
            RIGHT => {}
            WRONG => return Err(Failure::Transport(wrong_chain(endpoint))),
            _ => {
                self.ask_chain_id(endpoint)
                    .await
                    .map_err(Failure::Transport)?;
                if endpoint.chain.load(Ordering::Relaxed) != RIGHT {
                    return Err(Failure::Transport(wrong_chain(endpoint)));
                }
            }
        }
        let response = self
            .post(endpoint, request)
            .await
            .map_err(Failure::Transport)?;
        if refuses(&response) {
            Err(Failure::Answer(response))
        } else {
            Ok(response)
        }
    }

    async fn ask_chain_id(&self, endpoint: &Endpoint) -> Result<u64, TransportError> {
        let request = Request::<[(); 0]>::new("eth_chainId", Id::Number(0), [])
            .serialize()
            .map_err(TransportError::ser_err)?;
        let answer = self.post(endpoint, &RequestPacket::Single(request)).await?;
        let id = chain_id_of(&answer)?;
        let state = if id == self.chain_id { RIGHT } else { WRONG };
        if state == WRONG {
            warn!(endpoint = %endpoint.name(), got = id, expected = self.chain_id, "wrong chain");
        }
        endpoint.chain.store(state, Ordering::Relaxed);
        Ok(id)
    }

    /// One HTTP exchange; the body is read up to the limit and no further.
    async fn post(
        &self,
        endpoint: &Endpoint,
        request: &RequestPacket,
    ) -> Result<ResponsePacket, TransportError> {
        let mut response = self
            .client
            .post(endpoint.url.clone())
            .json(request)
            .send()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response
            .chunk()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?
        {
            if body.len() + part.len() > self.max_response {
                let limit = self.max_response;
                return Err(TransportErrorKind::custom_str(&format!(
                    "response larger than {limit} bytes"
                )));
            }
            body.extend_from_slice(&part);
        }
        // Some servers put a JSON-RPC error under an HTTP error: the inner one says more.
        match serde_json::from_slice::<ResponsePacket>(&body) {
            Ok(packet) => Ok(packet),
            Err(error) if status.is_success() => {
                Err(TransportError::deser_err(error, excerpt(&body)))
            }
            Err(_) => Err(TransportErrorKind::http_error(
                status.as_u16(),
                excerpt(&body),
            )),
        }
    }
}

impl Service<RequestPacket> for Failover {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().run(request))
    }
}

fn wrong_chain(endpoint: &Endpoint) -> TransportError {
    TransportErrorKind::custom_str(&format!("wrong chain at {}", endpoint.name()))
}
