//! The contracts as Rust sees them: ABIs and compiled artefacts.
//!
//! Our own ABIs are generated from `contracts/src/interfaces/*.sol` itself, so that there is one
//! place where a function or an event is written down; a change there recompiles this crate.
//! [`eigenlayer`], [`erc20`] and [`forwarder`] hold the few foreign functions that we call, written by
//! hand.
//! [`artifacts`] gives the creation bytecode of our contracts for those who deploy them.

pub mod artifacts;
pub mod eigenlayer;
pub mod erc20;
pub mod forwarder;
pub mod links;
mod ours;
pub mod reverts;

pub use ours::{
    attendance::IAttendance,
    bridge::{IBridge, IBridgeReceiver},
    disputes::IDisputes,
    escrow::IEscrow,
    health::IHealth,
    machines::IMachines,
    market::IMarket,
    providers::IProviders,
    rewards::IRewards,
    rounds::IRounds,
    service_manager::IServiceManager,
    slasher::ISlasher,
    stake_table::IStakeTable,
    strikes::IStrikes,
    tally::ITally,
    uptime_rewards::{IComputeChecks, IUptimeRewards},
    verifier::IVerifier,
};

/// A chunk as [`IVerifier`] takes it; [`IRounds`] has one of the same fields.
pub use ours::verifier::IRounds::Chunk as VerifierChunk;
