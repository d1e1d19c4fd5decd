//! `provider-agent register`: stake, offer, agent. Each step looks first whether it was made, so that
//! whoever was interrupted runs it again.

use quorate_canon::codec::FixedWidth;
use quorate_canon::{Address, OfferId};
use quorate_health::{GpuRecord, GpuUuid};
use serde::Serialize;

use crate::cards::Cards;
use crate::chain::{Action, Chain, Hand, MachineState};
use crate::compose::Snapshot;
use crate::config::CardsOffered;
use crate::identity::Identity;
use crate::{AgentError, Config, init, orders, setup};

/// What was done, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// The offer's id: it names the machine.
    pub offer: u64,
    /// The provider.
    pub provider: String,
    /// The machine key's address.
    pub agent: String,
    /// What was sent, or was there already.
    pub steps: Vec<String>,
}

impl Registered {
    /// The same for people.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{}\nmachine {} of {} is registered, its agent is {}\n",
            self.steps.join("\n"),
            self.offer,
            self.provider,
            self.agent
        )
    }
}

/// Registers the machine of a configuration. With `stake`, the provider's stake is first brought up to
/// so many millionths of the token.
///
/// # Errors
/// [`AgentError`], with the contract's own reason where it refuses.
pub async fn register(config: &Config, stake: Option<u64>) -> Result<Registered, AgentError> {
    quorate_service::install_crypto();
    let l2 = setup::l2(config)?;
    std::fs::create_dir_all(&config.data)
        .map_err(|source| AgentError::file(&config.data, source))?;
    let hand = setup::cold_hand(config, &l2)?;
    let cards = Cards::start(config.source())?;
    let snapshot = cards
        .read()
        .await
        .map_err(|error| AgentError::Ended(error.to_string()))?;
    let wanted = Wanted {
        agent: setup::address(&setup::machine_key(config)?),
        certificate: init::hash_of(&config.tls.certificate)?,
        gpus: cards_of(&snapshot)?,
    };
    let before = Identity::load(config)?.map(|identity| identity.offer());
    let steps = Steps {
        config,
        chain: &l2,
        hand: hand.as_ref(),
    };
    steps.run(&wanted, stake, before).await
}

/// What is to be registered.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The machine key's address.
    pub agent: Address,
    /// SHA-256 of the certificate.
    pub certificate: [u8; 32],
    /// The cards, ascending.
    pub gpus: Vec<GpuRecord>,
}

/// The steps, over any chain.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Reads.
    pub chain: &'a dyn Chain,
    /// Sends with the provider's key.
    pub hand: &'a dyn Hand,
}

impl std::fmt::Debug for Steps<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Steps(..)")
    }
}

