//! Operators that lie, and an agent that does, to show what the network does about them.
//!
//! Each operator is another implementor of its hooks ([`avs_operator::voter::Voter`], [`Attester`])
//! around the honest one, told how to lie ([`Lie`]) and when ([`When`]); the [`HostileAgent`] is
//! another implementor of the agent's service. All of them are in this crate and nowhere else: the
//! production binaries have no such thing, and `tests/` searches them.

mod agent;
mod attester;
mod colluder;
mod divergent;
mod equivocator;
mod lie;
mod memory;
mod silent;
mod when;

use std::sync::Arc;

use avs_operator::{
    compute::Computed,
    prober::words::{Attester, LedgerAttester},
    voter::{Ballot, LedgerVoter, Voter},
};
use quorate_bls::{Domain, SecretKey};
use quorate_canon::{Digest, OfferId, OperatorIndex};
use quorate_health::HealthPolicy;
use quorate_matching::{Entry, OutcomeList};
use quorate_protocol::{Header, Vote};

pub use agent::{Deceit, HostileAgent, serve_hostile_agent};
pub use attester::FalseAttester;
pub use colluder::Colluder;
pub use divergent::Divergent;
pub use equivocator::Equivocator;
pub use lie::{Lie, UnknownLie};
pub use quorate_matching::wrong::Lie as Wrong;
pub use silent::Silent;
pub use when::When;

impl Lie {
    /// The voter that lies so.
    #[must_use]
    pub fn voter(self, honest: LedgerVoter, key: SecretKey, when: When) -> Box<dyn Voter> {
        match self {
            Self::Equivocate => Box::new(Equivocator::new(honest, key, when)),
            Self::Diverge => Box::new(Divergent::new(honest, key, when)),
            Self::Collude(wrong) => Box::new(Colluder::new(honest, key, when, wrong)),
            Self::Withhold(wrong) => {
                Box::new(Colluder::new(honest, key, when, wrong).keeping_the_list())
            }
            Self::Silent => Box::new(Silent::new(honest, when)),
            Self::Attest(_) => Box::new(honest),
        }
    }

    /// The attester that lies so; all but one of the lies are about rounds.
    #[must_use]
    pub fn attester(self, honest: LedgerAttester, key: SecretKey) -> Arc<dyn Attester> {
        match self {
            Self::Attest(offer) => {
                let windows = HealthPolicy::devnet().windows;
                Arc::new(FalseAttester::new(
                    honest,
                    key,
                    OfferId::new(offer),
                    windows,
                ))
            }
            _ => Arc::new(honest),
        }
    }
}

/// The right header with another outcome and other inputs, signed without asking any ledger.
fn signed(
    key: &SecretKey,
    operator: OperatorIndex,
    header: Header,
) -> Vote<quorate_protocol::Unverified> {
    let digest: Digest = header.digest();
    let signature = key.sign(Domain::Vote, &digest.get());
    Vote::new(header, operator, signature)
}

/// A vote for a list that lacks the lowest match, which is wrong: that pair is eligible, free and
/// blocks.
fn wrong_ballot(key: &SecretKey, right: &Ballot, computed: &Computed) -> Option<Ballot> {
    let list = without_lowest(&computed.list)?;
    let header = Header {
        outcome_root: list.outcome_root(),
        ..computed.header
    };
    Some(Ballot {
        vote: signed(key, right.vote.operator(), header),
        list: Some(list),
    })
}

fn without_lowest(list: &OutcomeList) -> Option<OutcomeList> {
    let mut entries: Vec<Entry> = list.entries().to_vec();
    entries.remove(usize::try_from(list.lowest()).ok()?);
    let lowest = entries
        .iter()
        .enumerate()
        .min_by_key(|(_, e)| e.rank())
        .map_or(u32::MAX, |(at, _)| u32::try_from(at).unwrap_or(u32::MAX));
    OutcomeList::claimed(entries, lowest).ok()
}
