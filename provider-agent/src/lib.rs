//! The provider's agent: runs beside the GPUs, reads them, answers operators' probes with signed
//! reports, keeps their receipts, and speaks for its machine on chain.
//!
//! - [`reader`]: the cards, behind one trait: NVIDIA's NVML, or simulated from a scenario file.
//! - [`cards`]: the thread that owns the reader; all share its readings.
//! - [`models`]: which model of the policy's table a card is.
//! - [`xids`]: the events that the driver told, until they are reported.
//! - [`compose`]: from readings and events to the report that answers a probe.
//! - [`doctor`]: all of it once, for people.
//! - [`chain`]: what is read from and sent to L2.
//! - [`config`], [`init`]: what the agent is told; [`identity`]: which machine it is.
//! - [`answer`]: probes and receipts; [`store`]: what must not be lost.
//! - [`guard`] and [`watch`]: judges its own machine, and pauses it.
//! - [`follow`] and [`appeal`]: what happens to the machine on chain, and what is done about it.
//! - [`contradict`]: what is done about operators that were too few to make it happen.
//! - [`register`], [`orders`], [`status`]: the commands of a provider.

pub mod amount;
pub mod answer;
pub mod appeal;
pub mod cards;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod contradict;
pub mod doctor;
mod error;
pub mod follow;
pub mod guard;
pub mod identity;
pub mod init;
pub mod models;
pub mod observe;
pub mod orders;
pub mod rate;
pub mod reader;
pub mod register;
mod run;
mod setup;
pub mod shared;
pub mod signing;
pub mod status;
pub mod store;
pub mod tables;
pub mod watch;
pub mod xids;

pub use config::Config;
pub use error::AgentError;
pub use run::run;
