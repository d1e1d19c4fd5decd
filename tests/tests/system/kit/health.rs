//! Health epochs as the scenarios wait for them, what operators said in their logs, what L2 made of it,
//! and whether any two words that ever went out contradict each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use devnet::{
    World,
    agents::{Agent, Event, Events},
    unix_now,
};
use quorate_bindings::IHealth;
use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_chain::health::HealthEvent;
use quorate_health::{HealthPolicy, Subject, Window, WindowClock};

use super::{Network, logs};

/// A health epoch and a window of it.
pub(crate) type Place = (u32, u16);

/// A FAIL as an operator logged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) place: Place,
    /// Code of docs/health.md.
    pub(crate) code: u8,
    pub(crate) line: String,
}

/// The clock of windows.
pub(crate) fn windows(world: &World) -> WindowClock {
    WindowClock {
        genesis: Timestamp::new(world.clock.genesis),
        epoch_seconds: world.clock.health_epoch,
        windows: HealthPolicy::devnet().windows,
    }
}

/// First second of a window, and the first after it.
pub(crate) fn span(world: &World, (epoch, window): Place) -> Result<(u64, u64)> {
    let span = windows(world).span(HealthEpoch::new(epoch), Window(window));
    let (from, until) = span?;
    Ok((from.get(), until.get()))
}

/// All places of health epochs.
pub(crate) fn places(epochs: std::ops::Range<u32>) -> impl Iterator<Item = Place> {
    let windows = HealthPolicy::devnet().windows;
    epochs.flat_map(move |epoch| (0..windows).map(move |window| (epoch, window)))
}

/// The window that it is now.
pub(crate) fn place_now(world: &World) -> Result<Place> {
    let now = Timestamp::new(unix_now().as_secs());
    let (epoch, window) = windows(world).at(now)?;
    Ok((epoch.get(), window.0))
}

