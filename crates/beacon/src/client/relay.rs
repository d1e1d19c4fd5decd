//! One relay: drand's HTTP API, version 2 and, where that is missing, version 1.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::Limits;
use crate::{Beacon, ChainInfo, RelayError};

/// Penalty of a slow answer, of a failure, of a lie, and the most that one relay can collect; a good
/// answer halves it.
const SLOW: u32 = 2;
const FAILURE: u32 = 4;
const LIE: u32 = 64;
const MOST: u32 = 1024;

#[derive(Debug)]
pub(super) struct Relay {
    base: Url,
    penalty: AtomicU32,
    /// Set once version 2 was missing and version 1 gave a beacon.
    only_v1: AtomicBool,
}

/// A beacon in drand's JSON: version 2 has no randomness.
#[derive(Deserialize)]
struct Answer {
    round: u64,
    signature: String,
    randomness: Option<String>,
}

impl Relay {
    pub(super) const fn new(base: Url) -> Self {
        Self {
            base,
            penalty: AtomicU32::new(0),
            only_v1: AtomicBool::new(false),
        }
    }

    /// Host and port: all that is shown of a relay.
    pub(super) fn name(&self) -> String {
        let host = self.base.host_str().unwrap_or("?");
        self.base
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// How badly the relay did lately; lower is asked earlier.
    pub(super) fn penalty(&self) -> u32 {
        self.penalty.load(Ordering::Relaxed)
    }

    /// Keeps account of an answer. A round that is not there yet says nothing about the relay.
    pub(super) fn record(&self, answer: &Result<Beacon, RelayError>) {
        let old = self.penalty();
        let new = match answer {
            Ok(_) => old / 2,
            Err(RelayError::NotYet) => old,
            Err(error) if error.is_lie() => old.saturating_add(LIE),
            Err(_) => old.saturating_add(FAILURE),
        };
        self.penalty.store(new.min(MOST), Ordering::Relaxed);
    }

    /// Keeps account of an answer that others were asked for meanwhile.
    pub(super) fn note_slow(&self) {
        self.penalty.store(
            self.penalty().saturating_add(SLOW).min(MOST),
            Ordering::Relaxed,
        );
    }

    /// Fetches a round; its signature is not checked here.
    pub(super) async fn fetch(
        &self,
        http: &reqwest::Client,
        info: &ChainInfo,
        limits: &Limits,
        round: u64,
    ) -> Result<Beacon, RelayError> {
        let hash = hex::encode(info.chain_hash.0);
        if !self.only_v1.load(Ordering::Relaxed) {
            let path = format!("v2/chains/{hash}/rounds/{round}");
            match self.fetch_path(http, limits, &path, round).await {
                // The round or the whole API may be missing: version 1 knows.
                Err(Missing::Path | Missing::Other(RelayError::Status(_))) => {}
                Err(Missing::Other(error)) => return Err(error),
                Ok(beacon) => return Ok(beacon),
            }
        }
        let path = format!("{hash}/public/{round}");
        match self.fetch_path(http, limits, &path, round).await {
            Ok(beacon) => {
                self.only_v1.store(true, Ordering::Relaxed);
                Ok(beacon)
            }
            Err(Missing::Path) => Err(RelayError::NotYet),
            Err(Missing::Other(error)) => Err(error),
        }
    }

    async fn fetch_path(
        &self,
        http: &reqwest::Client,
        limits: &Limits,
        path: &str,
        round: u64,
    ) -> Result<Beacon, Missing> {
        let url = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let response = http.get(url).send().await.map_err(http_error)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(Missing::Path),
            StatusCode::TOO_EARLY => return Err(RelayError::NotYet.into()),
            other => return Err(RelayError::Status(other.as_u16()).into()),
        }
        let body = read_body(response, limits.max_body).await?;
        Ok(parse(&body, round)?)
    }
}

/// Why a path gave no beacon.
enum Missing {
    /// 404.
    Path,
    Other(RelayError),
}

impl From<RelayError> for Missing {
    fn from(error: RelayError) -> Self {
        Self::Other(error)
    }
}

fn http_error(error: reqwest::Error) -> RelayError {
    RelayError::Http(error.without_url())
}

/// The body, read no further than the limit.
async fn read_body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, RelayError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(http_error)? {
        if body.len() + part.len() > limit {
            return Err(RelayError::TooLarge { limit });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// Reads drand's JSON. Randomness is compared where it is given, and never used.
fn parse(body: &[u8], expected: u64) -> Result<Beacon, RelayError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| RelayError::Format(error.to_string()))?;
    if answer.round != expected {
        return Err(RelayError::WrongRound {
            got: answer.round,
            expected,
        });
    }
    let mut signature = [0; 48];
    hex::decode_to_slice(&answer.signature, &mut signature)
        .map_err(|error| RelayError::Format(format!("signature: {error}")))?;
    let beacon = Beacon {
        round: expected,
        signature,
    };
    match answer.randomness {
        Some(text) if hex::decode(&text).ok().as_deref() != Some(&beacon.randomness().0[..]) => {
            Err(RelayError::Randomness(expected))
        }
        _ => Ok(beacon),
    }
}
