//! What the work on downtime asks of L2's `Health`, and of L1 about who signed its lists.

use std::future::Future;

use alloy::primitives::Address;
use quorate_canon::{Digest, HealthEpoch, OfferId, OperatorIndex, Round, Timestamp};
use quorate_chain::{health::HealthEvent, views};
use quorate_health::{DownList, HealthPolicy, Window};

use super::ethereum::Ethereum;
use super::{Chain, Fault, scan};

/// An operator whose seats a receipt struck on L2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// The list that it had signed, by its number in the epoch.
    pub number: u32,
    /// The machine.
    pub machine: OfferId,
    /// The window that it had called DOWN.
    pub window: Window,
    /// Who.
    pub operator: OperatorIndex,
    /// Its signature of the receipt, EIP-2537.
    pub receipt: Vec<u8>,
}

/// A list as it was certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedList {
    /// The list.
    pub list: DownList,
    /// Who signed.
    pub bitmap: Vec<u8>,
    /// The sum of their signatures, EIP-2537.
    pub aggregate: Vec<u8>,
}

/// What a look for strikes found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StruckScan {
    /// Strikes, in order.
    pub struck: Vec<Struck>,
    /// The block to look from next time.
    pub next: u64,
    /// Whether the look went up to the newest block.
    pub complete: bool,
}

/// What is asked about downtime.
pub trait HealthChain: Chain {
    /// The health section of the policy of a round.
    fn health_policy(
        &self,
        round: Round,
    ) -> impl Future<Output = Result<HealthPolicy, Fault>> + Send;

    /// Whether somebody has opened the epoch on L2.
    fn is_open(&self, epoch: HealthEpoch) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Strikes on L2 in block `from` or later; without one, since `since`. Looks at a bounded number
    /// of blocks.
    fn struck(
        &self,
        from: Option<u64>,
        since: Timestamp,
    ) -> impl Future<Output = Result<StruckScan, Fault>> + Send;

    /// A certified list of an epoch, looked for in L2's blocks from `since` on.
    fn certified_list(
        &self,
        epoch: HealthEpoch,
        number: u32,
        since: Timestamp,
    ) -> impl Future<Output = Result<CertifiedList, Fault>> + Send;
}

impl Ethereum {
    pub(super) fn health(&self) -> Result<Address, Fault> {
        self.addresses()
            .health
            .ok_or_else(|| Fault::BadData("no Health contract is configured".to_owned()))
    }

    /// The events of `Health` from a block on, of as many blocks as are asked for at a time; also the
    /// last of these, and the newest there is.
    async fn health_events(&self, from: u64) -> Result<(Vec<HealthEvent>, u64, u64), Fault> {
        let latest = self.l2().latest().await?.number();
        let to = scan::end(from, latest, self.log_range());
        let events = views::health_events(self.l2(), self.health()?, from, to).await?;
        Ok((events, to, latest))
    }

    /// One look at what `Health` said in block `from` or later; without one, since `since`. Also the
    /// block to look from next time, and whether the look went up to the newest block.
    pub(super) async fn look(
        &self,
        from: Option<u64>,
        since: Timestamp,
    ) -> Result<(Vec<HealthEvent>, u64, bool), Fault> {
        let from = match from {
            Some(from) => from,
            None => scan::first_block(self.l2(), since).await?,
        };
        // Behind what was looked at already: an endpoint that lags.
        if from > self.l2().latest().await?.number() {
            return Ok((Vec::new(), from, true));
        }
        let (events, to, latest) = self.health_events(from).await?;
        let complete = to == latest;
        let next = match complete {
            true => from.max(to.saturating_sub(scan::OVERLAP)),
            false => to + 1,
        };
        Ok((events, next, complete))
    }
}

impl HealthChain for Ethereum {
    async fn health_policy(&self, round: Round) -> Result<HealthPolicy, Fault> {
        Ok(views::health_policy_of(self.l2(), self.addresses().rounds, round).await?)
    }

    async fn is_open(&self, epoch: HealthEpoch) -> Result<bool, Fault> {
        let status = views::health_status(self.l2(), self.health()?, epoch).await?;
        Ok(status.randomness.is_some())
    }

    async fn struck(&self, from: Option<u64>, since: Timestamp) -> Result<StruckScan, Fault> {
        let (events, next, complete) = self.look(from, since).await?;
        Ok(StruckScan {
            struck: events.into_iter().filter_map(strike).collect(),
            next,
            complete,
        })
    }

    async fn certified_list(
        &self,
        epoch: HealthEpoch,
        number: u32,
        since: Timestamp,
    ) -> Result<CertifiedList, Fault> {
        let mut from = scan::first_block(self.l2(), since).await?;
        loop {
            let (events, to, latest) = self.health_events(from).await?;
            if let Some(found) = events
                .into_iter()
                .find_map(|event| listed(event, epoch, number))
            {
                return found;
            }
            if to >= latest {
                return Err(Fault::BadData(format!(
                    "list {number} of health epoch {epoch} is not among L2's logs"
                )));
            }
            from = to + 1;
        }
    }
}

fn strike(event: HealthEvent) -> Option<Struck> {
    match event {
        HealthEvent::SeatsStruck {
            epoch,
            machine,
            number,
            window,
            operator,
            receipt,
            ..
        } => Some(Struck {
            epoch,
            number,
            machine,
            window,
            operator,
            receipt,
        }),
        _ => None,
    }
}

/// The list, if it is this one.
fn listed(
    event: HealthEvent,
    wanted: HealthEpoch,
    which: u32,
) -> Option<Result<CertifiedList, Fault>> {
    match event {
        HealthEvent::ListCertified {
            epoch,
            number,
            digest: Digest(_),
            list,
            bitmap,
            aggregate,
            ..
        } if (epoch, number) == (wanted, which) => Some(
            DownList::from_bytes(&list)
                .map(|list| CertifiedList {
                    list,
                    bitmap,
                    aggregate,
                })
                .map_err(|error| Fault::BadData(error.to_string())),
        ),
        _ => None,
    }
}