impl Steps<'_> {
    /// Takes every step that was not taken. `before` is the offer that an earlier call posted.
    ///
    /// # Errors
    /// [`AgentError`].
    pub async fn run(
        &self,
        wanted: &Wanted,
        stake: Option<u64>,
        before: Option<OfferId>,
    ) -> Result<Registered, AgentError> {
        let mut done = Registered {
            provider: self.hand.address().to_string(),
            agent: wanted.agent.to_string(),
            ..Registered::default()
        };
        if let Some(stake) = stake {
            self.stake(stake, &mut done).await?;
        }
        let offer = match before {
            Some(offer) => offer,
            None => self.post(wanted, &mut done).await?,
        };
        done.offer = offer.get();
        Identity { offer: offer.get() }.save(self.config)?;
        self.agent(offer, wanted, &mut done).await?;
        Ok(done)
    }

    async fn stake(&self, wanted: u64, done: &mut Registered) -> Result<(), AgentError> {
        let has = self.chain.stake(self.hand.address()).await?;
        match wanted.checked_sub(has) {
            None | Some(0) => done.steps.push(format!(
                "stake: {} is there already",
                crate::amount::show(has)
            )),
            Some(millionths) => {
                let sent = self.hand.act(&Action::Stake { millionths }).await?;
                let more = crate::amount::show(millionths);
                done.steps
                    .push(format!("stake: {more} more, {}", sent.hash));
            }
        }
        Ok(())
    }

    /// Posts the offer. Its name in the journal is the agent's address: a call that was cut off after
    /// it was sent finds what it sent.
    async fn post(&self, wanted: &Wanted, done: &mut Registered) -> Result<OfferId, AgentError> {
        for card in &wanted.gpus {
            if let Some(other) = self.chain.machine_of_card(card.uuid).await? {
                let remedy =
                    "a card is in one machine of the market: close and retire that offer first";
                return Err(AgentError::mismatch(
                    "machine of a card",
                    format!("{other} has {}", card.uuid),
                    "none",
                    remedy,
                ));
            }
        }
        let cards = self.offered(&wanted.gpus).await?;
        let record = self.config.machine.offer(&cards, wanted.agent.0)?;
        let action = Action::Post {
            record: record.to_bytes().into(),
            name: wanted.agent.to_string(),
        };
        let sent = self.hand.act(&action).await?;
        let offer = sent.posted.ok_or_else(|| {
            let remedy = "check [contracts]";
            AgentError::mismatch("event of the offer", "none", "OffersPosted", remedy)
        })?;
        done.steps.push(format!("offer: {offer}, {}", sent.hash));
        Ok(offer)
    }

    /// What the offer says of the cards.
    async fn offered(&self, gpus: &[GpuRecord]) -> Result<CardsOffered, AgentError> {
        let remedy = "an offer is of cards of one model; `provider-agent doctor` shows them";
        let first = gpus
            .first()
            .ok_or_else(|| AgentError::mismatch("cards", 0, "at least 1", remedy))?;
        if let Some(other) = gpus.iter().find(|gpu| gpu.model != first.model) {
            return Err(AgentError::mismatch(
                "model of a card",
                other.model,
                first.model,
                remedy,
            ));
        }
        let time = self.chain.head().await?.timestamp;
        let tier = match first.model {
            0 => None,
            model => self.chain.tier_of(model, time).await?,
        };
        let remedy = "this network's policy has no price for this model: it cannot be offered";
        let tier = tier.ok_or_else(|| {
            AgentError::mismatch("model", first.model, "one of the policy's table", remedy)
        })?;
        Ok(CardsOffered {
            model: first.model,
            tier,
            vram_mib: gpus.iter().map(|gpu| gpu.memory_mib).min().unwrap_or(0),
            gpus: u8::try_from(gpus.len()).unwrap_or(u8::MAX),
        })
    }

    /// Registers the agent, or moves it to where it is now.
    async fn agent(
        &self,
        offer: OfferId,
        wanted: &Wanted,
        done: &mut Registered,
    ) -> Result<(), AgentError> {
        let machine = self.chain.machine(offer).await?.ok_or_else(|| {
            let remedy = "this is another network, or machine.json is of one";
            AgentError::mismatch("offer", "none", offer, remedy)
        })?;
        self.fits(&machine)?;
        self.rekey(offer, &machine, wanted, done).await?;
        let endpoint = self.config.endpoint.clone();
        let certificate = wanted.certificate;
        match machine.registration {
            None => {
                let cards: Vec<GpuUuid> = wanted.gpus.iter().map(|gpu| gpu.uuid).collect();
                let action = Action::Register {
                    offer,
                    endpoint,
                    certificate,
                    cards,
                };
                let sent = self.hand.act(&action).await?;
                done.steps.push(format!("agent: registered, {}", sent.hash));
            }
            Some(found) if found.certificate == certificate => {
                done.steps.push("agent: registered already".to_owned());
            }
            Some(_) => {
                let action = Action::Move {
                    offer,
                    endpoint,
                    certificate,
                };
                let sent = self.hand.act(&action).await?;
                done.steps.push(format!(
                    "agent: moved to this certificate and endpoint, {}",
                    sent.hash
                ));
            }
        }
        Ok(())
    }

    /// Gives the offer another machine key: for one that was lost, or stolen.
    async fn rekey(
        &self,
        offer: OfferId,
        machine: &MachineState,
        wanted: &Wanted,
        done: &mut Registered,
    ) -> Result<(), AgentError> {
        if machine.agent() == Some(wanted.agent) {
            return Ok(());
        }
        let mut record = orders::blank(machine.offer.clone());
        record.machine_key = [0; 32];
        record.machine_key[12..].copy_from_slice(&wanted.agent.0);
        let action = Action::Revise {
            offer,
            record: record.to_bytes().into(),
        };
        let sent = self.hand.act(&action).await?;
        let step = format!("offer: machine key is {} now, {}", wanted.agent, sent.hash);
        done.steps.push(step);
        Ok(())
    }

    fn fits(&self, machine: &MachineState) -> Result<(), AgentError> {
        if machine.offer.provider != self.hand.address() {
            return Err(AgentError::mismatch(
                "provider of the offer",
                machine.offer.provider,
                self.hand.address(),
                "use the key that posted the offer, or move machine.json away to post another",
            ));
        }
        Ok(())
    }
}

/// The cards of a reading, ascending; all have to answer.
fn cards_of(snapshot: &Snapshot) -> Result<Vec<GpuRecord>, AgentError> {
    let mut gpus = snapshot.gpus().to_vec();
    gpus.sort_by_key(|gpu| gpu.uuid);
    match gpus.iter().find(|gpu| gpu.lost) {
        None => Ok(gpus),
        Some(lost) => Err(AgentError::mismatch(
            "card",
            format!("{} is lost", lost.uuid),
            "cards that answer",
            "`provider-agent doctor` names what is wrong",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_card_is_not_registered() {
        use crate::clock::now;
        use crate::reader::GpuReader as _;
        use crate::reader::simulated::{Scenario, SimulatedReader};
        use crate::xids::XidLog;

        let text = "seed = \"s\"\n[[card]]\nname = \"NVIDIA L4\"\nmemory_mib = 23034\ncount = 2\n";
        let gone = format!("{text}[[event]]\ncard = 1\nwhat = \"gone\"\n");
        let read = |text: &str| {
            let mut reader = SimulatedReader::new(Scenario::parse(text).unwrap());
            let readings = reader.snapshot();
            cards_of(&Snapshot::of(
                &reader,
                &readings,
                &XidLog::new(now()),
                now(),
            ))
        };
        let cards = read(text).unwrap();
        assert!(cards[0].uuid < cards[1].uuid);
        assert!(read(&gone).unwrap_err().to_string().contains("lost"));
    }
}
