//! The command line. `main.rs` calls [`main`] and nothing else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use quorate_service::cli::{self, CommonArgs, CompletionArgs};
use quorate_service::{ConfigError, Exit, Shutdown};
use serde::Serialize;
use url::Url;

use crate::clock::now;
use crate::doctor::{self, DoctorArgs};
use crate::init::{InitArgs, init};
use crate::orders::{self, When};
use crate::{AgentError, Config, amount, config, register, run, status};

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
    /// Make the machine's key, its certificate and a configuration. Writes nothing over.
    Init(InitArgs),
    /// Stake, post the machine as an offer, and register its agent. Run again, it goes on where it
    /// stopped. Sends with the provider's key.
    Register {
        /// Bring the provider's stake up to so many tokens first, such as 1000 or 0.5.
        #[arg(long, value_name = "TOKENS")]
        stake: Option<String>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        print: Print,
    },
    /// Run the agent.
    Run,
    /// What the agent would report, who probed it, and what the chain says of the machine.
    Status(Print),
    /// Ask another price, from the next round on. Sends with the provider's key.
    Price {
        /// Dollars for one GPU and one hour, such as 2.35.
        ask: String,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        print: Print,
    },
    /// Pause the machine until `resume`: it wins no lease. Leases go on.
    Pause {
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        print: Print,
    },
    /// Let the machine win leases again.
    Resume {
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        print: Print,
    },
    /// Announce maintenance, or end it: without pay, and without downtime.
    Maintenance {
        /// Its first second: Unix time, +90m, or 2026-01-31T23:59:00Z.
        #[arg(long, value_name = "TIME", required_unless_present = "end")]
        from: Option<String>,
        /// The second after its last.
        #[arg(long, value_name = "TIME", required_unless_present = "end")]
        until: Option<String>,
        /// End the last one now, or cancel it.
        #[arg(long, conflicts_with_all = ["from", "until"])]
        end: bool,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        print: Print,
    },
    /// Read every card once, and say what an operator would find wrong. With a configuration, check
    /// keys, chain and registration too.
    Doctor(DoctorArgs),
    /// Print shell completions.
    Completions(CompletionArgs),
}

/// Who pays for what a command sends.
#[derive(Debug, Clone, Args)]
struct By {
    /// Sign only, and have the relay at this page carry it, such as an aggregator's: the key needs no
    /// gas. The same as `relay` in the configuration.
    #[arg(long, value_name = "URL")]
    relay: Option<Url>,
}

impl By {
    /// The configuration with what the command line says over it.
    fn over(self, mut config: Config) -> Result<Config, AgentError> {
        config.relay = self.relay.or(config.relay);
        config.check()?;
        Ok(config)
    }
}

/// How a command prints.
#[derive(Debug, Clone, Copy, Args)]
struct Print {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Parses the command line, runs, and gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = cli.common.log.clone();
    cli::run_main_small(&log, dispatch(cli), exit_of)
}

/// 2 for what keeps a command from starting, 1 for what ran and failed.
const fn exit_of(error: &AgentError) -> Exit {
    match error {
        AgentError::Ended(_) => Exit::Fault,
        _ => Exit::Unchecked,
    }
}

