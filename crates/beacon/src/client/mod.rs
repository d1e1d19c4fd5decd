//! Asks several relays for a beacon and believes the first that verifies.

mod relay;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use quorate_bls::PublicKey;
use quorate_canon::Timestamp;
use tracing::{debug, warn};
use url::Url;

use crate::{Beacon, BeaconError, ChainInfo, RelayError};
use relay::Relay;

/// Patience and size limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest wait for one answer of one relay.
    pub timeout: Duration,
    /// Wait for a relay before the next one is asked as well.
    pub hedge: Duration,
    /// Wait between two attempts while a round is not there yet.
    pub poll: Duration,
    /// Largest body that is read, bytes; a beacon is about 300.
    pub max_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(4),
            hedge: Duration::from_millis(400),
            poll: Duration::from_millis(150),
            max_body: 4096,
        }
    }
}

/// A client of one beacon chain. Clones share connections and what is known of the relays.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    relays: Vec<Relay>,
    info: ChainInfo,
    key: PublicKey,
    limits: Limits,
}

impl Client {
    /// A client for the chain `info` over `relays`. Installs ring as the process's TLS provider
    /// where none is installed yet.
    ///
    /// # Errors
    /// [`BeaconError::NoRelay`] for an empty list, [`BeaconError::Info`] for a chain with an invalid
    /// key, [`BeaconError::Setup`] if TLS cannot be set up.
    pub fn new(relays: Vec<Url>, info: ChainInfo, limits: Limits) -> Result<Self, BeaconError> {
        if relays.is_empty() {
            return Err(BeaconError::NoRelay);
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // An error means that another thread was faster, and then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let http = reqwest::Client::builder()
            .timeout(limits.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(BeaconError::Setup)?;
        let key = info.key()?;
        let relays = relays.into_iter().map(Relay::new).collect();
        Ok(Self(Arc::new(Inner {
            http,
            relays,
            info,
            key,
            limits,
        })))
    }

    /// The chain that is asked for.
    #[must_use]
    pub fn info(&self) -> &ChainInfo {
        &self.0.info
    }

    /// The beacon of a round, verified. The relay that did best is asked first, the next one when
    /// it fails or takes longer than [`Limits::hedge`]; the first valid answer wins.
    ///
    /// # Errors
    /// [`BeaconError::NotYet`] if no relay has it and at least one said so,
    /// [`BeaconError::NoAnswer`] if none gave a usable answer.
    pub async fn get(&self, round: u64) -> Result<Beacon, BeaconError> {
        let inner = &*self.0;
        let mut order: Vec<usize> = (0..inner.relays.len()).collect();
        order.sort_by_key(|index| inner.relays.get(*index).map(Relay::penalty));
        let mut next = order
            .into_iter()
            .filter_map(|index| inner.relays.get(index));
        let mut running = FuturesUnordered::new();
        let mut not_yet = false;
        let mut failure = None;
        let mut youngest = next.next();
        running.extend(youngest.map(|relay| inner.ask(relay, round)));
        while !running.is_empty() {
            let answer = tokio::time::timeout(inner.limits.hedge, running.next()).await;
            match answer {
                Ok(Some((_, Ok(beacon)))) => return Ok(beacon),
                Ok(Some((_, Err(RelayError::NotYet)))) => not_yet = true,
                Ok(Some((relay, Err(error)))) => failure = Some((relay, error)),
                // The hedge: nothing failed, but the next relay is asked as well. Its answer would
                // end this call before the slow one is heard, so slowness is noted now.
                Ok(None) | Err(_) => {
                    if let Some(relay) = youngest.take() {
                        relay.note_slow();
                    }
                }
            }
            if let Some(relay) = next.next() {
                youngest = Some(relay);
                running.push(inner.ask(relay, round));
            }
        }
        match failure {
            Some((relay, error)) if !not_yet => Err(BeaconError::NoAnswer {
                round,
                relay: relay.name(),
                error,
            }),
            _ => Err(BeaconError::NotYet(round)),
        }
    }

    /// Waits for the round's time and then asks until the beacon is there or `deadline` (wall
    /// clock) has passed.
    ///
    /// # Errors
    /// [`BeaconError::Late`] with what the last attempt met.
    pub async fn wait_for(&self, round: u64, deadline: Timestamp) -> Result<Beacon, BeaconError> {
        let due = self.0.info.time_of(round).get();
        tokio::time::sleep(until(due.min(deadline.get()))).await;
        loop {
            match self.get(round).await {
                Ok(beacon) => return Ok(beacon),
                Err(error) if until(deadline.get()).is_zero() => {
                    return Err(BeaconError::Late {
                        round,
                        last: Box::new(error),
                    });
                }
                Err(error) => debug!(round, %error, "no beacon yet"),
            }
            tokio::time::sleep(self.0.limits.poll.min(until(deadline.get()))).await;
        }
    }
}

impl Inner {
    /// Asks one relay and keeps account of how it did.
    async fn ask<'a>(
        &self,
        relay: &'a Relay,
        round: u64,
    ) -> (&'a Relay, Result<Beacon, RelayError>) {
        let answer = relay
            .fetch(&self.http, &self.info, &self.limits, round)
            .await;
        let checked = answer.and_then(|beacon| {
            beacon.verify(&self.key)?;
            Ok(beacon)
        });
        relay.record(&checked);
        match &checked {
            Err(error) if error.is_lie() => {
                warn!(relay = %relay.name(), round, %error, "relay gave a false beacon");
            }
            Err(error) => debug!(relay = %relay.name(), round, %error, "relay gave no beacon"),
            Ok(_) => {}
        }
        (relay, checked)
    }
}

/// The wall-clock time left until `time`, zero if it has passed.
fn until(time: u64) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_secs(time).saturating_sub(now)
}
