//! A machine key that somebody else has too: what it moves, what it cannot touch, and how the provider
//! takes the machine back.

use alloy::primitives::{Address, Bytes, U256};
use anyhow::{Context as _, Result, ensure};
use devnet::{
    agents::{Agent, account},
    chains::Account,
    operators::EcdsaKeys,
    unix_now,
};
use quorate_bindings::{IEscrow, IMachines, IMarket, IProviders};
use quorate_canon::{FixedWidth as _, MicroDollars};
use quorate_matching::Offer;

use crate::kit::{LONG, Network, health, until};

/// Flag of a paused machine.
const PAUSED: u8 = 4;

pub(super) async fn play(network: &Network, agent: &mut Agent) -> Result<()> {
    let world = &network.world;
    let home = network.dir().join("thief");
    let own = EcdsaKeys::create(&home, "own")?;
    let mut thief = agent
        .elsewhere(world, &home, own, agent.machine.clone())
        .await?;
    thief.start()?;
    let with_key = account(world, &agent.machine);

    asks_nobody(network, agent, &thief).await?;
    touches_nothing_of_worth(network, agent, &thief, &with_key).await?;
    pauses_and_announces(network, agent, &with_key).await?;
    moves_the_endpoint(network, &thief, &with_key).await?;

    // Back, as the provider, with the same key: until the thief moves it again.
    agent.take_over().await?;
    answered(network, agent).await?;
    moves_the_endpoint(network, &thief, &with_key).await?;
    // For good: another key in a new version of the offer.
    let home = network.dir().join("renewed");
    let key = EcdsaKeys::create(&home, "machine")?;
    let provider = agent.provider.clone();
    let mut renewed = agent.elsewhere(world, &home, provider, key).await?;
    renewed.start()?;
    renewed.take_over().await?;
    *agent = renewed;
    answered(network, agent).await?;
    is_worth_nothing(network, &thief, &with_key).await
}

/// Whoever has the key and not the endpoint is asked nothing.
async fn asks_nobody(network: &Network, agent: &Agent, thief: &Agent) -> Result<()> {
    until("the thief's page", LONG, async || {
        Ok(thief
            .page()
            .await
            .ok()
            .filter(|page| page.machine.is_some()))
    })
    .await?;
    answered(network, agent).await?;
    let page = thief.page().await?;
    ensure!(page.probes.is_empty(), "the thief was asked: {page:?}");
    Ok(())
}

/// What a provider has at stake.
#[derive(Debug, PartialEq, Eq)]
struct Worth {
    stake: u64,
    leaving: u64,
    credit: U256,
    offer: Bytes,
}

async fn worth(network: &Network, agent: &Agent) -> Result<Worth> {
    let (l2, anyone) = (&network.world.contracts.l2, &network.world.owners.l2);
    let provider = agent.provider.address();
    let stake = IProviders::providerAtCall {
        provider,
        t: unix_now().as_secs(),
    };
    let credit = IEscrow::creditOfCall {
        account: provider,
        currency: 0,
    };
    let offer = IMarket::newestOfferCall { id: agent.offer };
    let offer = anyone.view(l2.market, &offer).await?;
    let open = matches!(offer.status, IMarket::OfferStatus::Open);
    ensure!(open, "the offer is closed");
    Ok(Worth {
        stake: anyone.view(l2.providers, &stake).await?.stake_,
        leaving: anyone
            .view(l2.providers, &IProviders::leavingCall { provider })
            .await?
            .amount,
        credit: anyone.view(l2.escrow, &credit).await?,
        offer: offer.record,
    })
}

/// Stake, price, order and earnings are out of the key's reach, by hand and by the agent's own program.
async fn touches_nothing_of_worth(
    network: &Network,
    agent: &Agent,
    thief: &Agent,
    with_key: &Account,
) -> Result<()> {
    let l2 = &network.world.contracts.l2;
    let before = worth(network, agent).await?;
    let mut dearer = Offer::from_bytes(&before.offer)?;
    dearer.ask = MicroDollars::new(dearer.ask.get() * 3);
    // As a provider revises: what the contract fills in is left out.
    (dearer.id, dearer.version, dearer.provider) = Default::default();
    let record = dearer.to_bytes().into();
    let id = agent.offer;
    let amount = U256::from(10_u128.pow(18));
    let refused = [
        (
            "unstake",
            with_key
                .call(l2.providers, &IProviders::requestUnstakeCall { amount })
                .await
                .is_err(),
        ),
        (
            "withdraw stake",
            with_key
                .call(l2.providers, &IProviders::withdrawCall {})
                .await
                .is_err(),
        ),
        (
            "revise",
            with_key
                .call(l2.market, &IMarket::reviseOfferCall { id, record })
                .await
                .is_err(),
        ),
        (
            "close",
            with_key
                .call(l2.market, &IMarket::closeOfferCall { id })
                .await
                .is_err(),
        ),
        (
            "the agent's price",
            thief.command(&["price", "9.99"]).await.is_err(),
        ),
        (
            "the agent's register",
            thief.command(&["register", "--json"]).await.is_err(),
        ),
    ];
    for (what, refused) in refused {
        ensure!(refused, "the machine key may {what}");
    }
    // What the escrow owes the key's own account is nothing, and it may have that.
    let _ = with_key
        .call(l2.escrow, &IEscrow::withdrawCall { currency: 0 })
        .await;
    let after = worth(network, agent).await?;
    ensure!(after == before, "before {before:?}, after {after:?}");
    Ok(())
}

