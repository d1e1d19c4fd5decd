//! One pair, factor by factor, and what became of it.

use quorate_matching::{
    Factors, Match, PairRank, PairVerdict, RequestInput, RoundContext, ScorePolicy,
};
use serde::Serialize;

/// The factors in the order of the weights.
const NAMES: [&str; 8] = [
    "region",
    "price",
    "uptime",
    "reputation",
    "availability",
    "slash",
    "stake",
    "randomness",
];
/// What a point of age is worth in a score.
const POINT: u64 = 10_000;

/// An eligible pair with its score taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The request.
    pub request: u64,
    /// The offer.
    pub offer: u64,
    /// The score; larger is better.
    pub score: u64,
    /// The lottery that decides between equal scores.
    pub tie: u64,
    /// What the score adds up from.
    pub parts: Vec<Part>,
    /// What became of the pair.
    pub verdict: Verdict,
}

/// A part of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Which.
    pub name: &'static str,
    /// Weight out of 10 000; absent of what is not weighed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// The factor, 0 to 10 000; of age, the rounds that count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// What it adds to the score.
    pub points: u64,
}

/// What became of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// Matched.
    Matched,
    /// The request got a pair that stands higher.
    ServedBetter {
        /// That pair.
        by: Ahead,
    },
    /// The machine had no room left beside its matches that stand higher.
    Outranked {
        /// Those, the highest first.
        by: Vec<Ahead>,
    },
    /// The round stopped at its limit before it came to the pair.
    BelowLimit {
        /// The lowest pair that was matched.
        last: Ahead,
    },
}

/// A match that stands higher than the pair asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ahead {
    /// Its request.
    pub request: u64,
    /// Its offer.
    pub offer: u64,
    /// Its score.
    pub score: u64,
    /// By how much its score is larger; 0 where the lottery or the ids decided.
    pub ahead: u64,
}

impl Ahead {
    pub(super) const fn of(found: &Match, rank: &PairRank) -> Self {
        Self {
            request: found.request.get(),
            offer: found.offer.get(),
            score: found.score,
            ahead: found.score.saturating_sub(rank.score),
        }
    }
}

impl Verdict {
    /// What the solver's explanation says; `None` of a pair that is not eligible. `last` is the lowest
    /// match of the round.
    pub(super) fn of(verdict: &PairVerdict, last: Option<&Match>) -> Option<Self> {
        Some(match verdict {
            PairVerdict::Ineligible(_) => return None,
            PairVerdict::Matched(_) => Self::Matched,
            PairVerdict::ServedBetter { rank, got } => Self::ServedBetter {
                by: Ahead::of(got, rank),
            },
            PairVerdict::Outranked { rank, by } => Self::Outranked {
                by: by.iter().map(|by| Ahead::of(by, rank)).collect(),
            },
            PairVerdict::BelowLimit(rank) => Self::BelowLimit {
                last: Ahead::of(last?, rank),
            },
        })
    }
}

/// What scores are made under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) policy: &'a ScorePolicy,
    pub(super) context: &'a RoundContext,
}

impl Rules<'_> {
    /// Takes a pair apart.
    pub(super) fn pair(
        &self,
        request: &RequestInput,
        rank: &PairRank,
        factors: &Factors,
        verdict: Verdict,
    ) -> Pair {
        Pair {
            request: rank.request.get(),
            offer: rank.offer.get(),
            score: rank.score,
            tie: rank.tie,
            parts: self.parts(request, factors),
            verdict,
        }
    }

    fn parts(&self, request: &RequestInput, factors: &Factors) -> Vec<Part> {
        let profile = request.request.profile;
        let weights = self.policy.weights_of(profile).iter();
        let weighed = NAMES.iter().zip(weights.zip(factors.to_array()));
        let mut parts: Vec<Part> = weighed
            .map(|(name, (weight, value))| Part {
                name,
                weight: Some(*weight),
                value: Some(u64::from(value)),
                points: u64::from(*weight) * u64::from(value),
            })
            .collect();
        parts.push(Part {
            name: "profile",
            weight: None,
            value: None,
            points: self.policy.offset_of(profile),
        });
        let age = self.context.age(request.created);
        let age = age.min(u64::from(self.policy.age_cap));
        parts.push(Part {
            name: "age",
            weight: None,
            value: Some(age),
            points: POINT * u64::from(self.policy.age_points) * age,
        });
        parts
    }
}
