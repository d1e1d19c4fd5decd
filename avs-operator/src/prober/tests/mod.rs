//! Probes of agents in this process, over real TLS, with a real ledger.

mod agents;
mod kit;
mod lists;
mod rosters;
mod shown;
