//! The file by which a signing history moves from one ledger to another.
//!
//! JSON, version 1. Numbers are decimal strings (JSON's own lose precision above 2^53), bytes
//! are hex with `0x`. Unknown fields are refused: one could carry a restriction that this
//! version does not understand.
//!
//! ```json
//! {
//!   "metadata": {
//!     "format": "quorate-signing-history",
//!     "version": "1",
//!     "public_key": "0x.. 192 bytes, as in docs/formats.md section 9",
//!     "l1_chain": "1", "l2_chain": "42161",
//!     "rounds": "0x..", "avs": "0x..", "operator_set": "0"
//!   },
//!   "watermark": "17",
//!   "words_watermark": "4",
//!   "votes": [
//!     { "round": "17", "header": "0x.. 272 bytes", "signature": "0x.. 96 bytes" }
//!   ]
//! }
//! ```
//!
//! - `watermark`: no round up to it may be newly signed by whoever imports this; `null` or
//!   absent if nothing was signed. It also covers rounds whose snapshot was fixed and that the
//!   exporting process could still have signed.
//! - `words_watermark`: the highest health epoch with any word or signed list; nothing of epochs up to
//!   it is said or signed by whoever imports this. `null` or absent if there was none.
//! - `votes`: the header that each round is bound to. A vote without a signature was recorded
//!   but not signed, or is withheld; it binds the round all the same and is never sent.

use std::str::FromStr;

use quorate_bls::{self as bls, PublicKey, Signature};
use quorate_canon::{Address, ChainId, FixedWidth, HealthEpoch, Round};
use quorate_protocol::{Domain, Header, require_domain};
use serde::{Deserialize, Serialize};

use crate::{Identity, Result, SignerError};

const FORMAT: &str = "quorate-signing-history";
const VERSION: &str = "1";

/// A signing history, checked: every vote is of this identity, and every signature verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interchange {
    pub(crate) identity: Identity,
    pub(crate) watermark: Option<Round>,
    pub(crate) words_watermark: Option<HealthEpoch>,
    pub(crate) votes: Vec<SignedRound>,
}

/// What one round is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRound {
    /// The header.
    pub header: Header,
    /// Its signature, if it may be sent.
    pub signature: Option<Signature>,
}

impl Interchange {
    /// The key and network whose history it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// No round up to it may be newly signed.
    #[must_use]
    pub fn watermark(&self) -> Option<Round> {
        self.watermark
    }

    /// Nothing of a health epoch up to it may be said or signed.
    #[must_use]
    pub fn words_watermark(&self) -> Option<HealthEpoch> {
        self.words_watermark
    }

    /// The rounds that are bound to a header.
    #[must_use]
    pub fn votes(&self) -> &[SignedRound] {
        &self.votes
    }

