//! The network's own programs, as processes with their own files: operators, aggregator, auditors.

mod config;
mod spawn;

pub use config::{NodeFiles, Payers};
pub(crate) use spawn::DEVNET;
pub use spawn::{AGGREGATOR, Nodes, OPERATOR, audit, binary, tail};
