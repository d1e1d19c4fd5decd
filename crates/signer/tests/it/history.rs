//! Any history of one operator: restarts, backups put back, clocks that are wrong. It signs at
//! most one header of a round and fixes at most one snapshot.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use quorate_canon::{Digest, Round, Timestamp};
use quorate_protocol::rules::SnapshotId;
use quorate_signer::{Signer, SigningLedger};

use crate::world::{GENESIS, PERIOD, Place, close, header, identity, signer, snapshot};

#[derive(Debug, Clone)]
enum Step {
    /// L2 goes on by so many seconds.
    Pass(u64),
    /// Tries to fix a snapshot for a round near the head, with any clock. On one fork or the
    /// other.
    Fix {
        back: u64,
        fork: bool,
        clock: u64,
    },
    /// Tries to sign a round near the head; several outcomes are on offer.
    Sign {
        back: u64,
        fork: bool,
        outcome: u64,
    },
    /// Sends again what the ledger holds.
    Resend {
        back: u64,
    },
    Restart,
    Backup,
    RestoreBackup,
    LoseLedger,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u64..2 * PERIOD).prop_map(Step::Pass),
        4 => (0u64..3, any::<bool>(), prop_oneof![Just(0), Just(u64::MAX), 0..GENESIS * 3])
            .prop_map(|(back, fork, clock)| Step::Fix { back, fork, clock }),
        6 => (0u64..3, any::<bool>(), 0u64..3)
            .prop_map(|(back, fork, outcome)| Step::Sign { back, fork, outcome }),
        2 => (0u64..3).prop_map(|back| Step::Resend { back }),
        1 => Just(Step::Restart),
        1 => Just(Step::Backup),
        1 => Just(Step::RestoreBackup),
        1 => Just(Step::LoseLedger),
    ]
}

struct Operator {
    place: Place,
    signer: Option<Signer>,
    head: u64,
    backup: Option<Vec<u8>>,
    signed: BTreeMap<Round, Digest>,
}

impl Operator {
    fn new() -> Self {
        let place = Place::new();
        let head = GENESIS + PERIOD;
        let signer = Some(signer(place.create(), head));
        Self {
            place,
            signer,
            head,
            backup: None,
            signed: BTreeMap::new(),
        }
    }

    /// The round that closed last, or one of those before.
    fn round(&self, back: u64) -> u64 {
        ((self.head - GENESIS) / PERIOD).saturating_sub(back)
    }

    fn restart(&mut self, change: impl FnOnce(&Place)) {
        drop(self.signer.take());
        change(&self.place);
        let path = self.place.path();
        let ledger = if path.exists() {
            SigningLedger::open(&path, &identity())
        } else {
            SigningLedger::create(&path, &identity(), None)
        };
        self.signer = Some(signer(ledger.unwrap(), self.head));
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Pass(seconds) => self.head += seconds,
            Step::Fix { back, fork, clock } => {
                let round = self.round(back);
                let snapshot = forked(snapshot(round), fork);
                let clock = Timestamp::new(clock);
                let _ = self
                    .signer()
                    .fix_snapshot(Round::new(round), snapshot, clock);
            }
            Step::Sign {
                back,
                fork,
                outcome,
            } => self.sign(back, fork, outcome),
            Step::Resend { back } => {
                let round = Round::new(self.round(back));
                if let Some(vote) = self.signer().stored_vote(round).unwrap() {
                    self.publish(round, vote.digest());
                }
            }
            Step::Restart => self.restart(|_| ()),
            Step::Backup => {
                let mut copy = None;
                self.restart(|place| copy = fs::read(place.path()).ok());
                self.backup = copy;
            }
            Step::RestoreBackup => {
                if let Some(backup) = self.backup.clone() {
                    self.restart(|place| fs::write(place.path(), backup).unwrap());
                }
            }
            Step::LoseLedger => self.restart(|place| fs::remove_file(place.path()).unwrap()),
        }
    }

    fn sign(&mut self, back: u64, fork: bool, outcome: u64) {
        let round = self.round(back);
        // The last round has closed: its snapshot can be known. Earlier is impossible.
        assert!(close(round) <= self.head);
        let mut header = header(round, outcome);
        let snapshot = forked(snapshot(round), fork);
        (header.snapshot_number, header.snapshot_hash) = (snapshot.number, snapshot.hash);
        match self.signer().sign_vote(&header) {
            Ok(vote) => {
                assert_eq!(vote.digest(), header.digest());
                self.publish(Round::new(round), vote.digest());
            }
            Err(refused) => assert!(refused.is_refusal(), "{refused}"),
        }
    }

    fn publish(&mut self, round: Round, digest: Digest) {
        let first = *self.signed.entry(round).or_insert(digest);
        assert_eq!(first, digest, "round {round} signed twice");
    }

    fn signer(&self) -> &Signer {
        self.signer.as_ref().unwrap()
    }
}

fn forked(snapshot: SnapshotId, fork: bool) -> SnapshotId {
    SnapshotId {
        number: snapshot.number + u64::from(fork),
        ..snapshot
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(crate::trials("QUORATE_SIGNER_HISTORIES", 48, 5_000)).unwrap(),
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_history_makes_an_operator_sign_twice(steps in prop::collection::vec(step(), 1..60)) {
        let mut operator = Operator::new();
        for step in &steps {
            operator.step(step);
        }
    }
}
