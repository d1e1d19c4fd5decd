//! The clock of health epochs: when one begins, how long it may be spoken of, when it is settled.

use quorate_canon::{Epoch, HealthEpoch, Round, Timestamp};

use crate::{HealthError, HealthPolicy, WindowClock};

/// What never changes, fixed when the network's contracts were made. All spans are in seconds, at
/// least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EpochClock {
    /// Second 0 of health epoch 0, and the close of round 0.
    pub genesis: Timestamp,
    /// Length of a health epoch.
    pub epoch_seconds: u32,
    /// Length of a stake epoch.
    pub stake_epoch: u32,
    /// From one round's close to the next.
    pub period: u32,
    /// Time of the beacon's round 1.
    pub beacon_genesis: Timestamp,
    /// From one beacon round to the next.
    pub beacon_period: u32,
}

impl EpochClock {
    /// The first second of a health epoch.
    ///
    /// # Errors
    /// [`HealthError::TooLarge`] beyond 64 bits.
    pub fn start(&self, epoch: HealthEpoch) -> Result<Timestamp, HealthError> {
        self.genesis
            .checked_add(self.offset(epoch))
            .ok_or(HealthError::TooLarge { what: "time" })
    }

    /// The first second after a health epoch.
    ///
    /// # Errors
    /// [`HealthError::TooLarge`] beyond 64 bits.
    pub fn end(&self, epoch: HealthEpoch) -> Result<Timestamp, HealthError> {
        later(self.start(epoch)?, self.epoch_seconds)
    }

    /// The last second in which lists of a health epoch are taken. The first is the epoch's end.
    ///
    /// # Errors
    /// [`HealthError::TooLarge`] beyond 64 bits.
    pub fn certifiable_until(
        &self,
        epoch: HealthEpoch,
        policy: &HealthPolicy,
    ) -> Result<Timestamp, HealthError> {
        later(self.last_second(epoch)?, policy.certify_seconds)
    }

    /// The last second in which receipts of a health epoch are taken; from the next one on it is
    /// settled.
    ///
    /// # Errors
    /// [`HealthError::TooLarge`] beyond 64 bits.
    pub fn appealable_until(
        &self,
        epoch: HealthEpoch,
        policy: &HealthPolicy,
    ) -> Result<Timestamp, HealthError> {
        let certified = self.certifiable_until(epoch, policy)?;
        later(certified, policy.appeal_seconds)
    }

    /// Whether what was DOWN in a health epoch is known for good.
    ///
    /// # Errors
    /// [`HealthError::TooLarge`] beyond 64 bits.
    pub fn is_settled(
        &self,
        epoch: HealthEpoch,
        policy: &HealthPolicy,
        now: Timestamp,
    ) -> Result<bool, HealthError> {
        Ok(now > self.appealable_until(epoch, policy)?)
    }

    /// The beacon round whose randomness draws the epoch's committees: the first that is not before
    /// the epoch's start, from 1.
    ///
    /// # Errors
    /// [`HealthError::Zero`] for a beacon without a period, [`HealthError::TooLarge`] beyond 64 bits.
    pub fn beacon_round(&self, epoch: HealthEpoch) -> Result<u64, HealthError> {
        let period = not_zero(self.beacon_period, "beacon period")?;
        let start = self.start(epoch)?.get();
        start
            .saturating_sub(self.beacon_genesis.get())
            .div_ceil(period)
            .checked_add(1)
            .ok_or(HealthError::TooLarge {
                what: "beacon round",
            })
    }

    /// The stake epoch whose table draws the epoch's committees.
    ///
    /// # Errors
    /// [`HealthError::Zero`] for stake epochs without length.
    pub fn stake_epoch(&self, epoch: HealthEpoch) -> Result<Epoch, HealthError> {
        let length = not_zero(self.stake_epoch, "stake epoch")?;
        let number = self.offset(epoch).checked_div(length).unwrap_or(0);
        Ok(Epoch::new(number))
    }

