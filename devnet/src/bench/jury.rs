//! Gas of slashing all of 128 signers of a wrong outcome, on L1 with EigenLayer's real core: their
//! signatures are proven once, and each is slashed by a transaction of its own. Then the same for who
//! attested falsely.

use std::path::Path;

use alloy::primitives::{Bytes, U256};
use quorate_bindings::ISlasher;
use quorate_bls::{Domain, aggregate};
use quorate_canon::{
    Digest, Epoch, FixedWidth, HealthEpoch, Mask256, OfferId, OperatorIndex, Round,
};
use quorate_chain::views;
use quorate_health::{DownEntry, DownList, Place, Receipt, Subject, Window};
use quorate_matching::Seed;
use quorate_protocol::{Bitmap, Certificate, Header, StakeTable, Vote};

use super::{
    Row,
    ground::{connect, failed},
    row::as_f64,
};
use crate::{
    Error, World, WorldConfig,
    chains::{Account, Call},
    deploy::{Clock, abi::IPlainBridge},
    relayer::RELAYER,
};

/// How many sign.
const SIGNERS: u32 = 128;
/// The most that one slash may cost.
const TARGET: u32 = 480_000;
/// Seconds until so many operators have joined, with room to spare.
const LEAD: u64 = 150;
/// L2's word: wrong outcome.
const WRONG_OUTCOME: u8 = 2;

/// All rows of this group.
///
/// # Errors
/// When a process does not start, or evidence is refused.
pub(super) async fn measure(dir: &Path, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let config = WorldConfig {
        operators: usize::try_from(SIGNERS).map_err(failed)?,
        lead: LEAD,
        clock: long_window,
        ..WorldConfig::new(dir)
    };
    let world = Box::pin(World::start(config)).await?;
    tick();
    let accuser = Account::named(&world.chains.l1, "accuser of the bench")?;
    let wei = U256::from(10_u128.pow(21));
    world.chains.l1.fund(accuser.address(), wei).await?;
    let header = wrong(&world);
    let certificate = certificate(&world, &header).await?;
    bring_word(&world, &header).await?;

    let slasher = world.contracts.l1.slasher;
    let prove = ISlasher::proveSignersCall {
        header: header.to_bytes().into(),
        bitmap: certificate.signers().to_bytes().into(),
        aggregate: certificate.aggregate().to_eip2537().to_vec().into(),
    };
    let proving = accuser.call(slasher, &prove).await?.gas_used;
    tick();
    let digest = header.digest().get().into();
    let executions = (0..SIGNERS).map(|index| ISlasher::executeVerdictCall {
        digest,
        operatorIndex: index,
    });
    let calls = executions.map(|call| Call::of(slasher, &call)).collect();
    let receipts = accuser.send_all(calls).await?;
    let gas: Vec<u64> = receipts.iter().map(|receipt| receipt.gas_used).collect();
    tick();
    let sum: u64 = gas.iter().sum();
    let most = gas.iter().copied().max().unwrap_or(0);
    let each = as_f64(sum / u64::from(SIGNERS));
    let what = "slash on L1: wrong outcome of 128";
    let mut rows = attested(&world, &accuser).await?;
    tick();
    rows.extend([
        Row::info(
            format!("{what}, all signers proven at once"),
            as_f64(proving),
            "gas",
        ),
        Row::at_most(format!("{what}, each on average"), each, "gas", TARGET),
        Row::gas(format!("{what}, the dearest"), most, TARGET),
        Row::info(
            format!("{what}, all of them in 128 transactions"),
            as_f64(sum),
            "gas",
        ),
    ]);
    Ok(rows)
}

