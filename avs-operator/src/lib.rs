//! The operator's node, as a library: `main.rs` only parses and wires, and the whole-system tests
//! run the same code.
//!
//! A round's way through it, with the names of the modules: [`driver`] sees the close, fixes the
//! snapshot through the [`voter`], waits for the beacon, has [`compute`] make outcome and header,
//! asks the contracts what they make of it ([`self_check`]) and the [`voter`] for a vote, and gives
//! that to [`post`].
//!
//! Beside the rounds, the [`prober`] asks machines whether they are well, and [`shown`] hands in
//! receipts that show the operator's work.

mod archive;
pub mod cli;
pub mod compute;
pub mod config;
pub mod doctor;
pub mod driver;
mod error;
pub mod node;
pub mod observe;
pub mod post;
pub mod prober;
pub mod register;
mod run;
pub mod self_check;
pub mod setup;
pub mod shown;
pub mod voter;

pub use config::Config;
pub use error::OperatorError;
pub use run::{Options, run, run_as, run_with};
