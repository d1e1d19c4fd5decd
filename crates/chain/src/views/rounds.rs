//! Schedule, domain and standing of rounds.

use alloy::primitives::Address;
use alloy::providers::Provider;
use quorate_bindings::IRounds;
use quorate_canon::{ChainId, Digest, Round, Timestamp};
use quorate_protocol::{Domain, Schedule};

use super::call::contract_error;
use crate::convert::{digest, to_address};
use crate::{ChainError, Rpc};

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
