//! What anybody may do about machines and money, and somebody must: slashes, epochs' randomness,
//! uptime, jail, and our own pay. Each duty looks again and again at what the chain says is to be done
//! and tries it by a call first; others may be faster, which costs nothing but the look. Nothing is
//! stored: after a restart the chain tells the same.

mod claims;
mod opener;
mod roll;
mod slashes;
#[cfg(test)]
mod tests;

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_protocol::Schedule;

pub use claims::Claims;
pub use opener::Opener;
pub use roll::{Roll, Switches};
pub use slashes::Slashes;

use crate::chain::{Action, DutyChain, Fault};
use crate::clock::now;
use crate::observe::Observe;

/// Seconds that a transaction has.
const PATIENCE: u64 = 120;

/// The first health epoch that is not settled.
async fn unsettled<C: DutyChain>(chain: &C, schedule: &Schedule) -> Result<HealthEpoch, Fault> {
    let time = chain.settled_until().await?;
    schedule
        .health_epoch_at(time)
        .map_err(|error| Fault::BadData(error.to_string()))
}

/// The first second of a health epoch.
fn start_of(schedule: &Schedule, epoch: HealthEpoch) -> Result<Timestamp, Fault> {
    let start = epoch_clock(schedule).start(epoch);
    start.map_err(|error| Fault::BadData(error.to_string()))
}

/// Does an action, and tells of it.
async fn act<C: DutyChain>(chain: &C, observe: &Observe, action: &Action) -> Result<(), Fault> {
    let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
    let result = chain.act(action, deadline).await;
    observe.acted(action, &result);
    result.map(drop)
}

/// Whether the contract refuses for one of these reasons.
fn refused(fault: &Fault, reasons: &[&str]) -> bool {
    matches!(fault, Fault::Refused(why) if reasons.iter().any(|reason| why.contains(reason)))
}
