//! What `Tally` has about a stake epoch's work.

use alloy::primitives::Address;
use quorate_bindings::ITally;
use quorate_canon::{Bps, Epoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::Sample;

use super::call::{contract_error, mismatch};
use crate::convert::digest;
use crate::{ChainError, Rpc};

/// A drawn stake epoch as the contract has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TallySample {
    /// What was drawn.
    pub sample: Sample,
    /// Whether the epoch's shares went to L1: nothing more is shown.
    pub told: bool,
}

/// What a stake epoch's work comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyShares {
    /// Weight of the sampled rounds that count; nobody is judged where it is 0.
    pub rounds: u16,
    /// Sampled probes that count.
    pub probes: u16,
    /// By operator index.
    pub shares: Vec<Bps>,
}

/// The sample of a stake epoch, once somebody has drawn it.
///
/// # Errors
/// [`ChainError`].
pub async fn tally_sample(
    rpc: &Rpc,
    tally: Address,
    epoch: Epoch,
) -> Result<Option<TallySample>, ChainError> {
    let contract = ITally::new(tally, rpc.provider());
    let found = contract.sampleOf(epoch.get()).call().await;
    let found = found.map_err(contract_error("sampleOf"))?;
    if found.randomness.is_zero() {
        return Ok(None);
    }
    Ok(Some(TallySample {
        sample: Sample {
            epoch,
            randomness: digest(found.randomness),
        },
        told: found.told,
    }))
}

/// The last second in which work of a stake epoch is shown.
///
/// # Errors
/// [`ChainError`].
pub async fn showable_until(
    rpc: &Rpc,
    tally: Address,
    epoch: Epoch,
) -> Result<Timestamp, ChainError> {
    let contract = ITally::new(tally, rpc.provider());
    let until = contract.showableUntil(epoch.get()).call().await;
    Ok(Timestamp::new(
        until.map_err(contract_error("showableUntil"))?,
    ))
}

/// Whether an operator's word about a sampled probe was shown.
///
/// # Errors
/// [`ChainError`].
pub async fn is_shown(
    rpc: &Rpc,
    tally: Address,
    epoch: Epoch,
    sample: u16,
    operator: OperatorIndex,
) -> Result<bool, ChainError> {
    let contract = ITally::new(tally, rpc.provider());
    let shown = contract.isShown(epoch.get(), sample, operator.get());
    shown.call().await.map_err(contract_error("isShown"))
}

/// What an epoch's work comes to, as far as it is shown.
///
/// # Errors
/// [`ChainError`]; [`ChainError::Commitment`] for a share above the whole.
pub async fn shares_of(rpc: &Rpc, tally: Address, epoch: Epoch) -> Result<TallyShares, ChainError> {
    let contract = ITally::new(tally, rpc.provider());
    let found = contract.sharesOf(epoch.get()).call().await;
    let found = found.map_err(contract_error("sharesOf"))?;
    let share = |share: &u16| {
        Bps::new(*share).ok_or_else(|| mismatch("share", format!("{share} basis points")))
    };
    Ok(TallyShares {
        rounds: found.rounds,
        probes: found.probes,
        shares: found.shares.iter().map(share).collect::<Result<_, _>>()?,
    })
}

/// The machine of a sampled probe of a drawn stake epoch; none if no machine was for hire when its health
/// epoch began.
///
/// # Errors
/// [`ChainError`].
pub async fn sampled_machine(
    rpc: &Rpc,
    tally: Address,
    epoch: Epoch,
    sample: u16,
) -> Result<Option<OfferId>, ChainError> {
    let contract = ITally::new(tally, rpc.provider());
    let probe = contract.sampledProbe(epoch.get(), sample).call().await;
    let id = probe.map_err(contract_error("sampledProbe"))?.offerId;
    // No offer has the number 0.
    Ok((id != 0).then(|| OfferId::new(id)))
}
