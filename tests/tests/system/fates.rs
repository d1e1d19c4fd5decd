//! Machines of many fates under one honest network: who is called DOWN, and who is not.
//!
//! One world, so that each fate meets the same operators, of which one cannot reach anybody who is no
//! provider: it says nothing, whatever it sees.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use devnet::{
    agents::{Agents, Cards, Event, Events, Tenant, account},
    unix_now,
};
use quorate_bindings::{IHealth, IMachines};
use quorate_chain::health::HealthEvent;

use crate::kit::{Network, Plan, count, metrics, until};

/// Nothing happens to it.
const STEADY: usize = 0;
/// Killed in the midst of a lease, and started again two health epochs later.
const KILLED: usize = 1;
/// The same, rented by its own provider: that shields nothing.
const SELF_RENTED: usize = 2;
/// Killed and started again at once, in the midst of a window.
const RESTARTED: usize = 3;
/// Killed while a maintenance is in force that was announced in time.
const MAINTAINED: usize = 4;
/// Its cards are held by a tenant's process from the lease on, in mid-check.
const RENTED: usize = 5;
const MACHINES: usize = 6;
/// The operator whose own network is at fault. It holds a twentieth of the stake: with a fifth, as on the
/// devnet, the draw gives it a third of one committee in forty, and then nobody can be called DOWN.
const CUT_OFF: usize = 0;
const fn stakes(operator: u64) -> u64 {
    if operator == 0 {
        250
    } else {
        1_400 + 100 * operator
    }
}

/// What was called DOWN, by machine and health epoch.
type Downs = BTreeMap<u64, BTreeSet<u32>>;

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_down_when_they_are_and_never_for_what_excuses_them() -> Result<()> {
    let mut network = Plan::new("fates").stakes(stakes).start().await?;
    cut_off(&network)?;
    network.nodes.start_aggregator()?;
    for number in 0..network.world.operators.len() {
        network.nodes.start_operator(number)?;
    }
    let dir = network.dir().join("agents");
    let mut agents = Agents::start(&network.world, &dir, MACHINES).await?;
    let tenant = Tenant::create(&network.world).await?;
    let provider = account(&network.world, &agents.all[SELF_RENTED].provider);
    let own = Tenant::of(&network.world, provider).await?;
    let mut requests = tenant.post(&[STEADY, KILLED, RESTARTED]).await?;
    requests.extend(own.post(&[SELF_RENTED]).await?);
    until_rented(&mut network, &tenant, &requests).await?;

    let clock = network.world.clock;
    let first = next_epoch(&network).await?;
    for fate in [KILLED, SELF_RENTED] {
        agents.all[fate].kill()?;
    }
    agents.all[RESTARTED].kill()?;
    agents.all[RESTARTED].start()?;
    let window = maintain(&network, &agents).await?;
    let rented = tenant.post(&[RENTED]).await?;
    until_rented(&mut network, &tenant, &rented).await?;
    agents.all[RENTED].set_cards(Cards::Held)?;
    wait_until(window.0).await;
    agents.all[MAINTAINED].kill()?;
    wait_until(window.1 - 2).await;
    agents.all[MAINTAINED].start()?;

    let again = clock.genesis + u64::from(first + 2) * u64::from(clock.health_epoch);
    wait_until(again).await;
    for fate in [KILLED, SELF_RENTED] {
        agents.all[fate].start()?;
    }
    // Until lists of the epoch after are taken no more.
    wait_until(again + u64::from(clock.health_epoch) + 12).await;

    let downs = downs(&network).await?;
    let offer = |fate: usize| agents.all[fate].offer;
    for fate in [STEADY, RESTARTED, MAINTAINED, RENTED] {
        ensure!(
            !downs.contains_key(&offer(fate)),
            "fate {fate} was called DOWN: {downs:?}"
        );
    }
    for fate in [KILLED, SELF_RENTED] {
        let found = downs.get(&offer(fate)).cloned().unwrap_or_default();
        ensure!(
            found.contains(&first) && found.contains(&(first + 1)),
            "fate {fate} was DOWN in {found:?}, expected {first} and the next"
        );
    }
    says_nothing(&network).await?;
    slashable(&network, &agents, first).await?;
    agents.end();
    network.all_is_well(&[]).await
}

/// The targets of one operator are ports at which nobody listens.
fn cut_off(network: &Network) -> Result<()> {
    let path = network.nodes.files().operator(CUT_OFF);
    let text = std::fs::read_to_string(&path)?;
    let line = text.lines().find(|line| line.starts_with("targets = "));
    let line = line.map(str::to_owned);
    let line = line.ok_or_else(|| anyhow::anyhow!("no targets in {}", path.display()))?;
    let dead = "targets = [\"127.0.0.1:1\", \"127.0.0.1:2\"]";
    std::fs::write(&path, text.replace(&line, dead))?;
    Ok(())
}

