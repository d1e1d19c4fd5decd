//! `POST /relay`, `GET /relay` and `GET /relay/{request}` on the aggregator's page.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alloy::primitives::B256;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use quorate_chain::forward::{Carried, MAX_JSON, Outcome, SignedCall};

use super::carrier::Carrier;
use super::desk::Desk;
use super::refusal::Refusal;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The page. Until its desk is opened it says that it is not ready.
#[derive(Debug)]
pub struct Page<C> {
    desk: Arc<OnceLock<Arc<Desk<C>>>>,
    proxies: Arc<[IpAddr]>,
}

impl<C> Clone for Page<C> {
    fn clone(&self) -> Self {
        Self {
            desk: Arc::clone(&self.desk),
            proxies: Arc::clone(&self.proxies),
        }
    }
}

impl<C: Carrier> Page<C> {
    /// A page that is not ready. `proxies` are believed about whom they speak for.
    #[must_use]
    pub fn new(proxies: &[IpAddr]) -> Self {
        Self {
            desk: Arc::default(),
            proxies: proxies.into(),
        }
    }

    /// Takes calls from now on.
    pub fn open(&self, desk: Desk<C>) {
        // Whoever came first is asked; one relay is opened a process.
        let _ = self.desk.set(Arc::new(desk));
    }

    /// The routes.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/relay", get(terms::<C>).post(take::<C>))
            .route("/relay/{request}", get(outcome::<C>))
            .with_state(self.clone())
    }

    fn desk(&self) -> Result<&Arc<Desk<C>>, Refusal> {
        let waiting = || Refusal::NotReady("it has not reached its chain yet".to_owned());
        self.desk.get().ok_or_else(waiting)
    }

    /// Who speaks: the peer, or, if that is a proxy of ours, whom it says that it speaks for.
    fn caller(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.proxies.contains(&peer) {
            return peer;
        }
        // The last address is the one that our proxy has seen; those before it are hearsay.
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        forwarded
            .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
            .unwrap_or(peer)
    }

    async fn receive(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Carried, Refusal> {
        let desk = self.desk()?;
        desk.admit(self.caller(peer, headers))?;
        let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_JSON)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(Refusal::TooLarge(MAX_JSON)),
            Err(_) => return Err(Refusal::BadJson("the body did not come in time".to_owned())),
        };
        let call: SignedCall =
            serde_json::from_slice(&bytes).map_err(|error| Refusal::BadJson(error.to_string()))?;
        desk.take(call).await
    }
}

async fn terms<C: Carrier>(State(page): State<Page<C>>) -> Response {
    match page.desk() {
        Ok(desk) => Json(desk.terms()).into_response(),
        Err(refusal) => refused(&refusal),
    }
}

async fn take<C: Carrier>(
    State(page): State<Page<C>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let taken = page.receive(peer, &headers, body).await;
    if let (Err(refusal), Ok(desk)) = (&taken, page.desk()) {
        desk.refused(refusal);
    }
    answer(taken)
}

async fn outcome<C: Carrier>(State(page): State<Page<C>>, Path(request): Path<String>) -> Response {
    let request: Result<B256, _> = request.parse();
    let digest = request.map_err(|error| Refusal::BadJson(format!("request: {error}")));
    answer(digest.and_then(|request| page.desk()?.outcome(request)))
}

fn answer(taken: Result<Carried, Refusal>) -> Response {
    match taken {
        Ok(carried) => {
            let status = match carried.outcome {
                Outcome::Carried => StatusCode::OK,
                Outcome::Underway => StatusCode::ACCEPTED,
            };
            (status, Json(carried)).into_response()
        }
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let mut response = (refusal.status(), Json(refusal.shown())).into_response();
    if let Some(seconds) = refusal.retry_after() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
