//! `devnet`: the whole network on this machine.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use devnet::{World, WorldConfig, paths, trace::Window};
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
}

#[derive(Clone, Copy, ValueEnum)]
enum Trace {
    /// The densest thousand tasks
    Dense,
    /// All tasks with GPUs
    Full,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .init();
    match Cli::parse().command {
        Command::Up { trace, dir } => {
            let dir = dir.unwrap_or_else(|| paths::target().join("devnet").join("up"));
            Box::pin(up(trace, dir)).await
        }
    }
}

async fn up(trace: Trace, dir: PathBuf) -> anyhow::Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("emptying {}", dir.display()))?;
    }
    let window = match trace {
        Trace::Dense => Window::DENSE,
        Trace::Full => Window::FULL,
    };
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