/// Waits for a time, Unix milliseconds.
pub(crate) async fn wait_until_ms(time: u128) {
    while unix_now().as_millis() < time {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for a second.
pub(crate) async fn wait_until(second: u64) {
    wait_until_ms(u128::from(second) * 1_000).await;
}

/// The next health epoch, once it has begun: whoever is registered by now is judged in it.
pub(crate) async fn next_epoch(world: &World) -> Result<u32> {
    let (epoch, _) = place_now(world)?;
    wait_until(span(world, (epoch + 1, 0))?.0 + 1).await;
    Ok(epoch + 1)
}

/// The first second in which lists of a health epoch are taken no more.
pub(crate) fn certified_by(world: &World, epoch: u32) -> Result<u64> {
    let (next, _) = span(world, (epoch + 1, 0))?;
    Ok(next + u64::from(HealthPolicy::devnet().certify_seconds))
}

/// The windows of a machine that the contract calls DOWN, receipts counted.
pub(crate) async fn downs(world: &World, machine: u64) -> Result<BTreeSet<Place>> {
    let mut downs = BTreeSet::new();
    for event in Events::open(world).advance().await? {
        match event {
            Event::Health(HealthEvent::MachineDown {
                epoch,
                machine: of,
                windows,
                ..
            }) if of.get() == machine => {
                let set = (0..=u8::MAX).filter(|bit| windows.bit(*bit));
                downs.extend(set.map(|bit| (epoch.get(), u16::from(bit))));
            }
            Event::Health(HealthEvent::SeatsStruck {
                epoch,
                machine: of,
                window,
                fell: true,
                ..
            }) if of.get() == machine => {
                downs.remove(&(epoch.get(), window.0));
            }
            _ => {}
        }
    }
    Ok(downs)
}

impl Network {
    /// What an operator found wrong with a machine.
    pub(crate) fn fails(&self, operator: usize, machine: u64) -> Vec<Fail> {
        let lines = logs::lines(&self.log(operator), &["FAIL: "]);
        let ours = lines
            .into_iter()
            .filter(|line| number(line, "machine") == Some(machine));
        let fail = |line: String| {
            Some(Fail {
                place: place(&line)?,
                code: u8::try_from(number(&line, "code")?).ok()?,
                line,
            })
        };
        ours.filter_map(fail).collect()
    }

    /// The windows of a machine that an operator has called DOWN.
    pub(crate) fn words_down(&self, operator: usize, machine: u64) -> BTreeSet<Place> {
        let lines = logs::lines(&self.log(operator), &[": DOWN "]);
        let ours = lines
            .iter()
            .filter(|line| number(line, "machine") == Some(machine));
        ours.filter_map(|line| place(line)).collect()
    }

    /// Holds what L2 says of a machine in some epochs to what operators said of it: DOWN stands on more
    /// than two thirds of the seats, and what all of them say stands. Gives what is DOWN.
    pub(crate) async fn downs_by_words(
        &self,
        machine: u64,
        epochs: std::ops::Range<u32>,
    ) -> Result<BTreeSet<Place>> {
        let all = 0..self.world.operators.len();
        let said: BTreeMap<usize, _> = all
            .map(|operator| (operator, self.words_down(operator, machine)))
            .collect();
        let mut downs = downs(&self.world, machine).await?;
        downs.retain(|(epoch, _)| epochs.contains(epoch));
        for place in places(epochs) {
            let by = |operator: u32| {
                said.get(&(operator as usize))
                    .is_some_and(|s| s.contains(&place))
            };
            if said.values().all(|words| words.contains(&place)) {
                ensure!(
                    downs.contains(&place),
                    "all said DOWN of {machine} in {place:?}"
                );
            }
            if downs.contains(&place) {
                let call = IHealth::committeeOfCall {
                    epoch: place.0,
                    offerId: machine,
                };
                let owner = &self.world.owners.l2;
                let seats = owner.view(self.world.contracts.l2.health, &call).await?;
                let ours = seats.iter().filter(|operator| by(**operator)).count();
                ensure!(
                    3 * ours > 2 * seats.len(),
                    "{machine} is DOWN in {place:?} by {ours} of {} seats: {said:?}",
                    seats.len()
                );
            }
        }
        Ok(downs)
    }

    /// No receipt on an agent's disk and no list that an operator ever sent contradict each other, and
    /// there were both. The agent must be down.
    pub(crate) fn no_contradiction(
        &self,
        agent: &Agent,
        epochs: std::ops::Range<u32>,
    ) -> Result<()> {
        let receipts = agent.receipts(epochs)?;
        ensure!(
            !receipts.is_empty(),
            "no receipts of machine {}",
            agent.offer
        );
        let subject = Subject::Machine(OfferId::new(agent.offer));
        let lists = self.recorder.downs();
        ensure!(!lists.is_empty(), "no list of any operator");
        for receipt in &receipts {
            let mut against = lists.iter().filter(|signed| {
                let entry = signed.list.entry(subject);
                signed.operator == receipt.operator
                    && signed.list.epoch() == receipt.epoch
                    && entry.is_some_and(|entry| entry.has(receipt.window))
            });
            let found = against.next();
            ensure!(
                found.is_none(),
                "operator {} contradicts itself about machine {}, epoch {}, window {}: {found:?}",
                receipt.operator,
                agent.offer,
                receipt.epoch,
                receipt.window
            );
        }
        Ok(())
    }

    /// Waits for receipts of a window that has at least a second left: all operators that have probed
    /// the machine in it, and at least three, have left theirs. Gives the window.
    pub(crate) async fn receipted(&self, agent: &Agent) -> Result<Place> {
        super::until("receipts of one window", super::LONG, async || {
            let place = place_now(&self.world)?;
            let (from, until) = span(&self.world, place)?;
            // The first probes of a window come in its first half.
            let millis = unix_now().as_millis();
            let half = u128::from(from + until) * 500;
            if millis < half || millis + 1_000 > u128::from(until) * 1_000 {
                return Ok(None);
            }
            let page = agent.page().await.context("the agent's page")?;
            let here = page
                .probes
                .iter()
                .filter(|probe| (probe.epoch, probe.window) == place);
            let with = here.map(|probe| probe.receipt.is_some_and(|at| at >= from));
            let with: Vec<bool> = with.collect();
            let complete = with.len() >= 3 && with.iter().all(|has| *has);
            Ok(complete.then_some(place))
        })
        .await
    }
}

/// What a log line is about.
pub(crate) fn place(line: &str) -> Option<Place> {
    let epoch = u32::try_from(number(line, "epoch")?).ok()?;
    Some((epoch, u16::try_from(number(line, "window")?).ok()?))
}

/// A field of a log line.
pub(crate) fn number(line: &str, field: &str) -> Option<u64> {
    let (_, rest) = line.split_once(&format!(" {field}="))?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
