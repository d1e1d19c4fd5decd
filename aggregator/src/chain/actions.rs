//! All that the aggregator ever sends.

use alloy::primitives::U256;
use quorate_canon::{Digest, Epoch, HealthEpoch, OfferId, OperatorIndex, Round, Timestamp, hash};
use quorate_health::{DownList, Window};
use quorate_matching::ChunkProof;
use quorate_protocol::{
    Certificate, Divergence, Equivocation, Header, Offence, Signers, WrongSeed, offence_id,
};

use super::WorkAction;

/// Which chain an action goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The restaked money.
    L1,
    /// The market.
    L2,
}

/// One transaction's worth of work. All of it may be done by anyone, and doing it twice changes
/// nothing on chain.
#[derive(Clone, Debug)]
pub enum Action {
    /// Posts a certificate and the beacon's signature (48 bytes) on L2.
    Settle {
        /// What operators signed.
        certificate: Box<Certificate>,
        /// The round's beacon.
        beacon: [u8; 48],
    },
    /// Posts a chunk of a certified outcome on L2.
    PostChunk {
        /// The certified header.
        header: Box<Header>,
        /// The chunk and its proof.
        chunk: Box<ChunkProof>,
    },
    /// Tells L1 over the bridge that a round stands, or was refuted.
    Report(Round),
    /// Fixes an epoch's table on L1.
    FixTable(Epoch),
    /// Posts a page of keys on L2.
    PostKeys {
        /// The epoch whose commitment names the page.
        epoch: Epoch,
        /// The page's number.
        page: u32,
        /// The page.
        keys: Vec<u8>,
    },
    /// Posts the page of stakes on L2.
    PostStakes {
        /// The epoch.
        epoch: Epoch,
        /// The page.
        stakes: Vec<u8>,
    },
    /// Proves on L1 that an operator signed two headers of a round.
    ProveEquivocation(OperatorIndex, Box<Equivocation>),
    /// Charges an operator on L1 with another outcome than the certified one.
    ChargeDivergence(OperatorIndex, Box<Divergence>),
    /// Punishes a charge that L2's word confirms.
    Execute(Digest),
    /// Has the signers of a refuted header count no more on L2.
    Strike(Box<Signers>),
    /// Shows L1 who signed a header.
    ProveSigners(Box<Signers>),
    /// Shows L1 that a header's seed is not the beacon's.
    ProveWrongSeed(Box<WrongSeed>),
    /// Punishes one signer of a header that was judged.
    ExecuteVerdict {
        /// The header's digest.
        digest: Digest,
        /// The signer.
        operator: OperatorIndex,
        /// What it is punished for: a graver verdict is executed again.
        offence: Offence,
    },
    /// Settles a round on L2 without a certificate, for a bond.
    Propose {
        /// What is proposed.
        header: Box<Header>,
        /// The round's beacon.
        beacon: [u8; 48],
        /// The bond, wei.
        bond: U256,
    },
    /// Puts a block with its time on a quiet L2: the second figure tells several of one round apart.
    Tick(Round, u32),
    /// Has the bond of a proposal credited.
    SettleBond(Round),
    /// Takes what we were credited, because of a round.
    Withdraw(Round),
    /// Gives L2 the beacon of a health epoch.
    OpenEpoch(HealthEpoch, [u8; 48]),
    /// Certifies windows DOWN on L2.
    CertifyDowns(Box<SignedList>),
    /// Shows L1 who signed a list of windows DOWN.
    ProveAttesters(Box<SignedList>),
    /// Punishes an operator that had given a receipt for a window that it called DOWN.
    ProveFalseAttestation(Box<FalseAttestation>),
    /// Takes stake for a machine that was DOWN in this health epoch and the next.
    SlashMachine(OfferId, HealthEpoch),
    /// Lets a slashed machine out of jail, which ended at this time.
    ReleaseMachine(OfferId, Timestamp),
    /// Puts a machine into the list of those for hire, or takes it out, as its state says. With the first
    /// epoch that was not settled: a state may change again and again.
    SyncForHire(OfferId, HealthEpoch),
    /// Carries a machine's uptime and trust level over settled health epochs.
    ObserveMachine {
        /// The machine.
        machine: OfferId,
        /// The first epoch.
        from: HealthEpoch,
        /// How many, at most.
        most: u16,
    },
    /// Has us paid for the rounds that we settled under the policy of a round. With the time of the
    /// attempt: there is something to be had again and again.
    RewardSettler(Round, Timestamp),
    /// Has us paid what the pot lacked before, as of this time.
    CollectDebt(Timestamp),
    /// What is done about operators' work.
    Work(WorkAction),
}

/// A list of windows DOWN and who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList {
    /// The list.
    pub list: DownList,
    /// Who signed, as bytes of a bitmap.
    pub bitmap: Vec<u8>,
    /// The sum of their signatures, EIP-2537.
    pub aggregate: Vec<u8>,
}

/// A receipt against the same operator's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FalseAttestation {
    /// The operator.
    pub operator: OperatorIndex,
    /// What it signed.
    pub list: DownList,
    /// Which entry of the list.
    pub entry: u16,
    /// Which window of that.
    pub window: Window,
    /// Its signature of the receipt, EIP-2537.
    pub receipt: Vec<u8>,
}

