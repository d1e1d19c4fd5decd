//! drand's HTTP API: paths, JSON and status codes of versions 1 and 2.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Fault,
    chain::{BEACON_ID, LocalBeacon, Round, SCHEME},
};
use crate::unix_now;

#[derive(Clone)]
struct Server {
    beacon: Arc<LocalBeacon>,
    fault: Arc<RwLock<Fault>>,
}

/// Which of the two JSON forms a path speaks.
#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

pub(super) fn router(beacon: Arc<LocalBeacon>, fault: Arc<RwLock<Fault>>) -> Router {
    Router::new()
        .route("/chains", get(chains))
        .route("/info", get(info))
        .route("/health", get(health))
        .route("/public/{round}", get(round))
        .route("/{hash}/info", get(info_of))
        .route("/{hash}/health", get(health_of))
        .route("/{hash}/public/{round}", get(round_of))
        .route("/v2/chains", get(chains))
        .route("/v2/beacons", get(beacons))
        .route("/v2/chains/{hash}/info", get(info_v2))
        .route("/v2/beacons/{hash}/info", get(info_v2))
        .route("/v2/chains/{hash}/health", get(health_of))
        .route("/v2/beacons/{hash}/health", get(health_of))
        .route("/v2/chains/{hash}/rounds/{round}", get(round_v2))
        .route("/v2/beacons/{hash}/rounds/{round}", get(round_v2))
        .with_state(Server { beacon, fault })
}

async fn chains(State(server): State<Server>) -> Response {
    Json(json!([hex::encode(server.beacon.info().hash)])).into_response()
}

async fn beacons() -> Response {
    Json(json!([BEACON_ID])).into_response()
}

async fn info(State(server): State<Server>) -> Response {
    server.info(Version::One)
}

async fn info_of(State(server): State<Server>, Path(name): Path<String>) -> Response {
    server
        .named(&name)
        .map_or_else(IntoResponse::into_response, |()| server.info(Version::One))
}

async fn info_v2(State(server): State<Server>, Path(name): Path<String>) -> Response {
    server
        .named(&name)
        .map_or_else(IntoResponse::into_response, |()| server.info(Version::Two))
}

async fn health(State(server): State<Server>) -> Response {
    let latest = server.beacon.latest().unwrap_or_default();
    Json(json!({ "current": latest, "expected": latest })).into_response()
}

async fn health_of(State(server): State<Server>, Path(name): Path<String>) -> Response {
    match server.named(&name) {
        Ok(()) => health(State(server)).await,
        Err(status) => status.into_response(),
    }
}

async fn round(State(server): State<Server>, Path(round): Path<String>) -> Response {
    server.round(&round, Version::One).await
}

async fn round_of(
    State(server): State<Server>,
    Path((name, round)): Path<(String, String)>,
) -> Response {
    match server.named(&name) {
        Ok(()) => server.round(&round, Version::One).await,
        Err(status) => status.into_response(),
    }
}

async fn round_v2(
    State(server): State<Server>,
    Path((name, round)): Path<(String, String)>,
) -> Response {
    match server.named(&name) {
        Ok(()) => server.round(&round, Version::Two).await,
        Err(status) => status.into_response(),
    }
}

impl Server {
    /// Whether a path names this chain, by hash or by the beacon's name.
    fn named(&self, name: &str) -> Result<(), StatusCode> {
        let ours = name == BEACON_ID || name == hex::encode(self.beacon.info().hash);
        if ours {
            Ok(())
        } else {
            Err(StatusCode::NOT_FOUND)
        }
    }

    fn fault(&self) -> Fault {
        *self.fault.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn info(&self, version: Version) -> Response {
        let info = self.beacon.info();
        let (key, seed, hash) = (
            hex::encode(info.public_key),
            hex::encode(info.genesis_seed),
            hex::encode(info.hash),
        );
        let body = match version {
            Version::One => json!({
                "public_key": key, "period": info.period, "genesis_time": info.genesis,
                "genesis_seed": seed, "chain_hash": hash, "scheme": SCHEME, "beacon_id": BEACON_ID,
                "hash": hash, "groupHash": seed, "schemeID": SCHEME, "metadata": { "beaconID": BEACON_ID },
            }),
            Version::Two => json!({
                "public_key": key, "period": info.period, "genesis_time": info.genesis,
                "genesis_seed": seed, "chain_hash": hash, "scheme": SCHEME, "beacon_id": BEACON_ID,
            }),
        };
        Json(body).into_response()
    }

    async fn round(&self, asked: &str, version: Version) -> Response {
        let fault = self.fault();
        match fault {
            Fault::Hang => std::future::pending().await,
            Fault::TooEarly => return StatusCode::TOO_EARLY.into_response(),
            Fault::Garbage => return "<html>beacon</html>".into_response(),
            Fault::None | Fault::Lie | Fault::LieRandomness | Fault::Lag(_) => {}
        }
        let late = if let Fault::Lag(seconds) = fault {
            u64::from(seconds)
        } else {
            0
        };
        let latest = self
            .beacon
            .round_at(unix_now().as_secs().saturating_sub(late));
        let number = match (asked, asked.parse::<u64>()) {
            ("latest", _) => latest.unwrap_or(1),
            (_, Ok(number)) if number > 0 => number,
            _ => return StatusCode::BAD_REQUEST.into_response(),
        };
        if latest.is_none_or(|l| number > l) {
            return StatusCode::TOO_EARLY.into_response();
        }
        Json(self.body(number, version, fault)).into_response()
    }

    fn body(&self, number: u64, version: Version, fault: Fault) -> Value {
        let signed = self.beacon.sign(if fault == Fault::Lie {
            number.saturating_add(1)
        } else {
            number
        });
        let other = Round {
            number,
            signature: [0; 48],
        };
        let randomness = if fault == Fault::LieRandomness {
            other.randomness()
        } else {
            signed.randomness()
        };
        let signature = hex::encode(signed.signature);
        match version {
            Version::One => {
                json!({ "round": number, "randomness": hex::encode(randomness), "signature": signature })
            }
            Version::Two if fault == Fault::LieRandomness => {
                json!({ "round": number, "randomness": hex::encode(randomness), "signature": signature })
            }
            Version::Two => json!({ "round": number, "signature": signature }),
        }
    }
}
