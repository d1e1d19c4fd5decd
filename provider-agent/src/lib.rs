//! The provider's agent: runs beside the GPUs, reads them, and reports on them.
//!
//! - [`reader`]: the cards, behind one trait: NVIDIA's NVML, or simulated from a scenario file.
//! - [`models`]: which model of the policy's table a card is.
//! - [`xids`]: the events that the driver told, until they are reported.
//! - [`compose`]: from readings and events to the report that answers a probe.
//! - [`doctor`]: all of it once, for people.

pub mod cli;
pub mod compose;
pub mod doctor;
mod error;
pub mod models;
pub mod reader;
pub mod xids;

pub use error::AgentError;
