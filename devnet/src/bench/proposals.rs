//! Gas of what surrounds a dispute on L2: rounds without a quorum, commitments, strikes.

use std::path::Path;

use alloy::{
    primitives::{Bytes, U256},
    sol_types::SolCall,
};
use quorate_bindings::{IDisputes, IRounds, IStrikes};
use quorate_canon::FixedWidth;
use quorate_matching::{OutcomeList, Witness};

use super::{
    Row,
    ground::{Ground, Settled, failed},
};
use crate::{Error, chains::Call, deploy::Price};

/// Rounds until slots are reused.
const WARM: u64 = 4;

/// All rows of this group.
///
/// # Errors
/// When the chain does not start or a call reverts.
pub(super) async fn measure(dir: &Path) -> Result<Vec<Row>, Error> {
    let mut ground = Ground::start(dir).await?;
    for n in 0..WARM {
        let settled = ground.settle(n, 0).await?;
        ground.post(&settled).await?;
    }
    let mut rows = replaced(&mut ground, WARM).await?;
    rows.push(returned(&mut ground, WARM + 1).await?);
    rows.extend(rewarded(&mut ground, WARM + 2).await?);
    Ok(rows)
}

fn row(name: &str, gas: u64) -> Row {
    Row::info(name, super::row::as_f64(gas), "gas")
}

async fn send<C: SolCall>(
    ground: &Ground,
    to: alloy::primitives::Address,
    call: &C,
    wei: U256,
) -> Result<u64, Error> {
    let call = Call::of(to, call).with_value(wei);
    Ok(ground.owner.send(call).await?.gas_used)
}

/// Proposes what a round really comes to, at half of its time-out.
async fn proposed(ground: &mut Ground, n: u64) -> Result<(Settled, u64), Error> {
    let right = ground.right(n).await?;
    let round = right.header.round;
    let close = ground.schedule.close(round).map_err(failed)?.get();
    let half = u64::from(ground.schedule.settle_timeout) / 2;
    ground.pass_to(close + half).await?;
    let settled = ground.signed(right, 0)?;
    let call = IRounds::proposeCall {
        s: IRounds::Settlement {
            bitmap: Bytes::new(),
            aggregate: Bytes::new(),
            ..settled.settlement.clone()
        },
    };
    let bond = Price::devnet().proposal_bond;
    let gas = send(ground, ground.l2.rounds, &call, bond).await?;
    Ok((settled, gas))
}

/// A proposal whose place a certificate takes.
async fn replaced(ground: &mut Ground, n: u64) -> Result<Vec<Row>, Error> {
    let (settled, proposing) = proposed(ground, n).await?;
    let call = IRounds::settleCall {
        s: settled.settlement.clone(),
    };
    let settling = send(ground, ground.l2.rounds, &call, U256::ZERO).await?;
    ground.post(&settled).await?;
    Ok(vec![
        row("propose a round without signatures", proposing),
        row(
            "settle: all of 128 sign, in the place of a proposal",
            settling,
        ),
    ])
}

/// A proposal that stands: its bond goes back when its windows are over.
async fn returned(ground: &mut Ground, n: u64) -> Result<Row, Error> {
    let (settled, _) = proposed(ground, n).await?;
    ground.post(&settled).await?;
    let round = settled.header.round;
    let deadline = ground.schedule.deadline(round).map_err(failed)?.get();
    let windows = ground.schedule.challenge_window + ground.schedule.reveal_window;
    ground.pass_to(deadline + u64::from(windows) + 1).await?;
    let call = IDisputes::settleBondCall { n };
    let gas = send(ground, ground.l2.disputes, &call, U256::ZERO).await?;
    Ok(row("give a proposal's bond back", gas))
}

/// A wrong header that 128 have signed: a witness committed and revealed for the bounty, and the
/// signers struck.
async fn rewarded(ground: &mut Ground, n: u64) -> Result<Vec<Row>, Error> {
    let mut claim = ground.right(n).await?;
    // A list without entries whose lowest is one.
    claim.list = OutcomeList::claimed(Vec::new(), 0).map_err(failed)?;
    claim.header.outcome_root = claim.list.outcome_root();
    let settled = ground.certify(claim, 0).await?;
    let witness = settled.list.open(&[]).map(Witness::Cut);
    let witness = witness.ok_or_else(|| failed("no witness"))?.to_bytes();
    let (header, witness): (Bytes, Bytes) = (settled.header.to_bytes().into(), witness.into());

    let (price, disputes) = (Price::devnet(), ground.l2.disputes);
    send(ground, disputes, &IDisputes::fundCall {}, price.bounty_cap).await?;
    let salt = alloy::primitives::B256::repeat_byte(7);
    let contract = IDisputes::new(disputes, ground.anvil.provider());
    let commitment = contract
        .commitmentOf(
            ground.owner.address(),
            salt,
            header.clone(),
            witness.clone(),
        )
        .call()
        .await
        .map_err(failed)?;
    let commit = IDisputes::commitCall { n, commitment };
    let committing = send(ground, disputes, &commit, price.commit_bond).await?;
    ground.pass_to(0).await?;
    let reveal = IDisputes::revealCall {
        salt,
        header,
        witness,
    };
    let revealing = send(ground, disputes, &reveal, U256::ZERO).await?;
    let strike = IStrikes::strikeCall {
        n,
        bitmap: settled.settlement.bitmap.clone(),
        aggregate: settled.settlement.aggregate.clone(),
    };
    let striking = send(ground, ground.l2.strikes, &strike, U256::ZERO).await?;
    Ok(vec![
        row("commit to a witness", committing),
        row("reveal it, refute and take the bounty: cut", revealing),
        row("strike 128 signers of a refuted round", striking),
    ])
}
