//! What is pinned of a beacon chain.

use quorate_bls::PublicKey;
use quorate_canon::{Digest, Timestamp};

/// Whether a chain's randomness is nobody's to know in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A network of independent nodes, such as drand quicknet.
    Real,
    /// One process with one key: whoever runs it knows every seed beforehand. For a devnet and for
    /// tests; production config refuses it.
    Local,
}

/// How a chain signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// drand's `bls-unchained-g1-rfc9380`: signatures in G1, no link to the round before.
    UnchainedG1Rfc9380,
}

impl Scheme {
    /// drand's name of the scheme.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnchainedG1Rfc9380 => "bls-unchained-g1-rfc9380",
        }
    }
}

/// A beacon chain, pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainInfo {
    /// Public key in G2, compressed (ZCash serialisation, 96 bytes).
    pub public_key: [u8; 96],
    /// drand's hash over the chain's parameters; part of every seed.
    pub chain_hash: Digest,
    /// Signature scheme.
    pub scheme: Scheme,
    /// Time of round 1.
    pub genesis: Timestamp,
    /// Seconds from one round to the next, at least 1.
    pub period: u32,
    /// Real network or local stand-in.
    pub kind: Kind,
}

/// Why a chain's parameters cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// The public key is no valid point.
    #[error("beacon chain's public key: {0}")]
    PublicKey(#[from] quorate_bls::BlsError),
    /// The period is zero.
    #[error("beacon chain's period: got 0, expected at least 1 second")]
    Period,
}

impl ChainInfo {
    /// drand quicknet of the League of Entropy: a round every 3 seconds since 23 August 2023.
    /// Parameters as in drand/drand `common/chain/info_test.go` and in its announcement.
    #[must_use]
    pub const fn quicknet() -> Self {
        Self {
            public_key: QUICKNET_KEY,
            chain_hash: Digest(QUICKNET_HASH),
            scheme: Scheme::UnchainedG1Rfc9380,
            genesis: Timestamp::new(1_692_803_367),
            period: 3,
            kind: Kind::Real,
        }
    }

    /// A local stand-in with its own key.
    #[must_use]
    pub const fn local(
        public_key: [u8; 96],
        chain_hash: Digest,
        genesis: Timestamp,
        period: u32,
    ) -> Self {
        let scheme = Scheme::UnchainedG1Rfc9380;
        Self {
            public_key,
            chain_hash,
            scheme,
            genesis,
            period,
            kind: Kind::Local,
        }
    }

    /// The time at which a round (from 1) is made. Round 0 does not exist and has the time of
    /// round 1; what does not fit in 64 bits is the end of time.
    #[must_use]
    pub fn time_of(&self, round: u64) -> Timestamp {
        let after = round
            .saturating_sub(1)
            .saturating_mul(u64::from(self.period));
        Timestamp::new(self.genesis.get().saturating_add(after))
    }

    /// Checks the parameters and gives the key ready for use.
    ///
    /// # Errors
    /// [`InfoError`] for a key that is no point of the group, and for a period of zero.
    pub fn key(&self) -> Result<PublicKey, InfoError> {
        if self.period == 0 {
            return Err(InfoError::Period);
        }
        Ok(PublicKey::from_compressed(&self.public_key)?)
    }
}

const QUICKNET_KEY: [u8; 96] = unhex(
    b"83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c\
8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb\
5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
);
const QUICKNET_HASH: [u8; 32] =
    unhex(b"52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971");

/// Hex at compile time: a wrong digit or length stops the build.
const fn unhex<const N: usize>(text: &[u8]) -> [u8; N] {
    assert!(text.len() == 2 * N, "hex constant of the wrong length");
    let mut bytes = [0; N];
    let mut i = 0;
    while i < N {
        bytes[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
        i += 1;
    }
    bytes
}

const fn digit(ascii: u8) -> u8 {
    match ascii {
        b'0'..=b'9' => ascii - b'0',
        b'a'..=b'f' => ascii - b'a' + 10,
        _ => panic!("not a hex digit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quicknets_key_is_a_point() {
        assert!(ChainInfo::quicknet().key().is_ok());
    }

    #[test]
    fn round_1_is_at_genesis_and_each_next_a_period_later() {
        let info = ChainInfo::quicknet();
        assert_eq!(info.time_of(1), info.genesis);
        assert_eq!(info.time_of(11).get(), info.genesis.get() + 30);
        assert_eq!(info.time_of(u64::MAX), Timestamp::new(u64::MAX));
    }

    #[test]
    fn a_period_of_zero_and_a_key_off_the_curve_are_refused() {
        let info = ChainInfo::quicknet();
        assert_eq!(
            ChainInfo { period: 0, ..info }.key(),
            Err(InfoError::Period)
        );
        let mut public_key = info.public_key;
        public_key[95] ^= 1;
        let broken = ChainInfo { public_key, ..info };
        assert!(matches!(broken.key(), Err(InfoError::PublicKey(_))));
    }
}