    /// The rounds whose stake table is that of a stake epoch: the first, and how many there are.
    ///
    /// # Errors
    /// [`HealthError::Zero`] for rounds without a period, [`HealthError::TooLarge`] beyond 64 bits.
    pub fn rounds_of(&self, epoch: Epoch) -> Result<(Round, u64), HealthError> {
        let period = not_zero(self.period, "period")?;
        let first = self.stake_offset(epoch)?.div_ceil(period);
        let next = self.stake_offset(after(epoch)?)?.div_ceil(period);
        Ok((Round::new(first), next.saturating_sub(first)))
    }

    /// The health epochs whose table is that of a stake epoch: the first, and how many there are. Where
    /// there are none, the first is that of a later stake epoch.
    ///
    /// # Errors
    /// [`HealthError::Zero`] for health epochs without length, [`HealthError::TooLarge`] beyond their
    /// 32 bits.
    pub fn health_epochs_of(&self, epoch: Epoch) -> Result<(HealthEpoch, u32), HealthError> {
        let first = self.first_health_epoch(epoch)?;
        let next = self.first_health_epoch(after(epoch)?)?;
        Ok((first, next.get().saturating_sub(first.get())))
    }

    /// The health epoch whose randomness draws the sample of a stake epoch's work: the first that does
    /// not begin before that is over.
    ///
    /// # Errors
    /// As [`Self::health_epochs_of`].
    pub fn sample_epoch(&self, epoch: Epoch) -> Result<HealthEpoch, HealthError> {
        self.first_health_epoch(after(epoch)?)
    }

    /// The first health epoch that does not begin before a stake epoch does.
    fn first_health_epoch(&self, epoch: Epoch) -> Result<HealthEpoch, HealthError> {
        let length = not_zero(self.epoch_seconds, "health epoch")?;
        let number = self.stake_offset(epoch)?.div_ceil(length);
        u32::try_from(number)
            .map(HealthEpoch::new)
            .map_err(|_| HealthError::TooLarge {
                what: "health epoch",
            })
    }

    /// The first round that does not close before the epoch's start: its policy is the epoch's.
    ///
    /// # Errors
    /// [`HealthError::Zero`] for rounds without a period.
    pub fn first_round(&self, epoch: HealthEpoch) -> Result<Round, HealthError> {
        let period = not_zero(self.period, "period")?;
        Ok(Round::new(self.offset(epoch).div_ceil(period)))
    }

    /// The clock of the windows of epochs under a policy.
    #[must_use]
    pub const fn windows(&self, policy: &HealthPolicy) -> WindowClock {
        WindowClock {
            genesis: self.genesis,
            epoch_seconds: self.epoch_seconds,
            windows: policy.windows,
        }
    }

    /// Seconds from genesis to the epoch's start: below 2^64, both factors being below 2^32.
    fn offset(&self, epoch: HealthEpoch) -> u64 {
        u64::from(epoch.get()).saturating_mul(self.epoch_seconds.into())
    }

    /// Seconds from genesis to a stake epoch's start.
    fn stake_offset(&self, epoch: Epoch) -> Result<u64, HealthError> {
        let length = not_zero(self.stake_epoch, "stake epoch")?;
        epoch
            .get()
            .checked_mul(length)
            .ok_or(HealthError::TooLarge { what: "time" })
    }

    fn last_second(&self, epoch: HealthEpoch) -> Result<Timestamp, HealthError> {
        self.end(epoch)?
            .checked_sub(1)
            .ok_or(HealthError::TooLarge { what: "time" })
    }
}

fn later(time: Timestamp, seconds: u32) -> Result<Timestamp, HealthError> {
    time.checked_add(seconds.into())
        .ok_or(HealthError::TooLarge { what: "time" })
}

fn after(epoch: Epoch) -> Result<Epoch, HealthError> {
    epoch.checked_add(1).ok_or(HealthError::TooLarge {
        what: "stake epoch",
    })
}

fn not_zero(length: u32, what: &'static str) -> Result<u64, HealthError> {
    match length {
        0 => Err(HealthError::Zero { what }),
        length => Ok(length.into()),
    }
}
