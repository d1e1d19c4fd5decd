//! Both chains in memory, for tests: they keep the contracts' promises and can be told to fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use alloy::primitives::U256;
use quorate_canon::{Digest, Epoch, OperatorIndex, Round, Timestamp};
use quorate_matching::{chunk_count, verify_chunk};
use quorate_protocol::{Certificate, Offence, Signers, StakeTable, Verdict, Word};

use super::simulated_duties::DutyWorld;
use super::simulated_health::HealthWorld;
use super::simulated_tally::WorkWorld;
use super::{
    Action, Chain, Fault, Mined, Missing, OnChain, Pages, Payer, Scan, Standing, actions::charge_id,
};
use crate::settle::Beacons;
use crate::testing::BEACON;

/// The state of both chains.
#[derive(Debug, Default)]
pub struct World {
    /// Tables that are complete on L2.
    pub tables: BTreeMap<Epoch, StakeTable>,
    /// Tables that L1 has fixed.
    pub fixed: BTreeMap<Epoch, Pages>,
    /// Tables that would be fixed.
    pub coming: BTreeMap<Epoch, Pages>,
    /// When each table may be fixed.
    pub opens_at: u64,
    /// Epochs whose commitment has arrived on L2.
    pub arrived: BTreeSet<Epoch>,
    /// Pages on L2, by epoch and page; none is the page of stakes.
    pub pages: BTreeSet<(Epoch, Option<u32>)>,
    /// Rounds.
    pub rounds: BTreeMap<Round, OnChain>,
    /// Chunks that stand.
    pub chunks: BTreeMap<Round, BTreeSet<u32>>,
    /// Rounds that are final.
    pub finals: BTreeSet<Round>,
    /// Words that L1 has heard.
    pub words: BTreeMap<Round, Word>,
    /// Operators that were punished, for the gravest offence.
    pub punished: BTreeMap<(OperatorIndex, Round), Offence>,
    /// Operators that have lost as much as they can.
    pub spent: BTreeSet<OperatorIndex>,
    /// Rounds whose certificate no endpoint finds.
    pub unread: BTreeSet<Round>,
    /// Refutations on L2: code and the block.
    pub refuted: BTreeMap<Round, (u8, u64)>,
    /// Certificates that L2 has taken.
    pub certificates: BTreeMap<Digest, Signers>,
    /// Signers that L1 knows.
    pub signers: BTreeSet<(Digest, OperatorIndex)>,
    /// Headers whose seed L1 has judged wrong.
    pub wrong_seeds: BTreeSet<Digest>,
    /// Operators whose signatures count no more on L2.
    pub struck: BTreeSet<OperatorIndex>,
    /// What a proposal costs.
    pub proposal_bond: U256,
    /// Bonds that are held.
    pub bonds: BTreeMap<Round, Payer>,
    /// What our key was credited.
    pub credit: U256,
    /// L2's newest block.
    pub block: u64,
    /// Charges on L1.
    pub charges: BTreeMap<Digest, (OperatorIndex, Round)>,
    /// Actions that were mined, by name.
    pub mined: Vec<&'static str>,
    /// Attempts to act by name, refused ones included.
    pub attempts: Vec<&'static str>,
    /// Faults that the next actions meet, by name.
    pub faults: BTreeMap<&'static str, Vec<Fault>>,
    /// How many of the next actions of a name are never answered.
    pub hanging: BTreeMap<&'static str, u32>,
    /// Whether nobody answers.
    pub dark: bool,
    /// `Health`.
    pub health: HealthWorld,
    /// Machines and money.
    pub duty: DutyWorld,
    /// Operators' work.
    pub work: WorkWorld,
}

/// A handle on the chains.
#[derive(Clone, Debug, Default)]
pub struct SimulatedChain(Arc<Mutex<World>>);

