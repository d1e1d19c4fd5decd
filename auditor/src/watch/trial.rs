//! One header judged, from values alone: what its outcome must be, and the cheapest witness that
//! shows that it is not.

use std::collections::BTreeMap;

use quorate_canon::{Digest, RequestId};
use quorate_matching::{
    Accused, Capacity, Entry, ListError, NO_POSITION, Refutation, RefutationCode, View, Witness,
    WitnessError, judge_witness, witness_for,
};

use super::{
    seed::{BeaconRule, SeedFinding},
    view::{RoundView, Strangers},
    words,
};
use crate::{AuditError, inputs::RoundInputs, posted::Posted, record::Record};

/// A fault with what shows it to a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// What is shown.
    pub witness: Witness,
    /// What the judge, ours, makes of it.
    pub refutation: Refutation,
    /// The same for people.
    pub words: String,
}

/// A header with our own reading of its round, and the outcome that follows from it.
#[derive(Debug)]
pub(super) struct Trial {
    /// The accused, or not.
    pub record: Record,
    /// Our own reading.
    pub inputs: RoundInputs,
    /// Requests in the round.
    pub requests: usize,
    /// Matches of the right outcome.
    pub matched: usize,
    /// The outcome root that the header should have.
    pub expected: Digest,
    /// The right entries by request; what stands among them is not wrong by itself. Empty if the
    /// header is right.
    right: BTreeMap<RequestId, Entry>,
}

/// Judges a header's seed, which needs nothing but the beacon's key.
///
/// # Errors
/// [`AuditError::Missing`] if the posted signature decides nothing.
pub(super) fn seed_proof(
    beacon: &BeaconRule,
    record: &Record,
) -> Result<Option<Proof>, AuditError> {
    match beacon.judge(record)? {
        SeedFinding::Right => Ok(None),
        SeedFinding::Wrong => Ok(Some(Proof {
            witness: Witness::Seed(record.beacon_signature),
            refutation: Refutation {
                code: RefutationCode::WrongSeed,
                position: NO_POSITION,
            },
            words: words::wrong_seed(beacon, record),
        })),
        SeedFinding::Undecided => Err(AuditError::missing(
            record.header.round,
            "its seed follows from no signature that was posted, which Rounds never takes: the \
             endpoint shows another chain than the contracts'; ask another endpoint",
        )),
    }
}

impl Trial {
    /// Computes the outcome: the costly step.
    ///
    /// # Errors
    /// [`ListError`] if there are more matches than a list can count.
    pub(super) fn new(record: Record, inputs: RoundInputs) -> Result<Self, ListError> {
        let right = inputs.right(&record.header.seed)?;
        let expected = right.list.outcome_root();
        let entries = right.list.entries();
        let wrong = expected != record.header.outcome_root;
        Ok(Self {
            requests: inputs.snapshot.requests().len(),
            matched: entries.len(),
            right: entries
                .iter()
                .filter(|_| wrong)
                .map(|entry| (entry.request, *entry))
                .collect(),
            expected,
            record,
            inputs,
        })
    }

    /// Whether the header commits to the one outcome of its round.
    #[must_use]
    pub(super) fn is_right(&self) -> bool {
        self.expected == self.record.header.outcome_root
    }

    /// The cheapest witness against a wrong header that the posted part of its list allows; `None`
    /// while none does.
    #[must_use]
    pub(super) fn prove(
        &self,
        beacon: &BeaconRule,
        posted: &Posted,
        market: &Strangers,
    ) -> Option<Proof> {
        let view = RoundView::new(&self.inputs, market, &self.record.header, beacon, posted);
        let candidates = [
            self.ends(&view, posted),
            self.first_entry(&view, posted),
            self.first_neighbours(&view, posted),
            repeated(posted),
            not_lowest(posted),
        ];
        let cheap = candidates
            .into_iter()
            .flatten()
            .filter_map(|witness| self.confirmed(&view, witness).ok().flatten())
            .min_by_key(|proof| proof.witness.to_bytes().len());
        cheap.or_else(|| self.blocking(&view, posted))
    }

    /// Witnesses against every entry whose pair is not eligible, with the requests whose leases end
    /// by it in a void round.
    #[must_use]
    pub(super) fn ineligible(
        &self,
        beacon: &BeaconRule,
        posted: &Posted,
        market: &Strangers,
    ) -> Vec<(RequestId, Witness)> {
        let view = RoundView::new(&self.inputs, market, &self.record.header, beacon, posted);
        self.suspects(posted)
            .filter_map(|(at, entry)| {
                let witness = Witness::Entry(posted.open(&[at])?);
                let proof = self.confirmed(&view, witness).ok()??;
                let ineligible = proof.refutation.code == RefutationCode::Ineligible;
                ineligible.then_some((entry.request, proof.witness))
            })
            .collect()
    }

