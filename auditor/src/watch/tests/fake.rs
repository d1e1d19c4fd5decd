//! A chain and its contracts in memory: they keep the rules of `Disputes` that a watcher meets.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use alloy::primitives::{Address, B256, U256};
use quorate_canon::{Digest, Round, Timestamp, codec::FixedWidth as _, hash::sha256};
use quorate_chain::{Advance, ChainError, Head, views::Judgement as Ruling};
use quorate_matching::{Accused, OutcomeList, Snapshot, judge};
use quorate_protocol::{Header, Schedule};
use quorate_service::{Metrics, Readiness, Shutdown};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    AuditError, Finding,
    inputs::RoundInputs,
    posted::Posted,
    record::Record,
    testing,
    watch::{
        Line, Options, Summary,
        court::{Act, Court, CourtError, Mined, commitment},
        docket::{At, Docket},
        engine::{Pace, Watch},
        line::Deed,
        observe::Observe,
        seed::BeaconRule,
        view::{RoundView, Strangers},
        world::{Stand, World},
    },
};

pub(super) const BOND: u64 = 100;
pub(super) const BOUNTY: u64 = 30;
const ME: Address = Address::repeat_byte(0xaa);

/// A round on the made-up chain.
#[derive(Clone)]
pub(super) struct FakeRound {
    record: Record,
    inputs: RoundInputs,
    list: OutcomeList,
    posted: Posted,
    block: u64,
    settled: Option<(Timestamp, u64)>,
    refuted: Option<(Timestamp, u8, u64)>,
}

/// A commitment: its hash, when, and in which block.
type Bound = (B256, Timestamp, u64);
/// Something that happens when the chain goes on.
pub(super) type Happening = Box<dyn FnOnce(&mut Inner) + Send>;

pub(super) struct Inner {
    blocks: Vec<Head>,
    forks: u8,
    taken_back: u64,
    seen: u64,
    pub(super) rounds: BTreeMap<Round, FakeRound>,
    commitments: BTreeMap<Round, Bound>,
    bounty_paid: bool,
    pub(super) credit: u64,
    sent: BTreeMap<String, Mined>,
    /// Everything that was mined, in order.
    pub(super) deeds: Vec<Deed>,
    /// What the next steps of this kind meet.
    pub(super) refusals: Vec<(Deed, CourtError)>,
    /// What the contract says of any witness, where it shall not think itself.
    pub(super) ruling: Option<u8>,
    script: VecDeque<Happening>,
}

/// Clones share the chain.
#[derive(Clone)]
pub(super) struct Fake(Arc<Mutex<Inner>>);

impl Inner {
    fn head(&self) -> Head {
        *self.blocks.last().unwrap()
    }

    pub(super) fn mine(&mut self, seconds: u64) {
        let number = u64::try_from(self.blocks.len()).unwrap();
        let time = self
            .blocks
            .last()
            .map_or(testing::markets::TIME, |head| head.timestamp.get());
        self.blocks.push(Head {
            number,
            hash: sha256(&[&number.to_be_bytes(), &[self.forks]]),
            timestamp: Timestamp::new(time + seconds),
        });
    }

    /// Takes blocks back, with all that stood in them, and puts as many empty ones in their place.
    pub(super) fn reorganise(&mut self, depth: usize) {
        let kept = self.blocks.len() - depth;
        self.blocks.truncate(kept);
        let last = self.head().number;
        self.forks += 1;
        self.taken_back += u64::try_from(depth).unwrap();
        self.rounds.retain(|_, round| round.block <= last);
        for round in self.rounds.values_mut() {
            round.refuted = round.refuted.filter(|(_, _, block)| *block <= last);
            round.settled = round.settled.filter(|(_, block)| *block <= last);
        }
        self.commitments.retain(|_, (_, _, block)| *block <= last);
        self.sent.retain(|_, mined| mined.at.block <= last);
        (0..depth).for_each(|_| self.mine(1));
    }

    /// Lets a header appear in a new block; its list is what `lie` makes of the right one.
    pub(super) fn certify(
        &mut self,
        n: u64,
        lie: impl FnOnce(&RoundInputs, &OutcomeList) -> OutcomeList,
    ) {
        let (_, mut record) = testing::seeded(n);
        let mut inputs = testing::inputs(n, 6, 18, 0);
        inputs.context.round = Round::new(n);
        let right = inputs.right(&record.header.seed).unwrap();
        let list = lie(&inputs, &right.list);
        record.header.outcome_root = list.outcome_root();
        self.mine(1);
        let round = FakeRound {
            posted: Posted::nothing(list.outcome_root()),
            record,
            inputs,
            list,
            block: self.head().number,
            settled: None,
            refuted: None,
        };
        self.rounds.insert(Round::new(n), round);
    }

