//! Manners of the command line, the same for every binary: options, completions, exit codes.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use tokio::runtime::Builder;

use crate::logs::Format;

/// How a process ends. The same three meanings for every binary and every command.
///
/// | code | meaning |
/// | ---: | --- |
/// | 0 | done, and all is well |
/// | 1 | a fault was found, or the program ran and then failed |
/// | 2 | could not check or could not start: usage, configuration, or something it needs is not there |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Well,
    /// 1
    Fault,
    /// 2
    Unchecked,
}

impl Exit {
    /// The process's exit status.
    pub const fn code(self) -> i32 {
        match self {
            Self::Well => 0,
            Self::Fault => 1,
            Self::Unchecked => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Well => Self::SUCCESS,
            Exit::Fault => Self::from(1),
            Exit::Unchecked => Self::from(2),
        }
    }
}

/// The text of `--help` that explains exit codes; for `#[command(after_help = EXIT_CODES)]`.
pub const EXIT_CODES: &str = "Exit codes: 0 done and all is well; 1 a fault was found, or it ran and failed; \
2 it could not check or start (usage, configuration, something missing).";

/// Options that every service takes.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Configuration file; variables QUORATE_<TABLE>__<KEY> overlay it.
    #[arg(
        long,
        short,
        global = true,
        env = "QUORATE_CONFIG",
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Options of logging.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// What to log, as in `info,aggregator=debug`.
    #[arg(
        long,
        global = true,
        env = "QUORATE_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,
    /// Log one JSON object a line.
    #[arg(long, global = true, env = "QUORATE_LOG_JSON")]
    pub log_json: bool,
}

impl LogArgs {
    /// The format asked for; without a word, colours only on a terminal.
    pub fn format(&self) -> Format {
        match (
            self.log_json,
            io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        ) {
            (true, _) => Format::Json,
            (false, true) => Format::Colours,
            (false, false) => Format::Plain,
        }
    }
}

/// A command `completions <shell>`.
#[derive(Args, Clone, Debug)]
pub struct CompletionArgs {
    /// For which shell.
    #[arg(value_enum)]
    pub shell: ShellName,
}

/// The shells that completions are written for.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[allow(missing_docs)]
pub enum ShellName {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl From<ShellName> for Shell {
    fn from(name: ShellName) -> Self {
        match name {
            ShellName::Bash => Self::Bash,
            ShellName::Elvish => Self::Elvish,
            ShellName::Fish => Self::Fish,
            ShellName::Powershell => Self::PowerShell,
            ShellName::Zsh => Self::Zsh,
        }
    }
}

/// Writes the completions of `command` to `out`.
pub fn completions(mut command: Command, args: &CompletionArgs, out: &mut dyn io::Write) {
    let name = command.get_name().to_owned();
    clap_complete::generate(Shell::from(args.shell), &mut command, name, out);
}

/// The body of a binary's `main`: starts logging and a runtime, does `work`, and gives the exit status.
/// An error is printed with its causes as the last word; `exit_of` says what it means for the status.
pub fn run_main<E: std::error::Error + 'static>(
    log: &LogArgs,
    work: impl Future<Output = Result<Exit, E>>,
    exit_of: impl Fn(&E) -> Exit,
) -> ExitCode {
    run_on(Builder::new_multi_thread(), log, work, exit_of)
}

/// The same on one thread, for processes that mostly wait.
pub fn run_main_small<E: std::error::Error + 'static>(
    log: &LogArgs,
    work: impl Future<Output = Result<Exit, E>>,
    exit_of: impl Fn(&E) -> Exit,
) -> ExitCode {
    run_on(Builder::new_current_thread(), log, work, exit_of)
}

fn run_on<E: std::error::Error + 'static>(
    mut runtime: Builder,
    log: &LogArgs,
    work: impl Future<Output = Result<Exit, E>>,
    exit_of: impl Fn(&E) -> Exit,
) -> ExitCode {
    if let Err(error) = crate::logs::init(log) {
        report(&error);
        return Exit::Unchecked.into();
    }
    match runtime.enable_all().build() {
        Ok(runtime) => match runtime.block_on(work) {
            Ok(exit) => exit.into(),
            Err(error) => {
                report(&error);
                exit_of(&error).into()
            }
        },
        Err(error) => {
            report(&error);
            Exit::Unchecked.into()
        }
    }
}

/// Prints an error with its causes, as the last word of a process.
pub fn report(error: &(dyn std::error::Error + 'static)) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because {error}");
        cause = error.source();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    #[command(name = "sample")]
    struct Sample {
        #[command(flatten)]
        common: CommonArgs,
    }

    #[test]
    fn completions_name_the_options() {
        use clap::CommandFactory as _;
        for shell in ShellName::value_variants() {
            let mut out = Vec::new();
            completions(
                Sample::command(),
                &CompletionArgs { shell: *shell },
                &mut out,
            );
            assert!(
                String::from_utf8(out).unwrap().contains("log-json"),
                "{shell:?}"
            );
        }
    }

    #[test]
    fn json_is_asked_for_by_a_flag() {
        let sample = Sample::parse_from(["sample", "--log-json"]);
        assert_eq!(sample.common.log.format(), Format::Json);
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        assert_eq!(
            [Exit::Well, Exit::Fault, Exit::Unchecked].map(Exit::code),
            [0, 1, 2]
        );
    }
}
