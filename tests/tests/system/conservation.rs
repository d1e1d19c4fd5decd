//! Money (DESIGN section 9): the escrow holds what it owes, and in the end everybody has it.

use std::collections::BTreeSet;

use alloy::{eips::BlockId, primitives::U256, providers::Provider as _};
use anyhow::{Result, ensure};
use devnet::{
    chains::{Account, Call},
    trace::PROVIDERS,
};
use quorate_bindings::{IEscrow, IHealth, IMarket, IRounds, erc20::IERC20};
use quorate_canon::{FixedWidth as _, Round};
use quorate_chain::to_alloy_address;
use quorate_matching::Request;

use crate::{binding, kit::Network};

/// The one currency of the devnet.
const DOLLAR: u8 = 0;

/// Ends every lease, settles all of them, reclaims what was cancelled unmatched, withdraws: at every step
/// the escrow holds exactly what it owes, and at the end nothing but what posting is paid from. Nothing
/// is fed any more.
pub(crate) async fn everybody_gets_what_is_theirs(network: &mut Network) -> Result<()> {
    ensure!(
        require_balance(network).await? > U256::ZERO,
        "nothing is owed"
    );
    let leases = leases(network).await?;
    ensure!(!leases.is_empty(), "no lease was ever open");
    close(network).await?;
    let last = leases.iter().map(|(_, round)| *round).max();
    wait_until_final(network, last.unwrap_or_default()).await?;

    let stranger = network.stranger().await?;
    let escrow = network.world.contracts.l2.escrow;
    let leased: BTreeSet<_> = leases.iter().map(|(id, _)| *id).collect();
    let count = requests(network).await?;
    until_health_is_settled(network).await?;
    let calls = (1..=count).map(|id| {
        if leased.contains(&id) {
            Call::of(escrow, &IEscrow::settleCall { requestId: id })
        } else {
            Call::of(escrow, &IEscrow::reclaimCall { requestId: id })
        }
    });
    let calls: Vec<_> = calls.collect();
    ensure!(
        leased.len() < calls.len(),
        "every request was matched, none is reclaimed"
    );
    stranger.send_all(calls).await?;
    ensure!(
        require_balance(network).await? > U256::ZERO,
        "nothing is owed"
    );

    for account in creditors(network)? {
        withdraw(network, &account).await?;
    }
    let left = require_balance(network).await?;
    let newest = BlockId::number(
        network
            .world
            .chains
            .l2
            .provider()
            .get_block_number()
            .await?,
    );
    let kept = postings(network).await? + deposits(network, newest).await?;
    ensure!(
        left == kept,
        "{left} left, of which {kept} are for posting and deposits"
    );
    Ok(())
}

/// The escrow's balance, which must be what is locked, credited and in the pot, at one block.
async fn require_balance(network: &Network) -> Result<U256> {
    let (l2, contracts) = (
        network.world.chains.l2.provider(),
        &network.world.contracts.l2,
    );
    let block = BlockId::number(l2.get_block_number().await?);
    let (market, escrow) = (
        IMarket::new(contracts.market, l2),
        IEscrow::new(contracts.escrow, l2),
    );
    let mut owed = U256::ZERO;
    for id in 1..=market.requestCount().block(block).call().await? {
        owed += escrow.lockedOf(id).block(block).call().await?;
    }
    owed += deposits(network, block).await?;
    for account in creditors(network)? {
        owed += escrow
            .creditOf(account.address(), DOLLAR)
            .block(block)
            .call()
            .await?;
    }
    owed += escrow.pot().block(block).call().await?;
    owed += escrow
        .creditOf(network.aggregator, DOLLAR)
        .block(block)
        .call()
        .await?;
    let token = IERC20::new(contracts.dollar, l2);
    let held = token
        .balanceOf(contracts.escrow)
        .block(block)
        .call()
        .await?;
    ensure!(held == owed, "the escrow holds {held} and owes {owed}");
    Ok(held)
}

/// What entry-tier providers have built up out of earnings.
async fn deposits(network: &Network, block: BlockId) -> Result<U256> {
    let l2 = network.world.chains.l2.provider();
    let escrow = IEscrow::new(network.world.contracts.l2.escrow, l2);
    let mut sum = U256::ZERO;
    for account in creditors(network)? {
        let deposit = escrow.depositOf(account.address(), DOLLAR);
        sum += deposit.block(block).call().await?;
    }
    Ok(sum)
}

