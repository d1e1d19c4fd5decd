//! The command line. `main.rs` calls [`main`] and nothing else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, CommandFactory, Parser, Subcommand};
use quorate_canon::Timestamp;
use quorate_health::HealthPolicy;
use quorate_service::Exit;
use quorate_service::cli::{self, CommonArgs, CompletionArgs};

use crate::AgentError;
use crate::doctor::{Examination, examine};
use crate::reader::nvml::Driver;
use crate::reader::simulated::{Scenario, SimulatedReader};

/// Runs beside a provider's GPUs and speaks for them.
#[derive(Debug, Parser)]
#[command(name = "provider-agent", version, about, after_help = cli::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every card once, and say what an operator would find wrong.
    Doctor(DoctorArgs),
    /// Print shell completions.
    Completions(CompletionArgs),
}

/// Options of `doctor`.
#[derive(Debug, Args)]
struct DoctorArgs {
    /// The driver's library, where it lies elsewhere than the system's loader looks.
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    library: Option<PathBuf>,
    /// Simulated cards, from a scenario file.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Parses the command line, runs, and gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = cli.common.log.clone();
    cli::run_main(&log, async { dispatch(&cli) }, |_| Exit::Unchecked)
}

fn dispatch(cli: &Cli) -> Result<Exit, AgentError> {
    match &cli.command {
        Command::Doctor(args) => doctor(args),
        Command::Completions(args) => {
            cli::completions(Cli::command(), args, &mut std::io::stdout());
            Ok(Exit::Well)
        }
    }
}

fn doctor(args: &DoctorArgs) -> Result<Exit, AgentError> {
    let policy = HealthPolicy::recommended();
    let now = now();
    let examination = match &args.scenario {
        Some(path) => {
            let mut reader = SimulatedReader::new(Scenario::load(path)?);
            let source = format!("scenario {}", path.display());
            examine(source, &mut reader, &policy, now)
        }
        None => {
            let driver = Driver::open(args.library.as_deref())?;
            let source = format!("library {}", driver.library().display());
            examine(source, &mut driver.reader()?, &policy, now)
        }
    };
    print(&examination, args.json)?;
    Ok(examination.exit())
}

fn print(examination: &Examination, json: bool) -> Result<(), AgentError> {
    let text = if json {
        let mut text = serde_json::to_string_pretty(examination)?;
        text.push('\n');
        text
    } else {
        examination.text()
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// Unix time; a clock before 1970 counts as 1970.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::new(since.map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn cards_are_real_or_simulated_and_not_both() {
        let parse = |args: &[&str]| {
            let all = ["provider-agent", "doctor"].iter().chain(args);
            Cli::try_parse_from(all)
        };
        assert!(parse(&["--scenario", "a", "--json"]).is_ok());
        assert!(parse(&["--scenario", "a", "--library", "b"]).is_err());
    }
}
