//! A machine that is well and ill in turns: DOWN in the windows in which it was ill for as many probes as
//! the policy asks, and in no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use anyhow::{Result, ensure};
use devnet::agents::{Agent, Cards};
use quorate_health::HealthPolicy;

use crate::kit::{
    Network,
    health::{self, Place, places},
};

/// The windows of each epoch in which it is ill.
const ILL: [u16; 2] = [1, 3];
/// The code of a lost card.
const LOST: u8 = 5;

/// Takes a card away before each of these windows begins and gives it back when their last probe is
/// over, for two epochs; gives the windows.
pub(super) async fn play(network: &Network, agent: &Agent, first: u32) -> Result<BTreeSet<Place>> {
    let mut ill = BTreeSet::new();
    for place in places(first..first + 2).filter(|(_, window)| ILL.contains(window)) {
        let (from, until) = health::span(&network.world, place)?;
        // A reading is at most a second old, and the window before has its receipts by now.
        health::wait_until_ms(u128::from(from) * 1_000 - 1_500).await;
        agent.set_cards(Cards::Lost)?;
        health::wait_until_ms(u128::from(until) * 1_000 - 500).await;
        agent.set_cards(Cards::Steady)?;
        ill.insert(place);
    }
    Ok(ill)
}

pub(super) async fn judge(
    network: &Network,
    agent: &Agent,
    ill: &BTreeSet<Place>,
    epochs: &Range<u32>,
) -> Result<()> {
    let fails = HealthPolicy::devnet().fails;
    for operator in 0..network.world.operators.len() {
        let mut failed: BTreeMap<Place, u8> = BTreeMap::new();
        let mut lost = BTreeSet::new();
        for fail in network.fails(operator, agent.offer) {
            *failed.entry(fail.place).or_default() += 1;
            lost.extend((fail.code == LOST).then_some(fail.place));
        }
        let found = failed.iter().filter(|(_, count)| **count >= fails);
        let found: BTreeSet<Place> = found.map(|(place, _)| *place).collect();
        ensure!(
            found.is_subset(&lost),
            "operator {operator}: a card was lost in {lost:?}, FAILs enough in {found:?}"
        );
        let words = network.words_down(operator, agent.offer);
        ensure!(
            words == found && found.is_subset(ill) && !found.is_empty(),
            "operator {operator}: ill in {ill:?}, found so in {found:?}, called DOWN in {words:?}"
        );
    }
    let down = network.downs_by_words(agent.offer, epochs.clone()).await?;
    ensure!(
        !down.is_empty() && down.is_subset(ill),
        "ill in {ill:?}, DOWN in {down:?}"
    );
    Ok(())
}
