//! Bytes and rules of a round: header, schedule, seed, votes, certificates, stake tables, evidence.
//!
//! Layers, each resting on the one before: [`Header`] -> [`Vote`] -> [`Certificate`], and beside
//! them [`Evidence`]. Formats are those of docs/formats.md, sections 8 to 12. Nothing here does
//! I/O, reads a clock or draws randomness: two nodes differ only where their inputs differ. Every
//! decoder is total: bytes from anywhere give a value or a [`ProtocolError`], never a panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic,
        clippy::as_conversions
    )
)]

mod bitmap;
mod builder;
mod certificate;
mod commitment;
mod error;
mod evidence;
mod header;
mod judge;
mod live;
mod pages;
mod quorum;
pub mod rules;
mod schedule;
mod seed;
mod table;
mod trial;
mod validate;
mod vote;
mod word;

pub use bitmap::Bitmap;
pub use builder::{CertificateBuilder, UnverifiedCertificate};
pub use certificate::Certificate;
pub use commitment::{Commitment, KEYS_PER_PAGE};
pub use error::ProtocolError;
pub use evidence::{Divergence, Equivocation, Evidence, Offence};
pub use header::{Header, PROTOCOL_VERSION, require_domain};
pub use judge::{Fault, NoFault, detect, detect_divergence, offence_id};
pub use quorate_canon::Domain;
pub use quorum::{QUORUM, quorum_reached};
pub use schedule::Schedule;
pub use seed::seed;
pub use table::StakeTable;
pub use trial::{Signers, WrongSeed};
pub use vote::{State, Unverified, Verified, Vote, verify_votes};
pub use word::{Verdict, Word};
