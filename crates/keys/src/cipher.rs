//! The cipher of both standards: AES-128 in counter mode, 128-bit big-endian counter.

use aes::cipher::{KeyIvInit, StreamCipher};

/// Width of key and initial counter, in bytes.
pub(crate) const WIDTH: usize = 16;

/// Encrypts or decrypts in place: the two are the same.
pub(crate) fn apply(key: &[u8; WIDTH], counter: &[u8; WIDTH], text: &mut [u8]) {
    ctr::Ctr128BE::<aes::Aes128>::new(key.into(), counter.into()).apply_keystream(text);
}

/// Both standards cut the derived key in two: the cipher's key, then what goes into the
/// checksum.
pub(crate) fn halves(derived: &[u8; 32]) -> ([u8; WIDTH], &[u8]) {
    let (left, right) = derived.split_at(WIDTH);
    let mut key = [0; WIDTH];
    key.copy_from_slice(left);
    (key, right)
}
