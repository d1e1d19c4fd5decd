//! The schedule that a ledger goes by. `Rounds` fixes it at its deployment for good, so whoever tells of
//! another one later lies, or lied when the ledger was first used.

use quorate_canon::codec::{CodecError, Reader, Writer};
use quorate_canon::{Digest, Timestamp};
use quorate_protocol::Schedule;

use super::{IDENTITY, SigningLedger};
use crate::{Result, SignerError};

/// Beside the identity, under a key of its own: versions that do not know it leave it alone.
const SCHEDULE: &[u8] = b"schedule";
const BYTES: usize = 84;

impl SigningLedger {
    /// Binds the ledger to a schedule, durably, if it is not bound to one yet; else compares the two.
    ///
    /// # Errors
    /// [`SignerError::OtherSchedule`], [`SignerError::Damaged`], the store's.
    pub(crate) fn bind(&self, schedule: &Schedule) -> Result<()> {
        self.transact(|transaction| {
            let Some(found) = transaction.get(IDENTITY, SCHEDULE)? else {
                return Ok(transaction.put(IDENTITY, SCHEDULE, &to_bytes(schedule))?);
            };
            let bound = from_bytes(&found)
                .map_err(|error| SignerError::Damaged(format!("schedule: {error}")))?;
            require(self, schedule, &bound)
        })
    }
}

fn require(ledger: &SigningLedger, got: &Schedule, expected: &Schedule) -> Result<()> {
    let pairs = fields(got).into_iter().zip(fields(expected));
    for ((what, got), (_, expected)) in pairs {
        if got != expected {
            return Err(SignerError::OtherSchedule {
                path: ledger.path().to_owned(),
                what,
                got,
                expected,
            });
        }
    }
    Ok(())
}

/// Every field in words, in the order in which they are written.
fn fields(schedule: &Schedule) -> [(&'static str, String); 12] {
    let Schedule {
        genesis,
        period,
        settle_timeout,
        delay,
        depth,
        stake_epoch,
        health_epoch,
        challenge_window,
        reveal_window,
        beacon_genesis,
        beacon_period,
        beacon_chain_hash,
    } = schedule;
    [
        ("genesis", genesis.to_string()),
        ("period", period.to_string()),
        ("settle time-out", settle_timeout.to_string()),
        ("delay", delay.to_string()),
        ("depth", depth.to_string()),
        ("stake epoch", stake_epoch.to_string()),
        ("health epoch", health_epoch.to_string()),
        ("challenge window", challenge_window.to_string()),
        ("reveal window", reveal_window.to_string()),
        ("beacon genesis", beacon_genesis.to_string()),
        ("beacon period", beacon_period.to_string()),
        ("beacon chain hash", beacon_chain_hash.to_string()),
    ]
}

fn to_bytes(schedule: &Schedule) -> Vec<u8> {
    let mut out = Writer::with_capacity(BYTES);
    out.value(&schedule.genesis);
    for seconds in [
        schedule.period,
        schedule.settle_timeout,
        schedule.delay,
        schedule.depth,
        schedule.stake_epoch,
        schedule.health_epoch,
        schedule.challenge_window,
        schedule.reveal_window,
    ] {
        out.value(&seconds);
    }
    out.value(&schedule.beacon_genesis);
    out.value(&schedule.beacon_period);
    out.value(&schedule.beacon_chain_hash);
    out.into_bytes()
}

fn from_bytes(bytes: &[u8]) -> Result<Schedule, CodecError> {
    let mut input = Reader::new(bytes);
    // In the order of `to_bytes`: fields of a literal are read as they stand.
    let schedule = Schedule {
        genesis: input.value::<Timestamp>()?,
        period: input.value()?,
        settle_timeout: input.value()?,
        delay: input.value()?,
        depth: input.value()?,
        stake_epoch: input.value()?,
        health_epoch: input.value()?,
        challenge_window: input.value()?,
        reveal_window: input.value()?,
        beacon_genesis: input.value()?,
        beacon_period: input.value()?,
        beacon_chain_hash: input.value::<Digest>()?,
    };
    input.finish()?;
    Ok(schedule)
}
