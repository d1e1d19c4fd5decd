//! The local beacon: rounds in quicknet's scheme, signed with a key of the devnet's own.

use quorate_bls::{Domain, SecretKey};
use sha2::{Digest as _, Sha256};

use crate::{Error, unix_now};

/// drand's name of the scheme: signatures in G1, hashing by RFC 9380, no chaining.
pub const SCHEME: &str = "bls-unchained-g1-rfc9380";
/// What this beacon calls itself everywhere, so that nobody takes it for drand's.
pub const BEACON_ID: &str = "local-beacon";

/// What a client must know of the beacon in advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Compressed key in G2.
    pub public_key: [u8; 96],
    /// Seconds between rounds.
    pub period: u32,
    /// Time of round 1.
    pub genesis: u64,
    /// Binds the hash to this run.
    pub genesis_seed: [u8; 32],
    /// drand's hash of all the above and [`BEACON_ID`].
    pub hash: [u8; 32],
}

impl Info {
    fn new(public_key: [u8; 96], period: u32, genesis: u64, genesis_seed: [u8; 32]) -> Self {
        let hash = chain_hash(&public_key, period, genesis, &genesis_seed, BEACON_ID);
        Self {
            public_key,
            period,
            genesis,
            genesis_seed,
            hash,
        }
    }
}

/// drand's chain hash: period and genesis big-endian, key, seed, and the name unless it is the
/// default one's.
fn chain_hash(
    public_key: &[u8; 96],
    period: u32,
    genesis: u64,
    seed: &[u8; 32],
    id: &str,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(period.to_be_bytes());
    hash.update(genesis.to_be_bytes());
    hash.update(public_key);
    hash.update(seed);
    if id != "default" {
        hash.update(id.as_bytes());
    }
    hash.finalize().into()
}

/// A round's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its number, from 1.
    pub number: u64,
    /// Compressed point in G1.
    pub signature: [u8; 48],
}

impl Round {
    /// SHA-256 of the signature.
    #[must_use]
    pub fn randomness(&self) -> [u8; 32] {
        Sha256::digest(self.signature).into()
    }
}

/// The beacon's key and clock.
#[derive(Debug)]
pub struct LocalBeacon {
    key: SecretKeyBox,
    info: Info,
}

/// Keeps the key out of `Debug`.
struct SecretKeyBox(SecretKey);

impl std::fmt::Debug for SecretKeyBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

impl LocalBeacon {
    /// A beacon whose key follows from `seed` (at least 32 bytes), with round 1 at `genesis`.
    ///
    /// # Errors
    /// When the seed is too short.
    pub fn new(seed: &[u8], genesis: u64, period: u32) -> Result<Self, Error> {
        let key = SecretKey::from_seed(seed).map_err(|e| Error::Key(e.to_string()))?;
        let genesis_seed = Sha256::new_with_prefix("quorate/devnet/beacon")
            .chain_update(seed)
            .finalize()
            .into();
        let info = Info::new(
            key.public_key().to_compressed(),
            period,
            genesis,
            genesis_seed,
        );
        Ok(Self {
            key: SecretKeyBox(key),
            info,
        })
    }

    /// What clients pin.
    #[must_use]
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// When a round is due, Unix seconds.
    #[must_use]
    pub fn time_of(&self, round: u64) -> u64 {
        self.info.genesis.saturating_add(
            round
                .saturating_sub(1)
                .saturating_mul(self.info.period.into()),
        )
    }

    /// The last round that is due at `time`; none before the first.
    #[must_use]
    pub fn round_at(&self, time: u64) -> Option<u64> {
        time.checked_sub(self.info.genesis)
            .map(|since| since / u64::from(self.info.period) + 1)
    }

    /// The last round that is due now.
    #[must_use]
    pub fn latest(&self) -> Option<u64> {
        self.round_at(unix_now().as_secs())
    }

    /// Signs a round, due or not: the server looks at the clock.
    #[must_use]
    pub fn sign(&self, round: u64) -> Round {
        let message: [u8; 32] = Sha256::digest(round.to_be_bytes()).into();
        let signature = self
            .key
            .0
            .sign(Domain::DrandNul, &message)
            .to_compressed48();
        Round {
            number: round,
            signature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_hash_is_drands() {
        // drand quicknet's own parameters and hash.
        let key = hex::decode("83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a").expect("hex");
        let seed = hex::decode("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e")
            .expect("hex");
        let hash = chain_hash(
            &key.try_into().expect("96"),
            3,
            1_692_803_367,
            &seed.try_into().expect("32"),
            "quicknet",
        );
        assert_eq!(
            hex::encode(hash),
            "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
        );
    }

    #[test]
    fn rounds_verify_by_an_independent_implementation() {
        use drand_verify::Pubkey as _;
        let beacon = LocalBeacon::new(&[7; 32], 1_000, 1).expect("beacon");
        let key = drand_verify::G2PubkeyRfc::from_fixed(beacon.info().public_key).expect("key");
        for number in [1, 2, 1_000_000] {
            let round = beacon.sign(number);
            assert!(
                key.verify(number, &[], &round.signature)
                    .expect("well formed")
            );
            assert!(
                !key.verify(number + 1, &[], &round.signature)
                    .expect("well formed")
            );
        }
    }

    #[test]
    fn rounds_and_times_agree() {
        let beacon = LocalBeacon::new(&[7; 32], 1_000, 3).expect("beacon");
        assert_eq!(beacon.round_at(999), None);
        assert_eq!(beacon.round_at(1_000), Some(1));
        assert_eq!(beacon.round_at(1_002), Some(1));
        assert_eq!(beacon.round_at(1_003), Some(2));
        assert_eq!(beacon.time_of(2), 1_003);
    }
}
