//! The local beacon and its relays: drand's HTTP API, versions 1 and 2, on this machine.
//!
//! The beacon has quicknet's scheme and a key of its own; it says "local-beacon" wherever drand
//! names a beacon, and production config refuses it. Relays can be told to misbehave, each in
//! its own way, for tests.

mod api;
mod chain;

use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
};

pub use chain::{BEACON_ID, Info, LocalBeacon, Round, SCHEME};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::Error;

/// How a relay misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    #[default]
    None,
    /// Gives the next round's signature under the number asked for.
    Lie,
    /// The right signature beside other randomness.
    LieRandomness,
    /// Gives each round this many seconds late.
    Lag(u32),
    /// Takes the request and never answers.
    Hang,
    /// Answers 425, too early, to whatever is asked.
    TooEarly,
    /// Answers 200 and bytes that mean nothing.
    Garbage,
}

/// One relay of the local beacon. It serves until it is dropped.
#[derive(Debug)]
pub struct Relay {
    url: Url,
    fault: Arc<RwLock<Fault>>,
    server: JoinHandle<()>,
}

impl Relay {
    /// Serves `beacon` on 127.0.0.1; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(beacon: Arc<LocalBeacon>, port: u16) -> Result<Self, Error> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let failed = |e: std::io::Error| Error::program(BEACON_ID, e.to_string());
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let url = format!("http://127.0.0.1:{port}/")
            .parse()
            .map_err(|_| Error::program(BEACON_ID, "no url"))?;
        let fault = Arc::new(RwLock::new(Fault::None));
        let router = api::router(beacon, Arc::clone(&fault));
        let server = tokio::spawn(async move {
            // It ends only with the task; an error here is that of one listener of a test network.
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the local beacon's relay stopped");
            }
        });
        Ok(Self { url, fault, server })
    }

    /// Where it serves.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// From now on it misbehaves like this.
    pub fn set_fault(&self, fault: Fault) {
        *self
            .fault
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = fault;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}