impl SimulatedChain {
    /// The chains' state.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Whether an action is one that is never answered.
    fn hangs(&self, action: &Action) -> bool {
        let mut world = self.world();
        match world.hanging.get_mut(action.name()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                world.attempts.push(action.name());
                true
            }
            _ => false,
        }
    }

    /// The chains' state, if they answer.
    pub(super) fn ask(&self) -> Result<MutexGuard<'_, World>, Fault> {
        let world = self.world();
        if world.dark {
            Err(Fault::Unreachable("dark".into()))
        } else {
            Ok(world)
        }
    }
}

impl World {
    fn apply(&mut self, action: &Action) -> Result<(), Fault> {
        match action {
            Action::Settle { certificate, .. } => {
                let digest = certificate.digest();
                self.certificates.insert(digest, signers_of(certificate));
                let fresh = OnChain {
                    standing: Standing::Certified,
                    digest,
                    posted: 0,
                    proposed: false,
                };
                if let Some(struck) = certificate
                    .signers()
                    .iter()
                    .find(|operator| self.struck.contains(operator))
                {
                    return Err(Fault::Refused(format!("StruckSigner({struck})")));
                }
                let n = certificate.header().round;
                let round = self.rounds.entry(n).or_insert(fresh);
                if round.proposed && (round.digest == digest || round.posted == 0) {
                    (round.digest, round.proposed) = (digest, false);
                    self.credit += self.proposal_bond;
                    self.bonds.remove(&n);
                }
                if round.digest == digest {
                    Ok(())
                } else {
                    Err(Fault::Refused("another header".into()))
                }
            }
            Action::Propose { header, bond, .. } => {
                if *bond != self.proposal_bond {
                    return Err(Fault::Refused("WrongBond".into()));
                }
                let fresh = OnChain {
                    standing: Standing::Certified,
                    digest: header.digest(),
                    posted: 0,
                    proposed: true,
                };
                if self.rounds.contains_key(&header.round) {
                    return Err(Fault::Refused("NotLive".into()));
                }
                self.rounds.insert(header.round, fresh);
                self.bonds.insert(header.round, Payer::Us);
                Ok(())
            }
            Action::Tick(..) => Ok(()),
            Action::SettleBond(round) => {
                if !self.finals.contains(round) || self.bonds.remove(round).is_none() {
                    return Err(Fault::Refused("BondNotDue".into()));
                }
                self.credit += self.proposal_bond;
                Ok(())
            }
            Action::Withdraw(_) => {
                if self.credit.is_zero() {
                    return Err(Fault::Refused("NothingToWithdraw".into()));
                }
                self.credit = U256::ZERO;
                Ok(())
            }
            Action::PostChunk { header, chunk } => {
                let round = self
                    .rounds
                    .get_mut(&header.round)
                    .ok_or(Fault::Refused("NotPostable".into()))?;
                if round.digest != header.digest()
                    || verify_chunk(&header.outcome_root, chunk).is_err()
                {
                    return Err(Fault::Refused("WrongHeader".into()));
                }
                if !self
                    .chunks
                    .entry(header.round)
                    .or_default()
                    .insert(chunk.index)
                {
                    return Err(Fault::Refused("posted".into()));
                }
                round.posted += 1;
                if round.posted == chunk_count(chunk.count) {
                    round.standing = Standing::Settled;
                }
                Ok(())
            }
            Action::Report(round) => {
                let digest = self.rounds[round].digest;
                let verdict = match self.refuted.get(round) {
                    None => Verdict::Stands,
                    Some((15, _)) => Verdict::WrongSeed,
                    Some(_) => Verdict::WrongOutcome,
                };
                self.words.insert(
                    *round,
                    Word {
                        round: *round,
                        digest,
                        verdict,
                    },
                );
                Ok(())
            }
            Action::FixTable(epoch) => {
                let pages = self
                    .coming
                    .remove(epoch)
                    .ok_or(Fault::Refused("TooEarly".into()))?;
                self.fixed.insert(*epoch, pages);
                Ok(())
            }
            Action::PostKeys { epoch, page, .. } => {
                self.pages.insert((*epoch, Some(*page)));
                Ok(())
            }
            Action::PostStakes { epoch, .. } => {
                self.pages.insert((*epoch, None));
                Ok(())
            }
            Action::ProveEquivocation(operator, evidence) => {
                let round = evidence.header_a.round;
                self.punish(*operator, round, Offence::Equivocation)
            }
            Action::ChargeDivergence(operator, evidence) => {
                let id = charge_id(*operator, &evidence.certified);
                match self.charges.insert(id, (*operator, evidence.other.round)) {
                    None => Ok(()),
                    Some(_) => Err(Fault::Refused("ChargeKnown".into())),
                }
            }
            Action::Execute(id) => {
                let charge = self
                    .charges
                    .get(id)
                    .ok_or(Fault::Refused("NoCharge".into()))?;
                let (operator, round) = *charge;
                self.punish(operator, round, Offence::Divergence)
            }
            Action::Strike(signers) => {
                let standing = self.rounds.get(&signers.header.round);
                if standing.is_none_or(|round| round.standing != Standing::Refuted) {
                    return Err(Fault::Refused("NotRefuted".into()));
                }
                self.struck.extend(signers.operators());
                Ok(())
            }
            Action::ProveSigners(signers) => {
                let digest = signers.header.digest();
                self.signers
                    .extend(signers.operators().map(|operator| (digest, operator)));
                Ok(())
            }
            Action::ProveWrongSeed(evidence) => {
                self.wrong_seeds.insert(evidence.header.digest());
                Ok(())
            }
            Action::ExecuteVerdict {
                digest, operator, ..
            } => {
                if !self.signers.contains(&(*digest, *operator)) {
                    return Err(Fault::Refused("NotASigner".into()));
                }
                let round = self.certificates[digest].header.round;
                let verdict = self.verdict(round, *digest);
                let offence = verdict.ok_or(Fault::Refused("NoVerdict".into()))?;
                self.punish(*operator, round, offence)
            }
            Action::Work(work) => self.apply_work(work),
            action => self.apply_health(action),
        }
    }
}

