//! More than two thirds of the seats call a machine DOWN that passed all their probes: its agent, which
//! has crashed meanwhile, shows what receipts it has, those windows fall before anything is paid or
//! slashed, and the liars pay on L1.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use devnet::{
    agents::{Agent, Agents, Event, Events, Tenant},
    liars::{Lie, When},
    unix_now,
};
use provider_agent::store::StoredReceipt;
use quorate_bindings::IHealth;
use quorate_canon::Round;
use quorate_chain::health::HealthEvent;

use crate::kit::{Event as CourtEvent, LONG, Network, Plan, health, until};

/// They hold nineteen twentieths of the stake: more than two thirds of any committee.
const LIARS: [usize; 3] = [0, 1, 3];
const HONEST: usize = 2;
const fn stakes(operator: u64) -> u64 {
    if operator == 2 {
        250
    } else {
        1_500 + 100 * operator
    }
}
/// Health epochs in which the crash may come in time.
const EPOCHS: u32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn receipts_clear_a_machine_that_was_called_down_and_its_accusers_pay() -> Result<()> {
    let mut network = Plan::new("attesters").stakes(stakes).start().await?;
    network.nodes.start_aggregator()?;
    network.nodes.start_operator(HONEST)?;
    let dir = network.dir().join("agents");
    let mut agents = Agents::start(&network.world, &dir, 2).await?;
    let (victim, other) = (agents.all[0].offer, agents.all[1].offer);
    for liar in LIARS {
        let when = When::always_from(Round::new(0));
        network.nodes.start_liar(liar, Lie::Attest(victim), when)?;
    }
    let tenant = Tenant::create(&network.world).await?;
    let rented = tenant.post(&[0, 1]).await?;
    network
        .until("leases of the agents' machines", async |_: &mut Network| {
            Ok((tenant.rented(&rented).await?.len() == rented.len()).then_some(()))
        })
        .await?;

    let mut seen = Seen::default();
    let mut events = Events::open(&network.world);
    let agent = &mut agents.all[0];
    let epoch = appealed_after_a_crash(&network, agent, &mut events, &mut seen).await?;
    ensure!(
        seen.down.iter().all(|(_, machine)| *machine != other),
        "the other machine was called DOWN"
    );
    let settled = network.world.clock.genesis
        + u64::from(epoch + 1) * u64::from(network.world.clock.health_epoch);
    until("the epoch settled", LONG, async || {
        let call = IHealth::settledUntilCall {};
        let time = tenant
            .account()
            .view(network.world.contracts.l2.health, &call)
            .await?;
        Ok((time >= settled).then_some(()))
    })
    .await?;
    let call = IHealth::downOfCall {
        offerId: victim,
        epoch,
    };
    let down = tenant
        .account()
        .view(network.world.contracts.l2.health, &call)
        .await?;
    // A window in which nobody gave a receipt stays: against that there is only the second committee.
    seen.take(events.advance().await?);
    let fell = seen.fell.iter().filter(|(of, _)| *of == epoch);
    for (_, window) in fell {
        ensure!(
            !down.bit(usize::from(*window)),
            "window {window} is DOWN again: {down:x}"
        );
    }

    let mut paid = BTreeSet::new();
    until(
        "slashes of those whose receipts were shown",
        LONG,
        async || {
            for event in network.court.events().await? {
                if let CourtEvent::Slashed(slash) = event {
                    ensure!(slash.operator != HONEST, "the honest operator was slashed");
                    paid.insert(slash.operator);
                }
            }
            seen.take(events.advance().await?);
            let struck = seen.liars();
            Ok((!struck.is_empty() && struck.is_subset(&paid)).then_some(()))
        },
    )
    .await?;
    ensure!(seen.liars().is_subset(&BTreeSet::from(LIARS)));
    agents.end();
    Ok(())
}

/// Crashes the agent when a health epoch is over, before it can be called DOWN, and starts it again: what
/// it shows then lay on its disk. Gives the epoch. Should nothing be called DOWN, the next epoch
/// does.
async fn appealed_after_a_crash(
    network: &Network,
    agent: &mut Agent,
    events: &mut Events,
    seen: &mut Seen,
) -> Result<u32> {
    let first = health::next_epoch(&network.world).await?;
    for epoch in first..first + EPOCHS {
        health::wait_until(health::span(&network.world, (epoch + 1, 0))?.0).await;
        agent.kill()?;
        let held = agent.receipts(epoch..epoch + 1)?;
        agent.start()?;
        let late = health::certified_by(&network.world, epoch)? + 2;
        let fell = until("a window that fell, or none", LONG, async || {
            seen.take(events.advance().await?);
            let called = (epoch, agent.offer);
            if seen.fell.iter().any(|(of, _)| *of == epoch) {
                return Ok(Some(true));
            }
            let none = unix_now().as_secs() > late && !seen.down.contains(&called);
            Ok(none.then_some(false))
        });
        if !fell.await? {
            continue;
        }
        for (of, window, liar) in seen.struck.iter().filter(|(of, ..)| *of == epoch) {
            let of_liar = |r: &StoredReceipt| r.window.0 == *window && r.operator.get() == *liar;
            ensure!(
                held.iter().any(of_liar),
                "{liar}'s seats fell in {of}/{window} without a receipt from before: {held:?}"
            );
        }
        return Ok(epoch);
    }
    bail!("nothing was called DOWN in {EPOCHS} epochs from {first} on")
}

/// What L2 said of machines.
#[derive(Debug, Default)]
struct Seen {
    /// Health epoch and machine.
    down: BTreeSet<(u32, u64)>,
    /// Health epoch, window and operator.
    struck: BTreeSet<(u32, u16, u32)>,
    /// Health epoch and window.
    fell: Vec<(u32, u16)>,
}

impl Seen {
    /// Whose seats were struck.
    fn liars(&self) -> BTreeSet<usize> {
        self.struck
            .iter()
            .map(|(.., liar)| *liar as usize)
            .collect()
    }

    fn take(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Health(HealthEvent::MachineDown { epoch, machine, .. }) => {
                    self.down.insert((epoch.get(), machine.get()));
                }
                Event::Health(HealthEvent::SeatsStruck {
                    epoch,
                    operator,
                    window,
                    fell,
                    ..
                }) => {
                    self.struck.insert((epoch.get(), window.0, operator.get()));
                    if fell {
                        self.fell.push((epoch.get(), window.0));
                    }
                }
                _ => {}
            }
        }
    }
}
