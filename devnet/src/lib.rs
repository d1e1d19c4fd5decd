//! The whole network on one machine, for `make devnet` and for the whole-system tests.
//!
//! Everything is real but the size: EigenLayer's core as published, Quorate's contracts, a
//! beacon in quicknet's scheme (with its own key, and named so), a market fed from a published
//! trace. The only stand-ins are the chains (anvil) and the bridge between them.

pub mod agents;
pub mod beacon_server;
pub mod bench;
pub mod chains;
pub mod core;
pub mod deploy;
mod error;
pub mod feeder;
pub mod liars;
pub mod nodes;
pub mod operators;
pub mod paths;
pub mod relayer;
pub mod run;
pub mod trace;
mod world;

pub use error::Error;
pub use world::{World, WorldConfig};

/// Time since the Unix epoch, by this machine's clock.
#[must_use]
pub fn unix_now() -> std::time::Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default()
}
