//! The builder: a world, its nodes, and what watches them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::primitives::{Address, U256};
use anyhow::{Context as _, Result, bail, ensure};
use devnet::{
    World, WorldConfig,
    chains::Account,
    deploy::Clock,
    feeder::Fed,
    nodes::{NodeFiles, Nodes, Payers, tail},
    paths,
    trace::Window,
};
use quorate_bindings::IServiceManager;
use quorate_canon::Round;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Court, Event, LONG, Recorder, Turn, View, brisk, logs, run_to_end, until};

/// What network is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    name: &'static str,
    relays: usize,
    clock: fn(Clock) -> Clock,
    stakes: Option<fn(u64) -> u64>,
    proposals: bool,
}

impl Plan {
    /// Four operators, two relays, brisk clock. The name is that of the folder with the logs.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            relays: 2,
            clock: brisk,
            stakes: None,
            proposals: false,
        }
    }

    /// The aggregator settles rounds for a bond that nobody certifies in time.
    pub(crate) const fn proposing(mut self) -> Self {
        self.proposals = true;
        self
    }

    pub(crate) const fn clock(mut self, clock: fn(Clock) -> Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whole tokens of each operator, where the draw of committees must not decide what happens.
    pub(crate) const fn stakes(mut self, stakes: fn(u64) -> u64) -> Self {
        self.stakes = Some(stakes);
        self
    }

    pub(crate) const fn relays(mut self, relays: usize) -> Self {
        self.relays = relays;
        self
    }

    /// The world and the market, fed; no node runs yet.
    pub(crate) async fn start(self) -> Result<Network> {
        let turn = Turn::take().await?;
        quorate_service::install_crypto();
        let dir = paths::target().join("system").join(self.name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        let devnet = WorldConfig::new(&dir);
        let config = WorldConfig {
            relays: self.relays,
            clock: self.clock,
            stakes: self.stakes.unwrap_or(devnet.stakes),
            lead: LEAD,
            window: WINDOW,
            ..devnet
        };
        let mut world = Box::pin(World::start(config)).await?;
        require_order(&world).await?;
        let recorder = Recorder::start().await?;
        let (nodes, payers) = prepare(&world, &recorder, &dir, self.proposals).await?;
        let stop = CancellationToken::new();
        let feeder = world.take_feeder().context("no feeder")?;
        let feeding = tokio::spawn(feeder.play(stop.clone()));
        Ok(Network {
            nodes,
            view: View::open(&world).await?,
            court: Court::new(&world),
            recorder,
            feeding: Some((stop, feeding)),
            aggregator: payers.submitter.address(),
            world,
            dir,
            _turn: turn,
        })
    }

    /// The same with the aggregator and all four operators running, all of them honest.
    pub(crate) async fn start_all(self) -> Result<Network> {
        let mut network = self.start().await?;
        network.nodes.start_aggregator()?;
        for number in 0..network.world.operators.len() {
            network.nodes.start_operator(number)?;
        }
        Ok(network)
    }
}

/// Seconds from the deployment to genesis: three times what a quiet machine needs.
const LEAD: u64 = 8;
/// Three tasks a second for longer than any scenario lasts.
const WINDOW: Window = Window {
    first: 6_017,
    count: 360,
    seconds: 120,
};

/// A running network. Dropping it ends all of its processes.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) nodes: Nodes,
    pub(crate) view: View,
    pub(crate) court: Court,
    pub(crate) recorder: Recorder,
    feeding: Option<(CancellationToken, JoinHandle<Fed>)>,
    pub(crate) world: World,
    /// The account that the aggregator sends from.
    pub(crate) aggregator: Address,
    dir: PathBuf,
    _turn: Turn,
}

impl Network {
    /// The folder with everything of this run.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// An operator's log.
    pub(crate) fn log(&self, operator: usize) -> PathBuf {
        let dir = &self.nodes.files().dir;
        dir.join(format!("operator-{operator}")).join("log")
    }

    /// An account with money on L2 that nobody knows.
    pub(crate) async fn stranger(&self) -> Result<Account> {
        let l2 = &self.world.chains.l2;
        let account = Account::named(l2, "stranger")?;
        l2.fund(account.address(), U256::from(10_u128.pow(21)))
            .await?;
        Ok(account)
    }

