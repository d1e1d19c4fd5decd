//! Wrong outcomes of every kind, as a competent liar would make them.
//!
//! Only with the feature `wrong-outcomes`, which tests, fuzzers and the devnet's colluding liars
//! enable and no binary that runs a network does. Each [`Lie`] changes one thing and keeps the rest
//! consistent: sums, order and lowest are worked out anew, so that nothing but the lie gives it away.

mod draw;
mod inputs;
mod matches;
mod places;
mod rules;

use quorate_canon::Digest;

use crate::context::{RoundContext, Seed};
use crate::inputs::{OfferInput, RequestInput};
use crate::judge::RefutationCode as Code;
use crate::list::{ListError, OutcomeList};
use crate::outcome::{Match, Outcome};
use crate::policy::ScorePolicy;
use crate::prepared::Prepared;
use crate::snapshot::Snapshot;
use crate::solve::match_round;

use draw::Draw;

macro_rules! lies {
    ($($(#[doc = $doc:literal])* $name:ident: $($code:ident)+,)*) => {
        /// One kind of wrong outcome.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Lie {
            $($(#[doc = $doc])* $name,)*
        }

        impl Lie {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The codes by which [`witness_for`](crate::witness_for) may have it refuted.
            #[must_use]
            pub const fn codes(self) -> &'static [Code] {
                match self { $(Self::$name => &[$(Code::$code),+],)* }
            }
        }
    };
}

lies! {
    /// A match is missing.
    DropMatch: Blocking,
    /// Two matches have each other's requests.
    SwapRequests: Blocking OverCapacity Ineligible,
    /// A match stands on another eligible machine that holds it.
    MoveMatch: Blocking,
    /// A request is on a machine that it is not eligible for, with the score that it would have.
    IneligiblePair: Ineligible OverCapacity,
    /// A score is another.
    Score: WrongScore,
    /// A tie is another.
    Tie: WrongTie,
    /// A running sum is another, and those below go on from it.
    Sum: WrongSum OverCapacity,
    /// A request stands twice on its machine.
    RepeatHere: WrongOrder OverCapacity MatchedTwice,
    /// A request stands on a second machine too.
    RepeatElsewhere: MatchedTwice OverCapacity,
    /// The round stopped before its end.
    CutEarly: Blocking,
    /// The round went on beyond its limit.
    OverLimit: WrongCut,
    /// The lowest entry is said to be another.
    Lowest: WrongCut,
    /// An offer's list goes on behind other offers.
    SplitOffer: OffersNotAscending,
    /// An offer stands a second time, with sums from zero.
    RepeatOffer: OffersNotAscending,
    /// Two pairs of an offer have changed places.
    OrderWithin: WrongOrder,
    /// Two offers have changed places.
    OrderOfOffers: OffersNotAscending,
    /// A machine has one match more than it holds.
    Overfull: OverCapacity,
    /// A request that nobody made is matched.
    UnknownRequest: UnknownRequest,
    /// An offer that nobody made is matched.
    UnknownOffer: UnknownOffer,
    /// A request is matched that was not open at T.
    ClosedRequest: RequestNotOpen,
    /// A request is matched that an earlier round has matched.
    MatchedBefore: MatchedTwice,
    /// An offer is matched that was not open at T.
    ClosedOffer: OfferNotOpen,
    /// An offer is taken for another of its versions.
    OtherVersion: Blocking WrongSum OverCapacity Ineligible WrongScore,
    /// Computed without one of the requests.
    OmitRequest: Blocking,
    /// Computed without one of the offers.
    OmitOffer: Blocking,
    /// Computed with one request altered.
    AlterRequest: Blocking WrongSum OverCapacity Ineligible WrongScore WrongOrder,
    /// Computed with one offer altered.
    AlterOffer: Blocking OverCapacity Ineligible WrongScore WrongOrder,
    /// Computed with another seed.
    OtherSeed: WrongScore WrongTie WrongOrder,
    /// Computed under another policy.
    OtherPolicy: Blocking Ineligible WrongScore WrongCut WrongOrder,
    /// True pairs, taken in another order.
    OtherOrder: Blocking,
}

/// The round that is lied about.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    /// Its inputs.
    pub snapshot: &'a Snapshot,
    /// Its policy.
    pub policy: &'a ScorePolicy,
    /// Its numbers.
    pub context: &'a RoundContext,
    /// Its seed.
    pub seed: &'a Seed,
    /// What exists beside its inputs; lies that need what is not there do not apply.
    pub outside: &'a Outside,
}

/// Orders that exist and are no inputs of the round.
#[derive(Debug, Default, Clone)]
pub struct Outside {
    /// Requests that were not open at T.
    pub closed_requests: Vec<RequestInput>,
    /// Requests that an earlier round has matched.
    pub matched_before: Vec<RequestInput>,
    /// Offers that were not open at T, with the values that they would have.
    pub closed_offers: Vec<OfferInput>,
    /// Other versions of offers that are inputs.
    pub other_versions: Vec<OfferInput>,
}

/// What a liar signs.
#[derive(Debug, Clone)]
pub struct Lied {
    /// The list.
    pub list: OutcomeList,
    /// The root of the inputs that it was computed from.
    pub inputs_root: Digest,
}

/// A wrong outcome of one kind; the same number gives the same one. `None` where the kind does not
/// apply: nothing to drop, no limit to exceed.
///
/// A lie may turn out harmless: an omitted offer that nobody would have got leaves the right list.
#[must_use]
pub fn lie(kind: Lie, truth: &Truth<'_>, number: u64) -> Option<Lied> {
    let mut draw = Draw::new(number);
    let round = Round::new(truth);
    match kind {
        Lie::DropMatch => matches::drop(&round, &mut draw),
        Lie::SwapRequests => matches::swap_requests(&round, &mut draw),
        Lie::MoveMatch => matches::move_one(&round, &mut draw),
        Lie::IneligiblePair => matches::ineligible(&round, &mut draw),
        Lie::Score => matches::score(&round, &mut draw),
        Lie::Tie => matches::tie(&round, &mut draw),
        Lie::RepeatHere => matches::repeat_here(&round, &mut draw),
        Lie::RepeatElsewhere => matches::repeat_elsewhere(&round, &mut draw),
        Lie::CutEarly => matches::cut_early(&round, &mut draw),
        Lie::OverLimit => matches::over_limit(&round, &mut draw),
        Lie::Overfull => matches::overfull(&round, &mut draw),
        Lie::Sum => places::sum(&round, &mut draw),
        Lie::Lowest => places::lowest(&round, &mut draw),
        Lie::SplitOffer => places::split_offer(&round, &mut draw),
        Lie::RepeatOffer => places::repeat_offer(&round, &mut draw),
        Lie::OrderWithin => places::order_within(&round, &mut draw),
        Lie::OrderOfOffers => places::order_of_offers(&round, &mut draw),
        Lie::UnknownRequest => inputs::unknown_request(&round, &mut draw),
        Lie::UnknownOffer => inputs::unknown_offer(&round, &mut draw),
        Lie::ClosedRequest => {
            inputs::with_request(&round, &truth.outside.closed_requests, &mut draw)
        }
        Lie::MatchedBefore => {
            inputs::with_request(&round, &truth.outside.matched_before, &mut draw)
        }
        Lie::ClosedOffer => inputs::with_offer(&round, &truth.outside.closed_offers, &mut draw),
        Lie::OtherVersion => inputs::other_version(&round, &mut draw),
        Lie::OmitRequest => inputs::omit_request(&round, &mut draw),
        Lie::OmitOffer => inputs::omit_offer(&round, &mut draw),
        Lie::AlterRequest => inputs::alter_request(&round, &mut draw),
        Lie::AlterOffer => inputs::alter_offer(&round, &mut draw),
        Lie::OtherSeed => rules::other_seed(&round, &mut draw),
        Lie::OtherPolicy => rules::other_policy(&round, &mut draw),
        Lie::OtherOrder => rules::other_order(&round, &mut draw),
    }
}

/// The round as the liar knows it: with its right outcome.
struct Round<'a> {
    truth: &'a Truth<'a>,
    prepared: Prepared<'a>,
    outcome: Outcome,
}