    /// Posts the whole list in a new block.
    pub(super) fn post(&mut self, n: u64) {
        self.mine(1);
        let head = self.head();
        let round = self.rounds.get_mut(&Round::new(n)).unwrap();
        round.posted = Posted::all(round.list.outcome_root(), round.list.clone()).unwrap();
        round.settled = Some((head.timestamp, head.number));
    }

    /// Somebody else refutes a round.
    pub(super) fn refute(&mut self, n: u64) {
        self.mine(1);
        let head = self.head();
        let round = self.rounds.get_mut(&Round::new(n)).unwrap();
        round.refuted = Some((head.timestamp, 14, head.number));
    }

    /// Spoils the posted signature of a round, and gives the header the seed that follows.
    pub(super) fn spoil_seed(&mut self, n: u64) {
        let (rule, _) = testing::beacon(n);
        let round = self.rounds.get_mut(&Round::new(n)).unwrap();
        let record = &mut round.record;
        record.beacon_signature = [0xff; 48];
        let number = rule.schedule.beacon_round(record.header.round).unwrap();
        let hash = rule.schedule.beacon_chain_hash;
        record.header.seed = quorate_protocol::seed(
            &rule.domain,
            record.header.round,
            &hash,
            number,
            &[0xff; 48],
        );
    }

    fn until(&self, round: Round) -> Option<Timestamp> {
        let schedule = testing::schedule();
        let (end, _) = self.rounds.get(&round)?.settled?;
        let windows = schedule.challenge_window + schedule.reveal_window;
        Some(Timestamp::new(end.get() + u64::from(windows)))
    }

    /// The contract's judgement of a witness against the header that stands.
    fn judge(&self, header: &[u8], witness: &[u8]) -> Result<(u8, u32), CourtError> {
        let header = Header::from_bytes(header).unwrap();
        if let Some(code) = self.ruling {
            return Ok((code, 0));
        }
        let round = self
            .rounds
            .get(&header.round)
            .ok_or(CourtError::NotChallengeable)?;
        if header != round.record.header {
            return Err(CourtError::Refused("WrongHeader".into()));
        }
        let (rule, _) = testing::beacon(0);
        let strangers = Strangers::default();
        let view = RoundView::new(&round.inputs, &strangers, &header, &rule, &round.posted);
        let accused = Accused {
            outcome_root: header.outcome_root,
            seed: header.seed,
        };
        let refutation = judge(&view, &accused, witness);
        let refutation = refutation.map_err(|error| CourtError::Refused(error.to_string()))?;
        Ok(refutation.map_or((0, 0), |found| (found.code.code(), found.position)))
    }

    fn may_refute(&self, header: &[u8], witness: &[u8]) -> Result<(Round, u8), CourtError> {
        let n = Header::from_bytes(header).unwrap().round;
        let round = self.rounds.get(&n).ok_or(CourtError::NotChallengeable)?;
        let late = self
            .until(n)
            .is_some_and(|until| self.head().timestamp > until);
        if round.refuted.is_some() || late {
            return Err(CourtError::NotChallengeable);
        }
        match self.judge(header, witness)? {
            (0, _) => Err(CourtError::Refused("NoFault()".into())),
            (code, _) => Ok((n, code)),
        }
    }

    fn note_refuted(&mut self, n: Round, code: u8) {
        let head = self.head();
        let round = self.rounds.get_mut(&n).unwrap();
        round.refuted = Some((head.timestamp, code, head.number));
    }

