//! All that talks to a chain.
//!
//! - [`Rpc`]: one chain behind several endpoints, with limits.
//! - [`error::ChainError`]: what goes wrong in reading.

mod error;
pub mod rpc;

pub use error::ChainError;
pub use rpc::{Head, Header, Rpc, RpcConfig};
