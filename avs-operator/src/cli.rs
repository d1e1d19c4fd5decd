//! The command line. `main.rs` calls [`main`] and nothing else.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};
use quorate_keys::{Exposure, Kdf, Password, PasswordSource, bls};
use quorate_service::{
    ConfigError, Exit, Shutdown,
    cli::{self, CommonArgs, CompletionArgs},
    config,
};
use quorate_signer::{Identity, Interchange, SigningLedger};

use crate::{Config, OperatorError, Options, doctor, register, run, setup};

/// The node of a Quorate operator: matches every round, signs its own result, never two.
#[derive(Debug, Parser)]
#[command(name = "avs-operator", version, about, after_help = cli::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the node.
    Run {
        /// Create the signing ledger if there is none. Only for a key that has never signed: a
        /// ledger that was lost must be restored, or this key can be made to sign twice by another
        /// process that still has it.
        #[arg(long)]
        init_ledger: bool,
    },
    /// Check configuration, chains, contracts, beacon, keys and aggregators, and name what fails.
    Doctor {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Register with the AVS's operator set on L1: sends one transaction from the ECDSA key. The
    /// operator must be registered with EigenLayer and have allocated stake to the set before.
    Register,
    /// Make keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Export or import the signing ledger's history. The node must be stopped.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Print shell completions.
    Completions(CompletionArgs),
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a new BLS key and write it as an EIP-2335 keystore. Never overwrites a file.
    NewBls {
        /// The keystore to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// A file, mode 600, with the password.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum LedgerCommand {
    /// Write the ledger's history as JSON, to move the key to another machine.
    Export {
        /// The file to write; must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Add an exported history to the ledger. Only tightens: nothing that was refused becomes allowed.
    Import {
        /// The exported file.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
}

/// Parses the command line, runs, and gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = cli.common.log.clone();
    cli::run_main(&log, dispatch(cli), exit_of)
}

/// 2 for what keeps the node from starting, 1 for what stops it.
const fn exit_of(error: &OperatorError) -> Exit {
    match error {
        OperatorError::Bug { .. } => Exit::Fault,
        _ => Exit::Unchecked,
    }
}

async fn dispatch(cli: Cli) -> Result<Exit, OperatorError> {
    match cli.command {
        Command::Run { init_ledger } => {
            let config = load(&cli.common)?;
            let shutdown = Shutdown::on_signals().map_err(|source| OperatorError::Io {
                what: "signals".into(),
                source,
            })?;
            run(config, Options { init_ledger }, shutdown)
                .await
                .map(|()| Exit::Well)
        }
        Command::Doctor { json } => {
            let doctor = doctor::examine(&load(&cli.common)?).await;
            if json {
                println!("{}", serde_json::json!(doctor));
            } else {
                println!("{}", doctor.table());
            }
            Ok(doctor.exit())
        }
        Command::Register => register::register(&load(&cli.common)?)
            .await
            .map(|()| Exit::Well),
        Command::Keys(command) => keys(command).map(|()| Exit::Well),
        Command::Ledger(command) => ledger(&load(&cli.common)?, command)
            .await
            .map(|()| Exit::Well),
        Command::Completions(args) => {
            cli::completions(Cli::command(), &args, &mut std::io::stdout());
            Ok(Exit::Well)
        }
    }
}

fn load(common: &CommonArgs) -> Result<Config, OperatorError> {
    let path = common.config.as_deref().ok_or_else(|| {
        ConfigError::value(
            "--config",
            "missing; operator.example.toml is a file to start from",
        )
    })?;
    let config: Config = config::load(path)?;
    config.check()?;
    Ok(config)
}

fn keys(command: KeysCommand) -> Result<(), OperatorError> {
    let KeysCommand::NewBls { out, password_file } = command;
    let secret = |error: quorate_keys::KeyError| ConfigError::Secret {
        name: out.display().to_string(),
        detail: error.to_string(),
    };
    let password: Password = PasswordSource::File(password_file)
        .read(Exposure::Refuse)
        .map_err(secret)?;
    let key = bls::generate().map_err(secret)?;
    let store = bls::Keystore::encrypt(&key, &password, Kdf::PRODUCTION).map_err(secret)?;
    store.write_new(&out).map_err(secret)?;
    println!("{}", hex::encode(key.public_key().to_bytes192()));
    Ok(())
}

async fn ledger(config: &Config, command: LedgerCommand) -> Result<(), OperatorError> {
    let key = config.bls.bls()?;
    let l1 = setup::connect(config, true).await?;
    let l2 = setup::connect(config, false).await?;
    let network = setup::network(config, l1, l2).await?;
    let identity = Identity {
        key: key.public_key(),
        domain: network.domain,
    };
    let ledger = SigningLedger::open(&config.store.ledger, &identity)?;
    match command {
        LedgerCommand::Export { out } => {
            let json = ledger.export()?.to_json()?;
            write_new(&out, &json)?;
            println!(
                "exported to {}; do not start this node again with this key",
                out.display()
            );
        }
        LedgerCommand::Import { from } => {
            let what = || from.display().to_string();
            let json = fs::read(&from).map_err(|source| OperatorError::Io {
                what: what(),
                source,
            })?;
            let report = ledger.import(&Interchange::from_json(&json)?)?;
            println!(
                "{} rounds added, {} withheld",
                report.added,
                report.conflicts.len()
            );
        }
    }
    Ok(())
}

/// Writes a file that must not exist, and syncs it.
fn write_new(path: &std::path::Path, bytes: &[u8]) -> Result<(), OperatorError> {
    use std::io::Write as _;
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| OperatorError::Io {
        what: path.display().to_string(),
        source,
    })
}