    /// What our judge makes of a witness.
    ///
    /// # Errors
    /// [`WitnessError`] if it is none against this header.
    pub(super) fn confirmed(
        &self,
        view: &RoundView<'_>,
        witness: Witness,
    ) -> Result<Option<Proof>, WitnessError> {
        let accused = Accused {
            outcome_root: self.record.header.outcome_root,
            seed: self.record.header.seed,
        };
        let refutation = judge_witness(view, &accused, &witness)?;
        Ok(refutation.map(|refutation| Proof {
            words: words::of(view, &accused.seed, &witness, &refutation),
            witness,
            refutation,
        }))
    }

    /// Entries that are not among the right ones: only such can be wrong by themselves.
    fn suspects<'p>(&'p self, posted: &'p Posted) -> impl Iterator<Item = (u32, &'p Entry)> {
        posted
            .entries()
            .filter(|(_, entry)| self.right.get(&entry.request) != Some(*entry))
    }

    fn ends(&self, view: &RoundView<'_>, posted: &Posted) -> Option<Witness> {
        let witness = Witness::Cut(posted.open(&[])?);
        let wrong = self.confirmed(view, witness.clone()).ok()?.is_some();
        wrong.then_some(witness)
    }

    fn first_entry(&self, view: &RoundView<'_>, posted: &Posted) -> Option<Witness> {
        self.suspects(posted).find_map(|(at, _)| {
            let witness = Witness::Entry(posted.open(&[at])?);
            let wrong = self.confirmed(view, witness.clone()).ok()?.is_some();
            wrong.then_some(witness)
        })
    }

    fn first_neighbours(&self, view: &RoundView<'_>, posted: &Posted) -> Option<Witness> {
        let mut before: Option<(u32, &Entry)> = None;
        for (at, entry) in posted.entries() {
            let neighbour = before.filter(|(left, _)| left.checked_add(1) == Some(at));
            before = Some((at, entry));
            if (at == 0 || neighbour.is_some())
                && !follows(view, neighbour.map(|(_, left)| left), entry)
            {
                let positions: Vec<u32> = neighbour
                    .map(|(left, _)| left)
                    .into_iter()
                    .chain([at])
                    .collect();
                return Some(Witness::Neighbours(posted.open(&positions)?));
            }
        }
        None
    }

    /// What only the whole list shows.
    fn blocking(&self, view: &RoundView<'_>, posted: &Posted) -> Option<Proof> {
        let RoundInputs {
            snapshot,
            policy,
            context,
        } = &self.inputs;
        let seed = &self.record.header.seed;
        let witness = witness_for(snapshot, &policy.score, context, seed, posted.list()?)?;
        self.confirmed(view, witness).ok().flatten()
    }
}

/// Whether an entry stands in its place after the one before it, with the sum that follows. Of what
/// a stranger takes nothing is known, and its entry is wrong by itself.
fn follows(view: &RoundView<'_>, before: Option<&Entry>, entry: &Entry) -> bool {
    let Some(record) = view.request(entry.request) else {
        return true;
    };
    let same = before.filter(|before| before.offer == entry.offer);
    let above = same.map_or(Capacity::ZERO, |before| before.used);
    let sum = above.checked_add(&record.input.request.demand());
    let place = before.is_none_or(|before| {
        before.offer < entry.offer || (before.offer == entry.offer && before.rank() > entry.rank())
    });
    place && sum == Some(entry.used)
}

fn repeated(posted: &Posted) -> Option<Witness> {
    let mut seen: BTreeMap<RequestId, u32> = BTreeMap::new();
    for (at, entry) in posted.entries() {
        if let Some(first) = seen.insert(entry.request, at) {
            return posted.open(&[first, at]).map(Witness::Repeated);
        }
    }
    None
}

/// The entry that is said to be lowest, beside one that is lower.
fn not_lowest(posted: &Posted) -> Option<Witness> {
    let claimed = posted.open(&[])?.lowest;
    let mut entries = posted.entries();
    let (_, lowest) = entries.find(|(at, _)| *at == claimed)?;
    let (at, _) = posted
        .entries()
        .min_by_key(|(_, entry)| entry.rank())
        .filter(|(_, entry)| entry.rank() < lowest.rank())?;
    posted
        .open(&[at.min(claimed), at.max(claimed)])
        .map(Witness::Cut)
}
