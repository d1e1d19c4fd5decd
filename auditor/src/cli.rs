//! The command line. `main.rs` calls [`main`] and nothing else.

use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use quorate_canon::Round;
use quorate_service::{
    ConfigError, Exit,
    cli::{self, CommonArgs, CompletionArgs},
    config,
};
use tracing::info;

use crate::{AuditError, Config, Sources, open, report::Report};

/// Checks Quorate's rounds without believing anyone: replays them from the chains and the beacon.
#[derive(Debug, Parser)]
#[command(name = "auditor", version, about, after_help = cli::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay certified rounds: all of them, one, or a range.
    Replay(ReplayArgs),
    /// Print shell completions.
    Completions(CompletionArgs),
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Only this round.
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"])]
    round: Option<u64>,
    /// From this round on.
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Up to this round.
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    fn wants(&self, round: Round) -> bool {
        let n = round.get();
        self.round.is_none_or(|only| only == n)
            && self.from.is_none_or(|from| from <= n)
            && self.to.is_none_or(|to| n <= to)
    }
}

/// Parses the command line, runs, and gives the exit status: 0 all equal, 1 a difference was found,
/// 2 could not check.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = cli.common.log.clone();
    cli::run_main(&log, dispatch(&cli), |_| Exit::Unchecked)
}

async fn dispatch(cli: &Cli) -> Result<Exit, AuditError> {
    match &cli.command {
        Command::Replay(args) => {
            let path = cli.common.config.as_deref().ok_or_else(|| {
                ConfigError::value(
                    "--config",
                    "missing; auditor.example.toml is a file to start from",
                )
            })?;
            let config: Config = config::load(path)?;
            replay(&open(&config).await?, args).await
        }
        Command::Completions(args) => {
            cli::completions(Cli::command(), args, &mut std::io::stdout());
            Ok(Exit::Well)
        }
    }
}

async fn replay(sources: &Sources, args: &ReplayArgs) -> Result<Exit, AuditError> {
    let rounds: Vec<Round> = sources
        .reader
        .state()
        .rounds
        .iter()
        .map(|(round, _)| round)
        .filter(|round| args.wants(*round))
        .collect();
    if let (Some(only), true) = (args.round, rounds.is_empty()) {
        return Err(AuditError::NotCertified(Round::new(only)));
    }
    let mut replays = Vec::with_capacity(rounds.len());
    for (done, round) in rounds.iter().enumerate() {
        replays.push(sources.replay(*round).await?);
        info!(%round, done = done + 1, of = rounds.len(), "replayed");
    }
    let report = Report::new(replays);
    if args.json {
        println!("{}", serde_json::json!(report));
    } else {
        println!("{}", report.table());
        println!(
            "{} of {} rounds replayed equal",
            report.equal, report.replayed
        );
    }
    Ok(if report.is_equal() {
        Exit::Well
    } else {
        Exit::Fault
    })
}
