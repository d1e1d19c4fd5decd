//! `devnet run`: the whole story from an empty machine to slashed liars, a refuted quorum, and a verdict
//! on it.

mod downtime;
mod ending;
mod plot;
mod rounds;
mod screen;
mod slashes;
mod summary;
mod work;

use std::{path::PathBuf, time::Duration};

use quorate_canon::Round;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, World, WorldConfig,
    liars::Lie,
    nodes::{NodeFiles, Nodes, Payers, audit},
    trace::Window,
    unix_now,
};
pub use downtime::Downtime;
use downtime::Play;
use ending::Ending;
use plot::Plot;
pub use plot::Refuted;
use rounds::Watch;
use slashes::Court;
pub use summary::Summary;
use work::Payday;
pub use work::WorkedEpoch;

/// The operator that signs two headers.
const EQUIVOCATOR: usize = 0;
/// The operator that signs another outcome.
const DIVERGENT: usize = 1;
/// Seconds after genesis from which the equivocator lies, and from which the other does.
const LIES_AFTER: (u64, u64) = (15, 27);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// Where everything of the run goes; emptied first.
    pub dir: PathBuf,
    /// Which tasks are played.
    pub window: Window,
    /// Whether the network is left running at the end.
    pub keep: bool,
}

/// Runs it all. The summary says whether all of it held.
///
/// # Errors
/// When something could not even be tried: a process that does not start, a chain that fails.
pub async fn run(config: &RunConfig) -> Result<Summary, Error> {
    if config.dir.exists() {
        std::fs::remove_dir_all(&config.dir).map_err(Error::file(&config.dir))?;
    }
    let began = std::time::Instant::now();
    screen::title(config);
    let world_config = WorldConfig {
        window: config.window,
        ..WorldConfig::new(&config.dir)
    };
    let mut world = World::start(world_config).await?;
    screen::world(&world, began.elapsed());

    let mut nodes = start_nodes(&world, &config.dir).await?;
    let mut play = Play::begin(&world, &config.dir, nodes.files().aggregator_url()).await?;
    let stop = CancellationToken::new();
    let feeder = world
        .take_feeder()
        .ok_or_else(|| Error::program("feeder", "it has been taken"))?;
    let fed = feeder.progress();
    let playing = tokio::spawn(feeder.play(stop.clone()));

    let mut watch = Watch::open(&world).await?;
    let mut court = Court::open(&world).await?;
    let mut payday = Payday::open(&world).await?;
    let ending = Ending::new(&world, config.window);
    let mut plot: Option<Plot> = None;
    screen::head();
    loop {
        for line in watch.advance().await? {
            screen::round(&line);
        }
        for event in court.advance().await? {
            screen::court(&event);
        }
        for epoch in payday.advance().await? {
            screen::worked(&epoch);
        }
        play.advance(&world).await?;
        let fallen = nodes.fallen()?.into_iter().chain(play.fallen()?);
        if let Some((name, log)) = fallen.into_iter().next() {
            let words = crate::nodes::tail(&log);
            return Err(Error::program(
                name,
                format!("it ended; {}:\n{words}", log.display()),
            ));
        }
        match &mut plot {
            None if play.is_certified()
                && ending.is_reached(unix_now().as_secs(), &watch, &court) =>
            {
                screen::plot(plot::HONEST);
                plot = Some(Plot::begin(&world, &mut nodes)?);
            }
            None => {}
            Some(plot) => {
                plot.advance().await?;
                let paid = !payday.worked().is_empty() || payday.is_late(unix_now().as_secs());
                if plot.is_over(&watch, &court) && play.is_over() && paid {
                    break;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    let fed = playing.await.unwrap_or_else(|_| {
        *fed.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    });

    screen::replaying(watch.settled());
    let replay = audit(nodes.files()).await?;
    let memory = nodes
        .operators
        .iter()
        .flatten()
        .map(|p| summary::resident_kib(p.id()))
        .max();
    let summary = Summary::new(
        &watch,
        &court,
        (plot.as_ref(), &play.came, payday.worked()),
        &replay,
        fed,
        memory.flatten(),
        began.elapsed(),
    );
    summary.write(&config.dir.join("summary.json"))?;
    screen::summary(&summary, &config.dir);
    if config.keep {
        screen::keep(&world, nodes.files());
        tokio::signal::ctrl_c()
            .await
            .map_err(|e| Error::program("devnet", e.to_string()))?;
    }
    play.end();
    nodes.end();
    Ok(summary)
}

async fn start_nodes(world: &World, dir: &std::path::Path) -> Result<Nodes, Error> {
    let payers = Payers::create(world, &dir.join("keys")).await?;
    let mut files = NodeFiles::new(&dir.join("nodes"), world.operators.len())?;
    files.proposals = true;
    files.write(world, &payers)?;
    let mut nodes = Nodes::new(files);
    nodes.start_aggregator()?;
    nodes.start_watcher()?;
    let period = u64::from(world.clock.period);
    for number in 0..world.operators.len() {
        match number {
            EQUIVOCATOR => {
                nodes.start_liar(number, Lie::Equivocate, Round::new(LIES_AFTER.0 / period))?;
            }
            DIVERGENT => {
                nodes.start_liar(number, Lie::Diverge, Round::new(LIES_AFTER.1 / period))?;
            }
            _ => nodes.start_operator(number)?,
        }
    }
    Ok(nodes)
}
