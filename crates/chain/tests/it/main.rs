//! The chain crate against chains: made up in memory, and anvil behind a proxy that misbehaves.

mod anvil;
mod endpoints;
mod fake;
mod follow;
mod forward;
mod l2;
mod liars;
mod machines;
mod market;
mod proxy;
mod rpc;
mod sender;
mod world;
