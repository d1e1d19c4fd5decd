//! L1 and L2 for real, over `quorate-chain`.

use std::collections::BTreeSet;

use alloy::primitives::{Address, U256};
use quorate_bindings::links::DisputesLinks;
use quorate_bindings::{IDisputes, IRounds, IServiceManager, IStakeTable, IStrikes};
use quorate_canon::{Digest, Epoch, OperatorIndex, Round, Timestamp};
use quorate_chain::{
    ChainError, Rpc,
    sender::{Receipt, SendError, TxSender},
    views::{self, Status},
};
use quorate_protocol::{Domain, Offence, Signers, StakeTable, Word};

use super::slasher::Slasher;
use super::{
    Action, Chain, Fault, Mined, Missing, OnChain, Pages, Payer, Scan, Side, Standing, calls, scan,
};

/// Where the contracts lie.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// `ServiceManager` on L1.
    pub service_manager: Address,
    /// `Slasher` on L1.
    pub slasher: Address,
    /// `Rounds` on L2.
    pub rounds: Address,
    /// `StakeTable` on L2.
    pub stake_table: Address,
    /// `Strikes` on L2.
    pub strikes: Address,
    /// `Disputes` on L2.
    pub disputes: Address,
    /// `Health` on L2, where there is one.
    pub health: Option<Address>,
    /// `Machines` on L2, where there is a `Health`, which names it.
    pub machines: Option<Address>,
    /// `Escrow` on L2, where `Market` names one.
    pub escrow: Option<Address>,
    /// Our own key: who settles, and is paid for it.
    pub payer: Address,
    /// `Tally` on L2, where operators' work is counted.
    pub tally: Option<Address>,
    /// `Attendance` on L2, likewise.
    pub attendance: Option<Address>,
    /// `Rewards` on L1, likewise.
    pub rewards: Option<Address>,
}

/// Both chains, each with the sender of our key.
#[derive(Debug)]
pub struct Ethereum {
    domain: Domain,
    addresses: Addresses,
    l1: TxSender,
    l2: TxSender,
    /// Wei that go along with what crosses the bridge.
    bridge_value: U256,
    /// Blocks of L2 whose logs are asked for at a time, 1 at least.
    log_range: u64,
}

impl Ethereum {
    /// Both chains through their senders. `log_range` is `l2.log_range`.
    pub fn new(
        domain: Domain,
        addresses: Addresses,
        l1: TxSender,
        l2: TxSender,
        bridge_value: U256,
        log_range: u64,
    ) -> Self {
        Self {
            domain,
            addresses,
            l1,
            l2,
            bridge_value,
            log_range: log_range.max(1),
        }
    }

    /// Blocks of L2 whose logs are asked for at a time, 1 at least.
    pub(super) const fn log_range(&self) -> u64 {
        self.log_range
    }

    /// Where the contracts lie.
    pub(super) const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub(super) fn l1(&self) -> &Rpc {
        self.l1.rpc()
    }

    pub(super) fn l2(&self) -> &Rpc {
        self.l2.rpc()
    }

    fn slasher(&self) -> Slasher<'_> {
        Slasher {
            at: self.addresses.slasher,
            service_manager: self.addresses.service_manager,
            l1: self.l1(),
        }
    }
}

impl Chain for Ethereum {
    async fn round(&self, round: Round) -> Result<OnChain, Fault> {
        let status = views::round_status(self.l2(), self.addresses.rounds, round).await?;
        let standing = standing(status.status);
        // The bond is held until a certificate has taken the proposal's place.
        let proposed = standing == Standing::Certified && self.bond(round).await?.is_some();
        Ok(OnChain {
            standing,
            digest: status.digest,
            posted: status.posted,
            proposed,
        })
    }

    async fn posted(&self, round: Round) -> Result<BTreeSet<u32>, Fault> {
        let status = views::round_status(self.l2(), self.addresses.rounds, round).await?;
        if status.posted == 0 {
            return Ok(BTreeSet::new());
        }
        let contract = IRounds::new(self.addresses.rounds, self.l2().provider());
        // Chunks may be older than the certificate: those of a proposal that it confirmed stand.
        let close = contract
            .closeOf(round.get())
            .call()
            .await
            .map_err(view_fault)?;
        let posted = views::posted_chunks(
            self.l2(),
            self.addresses.rounds,
            round,
            (Timestamp::new(close), status.posted),
            self.log_range,
        );
        Ok(posted.await?)
    }

    async fn is_final(&self, round: Round) -> Result<bool, Fault> {
        let contract = IRounds::new(self.addresses.rounds, self.l2().provider());
        contract
            .isFinal(round.get())
            .call()
            .await
            .map_err(view_fault)
    }

    async fn table(&self, epoch: Epoch) -> Result<Option<StakeTable>, Fault> {
        Ok(views::l2_table(self.l2(), self.addresses.stake_table, epoch).await?)
    }

    async fn missing_pages(&self, epoch: Epoch, count: u32) -> Result<Option<Missing>, Fault> {
        let stake_table = self.addresses.stake_table;
        if views::l2_commitment(self.l2(), stake_table, epoch)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let contract = IStakeTable::new(stake_table, self.l2().provider());
        if contract
            .isComplete(epoch.get())
            .call()
            .await
            .map_err(view_fault)?
        {
            return Ok(Some(Missing {
                keys: Vec::new(),
                stakes: false,
            }));
        }
        let mut keys = Vec::new();
        for page in 0..count {
            // The contract answers with a revert for a page that nobody has posted.
            match contract
                .keysPage(epoch.get(), page)
                .call()
                .await
                .map_err(view_fault)
            {
                Ok(_) => {}
                Err(Fault::BadData(_)) => keys.push(page),
                Err(fault) => return Err(fault),
            }
        }
        Ok(Some(Missing { keys, stakes: true }))
    }

