//! One health epoch's lists and signatures. No I/O: what happens when is told from outside.

use std::collections::{BTreeMap, BTreeSet};

use quorate_bls::Signature;
use quorate_canon::{Digest, Mask256, OperatorIndex};
use quorate_health::{Claims, DownList, Subject, Window, propose};

use super::Terms;

/// Most lists of its own that an operator hands in for an epoch: 16,384 machines.
pub const OWN_LISTS: usize = 64;

/// A list that an operator signed; the signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What it calls DOWN.
    pub list: DownList,
    /// Its signature of that.
    pub signature: Signature,
}

/// A list that would be certified, and who has signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The list.
    pub list: DownList,
    /// Its digest.
    pub digest: Digest,
    /// Whose signature is expected: everybody with stake who does not disagree with an entry.
    pub expected: BTreeSet<OperatorIndex>,
    /// The signatures that came.
    pub signatures: BTreeMap<OperatorIndex, Signature>,
    /// Whether it stands on L2.
    pub certified: bool,
}

/// What becomes of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It is one of the operator's own.
    Own,
    /// It signs a proposal.
    Proposal,
    /// It was here before.
    Again,
    /// The operator has handed in [`OWN_LISTS`] before, and nobody proposed this one.
    TooMany,
}

/// The lists of one epoch.
#[derive(Clone, Debug, Default)]
pub struct Book {
    own: BTreeMap<OperatorIndex, Vec<Own>>,
    proposals: Vec<Proposal>,
    /// Lists that came after the last proposals, or none yet, may lead to others.
    changed: bool,
}

impl Book {
    /// What becomes of a list, without taking it.
    #[must_use]
    pub fn look(&self, operator: OperatorIndex, list: &DownList) -> Signed {
        let digest = list.digest();
        if let Some(proposal) = self.proposals.iter().find(|known| known.digest == digest) {
            return match proposal.signatures.contains_key(&operator) {
                true => Signed::Again,
                false => Signed::Proposal,
            };
        }
        match self.own.get(&operator) {
            Some(own) if own.iter().any(|own| own.list == *list) => Signed::Again,
            Some(own) if own.len() >= OWN_LISTS => Signed::TooMany,
            _ => Signed::Own,
        }
    }

    /// Takes a list whose signature was verified.
    pub fn take(&mut self, operator: OperatorIndex, own: Own) -> Signed {
        let what = self.look(operator, &own.list);
        match what {
            Signed::Own => {
                self.changed = true;
                self.own.entry(operator).or_default().push(own);
            }
            Signed::Proposal => {
                let digest = own.list.digest();
                if let Some(proposal) = self
                    .proposals
                    .iter_mut()
                    .find(|known| known.digest == digest)
                {
                    proposal.signatures.insert(operator, own.signature);
                }
            }
            Signed::Again | Signed::TooMany => {}
        }
        what
    }

    /// Proposes what enough operators say by now, beside what is certified already. While a proposal
    /// waits for signatures nothing new is proposed: operators have begun to sign.
    pub fn propose(&mut self, terms: &Terms) {
        let waiting = self.proposals.iter().any(|proposal| !proposal.certified);
        if waiting || !self.changed {
            return;
        }
        let words: BTreeMap<_, Claims> = self
            .own
            .iter()
            .map(|(operator, lists)| (*operator, claims(lists.iter().map(|own| &own.list))))
            .collect();
        let certified = claims(self.proposals.iter().map(|proposal| &proposal.list));
        let subjects = words.values().flat_map(|claims| claims.entries());
        let committees = subjects
            .map(|entry| (entry.subject, terms.committee(entry.subject)))
            .collect();
        let found = propose(
            &words,
            &terms.operators().collect(),
            &certified,
            &terms.judged(&committees),
        );
        // Nothing more to find until another list comes.
        self.changed = !found.is_empty();
        let found = found.into_iter().map(|proposal| self.begin(proposal));
        let found: Vec<_> = found.collect();
        self.proposals.extend(found);
    }

