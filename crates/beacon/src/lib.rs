//! Public randomness: drand, or a local beacon of the same scheme.
//!
//! A relay is believed in nothing. Chain hash, scheme and key are pinned in [`ChainInfo`]; a beacon
//! counts when its signature verifies under that key ([`Beacon::verify`]), and its randomness is
//! computed here from the signature. What relays can do is be slow, silent or wrong; [`Client`]
//! asks the next one then.

mod client;
mod error;
mod info;
mod verify;

pub use client::{Client, Limits};
pub use error::{BeaconError, RelayError};
pub use info::{ChainInfo, InfoError, Kind, Scheme};
pub use verify::{Beacon, VerifyError, verify_beacon};
