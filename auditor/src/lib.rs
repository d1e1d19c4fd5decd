//! The auditor: replays settled rounds from the chains and the beacon alone.

pub mod cli;
mod config;
mod error;
mod finding;
mod replay;
pub mod report;
mod setup;

pub use config::Config;
pub use error::AuditError;
pub use finding::{Finding, Kind};
pub use replay::{Replay, Sources};
pub use setup::open;
