//! Keystores against their standards' vectors, against hostile files, and on disk.

mod bls;
mod ecdsa;
mod hostile;

use quorate_keys::{Kdf, Password};

/// For tests: a second per key is what protects keys, not what tests need.
const CHEAP: Kdf = Kdf::Scrypt { n: 2, r: 8, p: 1 };

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}
