//! BLS12-381 signatures in G1 with keys in G2, hashing to G1 by RFC 9380: the layout of drand's
//! quicknet and of the EIP-2537 precompiles, so one verifier serves votes, certificates and beacon.
//!
//! A value of [`PublicKey`] or [`Signature`] is on its curve, in the prime-order subgroup and not
//! infinity: no constructor skips a check, so no function here has to ask again. A
//! [`SignaturePoint`] is one step before that (on the curve, subgroup not checked) and exists for
//! one use, [`verify_sum`].
//!
//! Three questions about many signatures on one message, from cheap to strict:
//!
//! | function | proves | does not prove |
//! | --- | --- | --- |
//! | [`verify_sum`] | the sum is a valid aggregate of all keys | that any single signature is valid, or even in the subgroup |
//! | [`verify_same_message`] | the same; on failure names signatures that are invalid each for itself | that no two forgeries cancel each other |
//! | [`verify_each`] | every single signature | |
//!
//! With proven possession of the keys a valid aggregate is a certificate: nobody can make one
//! without all the signers' help. But a vote that may become *evidence* must be valid alone: ask
//! [`verify`] or [`verify_each`].
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

mod aggregate;
mod batch;
mod domain;
mod eip2537;
mod equation;
mod error;
mod key;
mod locate;
mod possession;
mod randomised;
mod raw;
mod secret;
mod signature;
mod single;
mod sums;

pub use aggregate::{aggregate, aggregate_keys, subtract_keys};
pub use batch::{BatchError, verify_each, verify_same_message, verify_sum};
pub use domain::Domain;
pub use eip2537::hash_to_g1;
pub use error::BlsError;
pub use key::PublicKey;
pub use possession::{Registration, verify_possession};
pub use secret::SecretKey;
pub use signature::{Signature, SignaturePoint};
pub use single::verify;
