//! The auditor: computes rounds again from the chains alone, says why orders got what they got, and
//! shows the contracts what is wrong.

mod chunks;
pub mod cli;
mod config;
mod error;
pub mod explain;
mod finding;
mod inputs;
mod l2;
mod posted;
mod record;
mod replay;
pub mod report;
mod setup;
#[cfg(test)]
mod testing;
pub mod watch;

pub use config::{Config, HttpSection};
pub use error::AuditError;
pub use finding::{Finding, Kind};
pub use l2::L2;
pub use replay::{Replay, Sources};
pub use setup::open;
