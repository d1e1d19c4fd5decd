//! Headers that were judged, and those who signed them (docs/formats.md, section 11).

use quorate_bls::{self as bls, PublicKey, Signature};
use quorate_canon::{
    Digest, OperatorIndex, Round,
    codec::{Reader, Writer},
    hash,
};

use crate::{Domain, Header, NoFault, Offence, ProtocolError, Schedule, Verdict, Word, seed};

/// Who signed a header: a certificate, a part of one, or a single vote as one. Unlike a certificate
/// it needs no quorum and no table, only the keys of its signers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// What they signed.
    pub header: Header,
    /// Their indices, in the form of certificates; zero bytes behind mean nothing.
    pub bitmap: Vec<u8>,
    /// The sum of their signatures over the header's digest.
    pub aggregate: Signature,
}

/// Bytes that show that a header's seed is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongSeed {
    /// The header.
    pub header: Header,
    /// The beacon's signature of the round's beacon round, which gives another seed; or bytes that
    /// give this seed and are not the beacon's signature.
    pub beacon_signature: [u8; 48],
}

impl Signers {
    /// The indices whose bits are set, ascending.
    pub fn operators(&self) -> impl Iterator<Item = OperatorIndex> + '_ {
        (0u32..).zip(&self.bitmap).flat_map(|(byte, bits)| {
            (0u32..8)
                .filter(move |bit| bits.checked_shr(*bit).is_some_and(|rest| rest & 1 == 1))
                .map(move |bit| OperatorIndex::new(byte.saturating_mul(8).saturating_add(bit)))
        })
    }

    /// Whether the aggregate is that of exactly these operators, by their keys, in our network.
    ///
    /// # Errors
    /// [`NoFault::OtherNetwork`]; [`NoFault::BadSignature`], also without signers, and with one whom
    /// nobody knows.
    pub fn verify<'a>(
        &self,
        domain: &Domain,
        key_of: impl Fn(OperatorIndex) -> Option<&'a PublicKey>,
    ) -> Result<(), NoFault> {
        if self.header.domain != *domain {
            return Err(NoFault::OtherNetwork);
        }
        let digest = self.header.digest();
        let keys: Option<Vec<PublicKey>> = self
            .operators()
            .map(|operator| key_of(operator).copied())
            .collect();
        let sum = keys.and_then(|keys| bls::aggregate_keys(&keys));
        match sum {
            Some(key) if bls::verify(bls::Domain::Vote, &key, &digest.get(), &self.aggregate) => {
                Ok(())
            }
            _ => Err(NoFault::BadSignature(digest)),
        }
    }

    /// Its bytes: those of a certificate.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A bitmap has at most 8,192 bytes, one bit for each index that a certificate can name.
        let length = u16::try_from(self.bitmap.len()).unwrap_or(u16::MAX);
        let mut out = Writer::default();
        out.value(&self.header);
        out.value(&length);
        out.put(&self.bitmap);
        out.put(&self.aggregate.to_bytes96());
        out.into_bytes()
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// [`ProtocolError::Codec`], [`ProtocolError::Point`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut input = Reader::new(bytes);
        let header = input.value()?;
        let length: u16 = input.value()?;
        let bitmap = input.slice(usize::from(length))?.to_vec();
        let aggregate = Signature::from_bytes96(&input.take()?)?;
        input.finish()?;
        Ok(Self {
            header,
            bitmap,
            aggregate,
        })
    }
}

impl WrongSeed {
    /// Whether the header's seed is wrong: `key` is the beacon's. Total over the signature's bytes.
    ///
    /// # Errors
    /// [`NoFault::OtherNetwork`]; [`NoFault::RightSeed`], also for rounds beyond the beacon's range.
    pub fn judge(
        &self,
        domain: &Domain,
        schedule: &Schedule,
        key: &PublicKey,
    ) -> Result<(), NoFault> {
        if self.header.domain != *domain {
            return Err(NoFault::OtherNetwork);
        }
        let round = self.header.round;
        let Ok(beacon_round) = schedule.beacon_round(round) else {
            return Err(NoFault::RightSeed);
        };
        let chain = &schedule.beacon_chain_hash;
        let gives = seed(domain, round, chain, beacon_round, &self.beacon_signature);
        let message = hash::sha256(&[&beacon_round.to_be_bytes()]);
        let genuine = Signature::from_compressed48(&self.beacon_signature).is_ok_and(|signature| {
            bls::verify(bls::Domain::DrandNul, key, &message.get(), &signature)
        });
        if (gives == self.header.seed) == genuine {
            return Err(NoFault::RightSeed);
        }
        Ok(())
    }
}

impl Word {
    /// What this word convicts the signers of a header of; `None` if it is about another one, or
    /// says that it stands.
    #[must_use]
    pub fn convicts(&self, round: Round, digest: Digest) -> Option<Offence> {
        if (self.round, self.digest) != (round, digest) {
            return None;
        }
        match self.verdict {
            Verdict::Stands => None,
            Verdict::WrongOutcome => Some(Offence::WrongOutcome),
            Verdict::WrongSeed => Some(Offence::WrongSeed),
        }
    }
}
