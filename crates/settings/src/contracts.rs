//! Which contracts a node serves.

use quorate_canon::Address;
use serde::Deserialize;

use crate::hex;

/// The section `[contracts]`. All other addresses are read from these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractsSection {
    /// `Rounds` on L2.
    #[serde(deserialize_with = "hex::parse")]
    pub rounds: Address,
    /// `ServiceManager`, the AVS, on L1.
    #[serde(deserialize_with = "hex::parse")]
    pub service_manager: Address,
    /// `Slasher` on L1; needed by who brings evidence.
    #[serde(default, deserialize_with = "optional")]
    pub slasher: Option<Address>,
    /// `Machines` on L2; needed by who follows machines and their agents.
    #[serde(default, deserialize_with = "optional")]
    pub machines: Option<Address>,
    /// `Health` on L2; needed by who certifies or appeals downtime.
    #[serde(default, deserialize_with = "optional")]
    pub health: Option<Address>,
    /// `Attendance` on L2; needed by who shows signers that a certificate left out.
    #[serde(default, deserialize_with = "optional")]
    pub attendance: Option<Address>,
    /// `Tally` on L2; needed by who shows and counts operators' work.
    #[serde(default, deserialize_with = "optional")]
    pub tally: Option<Address>,
    /// `Rewards` on L1; needed by who has operators paid.
    #[serde(default, deserialize_with = "optional")]
    pub rewards: Option<Address>,
    /// The L2 block in which the first of our contracts was deployed: who follows L2 begins there.
    #[serde(default)]
    pub deployed_at: u64,
}

fn optional<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
    hex::parse(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "0x00000000000000000000000000000000000000ff";

    #[test]
    fn addresses_are_hex() {
        let text =
            format!("rounds = \"{ADDRESS}\"\nservice_manager = \"{ADDRESS}\"\ndeployed_at = 3");
        let section: ContractsSection = toml::from_str(&text).unwrap();
        assert_eq!(section.rounds.0[19], 0xff);
        assert_eq!(section.slasher, None);
        assert_eq!((section.machines, section.health), (None, None));
        assert_eq!((section.attendance, section.tally), (None, None));
        assert_eq!(section.rewards, None);
    }

    #[test]
    fn a_short_address_is_refused_with_its_text() {
        let text = "rounds = \"0xff\"\nservice_manager = \"0xff\"\ndeployed_at = 3";
        let error = toml::from_str::<ContractsSection>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains("0xff"), "{error}");
    }
}
