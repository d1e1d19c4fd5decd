//! Certificates, out of the events that carry them.

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;
use quorate_bindings::IRounds::{RoundCertified, SecondCertificate};
use quorate_bls::Signature;
use quorate_canon::{Digest, FixedWidth, Round, Timestamp};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, UnverifiedCertificate};

use super::call::mismatch;
use crate::convert::{digest, to_alloy_address};
use crate::rounds::CertifiedRound;
use crate::{ChainError, Rpc};

/// What a round's event says, checked against its digest.
#[derive(Debug, Clone)]
pub struct RoundRecord {
    /// The header that stands.
    pub header: Header,
    /// The certificate, to be verified against the epoch's stake table; `None` of a proposal.
    pub certificate: Option<UnverifiedCertificate>,
    /// The beacon's signature as it was posted; the chain has not verified it.
    pub beacon_signature: [u8; 48],
    /// Time of the certificate or the proposal.
    pub time: Timestamp,
    /// The transaction.
    pub transaction: Digest,
}

/// What the event of a certified round says, checked against its digest.
#[derive(Debug, Clone)]
pub struct CertifiedRecord {
    /// The header that was certified.
    pub header: Header,
    /// The certificate, to be verified against the epoch's stake table.
    pub certificate: UnverifiedCertificate,
    /// The beacon's signature as it was posted; the chain has not verified it.
    pub beacon_signature: [u8; 48],
    /// Time of the certificate.
    pub time: Timestamp,
    /// The transaction.
    pub transaction: Digest,
}

/// The certificate of a round that the log of rounds knows, out of its event.
///
/// # Errors
/// As [`round_record`], and [`ChainError::Absent`] for a round that was proposed.
pub async fn certified_record(
    rpc: &Rpc,
    domain: &Domain,
    round: Round,
    certified: &CertifiedRound,
) -> Result<CertifiedRecord, ChainError> {
    let record = round_record(rpc, domain, round, certified).await?;
    let Some(certificate) = record.certificate else {
        let what = format!("certificate of round {round}, which was proposed");
        return Err(ChainError::Absent(what));
    };
    Ok(CertifiedRecord {
        header: record.header,
        certificate,
        beacon_signature: record.beacon_signature,
        time: record.time,
        transaction: record.transaction,
    })
}

/// The header of a round that the log of rounds knows, certified or proposed, out of its event.
///
/// # Errors
/// [`ChainError::Absent`] if the event is not in the transaction that the log names (the chain has
/// changed), [`ChainError::Commitment`] if its fields do not give the digest.
pub async fn round_record(
    rpc: &Rpc,
    domain: &Domain,
    round: Round,
    certified: &CertifiedRound,
) -> Result<RoundRecord, ChainError> {
    let rounds = to_alloy_address(domain.rounds);
    let topic = B256::from(U256::from(round.get()));
    let filter = Filter::new()
        .address(rounds)
        .event_signature(RoundCertified::SIGNATURE_HASH)
        .topic1(topic)
        .from_block(certified.block)
        .to_block(certified.block);
    let logs: Vec<Log> = rpc.client().request("eth_getLogs", (filter,)).await?;
    // A proposal and the certificate that took its place may stand in one block.
    let transaction = Some(B256::new(certified.transaction.0));
    let log = logs
        .iter()
        .rfind(|log| log.transaction_hash == transaction)
        .ok_or_else(|| ChainError::Absent(format!("header of round {round}")))?;
    record_of(domain, round, certified, log)
}

fn record_of(
    domain: &Domain,
    round: Round,
    certified: &CertifiedRound,
    log: &Log,
) -> Result<RoundRecord, ChainError> {
    const WHAT: &str = "certificate";
    let event = RoundCertified::decode_log(&log.inner).map_err(|error| mismatch(WHAT, error))?;
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
    let got = header.digest();
    if got != certified.digest {
        return Err(mismatch(
            WHAT,
            format!("got {got}, expected {}", certified.digest),
        ));
    }
    let certificate = match certified.proposer {
        Some(_) => None,
        None => Some(certificate(header, &event.bitmap, &event.aggregate)?),
    };
    Ok(RoundRecord {
        header,
        certificate,
        beacon_signature: event.beaconSignature.as_ref().try_into().map_err(|_| {
            mismatch(
                "beacon signature",
                format!("got {} bytes, expected 48", event.beaconSignature.len()),
            )
        })?,
        time: certified.certified,
        transaction: certified.transaction,
    })
}

/// The second certificates of a round that `Rounds` was shown in the blocks `from..=to`: evidence.
///
/// # Errors
/// [`ChainError`].
pub async fn second_certificates(
    rpc: &Rpc,
    rounds: Address,
    from: u64,
    to: u64,
) -> Result<Vec<UnverifiedCertificate>, ChainError> {
    const WHAT: &str = "second certificate";
    let filter = Filter::new()
        .address(rounds)
        .event_signature(SecondCertificate::SIGNATURE_HASH)
        .from_block(from)
        .to_block(to);
    let logs: Vec<Log> = rpc.client().request("eth_getLogs", (filter,)).await?;
    let mut found = Vec::with_capacity(logs.len());
    for log in logs {
        let event =
            SecondCertificate::decode_log(&log.inner).map_err(|error| mismatch(WHAT, error))?;
        let header = Header::from_bytes(&event.header).map_err(|error| mismatch(WHAT, error))?;
        found.push(certificate(header, &event.bitmap, &event.aggregate)?);
    }
    Ok(found)
}

fn certificate(
    header: Header,
    bitmap: &[u8],
    aggregate: &[u8],
) -> Result<UnverifiedCertificate, ChainError> {
    const WHAT: &str = "aggregate signature";
    let bytes: &[u8; 128] = aggregate
        .try_into()
        .map_err(|_| mismatch(WHAT, format!("got {} bytes, expected 128", aggregate.len())))?;
    let signature = Signature::from_eip2537(bytes).map_err(|error| mismatch(WHAT, error))?;
    Ok(UnverifiedCertificate::new(
        header,
        bitmap.to_vec(),
        signature,
    ))
}