    /// A new proposal. Whoever handed in this very list has signed it.
    fn begin(&self, proposal: quorate_health::Proposal) -> Proposal {
        let same = |own: &&Own| own.list == proposal.list;
        let signed = self.own.iter().filter_map(|(operator, lists)| {
            let own = lists.iter().find(same)?;
            Some((*operator, own.signature))
        });
        Proposal {
            digest: proposal.list.digest(),
            signatures: signed.collect(),
            expected: proposal.signers,
            list: proposal.list,
            certified: false,
        }
    }

    /// Puts back a list that was stored before a restart, whatever it was then: whoever signed a
    /// proposal says what it says.
    pub fn restore_own(&mut self, operator: OperatorIndex, own: Own) {
        self.changed = true;
        self.own.entry(operator).or_default().push(own);
    }

    /// Takes over what another copy has proposed meanwhile; signatures that came here stay.
    pub fn adopt(&mut self, other: Self) {
        let more = other.proposals.into_iter().skip(self.proposals.len());
        self.proposals.extend(more);
        // A list that came while the copy was at work leads to another look.
        let lists = |own: &BTreeMap<_, Vec<Own>>| own.values().map(Vec::len).sum::<usize>();
        if lists(&self.own) == lists(&other.own) {
            self.changed = other.changed;
        }
    }

    /// Puts back what was proposed before a restart, in that order, without signatures.
    pub fn restore(&mut self, list: DownList, expected: BTreeSet<OperatorIndex>, certified: bool) {
        let mut proposal = self.begin(quorate_health::Proposal {
            list,
            signers: expected,
        });
        proposal.certified = certified;
        self.proposals.push(proposal);
        self.changed = true;
    }

    /// All that was proposed, in order.
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// Notes that a proposal stands on L2.
    pub fn certified(&mut self, digest: Digest) {
        for proposal in &mut self.proposals {
            proposal.certified |= proposal.digest == digest;
        }
    }

    /// Who called a subject DOWN, and in which windows, by all lists that bear its signature.
    #[must_use]
    pub fn accusers(&self, subject: Subject) -> BTreeMap<OperatorIndex, Mask256> {
        let mut words: BTreeMap<_, Claims> = BTreeMap::new();
        for (operator, list, _) in self.signed() {
            if let Some(entry) = list.entry(subject) {
                words.entry(operator).or_default().add(entry);
            }
        }
        let windows = |(operator, claims): (_, Claims)| (operator, claims.of(subject));
        words.into_iter().map(windows).collect()
    }

    /// A list that an operator signed and that calls a window of a subject DOWN, with its signature.
    #[must_use]
    pub fn accusation(
        &self,
        operator: OperatorIndex,
        subject: Subject,
        window: Window,
    ) -> Option<Own> {
        let accuses = |list: &DownList| list.entry(subject).is_some_and(|entry| entry.has(window));
        let mut signed = self.signed();
        let (_, list, signature) = signed.find(|(by, list, _)| *by == operator && accuses(list))?;
        Some(Own {
            list: list.clone(),
            signature: *signature,
        })
    }

    /// All lists with a signature, by whom.
    fn signed(&self) -> impl Iterator<Item = (OperatorIndex, &DownList, &Signature)> {
        let own = self.own.iter().flat_map(|(operator, lists)| {
            let each = lists.iter();
            each.map(|own| (*operator, &own.list, &own.signature))
        });
        let proposed = self.proposals.iter().flat_map(|proposal| {
            let each = proposal.signatures.iter();
            each.map(|(operator, signature)| (*operator, &proposal.list, signature))
        });
        own.chain(proposed)
    }

    /// Whether any list is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }
}

fn claims<'a>(lists: impl Iterator<Item = &'a DownList>) -> Claims {
    lists.flat_map(DownList::entries).collect()
}

impl Proposal {
    /// Whether all who are expected have signed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let signed = |operator| self.signatures.contains_key(operator);
        self.expected.iter().all(signed)
    }

    /// Whether the signers hold more than two thirds of the seats of one machine at least: then
    /// certifying it changes something. The contract passes over the other entries.
    #[must_use]
    pub fn is_worth_it(&self, terms: &Terms) -> bool {
        let signers: Vec<_> = self.signatures.keys().copied().collect();
        let stands = |entry: &quorate_health::DownEntry| {
            terms.committee(entry.subject).is_two_thirds(&signers)
        };
        self.list.entries().iter().any(stands)
    }
}
