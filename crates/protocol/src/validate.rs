//! What must hold for every schedule; the constructor of `Rounds` checks the same.

use crate::{ProtocolError, Schedule};

/// Seconds by which the delay must exceed the depth, blocks being at most a second apart: one for
/// the block that makes the snapshot known, one to write it into the ledger.
const MARGIN: u64 = 2;

impl Schedule {
    /// Checks what must hold for every schedule.
    ///
    /// # Errors
    /// [`ProtocolError::Schedule`], naming the first rule that is broken.
    pub fn validate(&self) -> Result<(), ProtocolError> {
        let lengths = [
            ("period", self.period),
            ("settle time-out", self.settle_timeout),
            ("stake epoch", self.stake_epoch),
            ("health epoch", self.health_epoch),
            ("beacon period", self.beacon_period),
        ];
        for (rule, seconds) in lengths {
            require_at_least(rule, seconds.into(), 1)?;
        }
        let depth = u64::from(self.depth).saturating_add(MARGIN);
        require_at_least(
            "delay, to know the snapshot before the beacon",
            self.delay.into(),
            depth,
        )?;
        // The beacon comes at most one of its periods after close + delay.
        let beacon = u64::from(self.delay).saturating_add(self.beacon_period.into());
        let timeout = u64::from(self.settle_timeout);
        require_at_least(
            "settle time-out, to settle after the beacon",
            timeout,
            beacon.saturating_add(1),
        )
    }
}

fn require_at_least(rule: &'static str, got: u64, expected: u64) -> Result<(), ProtocolError> {
    if got >= expected {
        Ok(())
    } else {
        Err(ProtocolError::Schedule {
            rule,
            got,
            expected,
        })
    }
}
