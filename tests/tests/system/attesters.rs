//! More than two thirds of the seats call a machine DOWN that passed all their probes: its agent shows
//! what receipts it has, those windows fall before anything is paid or slashed, and the liars pay on L1.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use devnet::{
    agents::{Agents, Event, Events, Tenant},
    liars::{Lie, When},
};
use quorate_bindings::IHealth;
use quorate_canon::Round;
use quorate_chain::health::HealthEvent;

use crate::kit::{Event as CourtEvent, LONG, Network, Plan, until};

/// They hold 3,800 of 5,200 tokens: about 23 of 31 seats.
const LIARS: [usize; 3] = [0, 1, 3];
const HONEST: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn receipts_clear_a_machine_that_was_called_down_and_its_accusers_pay() -> Result<()> {
    let mut network = Plan::new("attesters").start().await?;
    network.nodes.start_aggregator()?;
    network.nodes.start_operator(HONEST)?;
    let dir = network.dir().join("agents");
    let agents = Agents::start(&network.world, &dir, 2).await?;
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
    let epoch = until("a window that fell", LONG, async || {
        seen.take(events.advance().await?);
        Ok(seen.fell.first().map(|(epoch, _)| *epoch))
    })
    .await?;
    ensure!(
        !seen.down.contains(&other),
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
            let struck: BTreeSet<usize> = seen.struck.iter().copied().collect();
            Ok((!struck.is_empty() && struck.is_subset(&paid)).then_some(()))
        },
    )
    .await?;
    // Two of the three hold too little without the third: enough of them had to be struck.
    ensure!(seen.struck.iter().all(|liar| LIARS.contains(liar)));
    agents.end();
    Ok(())
}

/// What L2 said of machines.
#[derive(Debug, Default)]
struct Seen {
    down: BTreeSet<u64>,
    struck: BTreeSet<usize>,
    /// Health epoch and window.
    fell: Vec<(u32, u16)>,
}

impl Seen {
    fn take(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Health(HealthEvent::MachineDown { machine, .. }) => {
                    self.down.insert(machine.get());
                }
                Event::Health(HealthEvent::SeatsStruck {
                    epoch,
                    operator,
                    window,
                    fell,
                    ..
                }) => {
                    self.struck.insert(operator.get() as usize);
                    if fell {
                        self.fell.push((epoch.get(), window.0));
                    }
                }
                _ => {}
            }
        }
    }
}
