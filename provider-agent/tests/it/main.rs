//! The agent against a chain that is simulated, and operators over real TLS.

mod agent;
mod aggregator;
mod appeals;
mod contradictions;
mod following;
mod guard;
mod register;
mod restart;
mod world;
