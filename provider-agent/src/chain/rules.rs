//! What the network fixed: its name, its clock, the health policy in force.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{CodecError, Epoch, HealthEpoch, Timestamp};
use quorate_health::{HealthPolicy, Network, WindowClock};

/// The rules that the agent goes by. They are kept on disk, so that an agent that starts while its
/// endpoints are down still answers probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Whose words count.
    pub network: Network,
    /// Start of health epoch 0.
    pub genesis: Timestamp,
    /// Seconds of a health epoch.
    pub epoch_seconds: u32,
    /// Seconds of a stake epoch.
    pub stake_epoch_seconds: u32,
    /// The policy of the health epoch.
    pub health: HealthPolicy,
}

impl Rules {
    /// Epochs and windows.
    #[must_use]
    pub const fn clock(&self) -> WindowClock {
        WindowClock {
            genesis: self.genesis,
            epoch_seconds: self.epoch_seconds,
            windows: self.health.windows,
        }
    }

    /// The stake epoch whose table judges a health epoch.
    #[must_use]
    pub fn stake_epoch_of(&self, epoch: HealthEpoch) -> Epoch {
        let start = u64::from(epoch.get()) * u64::from(self.epoch_seconds);
        Epoch::new(
            start
                .checked_div(u64::from(self.stake_epoch_seconds))
                .unwrap_or(0),
        )
    }
}

impl FixedWidth for Rules {
    const WIDTH: usize = Network::WIDTH + 8 + 4 + 4 + HealthPolicy::WIDTH;

    fn write(&self, out: &mut Writer) {
        out.value(&self.network);
        out.value(&self.genesis);
        out.value(&self.epoch_seconds);
        out.value(&self.stake_epoch_seconds);
        out.value(&self.health);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            network: input.value()?,
            genesis: input.value()?,
            epoch_seconds: input.value()?,
            stake_epoch_seconds: input.value()?,
            health: input.value()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            network: Network::default(),
            genesis: Timestamp::new(1_000),
            epoch_seconds: 600,
            stake_epoch_seconds: 1_500,
            health: HealthPolicy::recommended(),
        }
    }

    #[test]
    fn rules_survive_the_disk() {
        assert_eq!(Rules::from_bytes(&rules().to_bytes()), Ok(rules()));
    }

    #[test]
    fn a_health_epoch_is_judged_by_the_table_at_its_start() {
        let of = |epoch| rules().stake_epoch_of(HealthEpoch::new(epoch)).get();
        // Epochs start at 0, 600, 1 200, 1 800 seconds.
        assert_eq!([0, 1, 2, 3].map(of), [0, 0, 0, 1]);
    }
}
