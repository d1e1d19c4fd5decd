//! Gas on L2, from the receipts of real transactions on anvil with the rules of Osaka.

use std::path::Path;

use super::{
    Row,
    crew::{HEAVY, OPERATORS},
    ground::{Ground, RING, failed},
    row::as_f64,
    stall::{Stall, model, offer, request},
};
use crate::Error;

const ALL_SIGN_REUSED: u32 = 160_000;
const ALL_SIGN_FIRST_LAP: u32 = 180_000;
const TEN_ABSENT: u32 = 188_000;
const HUNDRED_ABSENT: u32 = 280_000;
/// Matches in a full chunk.
const CHUNK: u32 = 256;

/// All rows of this group.
///
/// # Errors
/// When the chain does not start or a call reverts.
pub(super) async fn measure(dir: &Path, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let mut ground = Ground::lapping(dir).await?;
    tick();
    let (mut rows, next) = certificates(&mut ground, &tick).await?;
    let stall = Stall::open(&ground.anvil, &ground.owner, &ground.l2).await?;
    for (short, each, target, first) in [("t4", 1, 36_000_u32, next), ("l4", 4, 16_000, next + 2)] {
        let plan = Plan {
            short,
            each,
            target,
            first,
        };
        rows.extend(matches(&mut ground, &stall, &plan).await?);
        tick();
    }
    Ok(rows)
}

/// Certificates of rounds without matches, each posted so that the next round is the next one. Gives
/// the first round that is left, too.
async fn certificates(ground: &mut Ground, tick: impl Fn()) -> Result<(Vec<Row>, u64), Error> {
    let lap = u64::from(RING);
    let weight = format!("{HEAVY} of {OPERATORS} hold 69 % of the stake");
    let plan = [
        (
            0,
            "all of 128 sign, the very first round".to_owned(),
            ALL_SIGN_FIRST_LAP,
        ),
        (
            0,
            "all of 128 sign, first lap of the ring".to_owned(),
            ALL_SIGN_FIRST_LAP,
        ),
    ];
    let mut rows = Vec::new();
    for (n, (absent, name, target)) in (0..).zip(plan) {
        rows.push(certificate(ground, n, absent, &name, target).await?);
        tick();
    }
    let reused = [
        (
            0,
            "all of 128 sign, reused slots".to_owned(),
            ALL_SIGN_REUSED,
        ),
        (10, "10 of 128 absent, reused slots".to_owned(), TEN_ABSENT),
        (
            100,
            format!("100 of 128 absent, reused slots ({weight})"),
            HUNDRED_ABSENT,
        ),
    ];
    // What is left of the first lap.
    for n in 2..lap {
        certificate(ground, n, 0, "", 0).await?;
    }
    for (n, (absent, name, target)) in (lap..).zip(reused) {
        rows.push(certificate(ground, n, absent, &name, target).await?);
        tick();
    }
    let first_lap = ground.settle(lap + 3, 0).await?;
    ground.post(&first_lap).await?;
    Ok((rows, lap + 4))
}

async fn certificate(
    ground: &mut Ground,
    n: u64,
    absent: usize,
    name: &str,
    target: u32,
) -> Result<Row, Error> {
    let settled = ground.settle(n, absent).await?;
    let (count, _) = ground.post(&settled).await?;
    if count != 0 {
        return Err(failed(format!(
            "round {n} has {count} matches, expected none"
        )));
    }
    Ok(Row::gas(format!("settle: {name}"), settled.gas, target))
}

/// A chunk of 256 matches, `each` of them on a machine.
struct Plan {
    /// The model of its own, so that the orders meet no others.
    short: &'static str,
    each: u8,
    target: u32,
    /// The first of two rounds that are free.
    first: u64,
}

/// What posting a full chunk costs a match: on machines that were never leased, and again when those
/// leases have ended.
async fn matches(ground: &mut Ground, stall: &Stall, plan: &Plan) -> Result<Vec<Row>, Error> {
    let (model, each) = (model(plan.short)?, u64::from(plan.each));
    let chunk = u64::from(CHUNK);
    let now = ground.now().await?;
    let offers: Vec<_> = (0..chunk / each)
        .map(|i| offer(model, plan.each, i, now))
        .collect();
    stall.post_offers(&offers, |_| ()).await?;
    let mut rows = Vec::new();
    for (n, machines) in [
        (plan.first, "first leases of the machines"),
        (plan.first + 1, "machines leased before"),
    ] {
        let market = quorate_bindings::IMarket::new(ground.l2.market, ground.anvil.provider());
        let before = market.requestCount().call().await.map_err(failed)?;
        let requests: Vec<_> = (0..chunk)
            .map(|i| request(model, 150, before + i, now))
            .collect();
        stall.post_requests(&requests, |_| ()).await?;
        let settled = ground.settle(n, 0).await?;
        let (count, gas) = ground.post(&settled).await?;
        if count != CHUNK {
            return Err(failed(format!(
                "round {n}: {count} matches, expected {CHUNK}"
            )));
        }
        let name =
            format!("post, check and open a match: chunk of 256, {each} an offer, {machines}");
        let gas = as_f64(gas) / f64::from(CHUNK);
        rows.push(Row::at_most(name, gas.round(), "gas", plan.target));
        stall.close(before + 1..before + 1 + chunk).await?;
    }
    Ok(rows)
}
