//! Keystores on disk and the passwords that open them.
//!
//! - [`bls`]: the operator's BLS key, in EIP-2335 keystores (version 4);
//! - [`ecdsa`]: keys of transactions, in Web3 Secret Storage (version 3), as geth, foundry and
//!   eigenlayer-cli write it;
//! - [`Password`] and [`PasswordSource`].
//!
//! A keystore is input from outside: its size and what its key derivation may cost are bounded
//! before anything is computed, and no bytes in it make this crate panic. Files are written
//! whole, for their owner only, and never over an existing one.

pub mod bls;
mod cipher;
pub mod ecdsa;
mod error;
mod fields;
mod files;
mod kdf;
mod password;
mod random;

pub use error::{KeyError, Result};
pub use files::{Exposure, MAX_FILE_BYTES};
pub use kdf::Kdf;
pub use password::{Password, PasswordSource};
