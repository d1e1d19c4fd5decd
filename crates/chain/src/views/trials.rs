//! What courts ask of L2: which rounds were refuted, and who signed them.

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;
use quorate_bindings::IRounds::RoundCertified;
use quorate_bls::Signature;
use quorate_canon::{Digest, Round};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, Signers};

use super::call::mismatch;
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

/// Who signed the certificate of a round's header of this digest, out of an event in block `from` or
/// later; `None` if no such header was certified there, as with one that was only proposed.
///
/// # Errors
/// [`ChainError`].
pub async fn signers(
    rpc: &Rpc,
    domain: &Domain,
    round: Round,
    header: Digest,
    from: u64,
) -> Result<Option<Signers>, ChainError> {
    let filter = Filter::new()
        .address(to_alloy_address(domain.rounds))
        .event_signature(RoundCertified::SIGNATURE_HASH)
        .topic1(B256::from(U256::from(round.get())))
        .from_block(from);
    let logs: Vec<Log> = rpc.client().request("eth_getLogs", (filter,)).await?;
    for log in &logs {
        let event = RoundCertified::decode_log(&log.inner)
            .map_err(|error| mismatch("certificate", error))?;
        if digest(event.digest) == header && !event.bitmap.is_empty() {
            return signers_of(domain, round, &event).map(Some);
        }
    }
    Ok(None)
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