/// The key pauses and announces; the provider undoes both.
async fn pauses_and_announces(network: &Network, agent: &Agent, with_key: &Account) -> Result<()> {
    let machines = network.world.contracts.l2.machines;
    let provider = account(&network.world, &agent.provider);
    let offer = agent.offer;
    with_key.call(machines, &pause(offer, true)).await?;
    ensure!(flags(network, offer).await? & PAUSED != 0, "not paused");
    with_key.call(machines, &announce(offer)).await?;
    let end = IMachines::endMaintenanceCall { offerId: offer };
    provider.call(machines, &end).await?;
    provider.call(machines, &pause(offer, false)).await?;
    ensure!(
        flags(network, offer).await? == 0,
        "the provider's word counts"
    );
    Ok(())
}

/// With the endpoint the thief passes probes as the machine, and gets its receipts.
async fn moves_the_endpoint(network: &Network, thief: &Agent, with_key: &Account) -> Result<()> {
    let machines = network.world.contracts.l2.machines;
    with_key.call(machines, &move_to(thief)?).await?;
    answered(network, thief).await
}

/// The old key does nothing any more.
async fn is_worth_nothing(network: &Network, thief: &Agent, with_key: &Account) -> Result<()> {
    let (machines, offer) = (network.world.contracts.l2.machines, thief.offer);
    let agent = IMachines::agentOfCall { offerId: offer };
    let agent: Address = with_key.view(machines, &agent).await?;
    ensure!(agent != with_key.address(), "the offer names the old key");
    let refused = [
        with_key.call(machines, &move_to(thief)?).await,
        with_key.call(machines, &pause(offer, true)).await,
        with_key.call(machines, &announce(offer)).await,
    ];
    for answer in refused {
        let error = answer.err().context("the old key still counts")?;
        let words = error.to_string();
        // NotAllowed(address,address,address)
        ensure!(
            words.contains(&selector()),
            "refused for another reason: {words}"
        );
    }
    Ok(())
}

/// Waits for a receipt of a window that begins after now: operators ask this agent, and it passes.
async fn answered(network: &Network, agent: &Agent) -> Result<()> {
    let since = unix_now().as_secs();
    until("receipts at the endpoint", LONG, async || {
        let page = agent.page().await?;
        for probe in &page.probes {
            let (from, _) = health::span(&network.world, (probe.epoch, probe.window))?;
            if from >= since && probe.receipt.is_some_and(|at| at >= from) {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })
    .await
}

async fn flags(network: &Network, offer: u64) -> Result<u8> {
    let call = IProviders::machineAtCall {
        offerId: offer,
        t: unix_now().as_secs() + 1,
    };
    let providers = network.world.contracts.l2.providers;
    Ok(network.world.owners.l2.view(providers, &call).await?.flags)
}

fn pause(offer: u64, paused: bool) -> IMachines::setPausedCall {
    IMachines::setPausedCall {
        offerId: offer,
        paused,
    }
}

/// As early as the devnet's policy takes it, and short.
fn announce(offer: u64) -> IMachines::announceMaintenanceCall {
    let now = unix_now().as_secs();
    IMachines::announceMaintenanceCall {
        offerId: offer,
        from: now + 60,
        until: now + 62,
    }
}

fn move_to(agent: &Agent) -> Result<IMachines::setEndpointCall> {
    Ok(IMachines::setEndpointCall {
        offerId: agent.offer,
        endpoint: agent.files.endpoint(),
        certificate: agent.files.certificate()?.into(),
    })
}

fn selector() -> String {
    let hash = alloy::primitives::keccak256("NotAllowed(address,address,address)");
    alloy::hex::encode(&hash[..4])
}
