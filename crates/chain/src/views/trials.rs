//! What courts ask of L2: which rounds were refuted, who signed them, who was struck; and what stands
//! of a list.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use alloy::sol_types::SolEvent;
use quorate_bindings::IRounds::{ChunkPosted, RoundCertified};
use quorate_bindings::IStrikes::Struck;
use quorate_bls::Signature;
use quorate_canon::{Digest, Round, Timestamp};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, Signers};

use super::call::mismatch;
use super::search::{find, first_at, stamped};
use crate::convert::{digest, to_alloy_address};
use crate::rounds::{Refuted, RoundEvent};
use crate::{ChainError, Rpc};

/// The rounds that were refuted in the blocks `from..=to`, in order.
///
/// # Errors
/// [`ChainError::NoBlock`] if the endpoint does not have `to` yet; others of [`ChainError`], also for
/// ranges that an endpoint finds too large.
pub async fn refutations(
    rpc: &Rpc,
    rounds: Address,
    from: u64,
    to: u64,
) -> Result<Vec<(Round, Refuted)>, ChainError> {
    let mut found = Vec::new();
    for log in rpc.logs_between(&[rounds], from, to).await? {
        if let Some(RoundEvent::Refuted { round, refuted }) = RoundEvent::from_log(&log)? {
            found.push((round, refuted));
        }
    }
    Ok(found)
}

/// Who signed the certificate of a round's header of this digest, out of an event in the blocks with
/// the time that [`super::RoundStatus::certified`] tells; `None` if the header was only proposed there.
/// At most `range` blocks are asked for at a time.
///
/// # Errors
/// [`ChainError::Absent`] if the header is not there at all, or proposed in blocks that may not be all
/// of their second yet: the endpoint is behind with its logs, or the chain has changed. Nobody is
/// acquitted by an answer that lacks something. Others of [`ChainError`].
pub async fn signers(
    rpc: &Rpc,
    domain: &Domain,
    round: Round,
    header: Digest,
    certified: Timestamp,
    range: u64,
) -> Result<Option<Signers>, ChainError> {
    let rounds = to_alloy_address(domain.rounds);
    let blocks = stamped(rpc, certified).await?;
    let mut proposed = false;
    let found = find(
        rpc,
        (rounds, RoundCertified::SIGNATURE_HASH),
        (blocks.from, blocks.to),
        range,
        |log| {
            let event = RoundCertified::decode_log(&log.inner)
                .map_err(|error| mismatch("certificate", error))?;
            if event.n != round.get() || digest(event.digest) != header {
                return Ok(None);
            }
            if event.bitmap.is_empty() {
                proposed = true;
                return Ok(None);
            }
            signers_of(domain, round, &event).map(Some)
        },
    )
    .await?;
    match found {
        None if proposed && blocks.closed => Ok(None),
        None => Err(ChainError::Absent(format!(
            "certificate {header} of round {round}, expected in the blocks {}..={} of time {certified},",
            blocks.from, blocks.to
        ))),
        found => Ok(found),
    }
}

/// The chunks of a round's list that stand, of which `Rounds` has counted `count`, posted at `since`
/// (the round's close) or later. At most `range` blocks are asked for at a time.
///
/// # Errors
/// [`ChainError::Absent`] if fewer are found: the endpoint is behind with its logs. Others of
/// [`ChainError`].
pub async fn posted_chunks(
    rpc: &Rpc,
    rounds: Address,
    round: Round,
    (since, count): (Timestamp, u32),
    range: u64,
) -> Result<BTreeSet<u32>, ChainError> {
    let expected = usize::try_from(count).unwrap_or(usize::MAX);
    let mut found = BTreeSet::new();
    if expected == 0 {
        return Ok(found);
    }
    let from = first_at(rpc, since).await?;
    let to = rpc.latest().await?.number();
    let all = find(
        rpc,
        (rounds, ChunkPosted::SIGNATURE_HASH),
        (from, to),
        range,
        |log| {
            let event =
                ChunkPosted::decode_log(&log.inner).map_err(|error| mismatch("chunk", error))?;
            if event.n == round.get() {
                found.insert(event.index);
            }
            Ok((found.len() >= expected).then_some(()))
        },
    );
    match all.await? {
        Some(()) => Ok(found),
        None => Err(ChainError::Absent(format!(
            "chunks of round {round} in the blocks {from}..={to}, got {} of {count},",
            found.len()
        ))),
    }
}

/// Whether somebody struck the signers of a refuted round in block `from` or later. At most `range`
/// blocks are asked for at a time.
///
/// # Errors
/// [`ChainError::NoBlock`] if the endpoint does not have block `from`; others of [`ChainError`].
pub async fn was_struck(
    rpc: &Rpc,
    strikes: Address,
    round: Round,
    from: u64,
    range: u64,
) -> Result<bool, ChainError> {
    let latest = rpc.latest().await?.number();
    if latest < from {
        return Err(ChainError::NoBlock(from));
    }
    let event = (strikes, Struck::SIGNATURE_HASH);
    let found = find(rpc, event, (from, latest), range, |log| {
        let event = Struck::decode_log(&log.inner).map_err(|error| mismatch("strike", error))?;
        Ok((event.n == round.get()).then_some(()))
    });
    Ok(found.await?.is_some())
}

fn signers_of(
    domain: &Domain,
    round: Round,
    event: &RoundCertified,
) -> Result<Signers, ChainError> {
    let header = Header {
        domain: *domain,
        round,
        snapshot_number: event.snapshotNumber,
        snapshot_hash: digest(event.snapshotHash),
        policy_hash: digest(event.policyHash),
        inputs_root: digest(event.inputsRoot),
        seed: Seed(event.seed.0),
        outcome_root: digest(event.outcomeRoot),
    };
    let (got, expected) = (header.digest(), digest(event.digest));
    if got != expected {
        let detail = format!("got {got}, expected {expected}");
        return Err(mismatch("header of a certificate", detail));
    }
    let aggregate: &[u8; 128] = event.aggregate.as_ref().try_into().map_err(|_| {
        let detail = format!("got {} bytes, expected 128", event.aggregate.len());
        mismatch("aggregate signature", detail)
    })?;
    Ok(Signers {
        header,
        bitmap: event.bitmap.to_vec(),
        aggregate: Signature::from_eip2537(aggregate)
            .map_err(|error| mismatch("aggregate signature", error))?,
    })
}
