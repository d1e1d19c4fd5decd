//! What the tests share: deployments, headers and markets out of numbers.

use quorate_beacon::ChainInfo;
use quorate_bls::{Domain as Tag, SecretKey};
use quorate_canon::{Address, ChainId, Digest, Round, Timestamp, hash::sha256};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::{Policy, Seed};
use quorate_protocol::{Domain, Header, Schedule, seed};

use crate::{
    inputs::RoundInputs,
    record::{Record, Signers},
    watch::BeaconRule,
};

/// The markets of the matching crate's own tests.
#[path = "../../crates/matching/tests/common/world.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
pub(crate) mod markets;

/// A seed that tests compute under.
pub(crate) const SEED: Seed = Seed([7; 32]);

pub(crate) fn domain() -> Domain {
    Domain {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(2),
        rounds: Address([3; 20]),
        avs: Address([4; 20]),
        operator_set: 0,
    }
}

/// Rounds of a minute, posted within 20 seconds, windows of 100 and 50.
pub(crate) fn schedule() -> Schedule {
    Schedule {
        genesis: Timestamp::new(markets::TIME - 3_000),
        period: 60,
        settle_timeout: 20,
        delay: 4,
        depth: 1,
        stake_epoch: 600,
        health_epoch: 75,
        challenge_window: 100,
        reveal_window: 50,
        beacon_genesis: Timestamp::new(1_000_000_000),
        beacon_period: 3,
        beacon_chain_hash: Digest([8; 32]),
    }
}

pub(crate) fn header(round: u64, outcome_root: Digest) -> Header {
    Header {
        domain: domain(),
        round: Round::new(round),
        snapshot_number: 5,
        snapshot_hash: Digest([5; 32]),
        policy_hash: Digest([6; 32]),
        inputs_root: Digest([9; 32]),
        seed: SEED,
        outcome_root,
    }
}

fn secret() -> SecretKey {
    SecretKey::from_seed(&[42; 32]).unwrap()
}

/// The beacon's rule, and its signature of a round.
pub(crate) fn beacon(round: u64) -> (BeaconRule, [u8; 48]) {
    let schedule = schedule();
    let number = schedule.beacon_round(Round::new(round)).unwrap();
    let message = sha256(&[&number.to_be_bytes()]);
    let signature = secret().sign(Tag::DrandNul, &message.0).to_compressed48();
    let info = ChainInfo::local(
        secret().public_key().to_compressed(),
        schedule.beacon_chain_hash,
        schedule.beacon_genesis,
        schedule.beacon_period,
    );
    let rule = BeaconRule {
        key: info.key().unwrap(),
        domain: domain(),
        schedule,
    };
    (rule, signature)
}

/// A record with the beacon's own seed.
pub(crate) fn seeded(round: u64) -> (BeaconRule, Record) {
    let (rule, signature) = beacon(round);
    let mut header = header(round, Digest::ZERO);
    let number = rule.schedule.beacon_round(header.round).unwrap();
    let hash = rule.schedule.beacon_chain_hash;
    header.seed = seed(&domain(), header.round, &hash, number, &signature);
    let record = Record {
        header,
        beacon_signature: signature,
        signers: Some(Signers {
            bitmap: vec![0b1011],
            aggregate: vec![1; 128],
        }),
    };
    (rule, record)
}

/// A crowded market; `limit` 0 is none. Its round is the one whose T the market's orders are made for.
pub(crate) fn inputs(number: u64, offers: u64, requests: u64, limit: u32) -> RoundInputs {
    let world = markets::World::new(number, offers, requests).with_limit(limit);
    RoundInputs {
        snapshot: world.snapshot,
        policy: Policy {
            score: world.policy,
            ..policy_v1()
        },
        context: world.context,
    }
}
