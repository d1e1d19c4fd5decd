//! `provider-agent init`: the machine's key, its certificate, and a configuration to fill in. Nothing
//! that exists is written over.

mod certificate;
mod template;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use quorate_canon::Address;
use quorate_keys::{Exposure, Kdf, PasswordSource, ecdsa};
use quorate_service::ConfigError;
use serde::Serialize;

use crate::AgentError;
use crate::cards::{Cards, Source};
use crate::reader::Card;

pub use certificate::{Certificate, hash_of};
pub use template::{Choices, example};

/// Options of `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The configuration to write.
    #[arg(long, value_name = "FILE", default_value = "provider-agent.toml")]
    pub out: PathBuf,
    /// The folder for the key, the certificate and what the agent must not lose.
    #[arg(long, value_name = "FOLDER", default_value = "agent-data")]
    pub data: PathBuf,
    /// A file, mode 600, with the password for the machine key.
    #[arg(long, value_name = "FILE", required_unless_present = "password_env")]
    pub password_file: Option<PathBuf>,
    /// A variable with the password for the machine key, QUORATE_SECRET_...
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    pub password_env: Option<String>,
    /// Host name or address that operators reach this machine by.
    #[arg(long, value_name = "HOST")]
    pub host: String,
    /// Port that operators reach it by, and that the agent listens on.
    #[arg(long, default_value_t = 7443)]
    pub port: u16,
    /// The driver's library, where it lies elsewhere than the system's loader looks.
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    pub library: Option<PathBuf>,
    /// Simulated cards, from a scenario file. For a devnet.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// What simulated cards' numbers follow from; another for each machine.
    #[arg(long, requires = "scenario")]
    pub seed: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// The configuration.
    pub config: PathBuf,
    /// The machine key's address: offers name it.
    pub agent: String,
    /// SHA-256 of the certificate: `Machines` names it.
    pub certificate: String,
    /// The cards.
    pub cards: Vec<String>,
}

impl Made {
    /// The same for people.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "machine key    {}\ncertificate    {}\ncards          {}\nconfiguration  {}\n\
             Fill in [l2], [contracts] and [machine], send the machine key some gas money on L2, then `register`.\n",
            self.agent,
            self.certificate,
            self.cards.join("\n               "),
            self.config.display()
        )
    }
}

/// Makes everything. The configuration comes last: with it, `init` is done.
///
/// # Errors
/// [`AgentError`] if a file exists already, the cards cannot be read, or the password cannot be had.
pub fn init(args: &InitArgs) -> Result<Made, AgentError> {
    let choices = Choices::of(args);
    for path in [
        &args.out,
        &choices.keystore(),
        &choices.certificate(),
        &choices.key(),
    ] {
        if path.exists() {
            return Err(AgentError::Exists { path: path.clone() });
        }
    }
    let source = match &args.scenario {
        Some(path) => Source::Scenario(path.clone(), args.seed),
        None => Source::Driver(args.library.clone()),
    };
    let cards = Cards::start(source)?;
    let password = password(args)?
        .read(Exposure::Refuse)
        .map_err(|error| secret(args, &error))?;
    std::fs::create_dir_all(&args.data).map_err(|source| AgentError::file(&args.data, source))?;
    let key = ecdsa::SecretKey::generate().map_err(|error| secret(args, &error))?;
    ecdsa::Keystore::encrypt(&key, &password, Kdf::PRODUCTION)
        .and_then(|store| store.write_new(&choices.keystore()))
        .map_err(|error| secret(args, &error))?;
    let certificate = Certificate::new(&args.host)?;
    write_new(&choices.key(), certificate.key.as_bytes(), 0o600)?;
    write_new(&choices.certificate(), certificate.pem.as_bytes(), 0o644)?;
    write_new(&args.out, example(&choices).as_bytes(), 0o644)?;
    Ok(Made {
        config: args.out.clone(),
        agent: Address(key.address()).to_string(),
        certificate: hex::encode(certificate.hash),
        cards: cards.known().iter().map(word).collect(),
    })
}

fn word(card: &Card) -> String {
    format!("{} {}", card.uuid, card.name)
}

fn password(args: &InitArgs) -> Result<PasswordSource, AgentError> {
    match (&args.password_file, &args.password_env) {
        (Some(path), _) => Ok(PasswordSource::File(path.clone())),
        (None, Some(name)) if name.starts_with(quorate_service::config::SECRET_PREFIX) => {
            Ok(PasswordSource::Env(name.clone()))
        }
        (None, name) => {
            let got = name.as_deref().unwrap_or("nothing");
            let prefix = quorate_service::config::SECRET_PREFIX;
            let detail = format!("{got}, expected a name that begins with {prefix}");
            Err(ConfigError::value("--password-env", detail).into())
        }
    }
}

fn secret(args: &InitArgs, error: &quorate_keys::KeyError) -> AgentError {
    ConfigError::Secret {
        name: args.data.display().to_string(),
        detail: error.to_string(),
    }
    .into()
}

/// Writes a file that must not exist, and syncs it.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), AgentError> {
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| AgentError::file(path, source))
}