    async fn pages(&self, epoch: Epoch) -> Result<Option<Pages>, Fault> {
        let table = views::l1_table(self.l1(), self.addresses.service_manager, epoch).await?;
        Ok(table.map(|table| Pages {
            commitment: table.commitment,
            stakes: table.stakes.to_vec(),
            keys: table.keys.iter().map(|page| page.to_vec()).collect(),
        }))
    }

    async fn opens_at(&self, epoch: Epoch) -> Result<Timestamp, Fault> {
        let contract = IServiceManager::new(self.addresses.service_manager, self.l1().provider());
        contract
            .tableOpensAt(epoch.get())
            .call()
            .await
            .map(Timestamp::new)
            .map_err(view_fault)
    }

    async fn word(&self, round: Round) -> Result<Option<Word>, Fault> {
        self.slasher().word(round).await
    }

    async fn can_lose(&self, operator: OperatorIndex, epoch: Epoch) -> Result<bool, Fault> {
        self.slasher().can_lose(operator, epoch).await
    }

    async fn offence(
        &self,
        operator: OperatorIndex,
        round: Round,
    ) -> Result<Option<Offence>, Fault> {
        self.slasher().offence(operator, round).await
    }

    async fn refutations(&self, from: Option<u64>, since: Timestamp) -> Result<Scan, Fault> {
        let rounds = self.addresses.rounds;
        scan::refutations(self.l2(), rounds, from, since, self.log_range).await
    }

    async fn signers(&self, round: Round, told: &OnChain) -> Result<Option<Signers>, Fault> {
        let status = views::round_status(self.l2(), self.addresses.rounds, round).await?;
        let (got, expected) = (
            (standing(status.status), status.digest),
            (told.standing, told.digest),
        );
        if got != expected {
            return Err(Fault::Unreachable(format!(
                "round {round} is {:?} with header {} at one endpoint of L2, {:?} with {} at another",
                got.0, got.1, expected.0, expected.1
            )));
        }
        if status.digest == Digest::default() {
            return Err(Fault::BadData(format!(
                "L2 keeps no digest of round {round}"
            )));
        }
        let signers = views::signers(
            self.l2(),
            &self.domain,
            round,
            status.digest,
            status.certified,
            self.log_range,
        );
        Ok(signers.await?)
    }

    async fn is_struck(&self, operator: OperatorIndex, epoch: Epoch) -> Result<bool, Fault> {
        let contract = IStrikes::new(self.addresses.strikes, self.l2().provider());
        contract
            .isStruck(operator.get(), epoch.get())
            .call()
            .await
            .map_err(view_fault)
    }

    async fn verdict(&self, round: Round, digest: Digest) -> Result<Option<Offence>, Fault> {
        self.slasher().verdict(round, digest).await
    }

    async fn has_signed(&self, digest: Digest, operator: OperatorIndex) -> Result<bool, Fault> {
        self.slasher().has_signed(digest, operator).await
    }

    async fn proposal_bond(&self) -> Result<U256, Fault> {
        let contract = IRounds::new(self.addresses.rounds, self.l2().provider());
        contract.proposalBond().call().await.map_err(view_fault)
    }

    async fn bond(&self, round: Round) -> Result<Option<Payer>, Fault> {
        let contract = DisputesLinks::new(self.addresses.disputes, self.l2().provider());
        let bond = contract
            .bondOf(round.get())
            .call()
            .await
            .map_err(view_fault)?;
        Ok(match bond.proposer {
            _ if bond.amount.is_zero() => None,
            proposer if proposer == self.l2.address() => Some(Payer::Us),
            _ => Some(Payer::Other),
        })
    }

    async fn credit(&self) -> Result<U256, Fault> {
        let contract = IDisputes::new(self.addresses.disputes, self.l2().provider());
        contract
            .creditOf(self.l2.address())
            .call()
            .await
            .map_err(view_fault)
    }

    async fn act(&self, action: &Action, deadline: Timestamp) -> Result<Mined, Fault> {
        let sender = match action.side() {
            Side::L1 => &self.l1,
            Side::L2 => &self.l2,
        };
        let call = calls::of(action, &self.addresses, self.bridge_value)
            .deadline(deadline)
            .key(action.key());
        let receipt = sender.send(call).await?;
        Ok(mined(&receipt))
    }
}

const fn standing(status: Status) -> Standing {
    match status {
        Status::None => Standing::None,
        Status::Certified => Standing::Certified,
        Status::Settled => Standing::Settled,
        Status::Refuted => Standing::Refuted,
    }
}

fn mined(receipt: &Receipt) -> Mined {
    Mined {
        gas: receipt.gas_used(),
        block: receipt.block(),
    }
}

/// A view that failed: no answer may pass, a revert or nonsense does not.
pub(super) fn view_fault(error: alloy::contract::Error) -> Fault {
    match &error {
        alloy::contract::Error::TransportError(transport)
            if transport.as_error_resp().is_none() =>
        {
            Fault::Unreachable(error.to_string())
        }
        _ => Fault::BadData(error.to_string()),
    }
}

impl From<ChainError> for Fault {
    fn from(error: ChainError) -> Self {
        match error {
            error if error.is_retryable() => Self::Unreachable(error.to_string()),
            ChainError::Absent(what) => Self::Unreachable(format!("{what} is not there yet")),
            error => Self::BadData(error.to_string()),
        }
    }
}

impl From<SendError> for Fault {
    fn from(error: SendError) -> Self {
        match &error {
            SendError::Revert(revert) | SendError::Reverted { revert, .. } => {
                Self::Refused(revert.to_string())
            }
            SendError::Deadline { .. } => Self::Expired,
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