/// It judged nobody, and it did try.
async fn says_nothing(network: &Network) -> Result<()> {
    let page = metrics(network.nodes.files().operator_http[CUT_OFF]).await?;
    let unknown = count(&page, "operator_probe_verdicts_total", "unknown");
    let passed = count(&page, "operator_probe_verdicts_total", "pass");
    let failed = count(&page, "operator_probe_verdicts_total", "fail");
    ensure!(
        unknown >= 1.0 && passed + failed == 0.0,
        "unknown {unknown}, pass {passed}, fail {failed}"
    );
    Ok(())
}

async fn until_rented(network: &mut Network, tenant: &Tenant, requests: &[u64]) -> Result<()> {
    network
        .until("leases of the agents' machines", async |_: &mut Network| {
            let rented = tenant.rented(requests).await?;
            Ok((rented.len() == requests.len()).then_some(()))
        })
        .await
}

/// The next health epoch, once it has begun: all machines that are registered now are judged in it.
async fn next_epoch(network: &Network) -> Result<u32> {
    let clock = network.world.clock;
    let past = unix_now().as_secs().saturating_sub(clock.genesis);
    let next = past / u64::from(clock.health_epoch) + 1;
    wait_until(clock.genesis + next * u64::from(clock.health_epoch) + 1).await;
    Ok(u32::try_from(next)?)
}

/// Announces a maintenance as the agent, as early as the policy asks; gives when it is in force.
async fn maintain(network: &Network, agents: &Agents) -> Result<(u64, u64)> {
    let agent = &agents.all[MAINTAINED];
    let (from, until) = (unix_now().as_secs() + 7, unix_now().as_secs() + 19);
    let call = IMachines::announceMaintenanceCall {
        offerId: agent.offer,
        from,
        until,
    };
    let by = account(&network.world, &agent.machine);
    by.call(network.world.contracts.l2.machines, &call).await?;
    Ok((from + 1, until))
}

async fn downs(network: &Network) -> Result<Downs> {
    let mut downs = Downs::new();
    for event in Events::open(&network.world).advance().await? {
        if let Event::Health(HealthEvent::MachineDown { epoch, machine, .. }) = event {
            downs.entry(machine.get()).or_default().insert(epoch.get());
        }
    }
    Ok(downs)
}

/// Slashes by machine: the first epoch of each.
async fn slashes(network: &Network) -> Result<Downs> {
    let mut slashes = Downs::new();
    for event in Events::open(&network.world).advance().await? {
        if let Event::Health(HealthEvent::MachineSlashed { epoch, machine, .. }) = event {
            slashes
                .entry(machine.get())
                .or_default()
                .insert(epoch.get());
        }
    }
    Ok(slashes)
}

/// Who was away for two epochs pays once they are settled, and nobody has to ask for it: the
/// aggregator does, for the bounty. Who was not cannot be made to.
async fn slashable(network: &Network, agents: &Agents, first: u32) -> Result<()> {
    let (world, health) = (&network.world, network.world.contracts.l2.health);
    let anyone = network.stranger().await?;
    let slash = |fate: usize, epoch: u32| IHealth::slashCall {
        offerId: agents.all[fate].offer,
        epoch,
    };
    let settled = until("both epochs settled", crate::kit::LONG, async || {
        let view = IHealth::settledUntilCall {};
        let time = anyone.view(health, &view).await?;
        let wanted =
            world.clock.genesis + u64::from(first + 2) * u64::from(world.clock.health_epoch);
        Ok((time >= wanted).then_some(()))
    });
    settled.await?;
    let away = [KILLED, SELF_RENTED].map(|fate| agents.all[fate].offer);
    let slashed = until("slashes by the aggregator", crate::kit::LONG, async || {
        let slashed = slashes(network).await?;
        let all = away.iter().all(|offer| slashed.contains_key(offer));
        Ok(all.then_some(slashed))
    });
    let slashed = slashed.await?;
    for fate in [STEADY, RESTARTED, MAINTAINED, RENTED] {
        ensure!(
            !slashed.contains_key(&agents.all[fate].offer)
                && anyone.call(health, &slash(fate, first)).await.is_err(),
            "fate {fate} was slashed"
        );
    }
    let again = slashed[&agents.all[KILLED].offer].first().copied();
    ensure!(
        anyone
            .call(health, &slash(KILLED, again.unwrap_or(first)))
            .await
            .is_err(),
        "slashed twice for the same epochs"
    );
    Ok(())
}

async fn wait_until(time: u64) {
    while unix_now().as_secs() < time {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
