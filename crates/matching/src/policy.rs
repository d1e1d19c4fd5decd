//! The versioned parameters of the network (`docs/formats.md` section 5): four sections, hashed
//! apart, so that a change of money leaves the hash of the score alone.

pub mod defaults;
mod health_v1;
pub mod models;
pub mod regions;
mod score;
mod sections;
mod standing;
mod validity;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{CodecError, Digest, MicroDollars, Version};

pub use score::ScorePolicy;
pub use sections::{HealthSection, MoneySection};
pub use standing::{Level, Standing, StandingSection, Tier};
pub use validity::PolicyError;

/// One version of the policy; its page on chain is 3 456 bytes.
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
    /// Hardware tiers and levels of trust.
    pub standing: StandingSection,
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
            &sha256(&[&self.standing.to_bytes()]).0,
        ])
    }

    /// Whether the policy keeps the rules that the contract checks too. The health section's are not
    /// known here: `quorate_health::HealthPolicy::from_section` checks them.
    ///
    /// # Errors
    /// Names the first rule that it breaks.
    pub fn validate(&self) -> Result<(), PolicyError> {
        self.score.validate()?;
        self.standing.validate()
    }

    /// The tier that offers of a model have to name, or `None` if the policy does not know the model.
    #[must_use]
    pub fn tier_of(&self, model: u8) -> Option<Tier> {
        self.score
            .reference_of(model)
            .map(|price: MicroDollars| self.standing.tier_of(price))
    }
}

impl FixedWidth for Policy {
    const WIDTH: usize = 3456;

    fn write(&self, out: &mut Writer) {
        out.value(&self.version);
        out.value(&self.score);
        out.value(&self.health);
        out.value(&self.money);
        out.value(&self.standing);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            version: input.value()?,
            score: input.value()?,
            health: input.value()?,
            money: input.value()?,
            standing: input.value()?,
        })
    }
}
