//! Schedule, domain, policies and rounds.

use alloy::primitives::{Address, B256};
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::{SolEvent, SolEventInterface};
use quorate_bindings::IRounds::{self, IRoundsEvents, RoundCertified, SecondCertificate};
use quorate_bls::Signature;
use quorate_canon::{ChainId, Digest, FixedWidth, Round, Timestamp};
use quorate_matching::{ChunkProof, Policy, Seed};
use quorate_protocol::{Domain, Header, Schedule, UnverifiedCertificate};

use super::call::{contract_error, mismatch};
use crate::convert::{digest, to_address, to_alloy_address};
use crate::rounds::{CertifiedRound, PolicyEntry};
use crate::{ChainError, Rpc};

/// What a round's certificate event says, checked against its digest.
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

/// Where a round stands, by its own transactions. Void by deadline is not told here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No certificate.
    None,
    /// Certified; chunks are missing.
    Certified,
    /// The last chunk was posted.
    Settled,
    /// Void by evidence.
    Refuted,
}

/// A round as `Rounds` sees it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundStatus {
    /// Where it stands.
    pub status: Status,
    /// Digest of the certified header, zero without.
    pub digest: Digest,
    /// Time of the certificate, 0 without.
    pub certified: Timestamp,
    /// Time of the last chunk, 0 without.
    pub ended: Timestamp,
    /// Entries of the whole list, as far as chunks told.
    pub count: u32,
    /// Chunks posted.
    pub posted: u32,
}

/// The schedule that `Rounds` was deployed with.
///
/// # Errors
/// [`ChainError`].
pub async fn schedule(rpc: &Rpc, rounds: Address) -> Result<Schedule, ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    let s = contract
        .schedule()
        .call()
        .await
        .map_err(contract_error("schedule"))?;
    Ok(Schedule {
        genesis: Timestamp::new(s.genesis),
        period: s.period,
        settle_timeout: s.settleTimeout,
        delay: s.delay,
        depth: s.depth,
        stake_epoch: s.stakeEpoch,
        health_epoch: s.healthEpoch,
        challenge_window: s.challengeWindow,
        reveal_window: s.revealWindow,
        beacon_genesis: Timestamp::new(s.beaconGenesis),
        beacon_period: s.beaconPeriod,
        beacon_chain_hash: digest(s.beaconChainHash),
    })
}

/// Whom headers name: the chains, `Rounds` itself, and the AVS that it was deployed for.
///
/// # Errors
/// [`ChainError`].
pub async fn domain(rpc: &Rpc, rounds: Address) -> Result<Domain, ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    let d = contract
        .domain()
        .call()
        .await
        .map_err(contract_error("domain"))?;
    Ok(Domain {
        l1_chain: ChainId::new(d.l1ChainId),
        l2_chain: ChainId::new(rpc.chain_id()),
        rounds: to_address(rounds),
        avs: to_address(d.avs),
        operator_set: d.operatorSet,
    })
}

/// The policy of a round, as the chain has it now.
///
/// # Errors
/// [`ChainError::Commitment`] if the page does not hash to what the chain names.
pub async fn policy_of(rpc: &Rpc, rounds: Address, round: Round) -> Result<Policy, ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    let at = contract
        .policyAt(round.get())
        .call()
        .await
        .map_err(contract_error("policyAt"))?;
    let entry = PolicyEntry {
        version: quorate_canon::Version::new(at.version),
        effective_from: round,
        hash: digest(at.policyHash),
        page: to_address(at.page),
    };
    policy(rpc, &entry).await
}

/// A policy out of its code page, which begins with a STOP.
///
/// # Errors
/// [`ChainError::Commitment`] if the page does not hash to what the chain names.
pub async fn policy(rpc: &Rpc, entry: &PolicyEntry) -> Result<Policy, ChainError> {
    let code = rpc
        .provider()
        .get_code_at(to_alloy_address(entry.page))
        .await?;
    let page = code
        .get(1..)
        .ok_or_else(|| ChainError::NoCode(to_alloy_address(entry.page)))?;
    let policy = Policy::from_page(page).map_err(|error| mismatch("policy", error))?;
    let got = policy.hash();
    if got != entry.hash {
        return Err(mismatch(
            "policy",
            format!("got hash {got}, expected {}", entry.hash),
        ));
    }
    Ok(policy)
}

