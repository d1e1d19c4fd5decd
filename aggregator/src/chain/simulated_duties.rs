//! Machines and money in memory, beside the other simulated contracts.

use std::collections::{BTreeMap, BTreeSet};

use quorate_canon::{Digest, HealthEpoch, OfferId, Round, Timestamp};

use super::simulated::{SimulatedChain, World};
use super::{Action, DownScan, DutyChain, Fault, Machine};

/// What `Health` and `Machines` know of machines, and `Escrow` of our pay.
#[derive(Debug, Default)]
pub struct DutyWorld {
    /// The first health epoch that is not settled, and its start.
    pub settled: (u32, u64),
    /// Machines called DOWN, in order of their events, one a block.
    pub events: Vec<(OfferId, HealthEpoch)>,
    /// The number of windows DOWN as they stand.
    pub down: BTreeMap<(OfferId, HealthEpoch), u32>,
    /// Windows DOWN that two epochs need.
    pub slash_windows: u32,
    /// Epochs that counted towards a slash.
    pub counted: BTreeSet<(OfferId, HealthEpoch)>,
    /// Slashes, in order.
    pub slashed: Vec<(OfferId, HealthEpoch)>,
    /// Machines in the order of registering.
    pub machines: Vec<(OfferId, Machine)>,
    /// Machines whose provider's stake is not whole.
    pub bare: BTreeSet<OfferId>,
    /// First rounds of policies, and what was earned under each.
    pub earned: BTreeMap<Round, u64>,
    /// What the pot owes us.
    pub debt: u64,
    /// What the pot holds.
    pub pot: u64,
    /// What we were credited.
    pub credited: u64,
}

fn refuse(why: &str) -> Fault {
    Fault::Refused(why.to_owned())
}

impl World {
    /// Does an action about machines or money; any other is a mistake of the test.
    pub(super) fn apply_duty(&mut self, action: &Action) -> Result<(), Fault> {
        match action {
            Action::SlashMachine(machine, epoch) => self.duty.slash(*machine, *epoch),
            Action::ReleaseMachine(machine, _) => self.duty.release(*machine),
            Action::SyncForHire(machine, _) => {
                self.duty.find(*machine).misplaced = false;
                Ok(())
            }
            Action::ObserveMachine { machine, most, .. } => self.duty.carry(*machine, *most),
            Action::RewardSettler(round, _) => {
                let policy = self.duty.policy(*round);
                let earned = self.duty.earned.insert(policy, 0).unwrap_or(0);
                if earned == 0 {
                    return Err(refuse("NothingEarned(address,bytes32)"));
                }
                let paid = self.duty.draw(earned);
                self.duty.debt += earned - paid;
                Ok(())
            }
            Action::CollectDebt(_) => {
                let paid = self.duty.draw(self.duty.debt);
                self.duty.debt -= paid;
                match paid {
                    0 => Err(refuse("NothingToCollect(address,uint256,uint256)")),
                    _ => Ok(()),
                }
            }
            other => panic!("{} is not about machines or money", other.name()),
        }
    }
}

impl DutyWorld {
    /// The first round of the policy of a round.
    fn policy(&self, round: Round) -> Round {
        let first = self.earned.range(..=round).next_back();
        first.map_or(Round::new(0), |(first, _)| *first)
    }

    fn draw(&mut self, micro: u64) -> u64 {
        let paid = micro.min(self.pot);
        self.pot -= paid;
        self.credited += paid;
        paid
    }

    fn slash(&mut self, machine: OfferId, epoch: HealthEpoch) -> Result<(), Fault> {
        let next = HealthEpoch::new(epoch.get() + 1);
        if next.get() >= self.settled.0 {
            return Err(refuse("NotSettled(uint256)"));
        }
        let down = |epoch| self.down.get(&(machine, epoch)).copied().unwrap_or(0);
        let (first, second) = (down(epoch), down(next));
        if first == 0 || second == 0 || first + second < self.slash_windows {
            return Err(refuse("TooLittleDown(uint256,uint256,uint256)"));
        }
        let pair = [(machine, epoch), (machine, next)];
        if pair.iter().any(|epoch| self.counted.contains(epoch)) {
            return Err(refuse("AlreadyCounted(uint256)"));
        }
        self.counted.extend(pair);
        self.slashed.push((machine, epoch));
        Ok(())
    }

    fn release(&mut self, id: OfferId) -> Result<(), Fault> {
        let bare = self.bare.contains(&id);
        let machine = self.find(id);
        let jailed = machine.jailed.ok_or(refuse("NotJailed(uint64)"))?;
        if crate::clock::now() < jailed {
            return Err(refuse("StillJailed(uint64)"));
        }
        if bare {
            return Err(refuse("StakeTooSmall(uint256,uint256)"));
        }
        machine.jailed = None;
        Ok(())
    }

    fn carry(&mut self, id: OfferId, most: u16) -> Result<(), Fault> {
        let unsettled = self.settled.0;
        let machine = self.find(id);
        let end = unsettled.min(machine.next.get() + u32::from(most));
        if machine.next.get() >= end {
            return Err(refuse("NothingToObserve(uint256)"));
        }
        machine.next = HealthEpoch::new(end);
        Ok(())
    }

    fn find(&mut self, id: OfferId) -> &mut Machine {
        let found = self.machines.iter_mut().find(|(known, _)| *known == id);
        &mut found.unwrap().1
    }
}

impl DutyChain for SimulatedChain {
    async fn settled_until(&self) -> Result<Timestamp, Fault> {
        Ok(Timestamp::new(self.ask()?.duty.settled.1))
    }

    async fn downs(&self, from: Option<u64>, _: Timestamp) -> Result<DownScan, Fault> {
        let events = self.ask()?.duty.events.clone();
        let from = usize::try_from(from.unwrap_or(0)).unwrap();
        Ok(DownScan {
            next: u64::try_from(events.len()).unwrap(),
            down: events[from..].to_vec(),
            complete: true,
        })
    }

    async fn machine_count(&self) -> Result<u64, Fault> {
        Ok(u64::try_from(self.ask()?.duty.machines.len()).unwrap())
    }

    async fn machine_at(&self, number: u64) -> Result<OfferId, Fault> {
        Ok(self.ask()?.duty.machines[usize::try_from(number).unwrap()].0)
    }

    async fn machine(&self, machine: OfferId) -> Result<Machine, Fault> {
        Ok(*self.ask()?.duty.find(machine))
    }

    async fn policy_hash(&self, round: Round) -> Result<Digest, Fault> {
        let first = self.ask()?.duty.policy(round).get();
        Ok(quorate_canon::hash::sha256(&[&first.to_be_bytes()]))
    }

    async fn earned(&self, round: Round) -> Result<u64, Fault> {
        let world = self.ask()?;
        let policy = world.duty.policy(round);
        Ok(world.duty.earned.get(&policy).copied().unwrap_or(0))
    }

    async fn owed(&self) -> Result<u64, Fault> {
        Ok(self.ask()?.duty.debt)
    }

    async fn pot(&self) -> Result<u64, Fault> {
        Ok(self.ask()?.duty.pot)
    }
}
