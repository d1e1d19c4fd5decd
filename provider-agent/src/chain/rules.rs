//! What the network fixed: its name, its clock, the health policy in force.

use quorate_canon::CodecError;
use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_health::{EpochClock, HealthPolicy, Network, WindowClock};

/// The rules that the agent goes by. They are kept on disk, so that an agent that starts while its
/// endpoints are down still answers probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Whose words count.
    pub network: Network,
    /// When health epochs are, and which stake table is theirs.
    pub epochs: EpochClock,
    /// The policy of the health epoch.
    pub health: HealthPolicy,
}

impl Rules {
    /// Epochs and windows.
    #[must_use]
    pub const fn clock(&self) -> WindowClock {
        self.epochs.windows(&self.health)
    }
}

impl FixedWidth for Rules {
    const WIDTH: usize = Network::WIDTH + 32 + HealthPolicy::WIDTH;

    fn write(&self, out: &mut Writer) {
        out.value(&self.network);
        out.value(&self.epochs.genesis);
        out.value(&self.epochs.epoch_seconds);
        out.value(&self.epochs.stake_epoch);
        out.value(&self.epochs.period);
        out.value(&self.epochs.beacon_genesis);
        out.value(&self.epochs.beacon_period);
        out.value(&self.health);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            network: input.value()?,
            epochs: EpochClock {
                genesis: input.value()?,
                epoch_seconds: input.value()?,
                stake_epoch: input.value()?,
                period: input.value()?,
                beacon_genesis: input.value()?,
                beacon_period: input.value()?,
            },
            health: input.value()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use quorate_canon::Timestamp;

    use super::*;

    #[test]
    fn rules_survive_the_disk() {
        let rules = Rules {
            network: Network::default(),
            epochs: EpochClock {
                genesis: Timestamp::new(1_000),
                epoch_seconds: 600,
                stake_epoch: 1_500,
                period: 60,
                beacon_genesis: Timestamp::new(10),
                beacon_period: 3,
            },
            health: HealthPolicy::recommended(),
        };
        assert_eq!(Rules::from_bytes(&rules.to_bytes()), Ok(rules));
    }
}
