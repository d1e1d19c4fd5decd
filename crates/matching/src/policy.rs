//! The versioned parameters of the network (`docs/formats.md` section 5): three sections, hashed
//! apart, so that a change of money leaves the hash of the score alone.

pub mod defaults;
pub mod models;
pub mod regions;
mod score;
mod sections;
mod validity;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{CodecError, Digest, Version};

pub use score::ScorePolicy;
pub use sections::{HealthSection, MoneySection};
pub use validity::PolicyError;

/// One version of the policy; its page on chain is 3 104 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The revision of the rules.
    pub version: Version,
    /// What matching reads.
    pub score: ScorePolicy,
    /// What judging health reads.
    pub health: HealthSection,
    /// What paying reads.
    pub money: MoneySection,
}

impl Policy {
    /// The page as it lies on chain.
    #[must_use]
    pub fn page(&self) -> Vec<u8> {
        self.to_bytes()
    }

    /// Reads a page, and takes only a valid policy.
    ///
    /// # Errors
    /// If the bytes are no page, or the policy breaks a rule of the format.
    pub fn from_page(page: &[u8]) -> Result<Self, PolicyError> {
        let policy = Self::from_bytes(page)?;
        policy.validate()?;
        Ok(policy)
    }

    /// The hash that the header names.
    #[must_use]
    pub fn hash(&self) -> Digest {
        sha256(&[
            &tag("quorate/policy/v1"),
            &self.version.to_bytes(),
            &sha256(&[&self.score.to_bytes()]).0,
            &sha256(&[&self.health.to_bytes()]).0,
            &sha256(&[&self.money.to_bytes()]).0,
        ])
    }

    /// Whether the policy keeps the rules that the contract checks too.
    ///
    /// # Errors
    /// Names the first rule that it breaks.
    pub fn validate(&self) -> Result<(), PolicyError> {
        self.score.validate()
    }
}

impl FixedWidth for Policy {
    const WIDTH: usize = 3104;

    fn write(&self, out: &mut Writer) {
        out.value(&self.version);
        out.value(&self.score);
        out.value(&self.health);
        out.value(&self.money);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            version: input.value()?,
            score: input.value()?,
            health: input.value()?,
            money: input.value()?,
        })
    }
}
