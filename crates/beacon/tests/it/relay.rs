//! Relays for tests: each answers as it is told, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use quorate_beacon::{Beacon, ChainInfo};
use serde_json::json;
use url::Url;

/// What a relay does when asked for a round.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Gives the beacon over both versions of the API.
    Honest(Beacon),
    /// Knows version 1 only.
    OnlyV1(Beacon),
    /// Gives this body over both versions.
    Says(Vec<u8>),
    /// This status over both versions.
    Status(u16),
    /// Never answers.
    Hangs,
    /// Says 425 so many times, then gives the beacon.
    Late(usize, Beacon),
    /// Redirects to a server that would answer.
    Redirects(Url),
}

pub(crate) struct Relay {
    pub(crate) url: Url,
    asked: Arc<AtomicUsize>,
}

impl Relay {
    pub(crate) async fn start(manner: Manner) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let serve = move |uri: Uri| {
            let manner = manner.clone();
            let before = counter.fetch_add(1, Ordering::SeqCst);
            async move { manner.answer(uri.path(), before).await }
        };
        let router = axum::Router::new().fallback(serve);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Manner {
    async fn answer(self, path: &str, before: usize) -> Response {
        match self {
            Self::Honest(beacon) => honest(&beacon, path),
            Self::OnlyV1(_) if path.starts_with("/v2/") => StatusCode::NOT_FOUND.into_response(),
            Self::OnlyV1(beacon) => honest(&beacon, path),
            Self::Says(body) => body.into_response(),
            Self::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
            Self::Hangs => std::future::pending().await,
            Self::Late(times, _) if before < times => StatusCode::TOO_EARLY.into_response(),
            Self::Late(_, beacon) => honest(&beacon, path),
            Self::Redirects(to) => {
                axum::response::Redirect::temporary(to.join(path).unwrap().as_str()).into_response()
            }
        }
    }
}

/// As drand answers: version 2 without randomness; 404 for what it does not serve.
fn honest(beacon: &Beacon, path: &str) -> Response {
    let hash = hex::encode(ChainInfo::quicknet().chain_hash.0);
    let round = beacon.round;
    let signature = hex::encode(beacon.signature);
    if path == format!("/v2/chains/{hash}/rounds/{round}") {
        return json!({ "round": round, "signature": signature })
            .to_string()
            .into_response();
    }
    if path == format!("/{hash}/public/{round}") {
        return v1_body(beacon, &hex::encode(beacon.randomness().0)).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

/// A beacon in version 1's JSON, with this randomness.
pub(crate) fn v1_body(beacon: &Beacon, randomness: &str) -> Vec<u8> {
    let signature = hex::encode(beacon.signature);
    json!({ "round": beacon.round, "randomness": randomness, "signature": signature })
        .to_string()
        .into_bytes()
}
