//! A network, a key, headers.

use std::path::PathBuf;

use quorate_bls::{PublicKey, SecretKey, Signature};
use quorate_canon::{
    Address, ChainId, Digest, HealthEpoch, Mask256, OfferId, OperatorIndex, Round, Timestamp, hash,
};
use quorate_health::{DownEntry, DownList, Network, Receipt, Subject, Window};
use quorate_matching::Seed;
use quorate_protocol::rules::SnapshotId;
use quorate_protocol::{Domain, Header, Schedule, Unverified, Vote};
use quorate_signer::{Identity, Signer, SigningLedger, Start};

pub(crate) const GENESIS: u64 = 1_000;
pub(crate) const PERIOD: u64 = 60;
/// Seconds of a window, and how many a health epoch has.
pub(crate) const WINDOW: u64 = 450;
pub(crate) const WINDOWS: u64 = 8;

pub(crate) fn schedule() -> Schedule {
    Schedule {
        genesis: Timestamp::new(GENESIS),
        period: 60,
        settle_timeout: 120,
        delay: 20,
        depth: 3,
        stake_epoch: 3_600,
        health_epoch: 3_600,
        challenge_window: 600,
        reveal_window: 600,
        beacon_genesis: Timestamp::new(0),
        beacon_period: 3,
        beacon_chain_hash: Digest::new([9; 32]),
    }
}

pub(crate) fn close(round: u64) -> u64 {
    GENESIS + round * PERIOD
}

/// The time of the round's beacon.
pub(crate) fn beacon(round: u64) -> Timestamp {
    let schedule = schedule();
    let beacon = schedule.beacon_round(Round::new(round)).unwrap();
    schedule.beacon_time(beacon).unwrap()
}

pub(crate) fn domain() -> Domain {
    Domain {
        l1_chain: ChainId::new(31_337),
        l2_chain: ChainId::new(31_338),
        rounds: Address::new([1; 20]),
        avs: Address::new([2; 20]),
        operator_set: 0,
    }
}

pub(crate) fn key() -> SecretKey {
    SecretKey::from_seed(&[5; 32]).unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity {
        key: key().public_key(),
        domain: domain(),
    }
}

pub(crate) fn snapshot(round: u64) -> SnapshotId {
    SnapshotId {
        number: round.wrapping_add(100),
        hash: Digest::new([round.to_be_bytes()[7]; 32]),
    }
}

/// A header of `round`; another `outcome` makes another header.
pub(crate) fn header(round: u64, outcome: u64) -> Header {
    let snapshot = snapshot(round);
    Header {
        domain: domain(),
        round: Round::new(round),
        snapshot_number: snapshot.number,
        snapshot_hash: snapshot.hash,
        policy_hash: Digest::new([3; 32]),
        inputs_root: Digest::new([4; 32]),
        seed: Seed([5; 32]),
        outcome_root: hash::sha256(&[&outcome.to_be_bytes()]),
    }
}

/// A signer of a process that started when the L2 head had this timestamp.
pub(crate) fn signer(ledger: SigningLedger, head: u64) -> Signer {
    let start = Start {
        operator: OperatorIndex::new(7),
        schedule: schedule(),
        head: Timestamp::new(head),
    };
    Signer::start(ledger, key(), start).unwrap()
}

/// Fixes the round's snapshot in good time.
pub(crate) fn fix(signer: &Signer, round: u64) {
    signer
        .fix_snapshot(Round::new(round), snapshot(round), Timestamp::new(0))
        .unwrap();
}

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    pub(crate) fn create(&self) -> SigningLedger {
        SigningLedger::create(&self.path(), &identity(), None).unwrap()
    }

    pub(crate) fn open(&self) -> SigningLedger {
        SigningLedger::open(&self.path(), &identity()).unwrap()
    }
}

pub(crate) fn network() -> Network {
    Network {
        l1_chain: ChainId::new(31_337),
        l2_chain: ChainId::new(31_338),
        rounds: Address::new([1; 20]),
        avs: Address::new([2; 20]),
        operator_set: 0,
    }
}

pub(crate) fn machine(id: u64) -> Subject {
    Subject::Machine(OfferId::new(id))
}

pub(crate) fn epoch_start(epoch: u32) -> u64 {
    GENESIS + u64::from(epoch) * WINDOW * WINDOWS
}

/// Windows from 8 on, which the clock has no room for, begin with the last one.
pub(crate) fn window_start(epoch: u32, window: u16) -> Timestamp {
    let window = u64::from(window).min(WINDOWS - 1);
    Timestamp::new(epoch_start(epoch) + window * WINDOW)
}

pub(crate) fn down(id: u64, epoch: u32, window: u16) -> quorate_health::Place {
    quorate_health::Place {
        network: network(),
        subject: machine(id),
        epoch: HealthEpoch::new(epoch),
        window: Window(window),
    }
}

pub(crate) fn receipt(id: u64, epoch: u32, window: u16) -> Receipt {
    Receipt(down(id, epoch, window))
}

pub(crate) fn entry(id: u64, windows: &[u8]) -> DownEntry {
    DownEntry {
        subject: machine(id),
        windows: Mask256::of(windows),
    }
}

pub(crate) fn list(epoch: u32, entries: &[DownEntry]) -> DownList {
    DownList::new(network(), HealthEpoch::new(epoch), entries.to_vec()).unwrap()
}

pub(crate) fn is_signed(message: &Digest, key: &PublicKey, signature: &Signature) -> bool {
    quorate_bls::verify(quorate_bls::Domain::Vote, key, &message.get(), signature)
}

pub(crate) fn signature(vote: &Vote<Unverified>) -> Signature {
    vote.signature().check().unwrap()
}

pub(crate) fn is_signed_by(vote: &Vote<Unverified>, key: &PublicKey) -> bool {
    let digest = vote.header().digest().get();
    quorate_bls::verify(quorate_bls::Domain::Vote, key, &digest, &signature(vote))
}
