//! gRPC at its edge: a server that strangers cannot exhaust, a client that reconnects, the way from
//! wire types to the domain's types, and the public tables of reasons.
//!
//! Nothing behind this crate sees a generated type, a status code or an unchecked length.

mod accept;
mod addresses;
pub mod agent;
pub mod agent_client;
mod asks;
pub mod attestations;
pub mod client;
mod edge;
pub mod error;
mod guarded;
pub mod handler;
pub mod limits;
mod pinned;
mod places;
pub mod reach;
pub mod reason;
pub mod server;
pub mod tls;
pub mod wire;

pub use agent::{AgentHandler, AgentRefusal};
pub use agent_client::{AgentClient, AgentError};
pub use attestations::{
    Accuser, Accusers, AttestationHandler, Contradiction, SignedDowns, SignedReceipts,
};
pub use client::Client;
pub use error::RpcError;
pub use handler::{Handler, ListRefusal};
pub use limits::{ClientLimits, ServerLimits, WireLimits};
pub use reach::{Reach, ReachError, agent_url};
pub use reason::{
    ContradictionRejection, LeaseEnd, ListRejection, ReceiptRejection, RoundFailure, VoteRejection,
};
pub use server::Server;
pub use tls::{ClientTls, ServerTls};
pub use wire::WireError;
