//! When things happen: every time of a round follows from its number (docs/formats.md, section 8).

use quorate_canon::{Digest, Epoch, HealthEpoch, Round, Timestamp};
use quorate_matching::RoundContext;

use crate::ProtocolError;

/// What never changes, fixed by the constructor of `Rounds`. All spans are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Close of round 0.
    pub genesis: Timestamp,
    /// From one close to the next.
    pub period: u32,
    /// From close to the deadline for the last chunk.
    pub settle_timeout: u32,
    /// From close to the beacon round.
    pub delay: u32,
    /// L2 blocks on top of the one that makes a snapshot known.
    pub depth: u32,
    /// Length of a stake epoch.
    pub stake_epoch: u32,
    /// Length of a health epoch.
    pub health_epoch: u32,
    /// For commitments of challengers, from the last chunk on.
    pub challenge_window: u32,
    /// For their revelations, after that.
    pub reveal_window: u32,
    /// Time of the beacon's round 1.
    pub beacon_genesis: Timestamp,
    /// From one beacon round to the next.
    pub beacon_period: u32,
    /// Names the beacon's chain.
    pub beacon_chain_hash: Digest,
}

impl Schedule {
    /// `genesis + n x period`.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits.
    pub fn close(&self, round: Round) -> Result<Timestamp, ProtocolError> {
        self.since_genesis(round)
            .and_then(|seconds| self.genesis.checked_add(seconds))
            .ok_or(ProtocolError::OutOfRange { what: "close" })
    }

    /// T: the last second that counts, one before the close.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits, or for a close at 0.
    pub fn t_of(&self, round: Round) -> Result<Timestamp, ProtocolError> {
        self.close(round)?
            .checked_sub(1)
            .ok_or(ProtocolError::OutOfRange { what: "T" })
    }

    /// The last second at which a certificate or chunk is taken.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits.
    pub fn deadline(&self, round: Round) -> Result<Timestamp, ProtocolError> {
        self.close(round)?
            .checked_add(u64::from(self.settle_timeout))
            .ok_or(ProtocolError::OutOfRange { what: "deadline" })
    }

    /// The stake epoch whose table signs the round.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits, or with an epoch of no length.
    pub fn epoch_of(&self, round: Round) -> Result<Epoch, ProtocolError> {
        self.since_genesis(round)
            .and_then(|seconds| seconds.checked_div(u64::from(self.stake_epoch)))
            .map(Epoch::new)
            .ok_or(ProtocolError::OutOfRange {
                what: "stake epoch",
            })
    }

    /// The health epoch of a time; 0 before genesis.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 32 bits, or with an epoch of no length.
    pub fn health_epoch_at(&self, time: Timestamp) -> Result<HealthEpoch, ProtocolError> {
        time.get()
            .saturating_sub(self.genesis.get())
            .checked_div(u64::from(self.health_epoch))
            .and_then(|epoch| u32::try_from(epoch).ok())
            .map(HealthEpoch::new)
            .ok_or(ProtocolError::OutOfRange {
                what: "health epoch",
            })
    }

    /// The beacon round of a round: the smallest R >= 1 whose time is not before `close + delay`.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits, or with a beacon period of no length.
    pub fn beacon_round(&self, round: Round) -> Result<u64, ProtocolError> {
        let error = ProtocolError::OutOfRange {
            what: "beacon round",
        };
        let from = self
            .close(round)?
            .checked_add(u64::from(self.delay))
            .ok_or(error.clone())?;
        let after = from.get().saturating_sub(self.beacon_genesis.get());
        let period = u64::from(self.beacon_period);
        if period == 0 {
            return Err(error);
        }
        after.div_ceil(period).checked_add(1).ok_or(error)
    }

    /// The time of a beacon round, counted from 1.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] for round 0 or beyond 64 bits.
    pub fn beacon_time(&self, beacon_round: u64) -> Result<Timestamp, ProtocolError> {
        beacon_round
            .checked_sub(1)
            .and_then(|periods| periods.checked_mul(u64::from(self.beacon_period)))
            .and_then(|seconds| self.beacon_genesis.checked_add(seconds))
            .ok_or(ProtocolError::OutOfRange {
                what: "beacon time",
            })
    }

    /// What matching needs to know of a round.
    ///
    /// # Errors
    /// As [`Self::t_of`] and [`Self::health_epoch_at`].
    pub fn context(&self, round: Round) -> Result<RoundContext, ProtocolError> {
        let time = self.t_of(round)?;
        Ok(RoundContext {
            round,
            time,
            genesis: self.genesis,
            period: self.period,
            health_epoch: self.health_epoch_at(time)?,
        })
    }

    fn since_genesis(&self, round: Round) -> Option<u64> {
        round.get().checked_mul(u64::from(self.period))
    }
}
