//! The operators of an epoch: stakes, clocks, and the signatures that draw their moments.

use std::collections::{BTreeMap, BTreeSet};

use quorate_canon::hash::sha256;
use quorate_canon::{Address, ChainId, Digest, HealthEpoch, OfferId, OperatorIndex, OperatorStake};
use quorate_health::{
    Committee, EpochClock, HealthPolicy, Network, Seats, Subject, WindowClock, committee,
    probe_message,
};

use super::dice::Dice;
use super::spans::{LEAD, SECOND};
use super::story::BASE;

/// Operators with stake, from one part of it to sixteen.
const OPERATORS: u32 = 48;
const DAY: u32 = 86_400;

/// Everything that all machines of an epoch share.
pub(super) struct Crew {
    pub(super) network: Network,
    pub(super) epoch: HealthEpoch,
    pub(super) windows: WindowClock,
    pub(super) staked: BTreeSet<OperatorIndex>,
    seats: Seats,
    randomness: Digest,
    signatures: BTreeMap<OperatorIndex, [u8; 96]>,
}

impl Crew {
    /// The crew of an epoch, drawn.
    pub(super) fn new(seed: u64, number: u64, policy: &HealthPolicy) -> Self {
        let mut dice = Dice::of(&[seed, number, 1]);
        let network = Network {
            l1_chain: ChainId::new(1),
            l2_chain: ChainId::new(42_161),
            rounds: Address([1; 20]),
            avs: Address([2; 20]),
            operator_set: 0,
        };
        let epoch = HealthEpoch::new(900);
        let genesis = BASE + LEAD / SECOND - 900 * u64::from(DAY);
        let clock = EpochClock {
            genesis: quorate_canon::Timestamp::new(genesis),
            epoch_seconds: DAY,
            stake_epoch: DAY,
            period: 60,
            beacon_genesis: quorate_canon::Timestamp::new(0),
            beacon_period: 3,
        };
        let stakes: Vec<_> = (0..OPERATORS)
            .map(|_| OperatorStake::new(1_u128 << dice.between(0, 5)))
            .collect();
        let randomness = sha256(&[&seed.to_be_bytes(), &number.to_be_bytes()]);
        let staked: BTreeSet<_> = (0..OPERATORS).map(OperatorIndex::new).collect();
        let signature = |operator: OperatorIndex| {
            let message = probe_message(&network, &randomness, epoch, operator);
            let part = |n: u8| sha256(&[&message.0, &[n]]).0;
            let mut signature = [0; 96];
            for (n, to) in (0..).zip(signature.chunks_exact_mut(32)) {
                to.copy_from_slice(&part(n));
            }
            (operator, signature)
        };
        Self {
            network,
            epoch,
            windows: clock.windows(policy),
            signatures: staked.iter().copied().map(signature).collect(),
            staked,
            seats: Seats::new(&stakes).expect("all have stake"),
            randomness,
        }
    }

    pub(super) fn committee(&self, machine: u64, policy: &HealthPolicy) -> (Subject, Committee) {
        let subject = Subject::Machine(OfferId::new(machine));
        let drawn = committee(
            &self.randomness,
            self.epoch,
            subject,
            &self.seats,
            policy.seats,
        );
        (subject, drawn)
    }

    /// What draws an operator's moments.
    pub(super) fn signature(&self, operator: OperatorIndex) -> &[u8; 96] {
        &self.signatures[&operator]
    }
}

/// Members that together hold at most so many seats, as many as fit, in an order that is drawn.
pub(super) fn some_seats(
    committee: &Committee,
    most: usize,
    dice: &mut Dice,
) -> Vec<OperatorIndex> {
    let mut members = committee.members();
    let mut some = Vec::new();
    let mut left = most;
    while !members.is_empty() {
        let at = dice.below(members.len());
        let member = members.swap_remove(at);
        let held = committee.seats_of(member);
        if held <= left {
            left -= held;
            some.push(member);
        }
    }
    some
}
