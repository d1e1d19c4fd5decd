//! `price`, `pause`, `resume`, `maintenance`: what a provider says of its machine while it runs.

use std::path::Path;
use std::time::Duration;

use quorate_canon::codec::FixedWidth;
use quorate_canon::{Address, MicroDollars, OfferId, Timestamp, Version};
use quorate_matching::Offer;
use serde::Serialize;

use crate::chain::{Action, Chain, ChainTrouble, Done, Hand, L2, MachineState};
use crate::identity::Identity;
use crate::{AgentError, Config, setup};

/// A file in the folder of data that is there while somebody wants the machine paused: the running
/// agent pauses it, and does not resume it.
pub const HOLD: &str = "paused";

/// How long `pause` waits for the running agent.
const PATIENCE: u32 = 60;

/// What was said, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The machine.
    pub machine: u64,
    /// What holds now.
    pub what: String,
    /// The transaction, if one was sent from here.
    pub transaction: Option<String>,
}

impl Said {
    /// The same for people.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.transaction {
            Some(hash) => format!("machine {}: {} ({hash})\n", self.machine, self.what),
            None => format!("machine {}: {}\n", self.machine, self.what),
        }
    }

    fn sent(machine: OfferId, what: String, done: &Done) -> Self {
        Self {
            machine: machine.get(),
            what,
            transaction: Some(done.hash.to_string()),
        }
    }
}

/// Makes a new version of the offer with another price. It counts from the next snapshot on.
///
/// # Errors
/// [`AgentError`].
pub async fn price(config: &Config, ask: MicroDollars) -> Result<Said, AgentError> {
    let l2 = start(config)?;
    let hand = setup::cold_hand(config, &l2)?;
    reprice(Identity::need(config)?.offer(), ask, &l2, hand.as_ref()).await
}

/// [`price`] over any chain.
///
/// # Errors
/// [`AgentError`].
pub async fn reprice(
    offer: OfferId,
    ask: MicroDollars,
    chain: &dyn Chain,
    hand: &dyn Hand,
) -> Result<Said, AgentError> {
    let machine = found(chain, offer).await?;
    let shown = crate::amount::show(ask.get());
    if machine.offer.ask == ask {
        return Ok(Said {
            machine: offer.get(),
            what: format!("asks {shown} dollars already"),
            transaction: None,
        });
    }
    let record = Offer {
        ask,
        ..blank(machine.offer)
    };
    let action = Action::Revise {
        offer,
        record: record.to_bytes().into(),
    };
    let done = hand.act(&action).await?;
    let what = format!("asks {shown} dollars for one GPU and one hour");
    Ok(Said::sent(offer, what, &done))
}

/// An offer as a sender hands it in: without what the market fills in.
pub(crate) fn blank(offer: Offer) -> Offer {
    Offer {
        id: OfferId::new(0),
        version: Version::new(0),
        provider: Address::ZERO,
        ..offer
    }
}

/// Pauses or resumes for a person. Without the provider's key the running agent does it.
///
/// # Errors
/// [`AgentError`].
pub async fn set_paused(config: &Config, paused: bool) -> Result<Said, AgentError> {
    let l2 = start(config)?;
    let offer = Identity::need(config)?.offer();
    hold(&config.file(HOLD), paused)?;
    let what = if paused { "paused" } else { "not paused" };
    if found(&l2, offer).await?.is_paused() == paused {
        return Ok(Said {
            machine: offer.get(),
            what: what.to_owned(),
            transaction: None,
        });
    }
    match hand(config, &l2).await? {
        Some(hand) => {
            let done = hand.act(&Action::Pause { offer, paused }).await?;
            Ok(Said::sent(offer, what.to_owned(), &done))
        }
        None => by_the_agent(&l2, offer, paused, what).await,
    }
}

/// Waits until the running agent has done it.
async fn by_the_agent(
    l2: &L2,
    offer: OfferId,
    paused: bool,
    what: &str,
) -> Result<Said, AgentError> {
    for _ in 0..PATIENCE {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if found(l2, offer).await?.is_paused() == paused {
            return Ok(Said {
                machine: offer.get(),
                what: format!("{what}, by the running agent"),
                transaction: None,
            });
        }
    }
    Err(AgentError::mismatch(
        "the machine",
        format!("not {what} after {PATIENCE} s"),
        format!("{what} by the running agent"),
        "the wish stays noted; after a fault the agent waits until the machine was well for long enough, else look into its log",
    ))
}

/// When a maintenance is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In [from, until).
    Between(Timestamp, Timestamp),
    /// The last one ends now, or does not begin.
    End,
}

/// Announces maintenance, or ends it.
///
/// # Errors
/// [`AgentError`].
pub async fn maintenance(config: &Config, when: When) -> Result<Said, AgentError> {
    let l2 = start(config)?;
    let offer = Identity::need(config)?.offer();
    let hand = hand(config, &l2).await?.ok_or_else(|| {
        AgentError::mismatch(
            "key",
            "the machine key, which the running agent uses",
            "[provider_key], or a stopped agent",
            "configure [provider_key] here, or run this where it is",
        )
    })?;
    maintain(offer, when, hand.as_ref()).await
}

/// [`maintenance`] over any chain.
///
/// # Errors
/// [`AgentError`].
pub async fn maintain(offer: OfferId, when: When, hand: &dyn Hand) -> Result<Said, AgentError> {
    let (action, what) = match when {
        When::Between(from, until) => (
            Action::Maintain { offer, from, until },
            format!("in maintenance from {from} until {until}"),
        ),
        When::End => (
            Action::EndMaintenance { offer },
            "maintenance over".to_owned(),
        ),
    };
    let done = hand.act(&action).await?;
    Ok(Said::sent(offer, what, &done))
}

fn start(config: &Config) -> Result<L2, AgentError> {
    quorate_service::install_crypto();
    Ok(setup::l2(config)?)
}

/// The provider's key where there is one, else the machine key, unless it would send while the running
/// agent does. What a relay carries takes none of the key's nonces.
async fn hand(config: &Config, l2: &L2) -> Result<Option<Box<dyn Hand>>, AgentError> {
    if config.provider_key.is_some() {
        return Ok(Some(setup::cold_hand(config, l2)?));
    }
    if let Some(relay) = &config.relay {
        let key = setup::machine_key(config)?;
        return Ok(Some(setup::relayed(config, l2, &key, relay)?));
    }
    let hand = setup::machine_hand(config, l2)?;
    match hand.open().await {
        Ok(_) => Ok(Some(Box::new(hand))),
        Err(ChainTrouble::Own(why)) => {
            tracing::debug!(why, "the machine key is in use");
            Ok(None)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

async fn found(chain: &dyn Chain, offer: OfferId) -> Result<MachineState, AgentError> {
    chain.machine(offer).await?.ok_or_else(|| {
        let remedy = "this is another network, or machine.json is of one";
        AgentError::mismatch("offer", "none", offer, remedy)
    })
}

/// Notes what a person wants.
fn hold(path: &Path, paused: bool) -> Result<(), AgentError> {
    let done = if paused {
        std::fs::write(
            path,
            b"paused by hand; `provider-agent resume` removes this\n",
        )
    } else {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    };
    done.map_err(|source| AgentError::file(path, source))
}