/// A list that all have signed, and a receipt of the last.
async fn attested(world: &World, accuser: &Account) -> Result<Vec<Row>, Error> {
    let network = world.domain();
    let (epoch, subject) = (HealthEpoch::new(0), Subject::Machine(OfferId::new(1)));
    let entry = DownEntry {
        subject,
        windows: Mask256::of(&[1, 2, 3]),
    };
    let list = DownList::new(network, epoch, vec![entry]).map_err(failed)?;
    let digest = list.digest().get();
    let mut bitmap = Bitmap::empty(SIGNERS);
    let mut signatures = Vec::with_capacity(world.operators.len());
    for (index, keys) in (0..).zip(&world.operators) {
        bitmap.insert(OperatorIndex::new(index)).map_err(failed)?;
        signatures.push(keys.bls().sign(Domain::Vote, &digest));
    }
    let sum = aggregate(&signatures).ok_or_else(|| failed("nobody signs"))?;
    let slasher = world.contracts.l1.slasher;
    let list = Bytes::from(list.to_bytes());
    let prove = ISlasher::proveAttestersCall {
        list: list.clone(),
        bitmap: bitmap.to_bytes().into(),
        aggregate: sum.to_eip2537().to_vec().into(),
    };
    let proving = accuser.call(slasher, &prove).await?.gas_used;

    let receipt = Receipt(Place {
        network,
        subject,
        epoch,
        window: Window(2),
    });
    let last = world.operators.last();
    let last = last.ok_or_else(|| failed("no operators"))?.bls();
    let signature = last.sign(Domain::Vote, &receipt.digest().get());
    let slash = ISlasher::proveFalseAttestationCall {
        operatorIndex: SIGNERS - 1,
        list,
        entry: 0,
        window: 2,
        receiptSignature: signature.to_eip2537().to_vec().into(),
    };
    let slashing = accuser.call(slasher, &slash).await?.gas_used;
    let what = "slash on L1: false attestation";
    Ok(vec![
        Row::info(
            format!("{what}, 128 attesters proven at once"),
            as_f64(proving),
            "gas",
        ),
        Row::gas(
            format!("{what}, proven and slashed, an operator slashed before"),
            slashing,
            TARGET,
        ),
    ])
}

/// The table may be fixed as soon as all have joined, long before the first round.
fn long_window(clock: Clock) -> Clock {
    Clock {
        table_window: u32::try_from(LEAD).unwrap_or(u32::MAX),
        ..clock
    }
}

/// A header of round 0. No contract on L1 looks at more of it than whose round it is.
fn wrong(world: &World) -> Header {
    Header {
        domain: world.domain(),
        round: Round::new(0),
        snapshot_number: 1,
        snapshot_hash: Digest([1; 32]),
        policy_hash: world.policy.hash(),
        inputs_root: Digest([2; 32]),
        seed: Seed([3; 32]),
        outcome_root: Digest([4; 32]),
    }
}

async fn certificate(world: &World, header: &Header) -> Result<Certificate, Error> {
    let table = table(world).await?;
    let digest = header.digest().get();
    let votes: Vec<_> = (0..)
        .map(OperatorIndex::new)
        .zip(&world.operators)
        .map(|(index, keys)| Vote::new(*header, index, keys.bls().sign(Domain::Vote, &digest)))
        .collect();
    Certificate::of_votes(header, &votes, &table).map_err(failed)
}

async fn table(world: &World) -> Result<StakeTable, Error> {
    let rpc = connect(&world.chains.l1).await?;
    let manager = world.contracts.l1.service_manager;
    let found = views::l1_table(&rpc, manager, Epoch::new(0)).await;
    let found = found.map_err(failed)?;
    Ok(found.ok_or_else(|| failed("no table"))?.table)
}

/// The relayer, whom the plain bridge believes, delivers L2's word.
async fn bring_word(world: &World, header: &Header) -> Result<(), Error> {
    let relayer = Account::named(&world.chains.l1, RELAYER)?;
    let payload = [
        header.round.get().to_be_bytes().as_slice(),
        &header.digest().get(),
        &[WRONG_OUTCOME],
    ]
    .concat();
    let deliver = IPlainBridge::deliverCall {
        nonce: 0,
        payload: Bytes::from(payload),
    };
    relayer.call(world.contracts.l1.bridge, &deliver).await?;
    Ok(())
}
