//! EigenLayer's real core contracts, v1.8.1, on the devnet's L1.

pub mod abi;
pub mod artifacts;
mod deploy;
mod rewards;
mod source;

pub use deploy::{Core, CoreDelays, deploy_core};
