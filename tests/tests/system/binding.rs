//! Orders bind (DESIGN section 3.2): what was open at a snapshot stays good until its round ended.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use devnet::{
    chains::{Account, Call},
    trace::TENANTS,
};
use quorate_bindings::IMarket;
use quorate_canon::{FixedWidth as _, Timestamp};
use quorate_chain::to_alloy_address;
use quorate_matching::{Request, RequestInput};

use crate::kit::Network;

/// All open requests are cancelled between its close and its certificate, which the
/// frozen aggregator holds back: the round is settled as if nothing had happened.
pub(crate) async fn a_cancel_after_the_close_changes_nothing(network: &mut Network) -> Result<()> {
    let last = network.view.settled().last().copied();
    let round = network.logged_after(0, &["snapshot fixed"], last).await?;
    network
        .nodes
        .aggregator
        .as_ref()
        .context("no aggregator")?
        .freeze();
    network.stop_feeding().await?;
    let open = open_requests(network).await?;
    cancel(network, &open).await?;
    network.view.advance().await?;
    let early = network.view.certified();
    ensure!(
        !early.contains(&round),
        "{round} was certified before the cancels"
    );
    network
        .nodes
        .aggregator
        .as_ref()
        .context("no aggregator")?
        .thaw();

    let settled = network.settled_after(last).await?;
    ensure!(settled == round, "{settled} was settled instead of {round}");
    let vote = network.recorder.vote(0, round).await?;
    let list = network.recorder.list_behind(vote.digest()).await?;
    ensure!(
        list.count() > 0,
        "nothing was matched, so nothing was shown"
    );
    let cancelled: BTreeSet<_> = open.iter().map(|i| i.request.id).collect();
    let market = IMarket::new(
        network.world.contracts.l2.market,
        network.world.chains.l2.provider(),
    );
    for entry in list.entries() {
        ensure!(
            cancelled.contains(&entry.request),
            "{} was not cancelled",
            entry.request
        );
        let lease = market.leaseOf(entry.request.get()).call().await?;
        ensure!(
            lease.round == round.get() + 1,
            "request {} has no lease",
            entry.request
        );
    }
    Ok(())
}

/// The requests that are neither matched nor closed.
async fn open_requests(network: &Network) -> Result<Vec<RequestInput>> {
    let l2 = network.world.chains.l2.provider();
    let market = IMarket::new(network.world.contracts.l2.market, l2);
    let mut open = Vec::new();
    for id in 1..=market.requestCount().call().await? {
        let found = market.requestRecord(id).call().await?;
        let lease = market.leaseOf(id).call().await?;
        if found.closed == u64::MAX && lease.round == 0 {
            open.push(RequestInput {
                request: Request::from_bytes(&found.record)?,
                created: Timestamp::new(found.created),
            });
        }
    }
    Ok(open)
}

/// Has the tenants cancel these requests and waits until that is mined.
async fn cancel(network: &Network, requests: &[RequestInput]) -> Result<()> {
    let market = network.world.contracts.l2.market;
    for tenant in tenants(network)? {
        let own = requests
            .iter()
            .filter(|input| to_alloy_address(input.request.tenant) == tenant.address());
        let calls = own.map(|input| {
            let id = input.request.id.get();
            Call::of(market, &IMarket::cancelRequestCall { id })
        });
        tenant.send_all(calls.collect()).await?;
    }
    Ok(())
}

/// The tenants of the trace.
pub(crate) fn tenants(network: &Network) -> Result<Vec<Account>> {
    let l2 = &network.world.chains.l2;
    let named = (0..TENANTS).map(|number| Account::named(l2, &format!("tenant {number}")));
    Ok(named.collect::<Result<_, _>>()?)
}
