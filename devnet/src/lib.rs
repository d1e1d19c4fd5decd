//! The whole network on one machine, for `make devnet` and for the whole-system tests.
//!
//! Everything is real but the size: EigenLayer's core as published, Quorate's contracts, a
//! beacon in quicknet's scheme (with its own key, and named so), a market fed from a published
//! trace. The only stand-ins are the chains (anvil) and the bridge between them.

pub mod beacon_server;
pub mod chains;
pub mod core;
pub mod deploy;
mod error;
pub mod operators;
pub mod paths;
pub mod relayer;
pub mod trace;

pub use error::Error;
