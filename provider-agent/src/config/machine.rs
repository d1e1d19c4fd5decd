//! The section `[machine]`: what is offered. Model, memory and number of the cards are read from the
//! cards themselves, the tier from the policy.

use quorate_canon::{GpuCount, Mask256, MicroDollars, Timestamp};
use quorate_matching::Offer;
use quorate_matching::policy::regions;
use quorate_service::ConfigError;
use serde::Deserialize;

use crate::amount::dollars;

/// The section `[machine]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSection {
    /// Dollars for one GPU and one hour: `"2.35"`.
    pub ask: String,
    /// Cores of the whole machine.
    pub cores: u32,
    /// Memory of the whole machine, MiB.
    pub memory_mib: u32,
    /// Disk of the whole machine, GiB.
    pub disk_gib: u32,
    /// Bandwidth of the whole machine, Mbit/s.
    pub mbits: u32,
    /// Code of the region.
    pub region: String,
    /// Provider node or fizz node.
    #[serde(default)]
    pub kind: Kind,
    /// Shortest lease, seconds.
    pub min_term: u32,
    /// Longest lease, seconds.
    pub max_term: u32,
    /// How long before it takes the machine back a provider says so, seconds.
    pub notice: u32,
    /// Unix time at which the offer ends; 0 for never.
    #[serde(default)]
    pub available_until: u64,
    /// Accepted currencies, by number.
    pub currencies: Vec<u8>,
    /// Capabilities, by the policy's numbers.
    #[serde(default)]
    pub capabilities: Vec<u8>,
}

/// Kind of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A machine in a data centre.
    #[default]
    Provider,
    /// A machine at somebody's home.
    Fizz,
}

/// What the cards say of themselves, as an offer has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardsOffered {
    /// Model in the policy's table.
    pub model: u8,
    /// Its tier under the policy.
    pub tier: u8,
    /// Memory of one card, MiB.
    pub vram_mib: u32,
    /// How many.
    pub gpus: u8,
}

impl MachineSection {
    /// Checks the section.
    ///
    /// # Errors
    /// [`ConfigError::Value`], naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.offer(
            &CardsOffered {
                model: 1,
                tier: 0,
                vram_mib: 1,
                gpus: 1,
            },
            [0; 20],
        )
        .map(drop)
    }

    /// The record to post: without id, version and provider.
    ///
    /// # Errors
    /// [`ConfigError::Value`], naming the setting.
    pub fn offer(&self, cards: &CardsOffered, agent: [u8; 20]) -> Result<Offer, ConfigError> {
        let region = regions::by_code(&self.region).ok_or_else(|| {
            let codes: Vec<_> = regions::REGIONS.iter().map(|region| region.code).collect();
            let detail = format!("{}, expected one of {}", self.region, codes.join(", "));
            ConfigError::value("machine.region", detail)
        })?;
        let mut machine_key = [0; 32];
        machine_key[12..].copy_from_slice(&agent);
        let offer = Offer {
            machine_key,
            has: Mask256::of(&self.capabilities),
            ask: self.ask()?,
            vram_mib: cards.vram_mib,
            cpu_milli: self.cores.saturating_mul(1_000),
            memory_mib: self.memory_mib,
            disk_gib: self.disk_gib,
            mbits: self.mbits,
            currencies: self.currencies()?,
            available_until: Timestamp::new(match self.available_until {
                0 => u64::MAX,
                until => until,
            }),
            min_term: self.min_term,
            max_term: self.max_term,
            notice: self.notice,
            model: cards.model,
            gpus: GpuCount::new(cards.gpus),
            region: region.index,
            kind: match self.kind {
                Kind::Provider => 0,
                Kind::Fizz => 1,
            },
            tier: cards.tier,
            ..Offer::default()
        };
        offer
            .validate()
            .map_err(|error| ConfigError::value("machine", error.to_string()))?;
        Ok(offer)
    }

    fn ask(&self) -> Result<MicroDollars, ConfigError> {
        dollars(&self.ask).map_err(|detail| ConfigError::value("machine.ask", detail))
    }

    fn currencies(&self) -> Result<u32, ConfigError> {
        self.currencies.iter().try_fold(0, |mask, number| {
            1_u32
                .checked_shl(u32::from(*number))
                .map(|bit| mask | bit)
                .ok_or_else(|| {
                    let detail = format!("{number}, expected below 32");
                    ConfigError::value("machine.currencies", detail)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(change: impl FnOnce(&mut MachineSection)) -> Result<Offer, ConfigError> {
        let mut section = MachineSection {
            ask: "2.35".to_owned(),
            cores: 64,
            memory_mib: 524_288,
            disk_gib: 2_000,
            mbits: 10_000,
            region: regions::REGIONS[0].code.to_owned(),
            kind: Kind::Fizz,
            min_term: 60,
            max_term: 86_400,
            notice: 600,
            available_until: 0,
            currencies: vec![0, 2],
            capabilities: vec![1],
        };
        change(&mut section);
        let cards = CardsOffered {
            model: 51,
            tier: 3,
            vram_mib: 81_559,
            gpus: 8,
        };
        section.offer(&cards, [7; 20])
    }

    #[test]
    fn the_offer_says_what_section_and_cards_say() {
        let offer = section(|_| {}).unwrap();
        assert_eq!((offer.ask.get(), offer.cpu_milli), (2_350_000, 64_000));
        assert_eq!((offer.model, offer.tier, offer.gpus.get()), (51, 3, 8));
        assert_eq!((offer.currencies, offer.kind), (0b101, 1));
        assert_eq!(offer.machine_key[..12], [0; 12]);
        assert_eq!(offer.machine_key[12..], [7; 20]);
        assert_eq!((offer.id.get(), offer.version.get()), (0, 0));
        assert!(offer.provider.is_zero());
    }

    #[test]
    fn what_makes_no_offer_is_named() {
        let refused = |change: fn(&mut MachineSection)| section(change).unwrap_err().to_string();
        assert!(refused(|s| s.region = "atlantis".to_owned()).contains("machine.region"));
        assert!(refused(|s| s.ask = "cheap".to_owned()).contains("machine.ask"));
        assert!(refused(|s| s.currencies = vec![32]).contains("machine.currencies"));
        assert!(refused(|s| s.currencies.clear()).contains("currencies"));
        assert!(refused(|s| s.max_term = 1).contains("max_term"));
    }
}