/// Whether `Rounds` takes a certificate of this round now, deadline aside.
///
/// # Errors
/// [`ChainError`].
pub async fn is_live(rpc: &Rpc, rounds: Address, round: Round) -> Result<bool, ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    contract
        .isLive(round.get())
        .call()
        .await
        .map_err(contract_error("isLive"))
}

/// Where a round stands.
///
/// # Errors
/// [`ChainError`].
pub async fn round_status(
    rpc: &Rpc,
    rounds: Address,
    round: Round,
) -> Result<RoundStatus, ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    let r = contract
        .roundOf(round.get())
        .call()
        .await
        .map_err(contract_error("roundOf"))?;
    let status = match r.status {
        IRounds::Status::None => Status::None,
        IRounds::Status::Certified => Status::Certified,
        IRounds::Status::Settled => Status::Settled,
        IRounds::Status::Refuted => Status::Refuted,
        IRounds::Status::__Invalid => {
            let detail = "status out of range".to_owned();
            return Err(ChainError::Contract {
                what: "roundOf",
                detail,
            });
        }
    };
    Ok(RoundStatus {
        status,
        digest: digest(r.digest),
        certified: Timestamp::new(r.certifiedAt),
        ended: Timestamp::new(r.endedAt),
        count: r.count,
        posted: r.posted,
    })
}

/// Lets the contracts themselves read a chunk against an outcome root, as a node does before it
/// signs: the worst fault is a difference between the two implementations.
///
/// # Errors
/// [`ChainError::Contract`] with the contract's reason where it would refuse the chunk.
pub async fn check_chunk(
    rpc: &Rpc,
    rounds: Address,
    round: Round,
    outcome_root: Digest,
    chunk: &ChunkProof,
) -> Result<(), ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    let chunk = crate::convert::chunk(round, chunk);
    contract
        .checkChunk(B256::new(outcome_root.0), chunk)
        .call()
        .await
        .map(|_| ())
        .map_err(contract_error("checkChunk"))
}

/// The certificate of a round that the log of rounds knows, out of its event.
///
/// # Errors
/// [`ChainError::Absent`] if the event is not in the block that the log names (the chain has
/// changed), [`ChainError::Commitment`] if its fields do not give the digest.
pub async fn certified_record(
    rpc: &Rpc,
    domain: &Domain,
    round: Round,
    certified: &CertifiedRound,
) -> Result<CertifiedRecord, ChainError> {
    let rounds = to_alloy_address(domain.rounds);
    let topic = B256::from(alloy::primitives::U256::from(round.get()));
    let filter = Filter::new()
        .address(rounds)
        .event_signature(RoundCertified::SIGNATURE_HASH)
        .topic1(topic)
        .from_block(certified.block)
        .to_block(certified.block);
    let logs: Vec<Log> = rpc.client().request("eth_getLogs", (filter,)).await?;
    let [log] = logs.as_slice() else {
        return Err(ChainError::Absent(format!("certificate of round {round}")));
    };
    record_of(domain, round, certified, log)
}

fn record_of(
    domain: &Domain,
    round: Round,
    certified: &CertifiedRound,
    log: &Log,
) -> Result<CertifiedRecord, ChainError> {
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
    Ok(CertifiedRecord {
        header,
        certificate: certificate(header, &event.bitmap, &event.aggregate)?,
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
        let event = IRoundsEvents::decode_raw_log(log.topics(), &log.data().data)
            .map_err(|error| mismatch(WHAT, error))?;
        let IRoundsEvents::SecondCertificate(event) = event else {
            continue;
        };
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

/// The block in which a contract was deployed, by bisection over its code. Needs an endpoint that
/// keeps old state.
///
/// # Errors
/// [`ChainError::NoCode`] if there is no such contract now.
pub async fn deployment_block(rpc: &Rpc, contract: Address) -> Result<u64, ChainError> {
    let has_code = async |block: u64| -> Result<bool, ChainError> {
        Ok(!rpc
            .provider()
            .get_code_at(contract)
            .number(block)
            .await?
            .is_empty())
    };
    let (mut low, mut high) = (0, rpc.latest().await?.number());
    if !has_code(high).await? {
        return Err(ChainError::NoCode(contract));
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if has_code(middle).await? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}
