//! Operators that lie, to show what the network does about them.
//!
//! Each is another implementor of the operator's hook ([`avs_operator::voter::Voter`]) around the
//! honest one, in this crate and nowhere else: the production binary has no such thing, and
//! `tests/` searches it. They lie once, in the first round from a given one on that has matches.

mod divergent;
mod equivocator;

use avs_operator::voter::{Ballot, LedgerVoter, Voter};
use clap::ValueEnum;
use quorate_bls::{Domain, SecretKey};
use quorate_canon::{Digest, Round};
use quorate_matching::{Entry, OutcomeList};
use quorate_protocol::{Header, Vote};

pub use divergent::Divergent;
pub use equivocator::Equivocator;

/// How an operator lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lie {
    /// Signs the right header and a second one of the same round.
    Equivocate,
    /// Signs the same inputs with another outcome, and not the right one.
    Diverge,
}

impl Lie {
    /// Its word on a command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equivocate => "equivocate",
            Self::Diverge => "diverge",
        }
    }

    /// The voter that lies so, from round `from` on.
    #[must_use]
    pub fn voter(self, honest: LedgerVoter, key: SecretKey, from: Round) -> Box<dyn Voter> {
        match self {
            Self::Equivocate => Box::new(Equivocator::new(honest, key, from)),
            Self::Diverge => Box::new(Divergent::new(honest, key, from)),
        }
    }
}

/// When to lie: once, from a round on.
#[derive(Debug)]
struct Once {
    from: Round,
    told: bool,
}

impl Once {
    const fn new(from: Round) -> Self {
        Self { from, told: false }
    }

    /// Whether this is the round; never twice. A round without matches has nothing to lie about.
    fn is_now(&mut self, round: Round, list: &OutcomeList) -> bool {
        let now = !self.told && round >= self.from && !list.entries().is_empty();
        self.told |= now;
        now
    }
}

/// The right header with the outcome of a list that lacks the lowest match, which is wrong: that
/// pair is eligible, free and blocks. Signed without asking any ledger.
fn wrong_ballot(key: &SecretKey, right: &Ballot) -> Option<Ballot> {
    let list = without_lowest(&right.list)?;
    let header = Header {
        outcome_root: list.outcome_root(),
        ..*right.vote.header()
    };
    let digest: Digest = header.digest();
    let signature = key.sign(Domain::Vote, &digest.get());
    Some(Ballot {
        vote: Vote::new(header, right.vote.operator(), signature),
        list,
    })
}

fn without_lowest(list: &OutcomeList) -> Option<OutcomeList> {
    let mut entries: Vec<Entry> = list.entries().to_vec();
    entries.remove(usize::try_from(list.lowest()).ok()?);
    let lowest = entries
        .iter()
        .enumerate()
        .min_by_key(|(_, e)| (e.score, e.tie, e.request, e.offer))
        .map_or(u32::MAX, |(at, _)| u32::try_from(at).unwrap_or(u32::MAX));
    OutcomeList::claimed(entries, lowest).ok()
}
