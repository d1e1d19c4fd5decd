//! Actions as calls of contracts.

use alloy::primitives::{Address, B256, Bytes, U256};
use quorate_bindings::{
    IDisputes, IEscrow, IHealth, IMachines, IRounds, IServiceManager, ISlasher, IStakeTable,
    IStrikes,
};
use quorate_canon::{FixedWidth as _, OperatorIndex, Round};
use quorate_chain::{chunk, sender::Call, settlement};
use quorate_protocol::{Divergence, Equivocation, Header, Signers, WrongSeed};

use super::actions::FalseAttestation;
use super::{Action, ethereum::Addresses};

/// The call that does an action. `bridge_value` wei go along with what crosses the bridge.
pub(super) fn of(action: &Action, at: &Addresses, bridge_value: U256) -> Call {
    match action {
        Action::Settle {
            certificate,
            beacon,
        } => {
            let s = settlement(certificate, beacon);
            Call::new(at.rounds, &IRounds::settleCall { s })
        }
        Action::PostChunk {
            header,
            chunk: proof,
        } => {
            let (bytes, c) = (header.to_bytes().into(), chunk(header.round, proof));
            Call::new(at.rounds, &IRounds::postChunkCall { header: bytes, c })
        }
        Action::Report(round) => Call::new(at.rounds, &IRounds::reportCall { n: round.get() }),
        Action::FixTable(epoch) => {
            let call = IServiceManager::fixTableCall { epoch: epoch.get() };
            Call::new(at.service_manager, &call).value(bridge_value)
        }
        Action::PostKeys { epoch, page, keys } => {
            let (epoch, page, keys) = (epoch.get(), *page, keys.clone().into());
            Call::new(
                at.stake_table,
                &IStakeTable::postKeysPageCall { epoch, page, keys },
            )
        }
        Action::PostStakes { epoch, stakes } => {
            let (epoch, stakes) = (epoch.get(), stakes.clone().into());
            Call::new(
                at.stake_table,
                &IStakeTable::postStakesPageCall { epoch, stakes },
            )
        }
        Action::ProveEquivocation(operator, evidence) => prove(at.slasher, *operator, evidence),
        Action::ChargeDivergence(operator, evidence) => charge(at.slasher, *operator, evidence),
        Action::Execute(id) => {
            let charge = B256::new(id.0);
            Call::new(at.slasher, &ISlasher::executeCall { chargeId: charge })
        }
        Action::Strike(signers) => strike(at.strikes, signers),
        Action::ProveSigners(signers) => prove_signers(at.slasher, signers),
        Action::ProveWrongSeed(evidence) => prove_wrong_seed(at.slasher, evidence),
        Action::ExecuteVerdict {
            digest, operator, ..
        } => {
            let call = ISlasher::executeVerdictCall {
                digest: B256::new(digest.0),
                operatorIndex: operator.get(),
            };
            Call::new(at.slasher, &call)
        }
        Action::Propose {
            header,
            beacon,
            bond,
        } => {
            let s = proposal(header, beacon);
            Call::new(at.rounds, &IRounds::proposeCall { s }).value(*bond)
        }
        Action::Tick(..) => Call::new(at.rounds, &IRounds::tickCall {}),
        Action::SettleBond(round) => {
            let n = round.get();
            Call::new(at.disputes, &IDisputes::settleBondCall { n })
        }
        Action::Withdraw(_) => Call::new(at.disputes, &IDisputes::withdrawCall {}),
        Action::OpenEpoch(epoch, beacon) => {
            let call = IHealth::openEpochCall {
                epoch: epoch.get(),
                beaconSignature: beacon.to_vec().into(),
            };
            Call::new(health(at), &call)
        }
        Action::CertifyDowns(signed) => {
            let call = IHealth::certifyCall {
                list: signed.list.to_bytes().into(),
                bitmap: signed.bitmap.clone().into(),
                aggregate: signed.aggregate.clone().into(),
            };
            Call::new(health(at), &call)
        }
        Action::ProveAttesters(signed) => {
            let call = ISlasher::proveAttestersCall {
                list: signed.list.to_bytes().into(),
                bitmap: signed.bitmap.clone().into(),
                aggregate: signed.aggregate.clone().into(),
            };
            Call::new(at.slasher, &call)
        }
        Action::ProveFalseAttestation(proof) => prove_attestation(at.slasher, proof),
        Action::SlashMachine(machine, epoch) => {
            let (offer_id, epoch) = (machine.get(), epoch.get());
            let call = IHealth::slashCall {
                offerId: offer_id,
                epoch,
            };
            Call::new(health(at), &call)
        }
        Action::ReleaseMachine(machine, _) => {
            let offer_id = machine.get();
            Call::new(health(at), &IHealth::releaseCall { offerId: offer_id })
        }
        Action::SyncForHire(machine, _) => {
            let offer_id = machine.get();
            let call = IMachines::syncForHireCall { offerId: offer_id };
            Call::new(machines(at), &call)
        }
        Action::ObserveMachine { machine, most, .. } => {
            let call = IHealth::observeCall {
                offerId: machine.get(),
                most: *most,
            };
            Call::new(health(at), &call)
        }
        Action::RewardSettler(round, _) => reward(at, *round),
        Action::CollectDebt(_) => {
            let call = IEscrow::collectDebtCall { poster: at.payer };
            Call::new(escrow(at), &call)
        }
        Action::Work(work) => work.call(at),
    }
}

