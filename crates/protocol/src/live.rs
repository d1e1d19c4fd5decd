//! Which rounds are live: the closed form of docs/formats.md, section 8.
//!
//! After a live round the next live one is the first that closes after its end, which is its
//! deadline if nothing was certified; the rounds between are skipped, so nothing is matched twice.

use quorate_canon::{Round, Timestamp};

use crate::{ProtocolError, Schedule};

impl Schedule {
    /// The first round with a close later than `end`, which is when the last certified or
    /// proposed round ended. This is the next `first_live`; before any such round it is 0.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits, or with a period of no length.
    pub fn live_after(&self, end: Timestamp) -> Result<Round, ProtocolError> {
        let Some(seconds) = end.checked_sub(self.genesis.get()) else {
            return Ok(Round::new(0));
        };
        seconds
            .get()
            .checked_div(u64::from(self.period))
            .and_then(|last| last.checked_add(1))
            .map(Round::new)
            .ok_or(ProtocolError::OutOfRange { what: "live round" })
    }

    /// Whether a round is live, given the first round that could be ([`Self::live_after`]).
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] with a period of no length.
    pub fn is_live(&self, round: Round, first_live: Round) -> Result<bool, ProtocolError> {
        let stride = self.stride()?;
        Ok(round
            .checked_sub(first_live.get())
            .and_then(|rounds| rounds.get().checked_rem(stride))
            == Some(0))
    }

    /// The first live round that is not before `from`, if no round is certified meanwhile.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] beyond 64 bits, or with a period of no length.
    pub fn next_live(&self, from: Round, first_live: Round) -> Result<Round, ProtocolError> {
        let stride = self.stride()?;
        from.get()
            .saturating_sub(first_live.get())
            .div_ceil(stride)
            .checked_mul(stride)
            .and_then(|rounds| first_live.checked_add(rounds))
            .ok_or(ProtocolError::OutOfRange { what: "live round" })
    }

    /// Rounds from one live round to the next when nothing is certified.
    fn stride(&self) -> Result<u64, ProtocolError> {
        u64::from(self.settle_timeout)
            .checked_div(u64::from(self.period))
            .and_then(|rounds| rounds.checked_add(1))
            .ok_or(ProtocolError::OutOfRange { what: "live round" })
    }
}
