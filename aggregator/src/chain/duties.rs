//! What the duties about machines and money ask of L2: `Health`, `Machines` and `Escrow`.

use std::future::Future;

use alloy::primitives::{Address, U256};
use quorate_bindings::{IEscrow, IHealth, IMachines, IRounds};
use quorate_canon::{Digest, HealthEpoch, OfferId, Round, Timestamp};
use quorate_chain::health::HealthEvent;
use quorate_chain::sender::{SendError, try_call};

use super::ethereum::{Ethereum, view_fault};
use super::{Fault, HealthChain, calls};

/// What `Escrow` says of rounds that were paid for.
const PAID: &str = "NothingEarned";

/// Machines that were called DOWN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownScan {
    /// Machine and epoch, in order. Receipts may have undone it since.
    pub down: Vec<(OfferId, HealthEpoch)>,
    /// The block to look from next time.
    pub next: u64,
    /// Whether the look went up to the newest block.
    pub complete: bool,
}

/// How a machine stands with `Health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The first health epoch that is not in its uptime.
    pub next: HealthEpoch,
    /// When it was retired, if it was.
    pub retired: Option<Timestamp>,
    /// When it may be let out, if it is jailed.
    pub jailed: Option<Timestamp>,
    /// Whether the list of machines for hire has it and its state says otherwise, or the reverse.
    pub misplaced: bool,
}

/// What is asked about machines and money. Amounts are micro-dollars of currency 0.
pub trait DutyChain: HealthChain {
    /// The start of the first health epoch that is not settled.
    fn settled_until(&self) -> impl Future<Output = Result<Timestamp, Fault>> + Send;

    /// Machines called DOWN on L2 in block `from` or later; without one, since `since`. Looks at a
    /// bounded number of blocks.
    fn downs(
        &self,
        from: Option<u64>,
        since: Timestamp,
    ) -> impl Future<Output = Result<DownScan, Fault>> + Send;

    /// How many machines were ever registered.
    fn machine_count(&self) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// The machine of a number, from 0, in the order of registering.
    fn machine_at(&self, number: u64) -> impl Future<Output = Result<OfferId, Fault>> + Send;

    /// How a registered machine stands.
    fn machine(&self, machine: OfferId) -> impl Future<Output = Result<Machine, Fault>> + Send;

    /// The hash of the policy in force in a round.
    fn policy_hash(&self, round: Round) -> impl Future<Output = Result<Digest, Fault>> + Send;

    /// What we earned under the policy of a round, and have not claimed.
    fn earned(&self, round: Round) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// What the pot owes us of what we claimed before.
    fn owed(&self) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// What the pot holds.
    fn pot(&self) -> impl Future<Output = Result<u64, Fault>> + Send;
}

impl Ethereum {
    fn machines(&self) -> Result<Address, Fault> {
        let machines = self.addresses().machines;
        machines.ok_or_else(|| Fault::BadData("no Machines contract is known".to_owned()))
    }

    fn escrow(&self) -> Result<Address, Fault> {
        let escrow = self.addresses().escrow;
        escrow.ok_or_else(|| Fault::BadData("no Escrow contract is known".to_owned()))
    }
}

impl DutyChain for Ethereum {
    async fn settled_until(&self) -> Result<Timestamp, Fault> {
        let contract = IHealth::new(self.health()?, self.l2().provider());
        let time = contract.settledUntil().call().await.map_err(view_fault)?;
        Ok(Timestamp::new(time))
    }

    async fn downs(&self, from: Option<u64>, since: Timestamp) -> Result<DownScan, Fault> {
        let (events, next, complete) = self.look(from, since).await?;
        let down = events.into_iter().filter_map(|event| match event {
            HealthEvent::MachineDown { machine, epoch, .. } => Some((machine, epoch)),
            _ => None,
        });
        Ok(DownScan {
            down: down.collect(),
            next,
            complete,
        })
    }

    async fn machine_count(&self) -> Result<u64, Fault> {
        let contract = IMachines::new(self.machines()?, self.l2().provider());
        contract.machineCount().call().await.map_err(view_fault)
    }

    async fn machine_at(&self, number: u64) -> Result<OfferId, Fault> {
        let contract = IMachines::new(self.machines()?, self.l2().provider());
        let id = contract.machineByNumber(number).call().await;
        id.map(OfferId::new).map_err(view_fault)
    }

    async fn machine(&self, machine: OfferId) -> Result<Machine, Fault> {
        let id = machine.get();
        let machines = IMachines::new(self.machines()?, self.l2().provider());
        let health = IHealth::new(self.health()?, self.l2().provider());
        let registered = machines.machineOf(id).call().await.map_err(view_fault)?;
        let standing = health.standingOf(id).call().await.map_err(view_fault)?;
        let jailed = health.jailedUntil(id).call().await.map_err(view_fault)?;
        let for_hire = machines.forHireOf(id).call().await.map_err(view_fault)?;
        let time = |seconds: u64| (seconds != 0).then(|| Timestamp::new(seconds));
        Ok(Machine {
            next: HealthEpoch::new(standing.next),
            retired: time(registered.retiredAt),
            jailed: time(jailed),
            misplaced: for_hire.listed != for_hire.due,
        })
    }

    async fn policy_hash(&self, round: Round) -> Result<Digest, Fault> {
        let contract = IRounds::new(self.addresses().rounds, self.l2().provider());
        let policy = contract.policyAt(round.get()).call().await;
        Ok(Digest(policy.map_err(view_fault)?.policyHash.0))
    }

    /// The contract keeps what it paid to itself; what it would pay says the call.
    async fn earned(&self, round: Round) -> Result<u64, Fault> {
        self.escrow()?;
        let call = calls::reward(self.addresses(), round);
        match try_call(self.l2(), self.addresses().payer, &call).await {
            Ok(answer) => U256::try_from_be_slice(&answer)
                .map(|micro| micro.saturating_to())
                .ok_or_else(|| Fault::BadData(format!("rewardSettler answers {answer}"))),
            Err(SendError::Revert(revert)) if revert.to_string().starts_with(PAID) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    async fn owed(&self) -> Result<u64, Fault> {
        let contract = IEscrow::new(self.escrow()?, self.l2().provider());
        let micro = contract.debtOf(self.addresses().payer).call().await;
        Ok(micro.map_err(view_fault)?.saturating_to())
    }

    async fn pot(&self) -> Result<u64, Fault> {
        let contract = IEscrow::new(self.escrow()?, self.l2().provider());
        let micro = contract.pot().call().await.map_err(view_fault)?;
        Ok(micro.saturating_to())
    }
}
