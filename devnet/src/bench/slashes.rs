//! What each transaction on the way to a slash costs on L1, with EigenLayer's real core.

use std::time::{Duration, Instant};

use alloy::primitives::{Bytes, U256};
use quorate_bindings::{IRounds, ISlasher};
use quorate_bls::Domain;
use quorate_canon::{Address as CanonAddress, Digest, FixedWidth, OperatorIndex};
use quorate_chain::views;
use quorate_protocol::Header;

use super::{
    Row,
    ground::{connect, failed},
    stall::draw,
};
use crate::{Error, World, chains::Account, operators::OperatorKeys};

const TARGET: u32 = 480_000;
/// For windows, and for the word's way to L1.
const PATIENCE: Duration = Duration::from_secs(60);
const PACE: Duration = Duration::from_millis(200);

/// Proves the equivocations of two operators and a divergence of a third, against a certified header.
/// The first slash of a network writes slots of the core that later ones find written.
///
/// # Errors
/// When evidence is refused or L2's word does not come.
pub(super) async fn measure(world: &World, certified: &Header) -> Result<Vec<Row>, Error> {
    let [first, later, divergent, ..] = world.operators.as_slice() else {
        return Err(failed("three operators are needed"));
    };
    let accuser = Account::named(&world.chains.l1, "accuser of the bench")?;
    let wei = U256::from(10_u128.pow(21));
    world.chains.l1.fund(accuser.address(), wei).await?;
    let other = Header {
        outcome_root: Digest(draw("another outcome", 0)),
        ..*certified
    };
    let slasher = world.contracts.l1.slasher;
    let mut rows = Vec::new();
    for (operator, what) in [(first, "the core's first slash"), (later, "a later one")] {
        let call = equivocation(world, operator, certified, &other).await?;
        let gas = accuser.call(slasher, &call).await?.gas_used;
        let name = format!("slash on L1: equivocation, proven and slashed, {what}");
        rows.push(Row::gas(name, gas, TARGET));
    }

    let charged = index(world, divergent).await?;
    let charge = ISlasher::chargeDivergenceCall {
        operatorIndex: charged.get(),
        certifiedHeader: bytes(certified),
        otherHeader: bytes(&other),
        signature: signature(divergent, &other),
    };
    let charging = accuser.call(slasher, &charge).await?.gas_used;
    bring_word(world, certified).await?;
    let id = quorate_canon::hash::sha256(&[
        &quorate_protocol::offence_id(charged, certified.round).get(),
        &certified.digest().get(),
    ]);
    let execute = ISlasher::executeCall {
        chargeId: id.get().into(),
    };
    let executing = accuser.call(slasher, &execute).await?.gas_used;
    rows.push(Row::gas(
        "slash on L1: divergence, charged",
        charging,
        TARGET,
    ));
    rows.push(Row::gas(
        "slash on L1: divergence, executed",
        executing,
        TARGET,
    ));
    Ok(rows)
}

async fn equivocation(
    world: &World,
    operator: &OperatorKeys,
    a: &Header,
    b: &Header,
) -> Result<ISlasher::proveEquivocationCall, Error> {
    Ok(ISlasher::proveEquivocationCall {
        operatorIndex: index(world, operator).await?.get(),
        headerA: bytes(a),
        signatureA: signature(operator, a),
        headerB: bytes(b),
        signatureB: signature(operator, b),
    })
}

/// Reports the round to L1 as soon as its windows are over, and waits for the relayer.
async fn bring_word(world: &World, certified: &Header) -> Result<(), Error> {
    let n = certified.round.get();
    let l2 = &world.owners.l2;
    let rounds = IRounds::new(world.contracts.l2.rounds, world.chains.l2.provider());
    let slasher = ISlasher::new(world.contracts.l1.slasher, world.chains.l1.provider());
    let end = Instant::now() + PATIENCE;
    let mut reported = false;
    while Instant::now() < end {
        let word = slasher.wordOf(n).call().await.map_err(failed)?;
        if word.verdict != 0 {
            return Ok(());
        }
        if !reported && rounds.isFinal(n).call().await.map_err(failed)? {
            let report = IRounds::reportCall { n };
            let sent = l2.call(world.contracts.l2.rounds, &report).await;
            // The aggregator may have reported it before it ended.
            reported = sent.is_ok();
        }
        tokio::time::sleep(PACE).await;
    }
    Err(Error::TimedOut {
        what: format!("L2's word on round {n}"),
        seconds: PATIENCE.as_secs(),
    })
}

async fn index(world: &World, keys: &OperatorKeys) -> Result<OperatorIndex, Error> {
    let rpc = connect(&world.chains.l1).await?;
    let operator = CanonAddress(keys.address().into_array());
    let found = views::operator_index(&rpc, world.contracts.l1.service_manager, operator)
        .await
        .map_err(failed)?;
    let (index, _) = found.ok_or_else(|| failed(format!("{} has no index", keys.name)))?;
    Ok(index)
}

fn bytes(header: &Header) -> Bytes {
    header.to_bytes().into()
}

fn signature(keys: &OperatorKeys, header: &Header) -> Bytes {
    let signature = keys.bls().sign(Domain::Vote, &header.digest().get());
    signature.to_eip2537().to_vec().into()
}
