//! The command line. `main.rs` calls [`main`] and nothing else.

mod explain;
mod replay;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use quorate_service::{
    ConfigError, Exit,
    cli::{self, CommonArgs, CompletionArgs},
    config,
};

use crate::{AuditError, Config};

/// Checks Quorate's rounds without believing anyone: from the chains alone.
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
    Replay(replay::Args),
    /// Follow L2, compute each round again inside its challenge window, and refute wrong ones if told to.
    Watch(watch::Args),
    /// Say why a request or an offer got what it got, or nothing.
    Explain(explain::Args),
    /// Print shell completions.
    Completions(CompletionArgs),
}

/// Parses the command line, runs, and gives the exit status: 0 all is well, 1 a fault was found, 2 could
/// not check.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = cli.common.log.clone();
    cli::run_main(&log, dispatch(&cli), |_| Exit::Unchecked)
}

async fn dispatch(cli: &Cli) -> Result<Exit, AuditError> {
    match &cli.command {
        Command::Replay(args) => replay::run(&cli.config()?, args).await,
        Command::Watch(args) => Box::pin(watch::run(cli.config()?, args)).await,
        Command::Explain(args) => explain::run(&cli.config()?, args).await,
        Command::Completions(args) => {
            cli::completions(Cli::command(), args, &mut std::io::stdout());
            Ok(Exit::Well)
        }
    }
}

impl Cli {
    fn config(&self) -> Result<Config, ConfigError> {
        let path = self.common.config.as_deref().ok_or_else(|| {
            ConfigError::value(
                "--config",
                "missing; auditor.example.toml is a file to start from",
            )
        })?;
        config::load(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Mode, Until};
    use quorate_canon::Round;

    fn watch(args: &[&str]) -> Result<crate::watch::Options, clap::Error> {
        let all = ["auditor", "watch"].iter().chain(args);
        match Cli::try_parse_from(all)?.command {
            Command::Watch(args) => Ok(args.options()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_watcher_sends_nothing_unless_told_to() {
        let options = watch(&[]).unwrap();
        assert_eq!((options.mode, options.until), (Mode::DryRun, Until::Asked));
        assert!(!options.annul);
    }

    #[test]
    fn challenges_are_asked_for_with_or_without_a_bounty() {
        assert_eq!(watch(&["--challenge"]).unwrap().mode, Mode::Challenge);
        assert_eq!(watch(&["--challenge=bounty"]).unwrap().mode, Mode::Bounty);
        assert_eq!(watch(&["--challenge=now"]).unwrap().mode, Mode::Challenge);
        assert!(watch(&["--challenge=maybe"]).is_err());
        // A word behind it is no value of it: the mode must not hang on a typo.
        assert!(watch(&["--challenge", "bounty"]).is_err());
    }

    #[test]
    fn annulling_needs_a_mode_that_sends() {
        assert!(watch(&["--annul"]).is_err());
        assert!(watch(&["--challenge", "--annul"]).unwrap().annul);
    }

    #[test]
    fn how_long_is_said_once() {
        let until = |args: &[&str]| watch(args).map(|options| options.until);
        assert_eq!(until(&["--once"]).unwrap(), Until::Head);
        assert_eq!(
            until(&["--until", "7"]).unwrap(),
            Until::Round(Round::new(7))
        );
        assert!(until(&["--once", "--until", "7"]).is_err());
        assert_eq!(watch(&["--from", "3"]).unwrap().from, Some(Round::new(3)));
    }

    #[test]
    fn an_explanation_is_of_one_order() {
        for args in [
            &["--request", "3"][..],
            &["--offer", "4", "--round", "5", "--json"],
        ] {
            let all = ["auditor", "explain"].iter().chain(args);
            assert!(Cli::try_parse_from(all).is_ok(), "{args:?}");
        }
        for args in [&[][..], &["--request", "3", "--offer", "4"]] {
            let all = ["auditor", "explain"].iter().chain(args);
            assert!(Cli::try_parse_from(all).is_err(), "{args:?}");
        }
    }
}
