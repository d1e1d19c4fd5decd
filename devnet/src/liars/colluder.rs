//! Signs a wrong outcome that every other colluder signs too.

use avs_operator::{
    compute::{Computed, Prepared},
    voter::{Ballot, LedgerVoter, Voter},
};
use quorate_bls::SecretKey;
use quorate_canon::{OperatorIndex, Round, Timestamp};
use quorate_matching::wrong::{self, Lied, Truth};
use quorate_protocol::{Header, Unverified, Vote, rules::SnapshotId};
use quorate_signer::SignerError;

use super::{When, Wrong, memory::Memory, signed};

/// A kind of lie that leaves the outcome right is tried again, so often.
const TRIES: u64 = 32;

/// One of a quorum of liars. What it signs follows from kind and round alone, so that all of them
/// sign one header. It shows its lie to no contract first: what the node has checked before it asks
/// its voter is the outcome that it would have signed.
#[derive(Debug)]
pub struct Colluder {
    honest: LedgerVoter,
    key: SecretKey,
    when: When,
    wrong: Wrong,
    gives_list: bool,
    memory: Memory,
}

impl Colluder {
    /// Lies in the rounds of `when` in which a lie of this kind is possible.
    #[must_use]
    pub fn new(honest: LedgerVoter, key: SecretKey, when: When, wrong: Wrong) -> Self {
        Self {
            honest,
            key,
            when,
            wrong,
            gives_list: true,
            memory: Memory::default(),
        }
    }

    /// The same, which gives the list of its lie to nobody.
    #[must_use]
    pub fn keeping_the_list(mut self) -> Self {
        self.gives_list = false;
        self
    }

    fn lie(
        &self,
        prepared: &Prepared,
        computed: &Computed,
        operator: OperatorIndex,
    ) -> Option<Ballot> {
        let Lied { list, inputs_root } = lied(self.wrong, prepared, computed, &self.memory)?;
        let header = Header {
            inputs_root,
            outcome_root: list.outcome_root(),
            ..computed.header
        };
        Some(Ballot {
            vote: signed(&self.key, operator, header),
            list: self.gives_list.then_some(list),
        })
    }
}

/// The first outcome of a kind that is not the right one, in an order that the seed decides.
fn lied(kind: Wrong, prepared: &Prepared, computed: &Computed, memory: &Memory) -> Option<Lied> {
    let outside = memory.beside(prepared.inputs());
    let seed = computed.header.seed;
    let truth = Truth {
        snapshot: prepared.inputs(),
        policy: &prepared.policy.score,
        context: prepared.context(),
        seed: &seed,
        outside: &outside,
    };
    let (first, _) = seed.0.split_first_chunk::<8>()?;
    let first = u64::from_be_bytes(*first);
    (0..TRIES)
        .filter_map(|more| wrong::lie(kind, &truth, first.wrapping_add(more)))
        .find(|lied| lied.list.outcome_root() != computed.header.outcome_root)
}

impl Voter for Colluder {
    fn fix_snapshot(
        &mut self,
        round: Round,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<(), SignerError> {
        self.honest.fix_snapshot(round, snapshot, now)
    }

    fn vote(
        &mut self,
        prepared: &Prepared,
        computed: &Computed,
    ) -> Result<Vec<Ballot>, SignerError> {
        // The honest vote is made for its operator index, and not sent in the round of a lie.
        let mut ballots = self.honest.vote(prepared, computed)?;
        let round = prepared.round;
        let operator = ballots.first().map(|right| right.vote.operator());
        if let Some(operator) = operator.filter(|_| self.when.is_now(round))
            && let Some(wrong) = self.lie(prepared, computed, operator)
        {
            self.when.told();
            let (kind, header) = (self.wrong, wrong.vote.digest());
            tracing::warn!(%round, ?kind, %header, "lying: signing a wrong outcome");
            ballots = vec![wrong];
        }
        self.memory.remember(prepared, computed);
        Ok(ballots)
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.honest.stored(round)
    }
}