    fn apply(&mut self, n: Round, act: &Act) -> Result<(), CourtError> {
        match act {
            Act::Challenge { header, witness } => {
                let (n, code) = self.may_refute(header, witness)?;
                self.mine(1);
                self.note_refuted(n, code);
            }
            Act::Commit { bond, commitment } => {
                assert_eq!(*bond, U256::from(BOND));
                let round = self.rounds.get(&n).ok_or(CourtError::NotChallengeable)?;
                let reveal = u64::from(testing::schedule().reveal_window);
                let now = self.head().timestamp.get();
                let late = self
                    .until(n)
                    .is_some_and(|until| now + reveal > until.get());
                if late || round.refuted.is_some() {
                    return Err(CourtError::NotChallengeable);
                }
                assert!(!self.commitments.contains_key(&n), "a second bond");
                self.mine(1);
                let head = self.head();
                self.commitments
                    .insert(n, (*commitment, head.timestamp, head.number));
            }
            Act::Reveal {
                salt,
                header,
                witness,
            } => self.reveal(n, *salt, header, witness)?,
            Act::Annul { .. } | Act::Strike { .. } => {
                if self.rounds[&n].refuted.is_none() {
                    return Err(CourtError::Refused("NotRefuted".into()));
                }
                self.mine(1);
            }
            Act::Forfeit => {
                self.commitments
                    .remove(&n)
                    .ok_or(CourtError::NoCommitment)?;
                self.mine(1);
                self.credit += BOND;
            }
            Act::Withdraw => {
                self.mine(1);
                self.credit = 0;
            }
        }
        Ok(())
    }

    fn reveal(
        &mut self,
        n: Round,
        salt: B256,
        header: &[u8],
        witness: &[u8],
    ) -> Result<(), CourtError> {
        let bound = commitment(ME, salt, header, witness);
        let (stored, time, _) = *self.commitments.get(&n).ok_or(CourtError::NoCommitment)?;
        if stored != bound {
            return Err(CourtError::NoCommitment);
        }
        if self.head().timestamp <= time {
            return Err(CourtError::TooEarly);
        }
        if self.rounds[&n].refuted.is_none() {
            let (n, code) = self.may_refute(header, witness)?;
            self.mine(1);
            self.note_refuted(n, code);
        } else {
            self.mine(1);
        }
        self.commitments.remove(&n);
        let first = self.rounds[&n].refuted.is_some_and(|(at, _, _)| time < at);
        let bounty = if first && !self.bounty_paid {
            BOUNTY
        } else {
            0
        };
        self.bounty_paid |= first;
        self.credit += BOND + bounty;
        Ok(())
    }
}