impl<'a> Round<'a> {
    fn new(truth: &'a Truth<'a>) -> Self {
        let Truth {
            snapshot,
            policy,
            context,
            seed,
            ..
        } = *truth;
        Self {
            truth,
            prepared: Prepared::new(snapshot, policy, context, seed),
            outcome: match_round(snapshot, policy, context, seed),
        }
    }

    /// The right list.
    fn list(&self) -> Option<OutcomeList> {
        OutcomeList::new(&self.outcome, self.truth.snapshot).ok()
    }

    /// The list of other matches over the right inputs.
    fn relist(&self, matches: Vec<Match>) -> Option<Lied> {
        self.sign(list_of(matches, self.truth.snapshot))
    }

    fn sign(&self, list: Result<OutcomeList, ListError>) -> Option<Lied> {
        Some(Lied {
            list: list.ok()?,
            inputs_root: self.truth.snapshot.inputs_root(),
        })
    }

    /// The outcome of other inputs.
    fn recompute(&self, offers: Vec<OfferInput>, requests: Vec<RequestInput>) -> Option<Lied> {
        let snapshot = Snapshot::new(offers, requests).ok()?;
        let truth = self.truth;
        let outcome = match_round(&snapshot, truth.policy, truth.context, truth.seed);
        Some(Lied {
            list: OutcomeList::new(&outcome, &snapshot).ok()?,
            inputs_root: snapshot.inputs_root(),
        })
    }
}

fn list_of(matches: Vec<Match>, snapshot: &Snapshot) -> Result<OutcomeList, ListError> {
    let outcome = Outcome {
        matches,
        unmatched: Vec::new(),
    };
    OutcomeList::new(&outcome, snapshot)
}
