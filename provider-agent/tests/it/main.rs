//! The agent against a chain that is simulated, and operators over real TLS.

mod agent;
mod appeals;
mod guard;
mod register;
mod restart;
mod world;