    /// Reads and checks a history.
    ///
    /// # Errors
    /// [`SignerError::Interchange`], [`SignerError::OtherNetwork`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let file: File = serde_json::from_slice(json).map_err(|e| invalid("JSON", &e))?;
        let identity = file.metadata.identity()?;
        let watermark = file.watermark.as_deref();
        let watermark = watermark
            .map(|text| number("watermark", text))
            .transpose()?;
        let words = file.words_watermark.as_deref();
        let words = words
            .map(|text| number("words_watermark", text))
            .transpose()?;
        let votes = file.votes.iter().map(|entry| entry.check(&identity));
        Ok(Self {
            votes: votes.collect::<Result<_>>()?,
            watermark: watermark.map(Round::new),
            words_watermark: words.map(HealthEpoch::new),
            identity,
        })
    }

    /// The history as JSON.
    ///
    /// # Errors
    /// [`SignerError::Interchange`], which no history causes.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let file = File {
            metadata: Metadata::of(&self.identity),
            watermark: self.watermark.map(|round| round.to_string()),
            words_watermark: self.words_watermark.map(|epoch| epoch.to_string()),
            votes: self.votes.iter().map(Entry::of).collect(),
        };
        serde_json::to_vec_pretty(&file).map_err(|e| invalid("JSON", &e))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    metadata: Metadata,
    #[serde(default)]
    watermark: Option<String>,
    #[serde(default)]
    words_watermark: Option<String>,
    votes: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    format: String,
    version: String,
    public_key: String,
    l1_chain: String,
    l2_chain: String,
    rounds: String,
    avs: String,
    operator_set: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    round: String,
    header: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl Metadata {
    fn of(identity: &Identity) -> Self {
        let domain = &identity.domain;
        Self {
            format: FORMAT.to_owned(),
            version: VERSION.to_owned(),
            public_key: prefixed(&identity.key.to_bytes192()),
            l1_chain: domain.l1_chain.to_string(),
            l2_chain: domain.l2_chain.to_string(),
            rounds: domain.rounds.to_string(),
            avs: domain.avs.to_string(),
            operator_set: domain.operator_set.to_string(),
        }
    }

    fn identity(&self) -> Result<Identity> {
        for (field, got, expected) in [
            ("format", &self.format, FORMAT),
            ("version", &self.version, VERSION),
        ] {
            if got != expected {
                let text = format!("{field} {got:?}, expected {expected:?}");
                return Err(SignerError::Interchange(text));
            }
        }
        let key = bytes("public_key", &self.public_key)?;
        Ok(Identity {
            key: PublicKey::from_bytes192(&key).map_err(|e| invalid("public_key", &e))?,
            domain: Domain {
                l1_chain: ChainId::new(number("l1_chain", &self.l1_chain)?),
                l2_chain: ChainId::new(number("l2_chain", &self.l2_chain)?),
                rounds: address("rounds", &self.rounds)?,
                avs: address("avs", &self.avs)?,
                operator_set: number("operator_set", &self.operator_set)?,
            },
        })
    }
}

impl Entry {
    fn of(vote: &SignedRound) -> Self {
        Self {
            round: vote.header.round.to_string(),
            header: prefixed(&vote.header.to_bytes()),
            signature: vote.signature.map(|s| prefixed(&s.to_bytes96())),
        }
    }

    fn check(&self, identity: &Identity) -> Result<SignedRound> {
        let header: [u8; Header::WIDTH] = bytes("header", &self.header)?;
        let header = Header::from_bytes(&header).map_err(|e| invalid("header", &e))?;
        let domain = require_domain(&header.domain, &identity.domain);
        domain.map_err(SignerError::OtherNetwork)?;
        let round = Round::new(number("round", &self.round)?);
        if header.round != round {
            let text = format!("round {round}, but its header's is {}", header.round);
            return Err(SignerError::Interchange(text));
        }
        let signature = self.signature.as_deref();
        let signature = signature.map(|text| signed(&header, &identity.key, text));
        Ok(SignedRound {
            signature: signature.transpose()?,
            header,
        })
    }
}

fn signed(header: &Header, key: &PublicKey, text: &str) -> Result<Signature> {
    let bytes = bytes("signature", text)?;
    let signature = Signature::from_bytes96(&bytes).map_err(|e| invalid("signature", &e))?;
    if bls::verify(bls::Domain::Vote, key, &header.digest().get(), &signature) {
        return Ok(signature);
    }
    let text = format!("signature of round {} is not the key's", header.round);
    Err(SignerError::Interchange(text))
}

fn prefixed(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes<const N: usize>(field: &str, text: &str) -> Result<[u8; N]> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|e| invalid(field, &e))?;
    Ok(bytes)
}

fn number<T: FromStr<Err: std::fmt::Display>>(field: &str, text: &str) -> Result<T> {
    text.parse().map_err(|e| invalid(field, &e))
}

fn address(field: &str, text: &str) -> Result<Address> {
    bytes(field, text).map(Address::new)
}

fn invalid(field: &str, error: &impl std::fmt::Display) -> SignerError {
    SignerError::Interchange(format!("{field}: {error}"))
}
