//! When an operator may speak: pure functions over what its ledger and its view of L2 hold.
//!
//! The signer asks these in one exclusive transaction with writing the answer down. Each rule can
//! only make an operator abstain; none ever makes it sign.

use quorate_canon::{Digest, Round, Timestamp};

use crate::{Header, ProtocolError, Schedule};

/// The last L2 block before a round's close, as one node saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotId {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: Digest,
}

/// Why an operator abstains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The beacon's time has come: a snapshot fixed now could have been chosen knowing the seed.
    #[error("snapshot of round {round} is fixed too late: at {now}, the beacon's time is {limit}")]
    TooLate {
        /// The round.
        round: Round,
        /// The clock.
        now: Timestamp,
        /// Time of the round's beacon.
        limit: Timestamp,
    },
    /// Another snapshot was fixed for the round before.
    #[error("snapshot of round {round} is another: got block {} {}, fixed block {} {}",
        .got.number, .got.hash, .fixed.number, .fixed.hash)]
    OtherSnapshot {
        /// The round.
        round: Round,
        /// The one asked for.
        got: SnapshotId,
        /// The one in the ledger.
        fixed: SnapshotId,
    },
    /// No snapshot was fixed for the round in time.
    #[error("no snapshot was fixed for round {0}")]
    NotFixed(Round),
    /// The round closed before this process started: another run may have signed it.
    #[error("round {round} closed at {close}, not after the head {start_head} seen at start")]
    BeforeStart {
        /// The round.
        round: Round,
        /// Its close.
        close: Timestamp,
        /// The L2 head's timestamp that this process saw at its start.
        start_head: Timestamp,
    },
    /// Another header was signed for the round.
    #[error("round {round} was signed with digest {signed}, asked for {got}")]
    AlreadySigned {
        /// The round.
        round: Round,
        /// Digest in the ledger.
        signed: Digest,
        /// Digest asked for.
        got: Digest,
    },
    /// The schedule has no answer for the round.
    #[error(transparent)]
    Schedule(#[from] ProtocolError),
}

/// Whether a block that stands at or after the round's close lies deep enough that the snapshot
/// before it is known. `closer` is the number of the first such block, `head` that of the head.
#[must_use]
pub fn is_known(schedule: &Schedule, closer: u64, head: u64) -> bool {
    closer
        .checked_add(u64::from(schedule.depth))
        .is_some_and(|needed| head >= needed)
}

/// Whether a snapshot may be written into the ledger for a round.
///
/// `now` is the wall clock; it must lie before the time of the round's beacon. The same snapshot
/// again is fine at any time.
///
/// # Errors
/// [`Refusal::OtherSnapshot`], [`Refusal::TooLate`], [`Refusal::Schedule`].
pub fn may_fix(
    schedule: &Schedule,
    round: Round,
    snapshot: SnapshotId,
    fixed: Option<SnapshotId>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Some(fixed) = fixed {
        let same = fixed == snapshot;
        return if same {
            Ok(())
        } else {
            Err(Refusal::OtherSnapshot {
                round,
                got: snapshot,
                fixed,
            })
        };
    }
    let limit = schedule.beacon_time(schedule.beacon_round(round)?)?;
    if now < limit {
        Ok(())
    } else {
        Err(Refusal::TooLate { round, now, limit })
    }
}

/// What an operator's ledger and its start say of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningFacts {
    /// Timestamp of the L2 head that this process saw at its own start.
    pub start_head: Timestamp,
    /// The snapshot fixed for the round.
    pub fixed: Option<SnapshotId>,
    /// Digest of the header signed for the round.
    pub signed: Option<Digest>,
}

/// What an operator may do with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Record it, then sign it.
    Sign,
    /// It is signed already: send the stored signature again.
    SendAgain,
}

/// Whether an operator may sign a header.
///
/// # Errors
/// [`Refusal`], the most telling first: a header beside a signed one is refused as such even if
/// other rules refuse it too.
pub fn may_sign(
    schedule: &Schedule,
    header: &Header,
    facts: &SigningFacts,
) -> Result<Permission, Refusal> {
    let (round, got) = (header.round, header.digest());
    if let Some(signed) = facts.signed {
        let same = signed == got;
        let refusal = Refusal::AlreadySigned { round, signed, got };
        return if same {
            Ok(Permission::SendAgain)
        } else {
            Err(refusal)
        };
    }
    let close = schedule.close(round)?;
    if close <= facts.start_head {
        return Err(Refusal::BeforeStart {
            round,
            close,
            start_head: facts.start_head,
        });
    }
    let fixed = facts.fixed.ok_or(Refusal::NotFixed(round))?;
    let named = SnapshotId {
        number: header.snapshot_number,
        hash: header.snapshot_hash,
    };
    if named != fixed {
        return Err(Refusal::OtherSnapshot {
            round,
            got: named,
            fixed,
        });
    }
    Ok(Permission::Sign)
}
