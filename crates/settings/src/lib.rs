//! The sections of configuration that several binaries share, and the step from text to checked
//! values. Whatever is simulated is refused here when the network is `production`.

mod beacon;
mod chain;
mod contracts;
mod hex;
mod keys;

pub use beacon::{BeaconSection, ChainChoice, LocalChain};
pub use chain::{ChainSection, Endpoints};
pub use contracts::ContractsSection;
pub use keys::KeySection;
