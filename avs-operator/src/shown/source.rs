//! Where samples come from: `Tally` on L2.

use std::future::Future;

use alloy::primitives::Address;
use quorate_canon::{Bps, Epoch, OfferId, OperatorIndex, Timestamp};
use quorate_chain::views::TallySample;
use quorate_chain::{ChainError, Rpc, views};
use quorate_protocol::Schedule;

/// What L2 says of samples. All errors may pass.
pub trait Source: Send + Sync + 'static {
    /// The sample of a stake epoch, once it is drawn.
    fn sample(
        &self,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Option<TallySample>, ChainError>> + Send;

    /// The last second in which work of a stake epoch is shown.
    fn showable_until(
        &self,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Timestamp, ChainError>> + Send;

    /// What a stake epoch came to for an operator, once L1 was told.
    fn counted(
        &self,
        epoch: Epoch,
        operator: OperatorIndex,
    ) -> impl Future<Output = Result<Option<Counted>, ChainError>> + Send;

    /// The machine of a sampled probe; none if no machine was for hire when its health epoch began.
    fn machine(
        &self,
        epoch: Epoch,
        sample: u16,
    ) -> impl Future<Output = Result<Option<OfferId>, ChainError>> + Send;
}

/// What a stake epoch came to for one operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Weight of the sampled rounds that counted; nobody is judged where it is 0.
    pub rounds: u16,
    /// Sampled probes that counted.
    pub probes: u16,
    /// The operator's share.
    pub share: Bps,
}

/// The contracts.
#[derive(Debug, Clone)]
pub struct ChainSource {
    /// L2.
    pub l2: Rpc,
    /// `Tally`.
    pub tally: Address,
}

impl Source for ChainSource {
    async fn sample(&self, epoch: Epoch) -> Result<Option<TallySample>, ChainError> {
        views::tally_sample(&self.l2, self.tally, epoch).await
    }

    async fn showable_until(&self, epoch: Epoch) -> Result<Timestamp, ChainError> {
        views::showable_until(&self.l2, self.tally, epoch).await
    }

    async fn counted(
        &self,
        epoch: Epoch,
        operator: OperatorIndex,
    ) -> Result<Option<Counted>, ChainError> {
        let sample = self.sample(epoch).await?;
        if !sample.is_some_and(|sample| sample.told) {
            return Ok(None);
        }
        let all = views::shares_of(&self.l2, self.tally, epoch).await?;
        let index = usize::try_from(operator.get()).ok();
        let share = index.and_then(|index| all.shares.get(index)).copied();
        Ok(Some(Counted {
            rounds: all.rounds,
            probes: all.probes,
            // Who joined after the epoch's table was fixed is not in it.
            share: share.unwrap_or_default(),
        }))
    }

    async fn machine(&self, epoch: Epoch, sample: u16) -> Result<Option<OfferId>, ChainError> {
        views::sampled_machine(&self.l2, self.tally, epoch, sample).await
    }
}

/// The most seconds from the start of a health epoch in which its receipts may show work: it begins with
/// its stake epoch at the earliest, and all stake epochs are shown for as long, but for where their last
/// rounds lie.
///
/// # Errors
/// [`ChainError`].
pub async fn longest(source: &impl Source, schedule: &Schedule) -> Result<u64, ChainError> {
    let until = source.showable_until(Epoch::new(0)).await?;
    let open = until.get().saturating_sub(schedule.genesis.get());
    Ok(open.saturating_add(schedule.period.into()))
}
