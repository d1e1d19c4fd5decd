//! Speaks with a relay over HTTP (docs/formats.md, section 16). What it says is believed only as far
//! as the chain confirms it.

use std::time::Duration;

use alloy::primitives::B256;
use quorate_chain::forward::{Carried, Refused, SignedCall, Terms};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::ChainTrouble;

/// How long one answer may take: relays wait for the transaction, half a minute most of them.
const PATIENCE: Duration = Duration::from_secs(90);
/// The longest answer that is read, bytes.
const LONGEST: usize = 65_536;

/// A relay.
#[derive(Debug, Clone)]
pub(super) struct Courier {
    base: Url,
    client: reqwest::Client,
}

/// Why a relay did not carry a call.
#[derive(Debug)]
pub(super) enum Setback {
    /// It says why.
    Refused(Refused),
    /// It cannot be reached, or said nothing that can be read: it may have carried the call or not.
    Lost(String),
}

impl Courier {
    /// A relay by the address of its page: `https://aggregator.example`, with or without `/relay`.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if no client can be made.
    pub(super) fn new(url: &Url) -> Result<Self, ChainTrouble> {
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/relay").unwrap_or(path).to_owned();
        base.set_path(&format!("{path}/relay"));
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ChainTrouble::Own(error.to_string()))?;
        Ok(Self { base, client })
    }

    /// Where it is, for messages.
    pub(super) fn name(&self) -> &str {
        self.base.as_str()
    }

    /// What it carries, and how much of it.
    pub(super) async fn terms(&self) -> Result<Terms, Setback> {
        self.read(self.client.get(self.base.clone())).await
    }

    /// Brings a call.
    pub(super) async fn bring(&self, call: &SignedCall) -> Result<Carried, Setback> {
        self.read(self.client.post(self.base.clone()).json(call))
            .await
    }

    /// Asks after a call that was brought.
    pub(super) async fn outcome(&self, request: B256) -> Result<Carried, Setback> {
        let url = format!("{}/{request}", self.base);
        self.read(self.client.get(url)).await
    }

    /// A setback in words.
    pub(super) fn trouble(&self, setback: Setback) -> ChainTrouble {
        let relay = self.name();
        match setback {
            Setback::Refused(refused) if refused.code == "refused_by_contract" => {
                let why = refused.error.strip_prefix("the contract refuses: ");
                ChainTrouble::Refused(why.unwrap_or(&refused.error).to_owned())
            }
            Setback::Refused(refused) => {
                let wait = refused.retry_after.filter(|seconds| *seconds > 0);
                let wait = wait.map(|seconds| format!(" (it takes more in {seconds} s)"));
                ChainTrouble::Own(format!(
                    "{relay} does not carry it: {}{}; {}",
                    refused.error,
                    wait.unwrap_or_default(),
                    refused.remedy
                ))
            }
            Setback::Lost(why) => ChainTrouble::Silent(format!("{relay}: {why}")),
        }
    }

    async fn read<T: DeserializeOwned>(&self, ask: reqwest::RequestBuilder) -> Result<T, Setback> {
        let answer = ask.send().await.map_err(|error| lost(&error))?;
        let status = answer.status();
        let body = body(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| strange(status, &error));
        }
        match serde_json::from_slice(&body) {
            Ok(refused) => Err(Setback::Refused(refused)),
            Err(error) => Err(strange(status, &error)),
        }
    }
}

/// The answer's body, up to a limit.
async fn body(mut answer: Response) -> Result<Vec<u8>, Setback> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Setback::Lost(format!("more than {LONGEST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// With what lies below: reqwest's own words end where it gets interesting.
fn lost(error: &reqwest::Error) -> Setback {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    Setback::Lost(words)
}

fn strange(status: StatusCode, error: &serde_json::Error) -> Setback {
    Setback::Lost(format!("{status}, which is no relay's answer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_named_with_or_without_its_path() {
        quorate_service::install_crypto();
        for (given, expected) in [
            ("https://a.example", "https://a.example/relay"),
            ("https://a.example/", "https://a.example/relay"),
            ("https://a.example/relay", "https://a.example/relay"),
            ("https://a.example/q/relay/?x", "https://a.example/q/relay"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/relay"),
        ] {
            let courier = Courier::new(&given.parse().unwrap()).unwrap();
            assert_eq!(courier.name(), expected);
        }
    }
}