impl Action {
    /// Where it goes.
    pub const fn side(&self) -> Side {
        match self {
            Self::Settle { .. }
            | Self::PostChunk { .. }
            | Self::Report(_)
            | Self::PostKeys { .. }
            | Self::PostStakes { .. }
            | Self::Strike(_)
            | Self::Propose { .. }
            | Self::Tick(..)
            | Self::SettleBond(_)
            | Self::Withdraw(_)
            | Self::OpenEpoch(..)
            | Self::CertifyDowns(_)
            | Self::SlashMachine(..)
            | Self::ReleaseMachine(..)
            | Self::SyncForHire(..)
            | Self::ObserveMachine { .. }
            | Self::RewardSettler(..)
            | Self::CollectDebt(_) => Side::L2,
            Self::Work(work) => work.side(),
            Self::FixTable(_)
            | Self::ProveEquivocation(..)
            | Self::ChargeDivergence(..)
            | Self::Execute(_)
            | Self::ProveSigners(_)
            | Self::ProveWrongSeed(_)
            | Self::ExecuteVerdict { .. }
            | Self::ProveAttesters(_)
            | Self::ProveFalseAttestation(_) => Side::L1,
        }
    }

    /// Name in logs and in the labels of metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Settle { .. } => "settle",
            Self::PostChunk { .. } => "post_chunk",
            Self::Report(_) => "report",
            Self::FixTable(_) => "fix_table",
            Self::PostKeys { .. } => "post_keys",
            Self::PostStakes { .. } => "post_stakes",
            Self::ProveEquivocation(..) => "prove_equivocation",
            Self::ChargeDivergence(..) => "charge_divergence",
            Self::Execute(_) => "execute",
            Self::Strike(_) => "strike",
            Self::ProveSigners(_) => "prove_signers",
            Self::ProveWrongSeed(_) => "prove_wrong_seed",
            Self::ExecuteVerdict { .. } => "execute_verdict",
            Self::Propose { .. } => "propose",
            Self::Tick(..) => "tick",
            Self::SettleBond(_) => "settle_bond",
            Self::Withdraw(_) => "withdraw",
            Self::OpenEpoch(..) => "open_epoch",
            Self::CertifyDowns(_) => "certify_downs",
            Self::ProveAttesters(_) => "prove_attesters",
            Self::ProveFalseAttestation(_) => "prove_false_attestation",
            Self::SlashMachine(..) => "slash_machine",
            Self::ReleaseMachine(..) => "release_machine",
            Self::SyncForHire(..) => "sync_for_hire",
            Self::ObserveMachine { .. } => "observe_machine",
            Self::RewardSettler(..) => "reward_settler",
            Self::CollectDebt(_) => "collect_debt",
            Self::Work(work) => work.name(),
        }
    }

    /// Names the work: a transaction of the same name is sent once, also by the next process.
    pub fn key(&self) -> String {
        let name = self.name();
        match self {
            Self::Settle { certificate, .. } => format!(
                "{name}/{}/{}",
                certificate.header().round,
                certificate.digest()
            ),
            Self::PostChunk { header, chunk } => format!(
                "{name}/{}/{}/{}",
                header.round,
                header.digest(),
                chunk.index
            ),
            Self::Report(round) => format!("{name}/{round}"),
            Self::FixTable(epoch) => format!("{name}/{epoch}"),
            Self::PostKeys { epoch, page, .. } => format!("{name}/{epoch}/{page}"),
            Self::PostStakes { epoch, .. } => format!("{name}/{epoch}"),
            Self::ProveEquivocation(operator, evidence) => {
                format!("{name}/{}/{operator}", evidence.header_a.round)
            }
            Self::ChargeDivergence(operator, evidence) => {
                format!("{name}/{}/{operator}", evidence.other.round)
            }
            Self::Execute(id) => format!("{name}/{id}"),
            Self::Strike(signers) | Self::ProveSigners(signers) => {
                let signed = hash::sha256(&[&signers.to_bytes()]);
                format!("{name}/{}/{signed}", signers.header.round)
            }
            Self::ProveWrongSeed(evidence) => format!("{name}/{}", evidence.header.digest()),
            Self::ExecuteVerdict {
                digest,
                operator,
                offence,
            } => format!("{name}/{digest}/{operator}/{}", offence.name()),
            Self::Propose { header, .. } => format!("{name}/{}/{}", header.round, header.digest()),
            Self::Tick(round, times) => format!("{name}/{round}/{times}"),
            Self::SettleBond(round) | Self::Withdraw(round) => format!("{name}/{round}"),
            Self::OpenEpoch(epoch, _) => format!("{name}/{epoch}"),
            // With its signers: a list that too few had signed may be sent again with more.
            Self::CertifyDowns(signed) | Self::ProveAttesters(signed) => {
                let signers = hash::sha256(&[&signed.bitmap]);
                format!("{name}/{}/{signers}", signed.list.digest())
            }
            Self::ProveFalseAttestation(proof) => {
                let (list, operator) = (proof.list.digest(), proof.operator);
                format!("{name}/{list}/{operator}/{}", proof.entry)
            }
            Self::SlashMachine(machine, epoch) => format!("{name}/{machine}/{epoch}"),
            Self::ReleaseMachine(machine, until) => format!("{name}/{machine}/{until}"),
            Self::SyncForHire(machine, settled) => format!("{name}/{machine}/{settled}"),
            // With both ends: what a reorganisation undid is done again once there is more to do.
            Self::ObserveMachine {
                machine,
                from,
                most,
            } => format!("{name}/{machine}/{from}/{most}"),
            Self::RewardSettler(round, at) => format!("{name}/{round}/{at}"),
            Self::CollectDebt(at) => format!("{name}/{at}"),
            Self::Work(work) => work.key(),
        }
    }
}

/// The id under which L1 stores a charge of divergence from a certified header.
pub fn charge_id(operator: OperatorIndex, certified: &Header) -> Digest {
    hash::sha256(&[
        &offence_id(operator, certified.round).0,
        &certified.digest().0,
    ])
}
