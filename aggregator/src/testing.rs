//! Operators, a table, a schedule around the present and headers, for tests.

use std::sync::Arc;

use quorate_bls::{Domain as Purpose, SecretKey};
use quorate_canon::{
    Address, ChainId, Digest, Epoch, OfferId, OperatorIndex, OperatorStake, RequestId, Round,
    Timestamp,
};
use quorate_matching::{Capacity, Entry, NO_LOWEST, OutcomeList};
use quorate_protocol::{Domain, Header, Schedule, StakeTable, Unverified, Verified, Vote, seed};

use crate::{clock::now, reach::Facts};

/// The beacon signature that tests go by; nothing here verifies it.
pub(crate) const BEACON: [u8; 48] = [7; 48];
/// The chain hash of that beacon.
const CHAIN_HASH: Digest = Digest([6; 32]);

/// A network of operators.
pub(crate) struct World {
    pub(crate) facts: Facts,
    pub(crate) keys: Vec<SecretKey>,
    pub(crate) table: Arc<StakeTable>,
}

impl World {
    /// Operators with these stakes; rounds of 10 s with an hour to settle, round 100 closed just now.
    pub(crate) fn new(stakes: &[u128]) -> Self {
        Self::at(stakes, now().get().saturating_sub(1_000))
    }

    /// The same with another genesis.
    pub(crate) fn at(stakes: &[u128], genesis: u64) -> Self {
        let key = |n: usize| SecretKey::from_seed(&[u8::try_from(n).unwrap() + 1; 32]).unwrap();
        let keys: Vec<_> = (0..stakes.len()).map(key).collect();
        let public = keys.iter().map(SecretKey::public_key).collect();
        let stakes = stakes
            .iter()
            .map(|stake| OperatorStake::new(*stake))
            .collect();
        let table = StakeTable::new(Epoch::new(0), public, stakes).unwrap();
        Self {
            facts: facts(genesis),
            keys,
            table: Arc::new(table),
        }
    }

    /// The round that closed last.
    pub(crate) fn round(&self) -> Round {
        Round::new(100)
    }

    /// A header of a round; `flavour` 0 is the right one.
    pub(crate) fn header(&self, round: Round, flavour: u8) -> Header {
        self.header_of(round, &list(3, flavour))
    }

    /// The header that commits to a list.
    pub(crate) fn header_of(&self, round: Round, list: &OutcomeList) -> Header {
        let domain = self.facts.domain;
        let beacon_round = self.facts.schedule.beacon_round(round).unwrap();
        Header {
            domain,
            round,
            snapshot_number: 1,
            snapshot_hash: Digest([1; 32]),
            policy_hash: Digest([2; 32]),
            inputs_root: Digest([3; 32]),
            seed: seed(&domain, round, &CHAIN_HASH, beacon_round, &BEACON),
            outcome_root: list.outcome_root(),
        }
    }

    /// An operator's vote.
    pub(crate) fn vote(&self, operator: u32, header: Header) -> Vote<Unverified> {
        self.forged(operator, operator, header)
    }

    /// A vote in one operator's name with another's signature.
    pub(crate) fn forged(&self, operator: u32, signer: u32, header: Header) -> Vote<Unverified> {
        let key = &self.keys[signer as usize];
        Vote::<Unverified>::new(
            header,
            OperatorIndex::new(operator),
            key.sign(Purpose::Vote, &header.digest().0),
        )
    }

    /// An operator's vote, verified.
    pub(crate) fn verified(&self, operator: u32, header: Header) -> Vote<Verified> {
        self.vote(operator, header).verify(&self.table).unwrap()
    }
}

/// A list of some matches; different flavours give different roots.
pub(crate) fn list(count: u64, flavour: u8) -> OutcomeList {
    let entry = |n: u64| Entry {
        offer: OfferId::new(n + 1),
        request: RequestId::new(n + 1),
        score: 1_000_000 - n,
        tie: u64::from(flavour),
        used: Capacity::default(),
    };
    let lowest = u32::try_from(count)
        .unwrap()
        .checked_sub(1)
        .unwrap_or(NO_LOWEST);
    OutcomeList::claimed((0..count).map(entry).collect(), lowest).unwrap()
}

fn facts(genesis: u64) -> Facts {
    let domain = Domain {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(2),
        rounds: Address([3; 20]),
        avs: Address([4; 20]),
        operator_set: 0,
    };
    let schedule = Schedule {
        genesis: Timestamp::new(genesis),
        period: 10,
        settle_timeout: 3_600,
        delay: 2,
        depth: 1,
        stake_epoch: 1_000_000,
        health_epoch: 1_000,
        challenge_window: 10,
        reveal_window: 10,
        beacon_genesis: Timestamp::new(genesis),
        beacon_period: 1,
        beacon_chain_hash: CHAIN_HASH,
    };
    Facts { domain, schedule }
}
