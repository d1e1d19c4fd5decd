//! The command line.

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};
use quorate_service::{
    Exit, Shutdown,
    cli::{self, CommonArgs, CompletionArgs, EXIT_CODES},
    config, logs,
};

use crate::{config::Config, doctor, run};

/// Where the configuration lies if nothing else is said.
const CONFIG: &str = "/etc/quorate/aggregator.toml";

/// Collects the operators' votes, settles rounds on L2, posts their outcomes and takes evidence of
/// misbehaviour to L1. Needs no trust: its certificates are checked on chain, and any number of
/// aggregators may run.
#[derive(Debug, Parser)]
#[command(name = "aggregator", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs until SIGTERM or SIGINT.
    Run,
    /// Checks the configuration, the chains, the contracts, the beacon, the key and the database, and names what fails.
    Doctor {
        /// Print the findings as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints a completion script.
    Completions(CompletionArgs),
}

impl Cli {
    /// Does what was asked.
    pub async fn execute(self) -> Exit {
        if let Command::Completions(args) = &self.command {
            cli::completions(Self::command(), args, &mut std::io::stdout());
            return Exit::Well;
        }
        let config = match self.prepare() {
            Ok(config) => config,
            Err(error) => {
                cli::report(&error);
                return Exit::Unchecked;
            }
        };
        let result = match self.command {
            Command::Run => serve(config).await,
            Command::Doctor { json } => doctor::run(&config, json).await,
            Command::Completions(_) => Ok(Exit::Well),
        };
        result.unwrap_or_else(|error| {
            cli::report(error.as_ref());
            Exit::Fault
        })
    }

    /// Starts logging and reads the configuration.
    fn prepare(&self) -> Result<Config, quorate_service::ConfigError> {
        logs::init(&self.common.log)?;
        quorate_service::install_crypto();
        let path = self
            .common
            .config
            .clone()
            .unwrap_or_else(|| PathBuf::from(CONFIG));
        let config: Config = config::load(&path)?;
        config.validate()?;
        Ok(config)
    }
}

/// Runs; a line of JSON on standard output says where it listens, for those who gave port 0.
async fn serve(config: Config) -> anyhow::Result<Exit> {
    let shutdown = Shutdown::on_signals()?;
    let say = |addresses: run::Addresses| {
        let line = serde_json::json!({ "grpc": addresses.grpc.to_string(), "http": addresses.http.to_string() });
        println!("{line}");
    };
    run::run(config, shutdown, say).await?;
    Ok(Exit::Well)
}