impl World {
    /// Refutes a round on L2 in a new block.
    pub fn refute(&mut self, round: Round, code: u8) {
        self.block += 1;
        self.refuted.insert(round, (code, self.block));
        self.rounds.get_mut(&round).unwrap().standing = Standing::Refuted;
    }

    fn verdict(&self, round: Round, digest: Digest) -> Option<Offence> {
        if self.wrong_seeds.contains(&digest) {
            return Some(Offence::WrongSeed);
        }
        self.words.get(&round)?.convicts(round, digest)
    }

    /// As L1: the graver offence counts, the same one or a lighter one is refused.
    fn punish(
        &mut self,
        operator: OperatorIndex,
        round: Round,
        offence: Offence,
    ) -> Result<(), Fault> {
        let paid = self.punished.get(&(operator, round));
        if paid.is_some_and(|paid| paid.percent() >= offence.percent()) {
            return Err(Fault::Refused("AlreadyPunished".into()));
        }
        self.punished.insert((operator, round), offence);
        Ok(())
    }
}

fn signers_of(certificate: &Certificate) -> Signers {
    Signers {
        header: *certificate.header(),
        bitmap: certificate.signers().to_bytes(),
        aggregate: *certificate.aggregate(),
    }
}

impl Chain for SimulatedChain {
    async fn round(&self, round: Round) -> Result<OnChain, Fault> {
        let none = OnChain {
            standing: Standing::None,
            digest: Digest::default(),
            posted: 0,
            proposed: false,
        };
        Ok(self.ask()?.rounds.get(&round).copied().unwrap_or(none))
    }

    async fn posted(&self, round: Round) -> Result<BTreeSet<u32>, Fault> {
        Ok(self.ask()?.chunks.get(&round).cloned().unwrap_or_default())
    }

    async fn is_final(&self, round: Round) -> Result<bool, Fault> {
        Ok(self.ask()?.finals.contains(&round))
    }

