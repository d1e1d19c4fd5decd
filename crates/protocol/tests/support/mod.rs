//! A small network to test with.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]

use quorate_bls::{Domain as Purpose, PublicKey, SecretKey};
use quorate_canon::{
    Address, ChainId, Digest, Epoch, OperatorIndex, OperatorStake, Round, Timestamp,
};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, Schedule, StakeTable, Unverified, Verified, Vote};

#[path = "trial_vectors.rs"]
pub mod trial_vectors;
#[path = "vectors.rs"]
pub mod vectors;

pub fn domain() -> Domain {
    Domain {
        l1_chain: ChainId::new(31_337),
        l2_chain: ChainId::new(42_161),
        rounds: Address([0x11; 20]),
        avs: Address([0x22; 20]),
        operator_set: 7,
    }
}

pub fn header(round: u64) -> Header {
    Header {
        domain: domain(),
        round: Round::new(round),
        snapshot_number: 1_000 + round,
        snapshot_hash: Digest([0x33; 32]),
        policy_hash: Digest([0x44; 32]),
        inputs_root: Digest([0x55; 32]),
        seed: Seed([0x66; 32]),
        outcome_root: Digest([0x77; 32]),
    }
}

/// The same round with the same inputs, and another outcome.
pub fn diverging(round: u64) -> Header {
    Header {
        outcome_root: Digest([0x88; 32]),
        ..header(round)
    }
}

/// The same round seen on another fork.
pub fn forked(round: u64) -> Header {
    Header {
        snapshot_hash: Digest([0x99; 32]),
        ..header(round)
    }
}

pub fn schedule() -> Schedule {
    Schedule {
        genesis: Timestamp::new(1_700_000_000),
        period: 10,
        settle_timeout: 35,
        delay: 6,
        depth: 2,
        stake_epoch: 86_400,
        health_epoch: 3_600,
        challenge_window: 600,
        reveal_window: 300,
        beacon_genesis: Timestamp::new(1_692_803_367),
        beacon_period: 3,
        beacon_chain_hash: Digest([0xbe; 32]),
    }
}

pub fn secret(index: u32) -> SecretKey {
    SecretKey::from_seed(&[7; 32]).unwrap().child(index)
}

pub fn key(index: u32) -> PublicKey {
    secret(index).public_key()
}

pub fn index(index: u32) -> OperatorIndex {
    OperatorIndex::new(index)
}

pub fn stakes(stakes: &[u128]) -> Vec<OperatorStake> {
    stakes.iter().copied().map(OperatorStake::new).collect()
}

/// A table with the keys of the test operators and these stakes.
pub fn table(amounts: &[u128]) -> StakeTable {
    let keys = (0u32..).take(amounts.len()).map(key).collect();
    StakeTable::new(Epoch::new(3), keys, stakes(amounts)).unwrap()
}

pub fn vote(header: &Header, operator: u32) -> Vote<Unverified> {
    let signature = secret(operator).sign(Purpose::Vote, &header.digest().get());
    Vote::<Unverified>::new(*header, index(operator), signature)
}

pub fn verified(header: &Header, operator: u32, table: &StakeTable) -> Vote<Verified> {
    vote(header, operator).verify(table).unwrap()
}
