//! The whole system, held to what it promises: real processes, real chains, real kills.
//!
//! One module a scenario, one builder ([`kit::Plan`]), one network at a time on a machine. What is
//! waited for is polled for with a deadline; how long it took is never asserted. A test of a fault
//! proves that the fault was there. Logs of a run lie below `system/` in the target directory.

mod kit;

mod aggregator_restart;
mod attesters;
mod beacon_faults;
mod binding;
mod collusion;
mod conservation;
mod fates;
mod faults;
mod garbage_votes;
mod half;
mod happy_path;
mod liars;
mod production_binary;
mod proposals;
mod quiet_chain;
mod relay;
mod reorg;
mod restart;
mod rewards;
mod self_check;
mod silence;
mod snapshot_equality;
mod watched;
