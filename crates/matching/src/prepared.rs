//! A round made ready: what depends on one order alone is worked out once, so that a pair costs
//! some twenty comparisons, three products and one multiplication of its lottery.
//!
//! The solver here, the check, the reasons and any faster solver read pairs through this one door.

use crate::capacity::Capacity;
use crate::context::{RoundContext, Seed};
use crate::eligibility::{Ineligible, Standing};
use crate::inputs::{OfferInput, RequestInput};
use crate::keys::{Keys, fold, jitter};
use crate::num::position;
use crate::policy::ScorePolicy;
use crate::rank::PairRank;
use crate::request::Profile;
use crate::score::{Factors, availability, factors, offer_part, region, request_part, weighted};
use crate::snapshot::Snapshot;

/// All that a round is a function of, ready for its pairs.
#[derive(Debug)]
pub struct Prepared<'a> {
    snapshot: &'a Snapshot,
    policy: &'a ScorePolicy,
    context: &'a RoundContext,
    offers: Vec<OfferSide<'a>>,
    requests: Vec<RequestSide<'a>>,
    /// The offers of each model, by position: a request looks only at models that it accepts.
    by_model: Vec<(u8, Vec<u32>)>,
}

/// An offer with what its pairs share.
#[derive(Debug)]
pub struct OfferSide<'a> {
    /// The offer.
    pub input: &'a OfferInput,
    /// The offer's key in the lottery.
    pub key: u64,
    standing: Standing,
    /// Its part of the score, by profile.
    parts: [u64; 4],
}

/// A request with what its pairs share.
#[derive(Debug)]
pub struct RequestSide<'a> {
    /// The request.
    pub input: &'a RequestInput,
    /// The request's key in the lottery.
    pub key: u64,
    /// What the request takes.
    pub demand: Capacity,
    part: u64,
    weights: &'a [u16; 8],
}

impl OfferSide<'_> {
    /// What is free of the machine at T.
    #[must_use]
    pub const fn free(&self) -> &Capacity {
        &self.standing.free
    }

    const fn part(&self, profile: Profile) -> u64 {
        let [balanced, cheapest, reliable, nearest] = self.parts;
        match profile {
            Profile::Balanced => balanced,
            Profile::Cheapest => cheapest,
            Profile::Reliable => reliable,
            Profile::Nearest => nearest,
        }
    }
}

impl<'a> Prepared<'a> {
    /// Works out what the orders' pairs share.
    #[must_use]
    pub fn new(
        snapshot: &'a Snapshot,
        policy: &'a ScorePolicy,
        context: &'a RoundContext,
        seed: &Seed,
    ) -> Self {
        let mut keys = Keys::of_offers(seed);
        let offers: Vec<_> = snapshot
            .offers()
            .iter()
            .map(|input| OfferSide {
                input,
                key: keys.key(input.offer.id.get()),
                standing: Standing::of(input, policy),
                parts: Profile::ALL.map(|profile| offer_part(policy, profile, input, context)),
            })
            .collect();
        let mut keys = Keys::of_requests(seed);
        let requests = snapshot
            .requests()
            .iter()
            .map(|input| RequestSide {
                input,
                key: keys.key(input.request.id.get()),
                demand: input.request.demand(),
                part: request_part(policy, input.request.profile, input.created, context),
                weights: policy.weights_of(input.request.profile),
            })
            .collect();
        let by_model = by_model(snapshot.offers());
        Self {
            snapshot,
            policy,
            context,
            offers,
            requests,
            by_model,
        }
    }

    /// The inputs.
    #[must_use]
    pub const fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The score policy.
    #[must_use]
    pub const fn policy(&self) -> &'a ScorePolicy {
        self.policy
    }

    /// The offers, by id ascending, at the positions that they have in the snapshot.
    #[must_use]
    pub fn offers(&self) -> &[OfferSide<'a>] {
        &self.offers
    }

    /// The requests, by id ascending, at the positions that they have in the snapshot.
    #[must_use]
    pub fn requests(&self) -> &[RequestSide<'a>] {
        &self.requests
    }

    /// The positions of the offers by model, models and positions ascending.
    #[must_use]
    pub fn by_model(&self) -> &[(u8, Vec<u32>)] {
        &self.by_model
    }

    /// Whether the pair exists.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn eligible(
        &self,
        request: &RequestSide<'_>,
        offer: &OfferSide<'_>,
    ) -> Result<(), Ineligible> {
        offer
            .standing
            .admits(&request.input.request, offer.input, self.context.time)
    }

    /// Where the pair stands in the order, if it is eligible.
    #[must_use]
    pub fn rank(&self, request: &RequestSide<'_>, offer: &OfferSide<'_>) -> PairRank {
        let wanted = &request.input.request;
        let machine = &offer.input.offer;
        let tie = fold(request.key, offer.key);
        let [w_region, _, _, _, w_availability, _, _, w_randomness] = *request.weights;
        let of_both = [
            (
                w_region,
                region(self.policy, wanted.home_region, machine.region),
            ),
            (
                w_availability,
                availability(wanted.gpus.get(), offer.standing.free.gpus),
            ),
            (w_randomness, jitter(tie)),
        ];
        let score = weighted(of_both.into_iter())
            .saturating_add(offer.part(wanted.profile))
            .saturating_add(request.part);
        PairRank {
            score,
            tie,
            request: wanted.id,
            offer: machine.id,
        }
    }

    /// The factors of the pair, to explain its score with.
    #[must_use]
    pub fn factors(&self, request: &RequestSide<'_>, offer: &OfferSide<'_>) -> Factors {
        let tie = fold(request.key, offer.key);
        factors(request.input, offer.input, self.policy, self.context, tie)
    }

    /// The offers of the models that the request accepts, with their positions.
    pub(crate) fn candidates<'s>(
        &'s self,
        request: &'s RequestSide<'a>,
    ) -> impl Iterator<Item = (u32, &'s OfferSide<'a>)> {
        self.by_model
            .iter()
            .filter(|(model, _)| request.input.request.models.bit(*model))
            .flat_map(|(_, positions)| positions)
            .filter_map(|at| Some((*at, self.offers.get(crate::num::index(*at))?)))
    }
}

fn by_model(offers: &[OfferInput]) -> Vec<(u8, Vec<u32>)> {
    let mut models: Vec<(u8, Vec<u32>)> = (0..=u8::MAX).map(|model| (model, Vec::new())).collect();
    for (at, input) in offers.iter().enumerate() {
        if let Some((_, positions)) = models.get_mut(usize::from(input.offer.model)) {
            positions.push(position(at));
        }
    }
    models.retain(|(_, positions)| !positions.is_empty());
    models
}
