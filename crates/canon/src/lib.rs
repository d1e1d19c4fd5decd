//! The ground under every other crate: ids and units, fixed-width encoding, tagged hashing and
//! Merkle trees, as `docs/formats.md` sections 1 and 4 fix them.
//!
//! Two nodes may differ only where their inputs differ, so nothing here reads a clock, a file or an
//! environment, iterates in an order that differs from run to run, rounds, or panics: whatever
//! bytes come in, the answer is a value or a typed error.
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

pub mod codec;
mod domain;
pub mod hash;
mod hex;
pub mod merkle;
mod types;
mod units;

pub use codec::{CodecError, FixedWidth};
pub use domain::Domain;
pub use hex::HexError;
pub use types::{Address, Digest, Mask256};
pub use units::{
    Amount, Bps, ChainId, Epoch, GpuCount, HealthEpoch, MicroDollars, OfferId, OperatorIndex,
    OperatorStake, RequestId, Round, Stake, Timestamp, Version,
};
