//! A watcher against a chain and contracts made up in memory.

mod bounty;
mod fake;
mod follow;
mod lies;
mod proofs;
