//! Operators are paid for the work that they are shown to have done, and who does none for long leaves
//! the set (docs/formats.md, section 15).

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    providers::Provider as _,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use anyhow::{Context as _, Result, ensure};
use devnet::{
    agents::Agents,
    deploy::{Clock, Price},
};
use quorate_bindings::eigenlayer::IRewardsCoordinator::OperatorDirectedOperatorSetRewardsSubmissionCreated as Created;
use quorate_bindings::{
    IRewards::{self, BelowFloor, Ejected, Submitted, Told},
    IServiceManager::{self, TableFixed},
    ITally::Drawn,
    eigenlayer::IAllocationManager,
    erc20::IERC20,
};
use quorate_canon::{Epoch, OperatorIndex};

use crate::kit::{Network, Plan, brisk};

/// Never starts. It holds 1,000 of 5,200 tokens: the others are a quorum without it.
const ABSENT: usize = 0;
/// What is asked of the others, basis points: a busy machine may cost them a round or a probe.
const NEARLY_ALL: u16 = 8_000;

/// Stake epochs of two health epochs, so that each one's sample is drawn as soon as it is over; 30
/// seconds to show it. The table of an epoch opens when the one two before it has been paid for.
fn paydays(clock: Clock) -> Clock {
    Clock {
        stake_epoch: 50,
        table_window: 10,
        grace: 16,
        ..brisk(clock)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_no_work_earns_nothing_and_leaves_the_set() -> Result<()> {
    let mut network = Plan::new("rewards").clock(paydays).start().await?;
    network.nodes.start_aggregator()?;
    for number in (0..network.world.operators.len()).filter(|number| *number != ABSENT) {
        network.nodes.start_operator(number)?;
    }
    let agents = Agents::start(&network.world, &network.dir().join("agents"), 2).await?;
    let funded = held(&network).await?;

    let mut submitted = U256::ZERO;
    let mut probes = 0;
    for epoch in 0..u64::from(Price::devnet().patience) {
        let paid = paid(&mut network, epoch).await?;
        ensure!(paid.rounds > 0, "no round of epoch {epoch} counted");
        probes += paid.probes;
        submitted += exactly_what_is_due(&mut network, epoch, &paid).await?;
        ensure!(
            held(&network).await? == funded - submitted,
            "what was not earned did not stay"
        );
    }
    ensure!(probes > 0, "no probe of any sample counted");
    ensure!(
        network.recorder.rounds(ABSENT).is_empty(),
        "{ABSENT} was not absent"
    );

    it_is_ejected(&mut network).await?;
    no_later_table_counts_it(&mut network).await?;
    agents.end();
    network.all_is_well(&[]).await
}

/// What L1 was told of an epoch, and what it handed to the core.
#[derive(Debug)]
struct Paid {
    rounds: u16,
    probes: u16,
    shares: Vec<u16>,
    total: U256,
    parts: BTreeMap<Address, U256>,
}

/// Waits until an epoch's sample is drawn, its work told, and its pay submitted.
async fn paid(network: &mut Network, epoch: u64) -> Result<Paid> {
    let l2 = network.world.chains.l2.provider().clone();
    let drawn = Filter::new()
        .address(network.world.contracts.l2.tally)
        .event_signature(Drawn::SIGNATURE_HASH)
        .topic1(U256::from(epoch))
        .from_block(0);
    network
        .until(
            &format!("the sample of epoch {epoch}"),
            async |_: &mut _| Ok((!l2.get_logs(&drawn).await?.is_empty()).then_some(())),
        )
        .await?;
    let (told, _) = event::<Told>(network, epoch).await?;
    let (submitted, log) = event::<Submitted>(network, epoch).await?;

    let l1 = network.world.chains.l1.provider();
    let hash = log
        .transaction_hash
        .context("a log without a transaction")?;
    let receipt = l1
        .get_transaction_receipt(hash)
        .await?
        .context("no receipt")?;
    let core = network.world.core.rewards_coordinator;
    let mut logs = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| log.address() == core);
    let created = logs.find_map(|log| Created::decode_log(&log.inner).ok());
    let created = created.context("the core took no submission")?;
    let parts = &created.operatorDirectedRewardsSubmission.operatorRewards;
    let word = |at: usize| u16::from_be_bytes([told.message[at], told.message[at + 1]]);
    Ok(Paid {
        rounds: word(8),
        probes: word(10),
        shares: (16..told.message.len()).step_by(2).map(word).collect(),
        total: submitted.total,
        parts: parts
            .iter()
            .map(|part| (part.operator, part.amount))
            .collect(),
    })
}

/// To each its stake's part of the budget, times its share: to the absent one nothing, and to the
/// others not a bit more for it.
async fn exactly_what_is_due(network: &mut Network, epoch: u64, paid: &Paid) -> Result<U256> {
    let table = network.view.table(Epoch::new(epoch)).await?;
    let whole = U256::from(table.total().get());
    let budget = Price::devnet().epoch_budget;
    let mut sum = U256::ZERO;
    for (number, keys) in network.world.operators.iter().enumerate() {
        let index = OperatorIndex::new(u32::try_from(number)?);
        let stake = U256::from(table.stake(index).context("not in the table")?.get());
        let share = *paid.shares.get(number).context("no share")?;
        let due = budget * stake * U256::from(share) / (whole * U256::from(10_000));
        let part = paid.parts.get(&keys.address()).copied().unwrap_or_default();
        ensure!(
            !stake.is_zero() && part == due,
            "{number}: {part}, not {due}"
        );
        if number == ABSENT {
            ensure!(share == 0, "the absent operator did {share} of its work");
        } else {
            ensure!(
                share >= NEARLY_ALL,
                "{number} was shown in {share}: {paid:?}"
            );
        }
        sum += part;
    }
    ensure!(
        sum == paid.total && !sum.is_zero(),
        "{sum} is not {}",
        paid.total
    );
    Ok(sum)
}

/// By whoever comes first; the core itself no longer counts it among the set.
async fn it_is_ejected(network: &mut Network) -> Result<()> {
    let patience = Price::devnet().patience;
    let below = logs::<BelowFloor>(network).await?;
    let runs: Vec<_> = below
        .iter()
        .map(|(e, _)| (e.operatorIndex as usize, e.run))
        .collect();
    let expected: Vec<_> = (1..=patience).map(|run| (ABSENT, run)).collect();
    ensure!(runs == expected, "{runs:?} below the floor");
    let ejected = network
        .until("an ejection", async |n: &mut Network| {
            Ok(logs::<Ejected>(n).await?.pop())
        })
        .await?;
    let operator = network.world.operators[ABSENT].address();
    ensure!(
        ejected.0.operator == operator,
        "{} was ejected",
        ejected.0.operator
    );

    let l1 = network.world.chains.l1.provider();
    let manager = IServiceManager::new(network.world.contracts.l1.service_manager, l1);
    let found = manager.operatorAt(u32::try_from(ABSENT)?).call().await?;
    ensure!(
        found.operator == operator && !found.registered,
        "it is registered"
    );
    let core = IAllocationManager::new(network.world.core.allocation_manager, l1);
    let set = network.world.contracts.l1.avs().set();
    ensure!(
        !core.isMemberOfOperatorSet(operator, set).call().await?,
        "the core has it in the set"
    );
    Ok(())
}

/// The first table that was fixed after the ejection, and rounds under it.
async fn no_later_table_counts_it(network: &mut Network) -> Result<()> {
    let (_, log) = logs::<Ejected>(network)
        .await?
        .pop()
        .context("no ejection")?;
    let ejected = log.block_number;
    let epoch = network
        .until("a table without it", async |n: &mut Network| {
            let fixed = fixed_tables(n).await?;
            let mut later = fixed.into_iter().filter(|(_, block)| *block > ejected);
            Ok(later.next().map(|(epoch, _)| Epoch::new(epoch)))
        })
        .await?;
    let absent = OperatorIndex::new(u32::try_from(ABSENT)?);
    let before = network.view.table(Epoch::new(0)).await?;
    let after = network.view.table(epoch).await?;
    let stake = |table: &quorate_protocol::StakeTable| table.stake(absent).map_or(0, |s| s.get());
    ensure!(
        stake(&before) > 0 && stake(&after) == 0,
        "{} before, {} in epoch {epoch}",
        stake(&before),
        stake(&after)
    );
    network
        .until("a round under that table", async |n: &mut Network| {
            let rounds = n.view.settled().into_iter();
            let epochs = rounds.map(|round| n.view.schedule().epoch_of(round));
            let epochs = epochs.collect::<Result<Vec<_>, _>>()?;
            Ok(epochs.contains(&epoch).then_some(()))
        })
        .await
}

/// Tables with the L1 blocks in which they were fixed.
async fn fixed_tables(network: &Network) -> Result<Vec<(u64, Option<u64>)>> {
    let filter = Filter::new()
        .address(network.world.contracts.l1.service_manager)
        .event_signature(TableFixed::SIGNATURE_HASH)
        .from_block(0);
    let logs = network.world.chains.l1.provider().get_logs(&filter).await?;
    let table = |log: &Log| Ok((TableFixed::decode_log(&log.inner)?.epoch, log.block_number));
    logs.iter().map(table).collect()
}

/// All events of a kind that `Rewards` has emitted.
async fn logs<E: SolEvent>(network: &Network) -> Result<Vec<(E, Log)>> {
    let filter = Filter::new()
        .address(network.world.contracts.l1.rewards)
        .event_signature(E::SIGNATURE_HASH)
        .from_block(0);
    let logs = network.world.chains.l1.provider().get_logs(&filter).await?;
    let decoded = logs.into_iter().map(|log| {
        let event = E::decode_log(&log.inner)?.data;
        Ok((event, log))
    });
    decoded.collect()
}

/// Waits for an event of `Rewards` about a stake epoch, its first topic.
async fn event<E: SolEvent>(network: &mut Network, epoch: u64) -> Result<(E, Log)> {
    let what = format!("{} of epoch {epoch}", E::SIGNATURE);
    network
        .until(&what, async |n: &mut Network| {
            let found = logs::<E>(n).await?.into_iter();
            let topic = |log: &Log| {
                log.topics()
                    .get(1)
                    .map(|topic| U256::from_be_bytes(topic.0))
            };
            let mut found = found.filter(|(_, log)| topic(log) == Some(U256::from(epoch)));
            Ok(found.next())
        })
        .await
}

/// What `Rewards` holds.
async fn held(network: &Network) -> Result<U256> {
    let l1 = network.world.chains.l1.provider();
    let rewards = network.world.contracts.l1.rewards;
    let token = IRewards::new(rewards, l1).token().call().await?;
    Ok(IERC20::new(token, l1).balanceOf(rewards).call().await?)
}