async fn dispatch(cli: Cli) -> Result<Exit, AgentError> {
    let config = || load(&cli.common);
    match cli.command {
        Command::Init(args) => {
            let made = init(&args)?;
            say(args.json, &made, || made.text())
        }
        Command::Register { stake, by, print } => {
            let stake = stake.as_deref().map(amount::millionths).transpose();
            let stake = stake.map_err(|detail| ConfigError::value("--stake", detail))?;
            let done = register::register(&by.over(config()?)?, stake).await?;
            say(print.json, &done, || done.text())
        }
        Command::Run => {
            let shutdown = Shutdown::on_signals()?;
            run(config()?, shutdown).await.map(|()| Exit::Well)
        }
        Command::Status(print) => {
            let status = status::ask(&config()?).await?;
            say(print.json, &status, || status.text())?;
            Ok(status.exit())
        }
        Command::Price { ask, by, print } => {
            let ask = amount::dollars(&ask).map_err(|detail| ConfigError::value("ASK", detail))?;
            let said = orders::price(&by.over(config()?)?, ask).await?;
            say(print.json, &said, || said.text())
        }
        Command::Pause { by, print } => {
            let said = orders::set_paused(&by.over(config()?)?, true).await?;
            say(print.json, &said, || said.text())
        }
        Command::Resume { by, print } => {
            let said = orders::set_paused(&by.over(config()?)?, false).await?;
            say(print.json, &said, || said.text())
        }
        Command::Maintenance {
            from,
            until,
            by,
            print,
            ..
        } => {
            let when = when(from.as_deref(), until.as_deref())?;
            let said = orders::maintenance(&by.over(config()?)?, when).await?;
            say(print.json, &said, || said.text())
        }
        Command::Doctor(args) => {
            let config = cli.common.config.as_deref().map(config::load).transpose()?;
            let found = doctor::run(&args, config.as_ref()).await?;
            say(args.json, &found, || found.text())?;
            Ok(found.exit())
        }
        Command::Completions(args) => {
            cli::completions(Cli::command(), &args, &mut std::io::stdout());
            Ok(Exit::Well)
        }
    }
}

fn load(common: &CommonArgs) -> Result<Config, AgentError> {
    let path: PathBuf = common.config.clone().ok_or_else(|| {
        ConfigError::value("--config", "missing; `provider-agent init` writes one")
    })?;
    Ok(config::load(&path)?)
}

fn when(from: Option<&str>, until: Option<&str>) -> Result<When, AgentError> {
    let (Some(from), Some(until)) = (from, until) else {
        return Ok(When::End);
    };
    let read = |option: &str, text: &str| {
        amount::time(text, now()).map_err(|detail| ConfigError::value(option, detail))
    };
    Ok(When::Between(
        read("--from", from)?,
        read("--until", until)?,
    ))
}

/// Prints an answer: one JSON object, or words for people.
fn say(
    json: bool,
    answer: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<Exit, AgentError> {
    let text = if json {
        let mut text = serde_json::to_string_pretty(answer)?;
        text.push('\n');
        text
    } else {
        text()
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(args: &[&str]) -> bool {
        Cli::try_parse_from(["provider-agent"].iter().chain(args)).is_ok()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn cards_are_real_or_simulated_and_not_both() {
        assert!(good(&["doctor", "--scenario", "a", "--json"]));
        assert!(!good(&["doctor", "--scenario", "a", "--library", "b"]));
        let init = ["init", "--host", "h", "--password-file", "p"];
        assert!(good(&init));
        assert!(!good(&[&init[..], &["--seed", "7"]].concat()));
        assert!(!good(&init[..3]));
    }

    #[test]
    fn every_command_that_sends_can_be_relayed() {
        let relay = ["--relay", "https://a.example"];
        for command in [
            &["register"][..],
            &["price", "2.35"],
            &["pause"],
            &["resume"],
            &["maintenance", "--end"],
        ] {
            assert!(good(&[command, &relay].concat()), "{command:?}");
            assert!(!good(&[command, &["--relay", "nowhere"]].concat()));
        }
        assert!(!good(&[&["run"][..], &relay].concat()));
    }

    #[test]
    fn maintenance_has_both_ends_or_is_ended() {
        assert!(good(&["maintenance", "--from", "+2h", "--until", "+3h"]));
        assert!(good(&["maintenance", "--end"]));
        assert!(!good(&["maintenance", "--from", "+2h"]));
        assert!(!good(&["maintenance"]));
        assert!(!good(&[
            "maintenance",
            "--end",
            "--from",
            "1",
            "--until",
            "2"
        ]));
    }
}