/// What is kept for those who post, and what the aggregator has earned by it.
async fn postings(network: &Network) -> Result<U256> {
    let (l2, contracts) = (
        network.world.chains.l2.provider(),
        &network.world.contracts.l2,
    );
    let escrow = IEscrow::new(contracts.escrow, l2);
    let earned = escrow.creditOf(network.aggregator, DOLLAR).call().await?;
    ensure!(earned > U256::ZERO, "posting earned nothing");
    Ok(escrow.pot().call().await? + earned)
}

/// Everyone else whom the escrow can owe anything, the fees' receiver among them.
fn creditors(network: &Network) -> Result<Vec<Account>> {
    let l2 = &network.world.chains.l2;
    let mut all = binding::tenants(network)?;
    for number in 0..PROVIDERS {
        all.push(Account::named(l2, &format!("provider {number}"))?);
    }
    all.push(Account::named(l2, "owner of L2")?);
    Ok(all)
}

async fn requests(network: &Network) -> Result<u64> {
    let (l2, contracts) = (
        network.world.chains.l2.provider(),
        &network.world.contracts.l2,
    );
    Ok(IMarket::new(contracts.market, l2)
        .requestCount()
        .call()
        .await?)
}

/// The requests that were ever matched, with their rounds.
async fn leases(network: &Network) -> Result<Vec<(u64, Round)>> {
    let (l2, contracts) = (
        network.world.chains.l2.provider(),
        &network.world.contracts.l2,
    );
    let market = IMarket::new(contracts.market, l2);
    let mut leases = Vec::new();
    for id in 1..=requests(network).await? {
        let lease = market.leaseOf(id).call().await?;
        if let Some(round) = lease.round.checked_sub(1) {
            leases.push((id, Round::new(round)));
        }
    }
    Ok(leases)
}

/// Every tenant closes the leases that it has open.
async fn close(network: &Network) -> Result<()> {
    let (l2, contracts) = (
        network.world.chains.l2.provider(),
        &network.world.contracts.l2,
    );
    let market = IMarket::new(contracts.market, l2);
    let tenants = binding::tenants(network)?;
    let mut open = vec![Vec::new(); tenants.len()];
    for (id, _) in leases(network).await? {
        let record = market.requestRecord(id).call().await?.record;
        let owner = to_alloy_address(Request::from_bytes(&record)?.tenant);
        let owner = tenants.iter().position(|tenant| tenant.address() == owner);
        let lease = market.leaseOf(id).call().await?;
        if let (Some(owner), 0) = (owner, lease.end) {
            open[owner].push(id);
        }
    }
    for (tenant, ids) in tenants.iter().zip(open) {
        if !ids.is_empty() {
            let call = IMarket::closeLeasesCall { requestIds: ids };
            tenant.call(contracts.market, &call).await?;
        }
    }
    Ok(())
}

async fn wait_until_final(network: &mut Network, round: Round) -> Result<()> {
    let (l2, rounds) = (
        network.world.chains.l2.provider().clone(),
        network.world.contracts.l2.rounds,
    );
    let rounds = IRounds::new(rounds, l2);
    network
        .until("a final round", async |_: &mut Network| {
            Ok(rounds.isFinal(round.get()).call().await?.then_some(()))
        })
        .await
}

/// Earnings are held until the health epochs that they were earned in are settled.
async fn until_health_is_settled(network: &mut Network) -> Result<()> {
    let now = devnet::unix_now().as_secs();
    let (health, l2) = (
        network.world.contracts.l2.health,
        network.world.chains.l2.provider().clone(),
    );
    let health = IHealth::new(health, l2);
    network
        .until("settled health epochs", async |_: &mut Network| {
            let settled = health.settledUntil().call().await?;
            Ok((settled >= now).then_some(()))
        })
        .await
}

async fn withdraw(network: &Network, account: &Account) -> Result<()> {
    let (l2, contracts) = (
        network.world.chains.l2.provider(),
        &network.world.contracts.l2,
    );
    let escrow = IEscrow::new(contracts.escrow, l2);
    let credit = escrow.creditOf(account.address(), DOLLAR).call().await?;
    if credit > U256::ZERO {
        let call = IEscrow::withdrawCall { currency: DOLLAR };
        account.call(contracts.escrow, &call).await?;
    }
    Ok(())
}