/// Pays us for what we settled under the policy of a round.
pub(super) fn reward(at: &Addresses, round: Round) -> Call {
    let call = IEscrow::rewardSettlerCall {
        settler: at.payer,
        n: round.get(),
    };
    Call::new(escrow(at), &call)
}

/// `Escrow`; as with `Health`.
fn escrow(at: &Addresses) -> Address {
    at.escrow.unwrap_or_default()
}

/// `Machines`; as with `Health`.
fn machines(at: &Addresses) -> Address {
    at.machines.unwrap_or_default()
}

/// `Health`. Where none is configured nobody asks for these actions; a call of nothing does nothing.
fn health(at: &Addresses) -> Address {
    at.health.unwrap_or_default()
}

fn prove_attestation(slasher: Address, proof: &FalseAttestation) -> Call {
    let call = ISlasher::proveFalseAttestationCall {
        operatorIndex: proof.operator.get(),
        list: proof.list.to_bytes().into(),
        entry: proof.entry,
        window: proof.window.0,
        receiptSignature: proof.receipt.clone().into(),
    };
    Call::new(slasher, &call)
}

/// A settlement that nobody has signed.
fn proposal(header: &Header, beacon: &[u8; 48]) -> IRounds::Settlement {
    IRounds::Settlement {
        n: header.round.get(),
        snapshotNumber: header.snapshot_number,
        snapshotHash: B256::new(header.snapshot_hash.0),
        inputsRoot: B256::new(header.inputs_root.0),
        outcomeRoot: B256::new(header.outcome_root.0),
        beaconSignature: beacon.to_vec().into(),
        bitmap: Bytes::new(),
        aggregate: Bytes::new(),
    }
}

fn prove(slasher: Address, operator: OperatorIndex, evidence: &Equivocation) -> Call {
    let call = ISlasher::proveEquivocationCall {
        operatorIndex: operator.get(),
        headerA: evidence.header_a.to_bytes().into(),
        signatureA: evidence.signature_a.to_eip2537().to_vec().into(),
        headerB: evidence.header_b.to_bytes().into(),
        signatureB: evidence.signature_b.to_eip2537().to_vec().into(),
    };
    Call::new(slasher, &call)
}

fn charge(slasher: Address, operator: OperatorIndex, evidence: &Divergence) -> Call {
    let call = ISlasher::chargeDivergenceCall {
        operatorIndex: operator.get(),
        certifiedHeader: evidence.certified.to_bytes().into(),
        otherHeader: evidence.other.to_bytes().into(),
        signature: evidence.signature.to_eip2537().to_vec().into(),
    };
    Call::new(slasher, &call)
}

fn strike(strikes: Address, signers: &Signers) -> Call {
    let call = IStrikes::strikeCall {
        n: signers.header.round.get(),
        bitmap: signers.bitmap.clone().into(),
        aggregate: signers.aggregate.to_eip2537().to_vec().into(),
    };
    Call::new(strikes, &call)
}

fn prove_signers(slasher: Address, signers: &Signers) -> Call {
    let call = ISlasher::proveSignersCall {
        header: signers.header.to_bytes().into(),
        bitmap: signers.bitmap.clone().into(),
        aggregate: signers.aggregate.to_eip2537().to_vec().into(),
    };
    Call::new(slasher, &call)
}

fn prove_wrong_seed(slasher: Address, evidence: &WrongSeed) -> Call {
    let call = ISlasher::proveWrongSeedCall {
        header: evidence.header.to_bytes().into(),
        beaconSignature: evidence.beacon_signature.to_vec().into(),
    };
    Call::new(slasher, &call)
}