    /// Looks again and again, at a chain that has been read up to now; a node that has ended
    /// meanwhile ends the wait.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&mut Self) -> Result<Option<T>>,
    ) -> Result<T> {
        until(what, LONG, async || {
            self.require_nodes()?;
            self.view.advance().await?;
            look(self).await
        })
        .await
    }

    /// The first round after `round` that is settled in full (of all, where there is none yet).
    pub(crate) async fn settled_after(&mut self, round: Option<Round>) -> Result<Round> {
        let what = round.map_or("a settled round".to_owned(), |n| {
            format!("a settled round after {n}")
        });
        self.until(&what, async |network: &mut Self| {
            let settled = network.view.settled();
            Ok(settled.into_iter().find(|n| Some(*n) > round))
        })
        .await
    }

    /// The first settled round after `round` that this operator signed.
    pub(crate) async fn signed_after(&mut self, operator: usize, round: Round) -> Result<Round> {
        let mut last = round;
        loop {
            last = self.settled_after(Some(last)).await?;
            if self.view.signers(last).await?.contains(&operator) {
                return Ok(last);
            }
            ensure!(
                last.get() < round.get() + 60,
                "operator {operator} signed no round from {round} to {last}"
            );
        }
    }

    /// The first round after `round` for which an operator's log has such a line.
    pub(crate) async fn logged_after(
        &mut self,
        operator: usize,
        words: &[&str],
        round: Option<Round>,
    ) -> Result<Round> {
        let log = self.log(operator);
        let what = format!("{words:?} in {}", log.display());
        until(&what, LONG, async || {
            let rounds = logs::rounds(&log, words);
            Ok(rounds.into_iter().find(|n| Some(*n) > round))
        })
        .await
    }

    /// Kills an operator as a crash would.
    pub(crate) fn kill_operator(&mut self, number: usize) -> Result<()> {
        let mut process = self.nodes.operators[number].take().context("it is down")?;
        ensure!(
            devnet::chains::was_killed(process.kill()?),
            "it ended by itself"
        );
        Ok(())
    }

    /// Asks an operator to end, as a service manager would.
    pub(crate) fn stop_operator(&mut self, number: usize) -> Result<()> {
        let process = self.nodes.operators[number].take().context("it is down")?;
        let status = process.stop(GRACE)?;
        ensure!(status.success(), "operator {number} ended with {status}");
        Ok(())
    }

    /// Kills the aggregator as a crash would.
    pub(crate) fn kill_aggregator(&mut self) -> Result<()> {
        let mut process = self.nodes.aggregator.take().context("it is down")?;
        ensure!(
            devnet::chains::was_killed(process.kill()?),
            "it ended by itself"
        );
        Ok(())
    }

    /// Stops feeding the market.
    pub(crate) async fn stop_feeding(&mut self) -> Result<()> {
        if let Some((stop, feeding)) = self.feeding.take() {
            stop.cancel();
            feeding.await?;
        }
        Ok(())
    }

    fn require_nodes(&mut self) -> Result<()> {
        match self.nodes.fallen()?.first() {
            None => Ok(()),
            Some((name, log)) => bail!("{name} ended; {}:\n{}", log.display(), tail(log)),
        }
    }

    /// What holds after every scenario: nobody but the liars was charged or slashed or has ever
    /// sent two headers of a round, and the auditor finds every certified round equal.
    pub(crate) async fn all_is_well(&mut self, liars: &[usize]) -> Result<()> {
        self.require_nodes()?;
        for event in self.court.events().await? {
            if let Event::Charged { operator, .. } | Event::Slashed(super::Slash { operator, .. }) =
                &event
            {
                ensure!(liars.contains(operator), "an honest operator: {event:?}");
            }
        }
        let double: BTreeSet<_> = self.recorder.contradictions();
        for (operator, round) in double {
            let liar = liars
                .iter()
                .any(|liar| u32::try_from(*liar) == Ok(operator));
            ensure!(
                liar,
                "honest operator {operator} sent two headers of {round}"
            );
        }
        self.audit().await
    }

    /// Has the auditor's program replay every certified round.
    pub(crate) async fn audit(&mut self) -> Result<()> {
        let config = self.nodes.files().auditor();
        let args = ["replay", "--json", "--log", "warn"];
        let ended = run_to_end("auditor", &args, &config).await?;
        ensure!(ended.code == Some(0), "the auditor: {ended:?}");
        let report: serde_json::Value = serde_json::from_str(&ended.out)?;
        let replayed = report["replayed"].as_u64().unwrap_or(0);
        ensure!(report["equal"].as_u64() == Some(replayed), "{report}");
        let settled = self.view.settled().len();
        ensure!(
            usize::try_from(replayed)? >= settled && settled > 0,
            "{replayed} rounds replayed, {settled} settled"
        );
        Ok(())
    }
}

/// How long a node may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(10);

impl Drop for Network {
    fn drop(&mut self) {
        if let Some((stop, _)) = &self.feeding {
            stop.cancel();
        }
    }
}

async fn prepare(
    world: &World,
    recorder: &Recorder,
    dir: &Path,
    proposals: bool,
) -> Result<(Nodes, Payers)> {
    let payers = Payers::create(world, &dir.join("keys")).await?;
    let mut files = NodeFiles::new(&dir.join("nodes"), world.operators.len())?;
    files.listeners.push(recorder.url().clone());
    files.proposals = proposals;
    files.write(world, &payers)?;
    Ok((Nodes::new(files), payers))
}

/// The scenarios speak of operators by number: it must be their index.
async fn require_order(world: &World) -> Result<()> {
    let manager = world.contracts.l1.service_manager;
    let manager = IServiceManager::new(manager, world.chains.l1.provider());
    for (number, keys) in (0_u32..).zip(&world.operators) {
        let found = manager.operatorAt(number).call().await?;
        ensure!(
            found.operator == keys.address(),
            "operator {number} has another index"
        );
    }
    Ok(())
}