impl Fake {
    pub(super) fn new() -> Self {
        let mut inner = Inner {
            blocks: Vec::new(),
            forks: 0,
            taken_back: 0,
            seen: 0,
            rounds: BTreeMap::new(),
            commitments: BTreeMap::new(),
            bounty_paid: false,
            credit: 0,
            sent: BTreeMap::new(),
            deeds: Vec::new(),
            refusals: Vec::new(),
            ruling: None,
            script: VecDeque::new(),
        };
        inner.mine(0);
        Self(Arc::new(Mutex::new(inner)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// What happens, one a step, when the watcher waits for the chain.
    pub(super) fn script(&self, happenings: Vec<Happening>) {
        self.lock().script.extend(happenings);
    }

    pub(super) fn watch(
        &self,
        docket: Docket,
        mut options: Options,
    ) -> (Watch<Self, Self>, UnboundedReceiver<Line>) {
        let (lines, heard) = unbounded_channel();
        options.lines = Some(lines);
        let observe = Observe::new(&Metrics::new(), &Readiness::new(), options.lines.clone());
        let pace = Pace {
            poll: Duration::from_millis(1),
            patience: Duration::from_millis(20),
            final_depth: 1_000,
        };
        let beacon: BeaconRule = testing::beacon(0).0;
        let parts = (self.clone(), self.clone(), docket);
        (Watch::new(parts, beacon, options, observe, pace), heard)
    }

    /// Runs a watcher to its end; all that it said.
    pub(super) async fn run(&self, docket: Docket, options: Options) -> (Summary, Vec<Line>) {
        let (watch, mut heard) = self.watch(docket, options);
        let summary = Box::pin(watch.run(&Shutdown::new(), |_| Ok(())))
            .await
            .unwrap();
        let mut lines = Vec::new();
        while let Ok(line) = heard.try_recv() {
            lines.push(line);
        }
        (summary, lines)
    }
}

impl World for Fake {
    fn head(&self) -> Head {
        self.lock().head()
    }

    fn hash_of(&self, block: u64) -> Option<Digest> {
        let blocks = &self.lock().blocks;
        blocks
            .get(usize::try_from(block).unwrap())
            .map(|head| head.hash)
    }

    fn schedule(&self) -> &Schedule {
        static SCHEDULE: std::sync::OnceLock<Schedule> = std::sync::OnceLock::new();
        SCHEDULE.get_or_init(testing::schedule)
    }

    fn stands(&self, from: Round) -> Vec<(Round, Stand)> {
        let inner = self.lock();
        let rounds = inner.rounds.range(from..);
        rounds
            .map(|(round, fake)| {
                let stand = Stand {
                    digest: fake.record.header.digest(),
                    block: fake.block,
                    settled: fake.settled.map(|(time, _)| time),
                    refuted: fake.refuted.map(|(time, code, _)| (time, code)),
                };
                (*round, stand)
            })
            .collect()
    }

    async fn next(&mut self, every: Duration) -> Result<Advance, ChainError> {
        loop {
            {
                let mut inner = self.lock();
                if let Some(happens) = inner.script.pop_front() {
                    happens(&mut inner);
                }
                let head = inner.head();
                if inner.taken_back > 0 || head.number != inner.seen {
                    let taken_back = std::mem::take(&mut inner.taken_back);
                    let added = head.number.saturating_sub(inner.seen);
                    inner.seen = head.number;
                    return Ok(Advance {
                        head,
                        taken_back,
                        added,
                    });
                }
            }
            tokio::time::sleep(every).await;
        }
    }

    async fn record(&self, round: Round) -> Result<Record, AuditError> {
        let inner = self.lock();
        let fake = inner.rounds.get(&round);
        fake.map(|fake| fake.record.clone())
            .ok_or(AuditError::NotCertified(round))
    }

    async fn inputs(&self, round: Round) -> Result<RoundInputs, AuditError> {
        let inner = self.lock();
        let fake = inner.rounds.get(&round);
        fake.map(|fake| fake.inputs.clone())
            .ok_or_else(|| AuditError::missing(round, "no inputs"))
    }

    async fn posted(&self, header: &Header, _: u64) -> Result<Posted, AuditError> {
        Ok(self.lock().rounds[&header.round].posted.clone())
    }

    fn strangers(&self, _: &Snapshot, _: &Posted) -> Strangers {
        Strangers::default()
    }

    async fn notes(&self, _: &Header, _: &RoundInputs) -> Result<Vec<Finding>, AuditError> {
        Ok(Vec::new())
    }

    fn image(&self) -> Option<Vec<u8>> {
        None
    }
}

impl Court for Fake {
    fn challenger(&self) -> Address {
        ME
    }

    async fn judge(&self, header: &Header, witness: &[u8]) -> Result<Ruling, CourtError> {
        let (code, position) = self.lock().judge(&header.to_bytes(), witness)?;
        Ok(Ruling { code, position })
    }

    async fn until(&self, round: Round) -> Result<Option<Timestamp>, CourtError> {
        Ok(self.lock().until(round))
    }

    async fn bond(&self) -> Result<U256, CourtError> {
        Ok(U256::from(BOND))
    }

    async fn credit(&self) -> Result<U256, CourtError> {
        Ok(U256::from(self.lock().credit))
    }

    async fn is_struck(&self, _: Round, _: u64) -> Result<bool, CourtError> {
        Ok(self.lock().deeds.contains(&Deed::Strike))
    }

    async fn try_out(&self, _: Round, act: &Act) -> Result<(), CourtError> {
        match act {
            Act::Challenge { header, witness } => {
                self.lock().may_refute(header, witness).map(|_| ())
            }
            other => panic!("{other:?} is not tried"),
        }
    }

    async fn send(
        &self,
        n: Round,
        act: &Act,
        key: String,
        _: Option<Timestamp>,
    ) -> Result<Mined, CourtError> {
        let mut inner = self.lock();
        if let Some(mined) = inner.sent.get(&key) {
            return Ok(*mined);
        }
        let refusal = inner
            .refusals
            .iter()
            .position(|(deed, _)| *deed == act.deed());
        if let Some(at) = refusal {
            return Err(inner.refusals.remove(at).1);
        }
        inner.apply(n, act)?;
        inner.deeds.push(act.deed());
        let head = inner.head();
        let mined = Mined {
            transaction: B256::new(head.hash.0),
            at: At {
                block: head.number,
                hash: Some(B256::new(head.hash.0)),
            },
            gas: 1,
        };
        inner.sent.insert(key, mined);
        Ok(mined)
    }
}
