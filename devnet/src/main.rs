//! `devnet`: the whole network on this machine.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use devnet::{
    World, WorldConfig,
    bench::{BenchConfig, Group, bench},
    liars::{Lie, When, serve_hostile_agent},
    paths,
    run::{RunConfig, run},
    trace::Window,
};
use quorate_canon::Round;
use quorate_service::Exit;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole network, plays the trace, catches two liars, has every round replayed, and
    /// says whether all of it held (exit status 0 only then)
    Run {
        /// Which part of the trace is played
        #[arg(long, value_enum, default_value_t = Trace::Dense)]
        trace: Trace,
        /// Leave it running at the end and print the endpoints
        #[arg(long)]
        keep: bool,
        /// Where everything goes; emptied first [default: devnet in the target directory]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Runs an operator that lies; started by `run`
    #[command(hide = true)]
    Liar {
        /// How it lies
        #[arg(long)]
        lie: Lie,
        /// From which round on
        #[arg(long)]
        from_round: u64,
        /// In how many rounds
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// The operator's configuration
        #[arg(long)]
        config: PathBuf,
    },
    /// Runs an agent that answers no probe truly; started by tests
    #[command(hide = true)]
    HostileAgent {
        /// The configuration of the agent in whose place it stands
        #[arg(long)]
        config: PathBuf,
    },
    /// Starts chains, core, contracts, beacon and market, without operators or aggregator, and
    /// plays the trace until it is interrupted
    Up {
        /// Which part of the trace is played
        #[arg(long, value_enum, default_value_t = Trace::Dense)]
        trace: Trace,
        /// Where logs and keys go; emptied first [default: devnet/up in the target directory]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Measures what the design gives numbers for, prints one table and writes
    /// bench/summary.json in the target directory; takes about five minutes
    Bench {
        /// Measure one group only, into a file of its name
        #[arg(long, value_enum)]
        only: Option<Group>,
        /// Print JSON instead of the table
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Trace {
    /// The densest thousand tasks
    Dense,
    /// All tasks with GPUs
    Full,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // A liar logs what it does; the run itself prints, and logs only what went wrong.
    let level = match cli.command {
        Command::Liar { .. } | Command::HostileAgent { .. } => tracing::Level::INFO,
        _ => tracing::Level::WARN,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    match dispatch(cli.command).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::Unchecked.into()
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run { trace, keep, dir } => {
            let dir = dir.unwrap_or_else(|| paths::target().join("devnet"));
            let config = RunConfig {
                dir,
                window: trace.window(),
                keep,
            };
            let summary = Box::pin(run(&config)).await?;
            Ok(if summary.held {
                Exit::Well
            } else {
                Exit::Fault
            })
        }
        Command::Liar {
            lie,
            from_round,
            rounds,
            config,
        } => {
            let from = Round::new(from_round);
            let when = When { from, rounds };
            liar(lie, when, &config).await.map(|()| Exit::Well)
        }
        Command::HostileAgent { config } => {
            let shutdown = quorate_service::Shutdown::on_signals()?;
            serve_hostile_agent(&config, shutdown).await?;
            Ok(Exit::Well)
        }
        Command::Up { trace, dir } => {
            let dir = dir.unwrap_or_else(|| paths::target().join("devnet").join("up"));
            Box::pin(up(trace, dir)).await.map(|()| Exit::Well)
        }
        Command::Bench { only, json } => {
            let complete = Box::pin(bench(&BenchConfig { only, json })).await?;
            Ok(if complete {
                Exit::Well
            } else {
                Exit::Unchecked
            })
        }
    }
}

impl Trace {
    const fn window(self) -> Window {
        match self {
            Self::Dense => Window::DENSE,
            Self::Full => Window::FULL,
        }
    }
}

async fn liar(lie: Lie, when: When, config: &Path) -> anyhow::Result<()> {
    let config: avs_operator::Config = quorate_service::config::load(config)?;
    let (key, words) = (config.bls.bls()?, config.bls.bls()?);
    let shutdown = quorate_service::Shutdown::on_signals()?;
    let options = avs_operator::Options { init_ledger: true };
    let voter = |honest| lie.voter(honest, key, when);
    let attester = |honest| lie.attester(honest, words);
    Box::pin(avs_operator::run_as(
        config, options, shutdown, voter, attester,
    ))
    .await?;
    Ok(())
}

async fn up(trace: Trace, dir: PathBuf) -> anyhow::Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("emptying {}", dir.display()))?;
    }
    let window = trace.window();
    let mut world = World::start(WorldConfig {
        window,
        ..WorldConfig::new(dir)
    })
    .await?;
    print(&world);
    let stop = CancellationToken::new();
    let feeder = world.take_feeder().context("no feeder")?;
    let playing = tokio::spawn(feeder.play(stop.clone()));
    interrupted().await?;
    stop.cancel();
    let fed = playing.await?;
    println!(
        "{} requests posted, {} leases ended, {} transactions failed",
        fed.posted, fed.ended, fed.failed
    );
    Ok(())
}

/// Waits for an interrupt or a request to end: either way the chains are ended too.
async fn interrupted() -> anyhow::Result<()> {
    let mut end = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done?,
        _ = end.recv() => {}
    }
    Ok(())
}

fn print(world: &World) {
    println!(
        "L1      {}  chain {}",
        world.chains.l1.url(),
        world.chains.l1.chain_id()
    );
    println!(
        "L2      {}  chain {}",
        world.chains.l2.url(),
        world.chains.l2.chain_id()
    );
    for relay in &world.relays {
        println!("beacon  {}", relay.url());
    }
    println!("genesis {}", world.clock.genesis);
    println!("{:#?}", world.core);
    println!("{:#?}", world.contracts);
    for keys in &world.operators {
        println!(
            "{}  {}  {}",
            keys.name,
            keys.address(),
            keys.bls_path.display()
        );
    }
}
