//! The aggregator: votes in, certificate and outcome on L2, evidence on L1.
//!
//! A vote's way: `grpc` -> [`collector`] (screened, verified in batches, stored, counted) ->
//! [`settle`] (certificate with the beacon, then chunks) -> L2. Beside it [`courts`] takes evidence
//! to L1 and has words sent up, [`tables`] keeps the stake tables coming, [`duties`] does what
//! anybody may do about machines and money, and [`tally`] shows operators' work. Each actor owns its
//! state; mailboxes are bounded; what others control fails only its own item; what a restart must
//! find again lies in [`store`].
//! [`relay`] stands apart: it carries what others signed, with a key of its own.

pub mod chain;
mod cli;
mod clock;
pub mod collector;
pub mod config;
pub mod courts;
mod doctor;
pub mod downs;
pub mod duties;
pub mod grpc;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod metrics_page;
pub mod observe;
pub mod parts;
pub mod reach;
pub mod relay;
pub mod run;
pub mod settle;
mod status;
pub mod store;
pub mod suspects;
pub mod tables;
pub mod tally;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod whole;

pub use cli::Cli;
pub use config::Config;
pub use run::{Addresses, run};
