//! The network's own programs, as processes with their own files: operators, aggregator, auditor.

mod config;
mod spawn;

pub use config::NodeFiles;
pub use spawn::{AGGREGATOR, Nodes, OPERATOR, audit, binary, tail};
