//! All that talks to a chain: reading it, following it, writing to it.
//!
//! - [`Rpc`]: one chain behind several endpoints, with limits; [`rpc`] has the checks at the start.
//! - [`Reader`]: follows L2 and keeps [`State`], folded from events: [`market`], [`machines`] and
//!   [`rounds`].
//! - [`health`]: what `Health` has said, out of logs.
//! - [`views`]: what is read from the contracts directly: schedule, policy, stake tables, lists.
//! - [`sender`]: sends transactions, one manager a key.
//! - [`forward`]: calls that one account signs and another carries.

mod convert;
mod error;
mod follow;
pub mod forward;
pub mod health;
pub mod machines;
pub mod market;
pub mod rounds;
pub mod rpc;
pub mod sender;
pub mod views;

pub use convert::{chunk, settlement, to_address, to_alloy_address};
pub use error::ChainError;
pub use follow::{Advance, Contracts, Followed, Reader, ReaderConfig, Source, State};
pub use rpc::{Head, Header, Rpc, RpcConfig};
