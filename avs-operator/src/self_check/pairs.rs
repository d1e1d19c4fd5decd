//! Pairs, and what this node makes of them.

use quorate_canon::{OfferId, RequestId};
use quorate_chain::views::PairView;
use quorate_matching::{Entry, OfferInput, RequestInput, Seed, eligible, factors, score, tie};

use super::draw::Dice;
use crate::compute::{Computed, Prepared};

/// Machines that are looked through for one that a request could have had.
const LOOKED_THROUGH: usize = 4_096;

/// A pair with our own word on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) request: RequestId,
    pub(super) offer: OfferId,
    pub(super) ours: PairView,
}

/// Half of the pairs are matches as the list says them; of the rest, every other one is a pair that
/// exists and every other one is any pair at all, most of which do not exist.
pub(super) fn draw(
    dice: &mut Dice,
    wanted: usize,
    prepared: &Prepared,
    computed: &Computed,
) -> Vec<Claim> {
    let entries = computed.list.entries();
    let matched = dice.distinct(wanted.div_ceil(2), entries.len());
    let mut claims: Vec<Claim> = matched
        .into_iter()
        .filter_map(|at| entries.get(at))
        .map(Claim::of_match)
        .collect();
    let view = View {
        prepared,
        seed: &computed.header.seed,
    };
    for number in claims.len()..wanted {
        let claim = if number % 2 == 0 {
            view.existing(dice)
        } else {
            view.any(dice)
        };
        claims.extend(claim);
    }
    claims
}

impl Claim {
    const fn of_match(entry: &Entry) -> Self {
        Self {
            request: entry.request,
            offer: entry.offer,
            ours: PairView {
                ineligible: 0,
                score: entry.score,
                tie: entry.tie,
            },
        }
    }
}

/// A round's pairs under a seed.
struct View<'a> {
    prepared: &'a Prepared,
    seed: &'a Seed,
}

impl View<'_> {
    /// A drawn request with a drawn machine.
    fn any(&self, dice: &mut Dice) -> Option<Claim> {
        let (requests, offers) = self.orders();
        let request = requests.get(dice.below(requests.len())?)?;
        let offer = offers.get(dice.below(offers.len())?)?;
        Some(self.claim(request, offer))
    }

    /// A drawn request with the first machine, from a drawn one on, that it could have; with the
    /// drawn one if it could have none of those that are looked through.
    fn existing(&self, dice: &mut Dice) -> Option<Claim> {
        let (requests, offers) = self.orders();
        let request = requests.get(dice.below(requests.len())?)?;
        let from = dice.below(offers.len())?;
        let (before, behind) = offers.split_at_checked(from)?;
        let mut around = behind.iter().chain(before).take(LOOKED_THROUGH);
        let first = around.clone().next()?;
        let found = around.find(|offer| self.claim(request, offer).ours.ineligible == 0);
        Some(self.claim(request, found.unwrap_or(first)))
    }

    fn orders(&self) -> (&[RequestInput], &[OfferInput]) {
        let inputs = self.prepared.inputs();
        (inputs.requests(), inputs.offers())
    }

    /// By the plain rules, pair by pair: how the solver found its matches plays no part.
    fn claim(&self, request: &RequestInput, offer: &OfferInput) -> Claim {
        let (policy, context) = (&self.prepared.policy.score, self.prepared.context());
        let ours = match eligible(&request.request, offer, policy, context) {
            Ok(()) => {
                let tie = tie(request, offer, self.seed);
                let factors = factors(request, offer, policy, context, tie);
                PairView {
                    ineligible: 0,
                    score: score(request, &factors, policy, context),
                    tie,
                }
            }
            Err(reason) => PairView {
                ineligible: reason.code(),
                score: 0,
                tie: 0,
            },
        };
        Claim {
            request: request.request.id,
            offer: offer.offer.id,
            ours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_check::market::round;

    #[test]
    fn matches_pairs_that_exist_and_pairs_that_do_not_are_all_drawn() {
        let (prepared, computed) = round(12, 40, 1);
        let claims = draw(&mut Dice::new(Seed([9; 32])), 64, &prepared, &computed);
        assert_eq!(claims.len(), 64);
        let is_match = |claim: &&Claim| {
            let entries = computed.list.entries();
            entries
                .iter()
                .any(|e| (e.request, e.offer) == (claim.request, claim.offer))
        };
        let exists = |claim: &&Claim| claim.ours.ineligible == 0;
        assert!(claims.iter().filter(is_match).count() >= 20);
        assert!(claims.iter().filter(|c| exists(c) && !is_match(c)).count() >= 5);
        assert!(claims.iter().filter(|c| !exists(c)).count() >= 3);
    }

    #[test]
    fn the_plain_rules_say_of_matches_what_the_list_says() {
        let (prepared, computed) = round(12, 40, 2);
        let view = View {
            prepared: &prepared,
            seed: &computed.header.seed,
        };
        for entry in computed.list.entries() {
            let request = prepared.inputs().request(entry.request).unwrap();
            let offer = prepared.inputs().offer(entry.offer).unwrap();
            assert_eq!(view.claim(request, offer), Claim::of_match(entry));
        }
    }
}