    async fn table(&self, epoch: Epoch) -> Result<Option<StakeTable>, Fault> {
        Ok(self.ask()?.tables.get(&epoch).cloned())
    }

    async fn missing_pages(&self, epoch: Epoch, count: u32) -> Result<Option<Missing>, Fault> {
        let world = self.ask()?;
        Ok(world.arrived.contains(&epoch).then(|| Missing {
            keys: (0..count)
                .filter(|page| !world.pages.contains(&(epoch, Some(*page))))
                .collect(),
            stakes: !world.pages.contains(&(epoch, None)),
        }))
    }

    async fn pages(&self, epoch: Epoch) -> Result<Option<Pages>, Fault> {
        Ok(self.ask()?.fixed.get(&epoch).cloned())
    }

    async fn opens_at(&self, _: Epoch) -> Result<Timestamp, Fault> {
        Ok(Timestamp::new(self.ask()?.opens_at))
    }

    async fn word(&self, round: Round) -> Result<Option<Word>, Fault> {
        Ok(self.ask()?.words.get(&round).copied())
    }

    async fn can_lose(&self, operator: OperatorIndex, _: Epoch) -> Result<bool, Fault> {
        Ok(!self.ask()?.spent.contains(&operator))
    }

    async fn offence(
        &self,
        operator: OperatorIndex,
        round: Round,
    ) -> Result<Option<Offence>, Fault> {
        Ok(self.ask()?.punished.get(&(operator, round)).copied())
    }

    async fn refutations(&self, from: Option<u64>, _: Timestamp) -> Result<Scan, Fault> {
        let world = self.ask()?;
        let from = from.unwrap_or(0);
        let refuted = world
            .refuted
            .iter()
            .filter(|(_, (_, block))| *block >= from);
        Ok(Scan {
            refuted: refuted.map(|(round, (code, _))| (*round, *code)).collect(),
            next: world.block,
            complete: true,
        })
    }

    async fn signers(&self, round: Round, told: &OnChain) -> Result<Option<Signers>, Fault> {
        let world = self.ask()?;
        if world.unread.contains(&round) || world.rounds.get(&round) != Some(told) {
            return Err(Fault::Unreachable("no certificate".into()));
        }
        Ok(world.certificates.get(&told.digest).cloned())
    }

    async fn is_struck(&self, operator: OperatorIndex, _: Epoch) -> Result<bool, Fault> {
        Ok(self.ask()?.struck.contains(&operator))
    }

    async fn verdict(&self, round: Round, digest: Digest) -> Result<Option<Offence>, Fault> {
        Ok(self.ask()?.verdict(round, digest))
    }

    async fn has_signed(&self, digest: Digest, operator: OperatorIndex) -> Result<bool, Fault> {
        Ok(self.ask()?.signers.contains(&(digest, operator)))
    }

    async fn proposal_bond(&self) -> Result<U256, Fault> {
        Ok(self.ask()?.proposal_bond)
    }

    async fn bond(&self, round: Round) -> Result<Option<Payer>, Fault> {
        Ok(self.ask()?.bonds.get(&round).copied())
    }

    async fn credit(&self) -> Result<U256, Fault> {
        Ok(self.ask()?.credit)
    }

    async fn act(&self, action: &Action, _: Timestamp) -> Result<Mined, Fault> {
        if self.hangs(action) {
            std::future::pending::<()>().await;
        }
        let mut world = self.ask()?;
        world.attempts.push(action.name());
        if let Some(fault) = world.faults.get_mut(action.name()).and_then(Vec::pop) {
            return Err(fault);
        }
        world.apply(action)?;
        world.mined.push(action.name());
        Ok(Mined {
            gas: 21_000,
            block: 1,
        })
    }
}

/// A beacon that always gives the same signature.
#[derive(Debug, Default)]
pub struct SimulatedBeacon;

impl Beacons for SimulatedBeacon {
    async fn signature(&self, _: u64, _: Timestamp) -> Result<[u8; 48], String> {
        Ok(BEACON)
    }
}
