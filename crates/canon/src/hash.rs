//! SHA-256 and the tags that keep one use of it apart from another (`docs/formats.md` section 1).

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// SHA-256 of the parts, joined.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}

/// `text`, right-padded with zero bytes to 32 bytes.
///
/// Tags are literals of at most 32 bytes; of a longer text only the first 32 bytes count.
#[must_use]
pub fn tag(text: &str) -> [u8; 32] {
    let mut padded = [0; 32];
    for (to, from) in padded.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn sha256_gives_the_standards_answer() {
        let expected = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&[b"a", b"", b"bc"]).to_string(), expected);
    }

    #[test]
    fn a_tag_is_padded_on_the_right() {
        let padded = tag("quorate/header/v1");
        assert_eq!(&padded[..17], b"quorate/header/v1");
        assert_eq!(padded[17..], [0; 15]);
    }
}
