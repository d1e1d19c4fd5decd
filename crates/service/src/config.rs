//! Configuration: one TOML file, a small overlay from the environment, and no forgiveness.
//!
//! A variable `QUORATE_<A>__<B>` sets key `b` of table `a`. Its value is read as TOML where that
//! works (`5`, `true`, `["x"]`), and as text otherwise. Types are read with
//! `#[serde(deny_unknown_fields)]`, so that a typo, in the file or in a variable's name, is an error.
//! The variables of [`RESERVED`] belong to the command line and are no keys.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::{Table, Value};

/// Prefix of the variables that overlay the file.
pub const PREFIX: &str = "QUORATE_";

/// Variables with the prefix that are no configuration keys; see [`crate::cli`].
pub const RESERVED: &[&str] = &["QUORATE_CONFIG", "QUORATE_LOG", "QUORATE_LOG_JSON"];

/// Prefix of variables that hold secrets; they are read where [`crate::SecretSource`] names them.
pub const SECRET_PREFIX: &str = "QUORATE_SECRET_";

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The file, with the overlay, is not what the program expects.
    #[error("{path}: {detail}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
    /// A variable wants to set a key below something that is no table.
    #[error("{variable} sets a key below {below}, which is no table")]
    Overlay {
        /// The variable.
        variable: String,
        /// The key that is in the way.
        below: String,
    },
    /// Something simulated, in a production network.
    #[error("{what} is simulated and may not be used with network = \"production\"")]
    Simulated {
        /// The setting.
        what: String,
    },
    /// A value is out of its range, or contradicts another.
    #[error("{key}: {detail}")]
    Value {
        /// The setting.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A secret cannot be had.
    #[error("secret {name}: {detail}")]
    Secret {
        /// Where it should be.
        name: String,
        /// What went wrong; never the secret.
        detail: String,
    },
}

impl ConfigError {
    /// A value that is out of its range.
    pub fn value(key: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Value {
            key: key.into(),
            detail: detail.into(),
        }
    }
}

/// Which network a program runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Real stake: everything simulated is refused.
    Production,
    /// This machine's own network.
    Devnet,
}

impl Network {
    /// Refuses `what`, which is simulated, in production.
    pub fn allow_simulated(self, what: impl Into<String>) -> Result<(), ConfigError> {
        match self {
            Self::Devnet => Ok(()),
            Self::Production => Err(ConfigError::Simulated { what: what.into() }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Devnet => "devnet",
        })
    }
}

/// Reads the file at `path` and lays this process's environment over it.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    load_with(path, std::env::vars())
}

/// The same with an environment given.
pub fn load_with<T: DeserializeOwned>(
    path: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    // First without the overlay, for errors that name a line.
    let mut table: Table = toml::from_str(&text).map_err(|error| parse(path, &error))?;
    let overlay = overlay(environment);
    if overlay.is_empty() {
        return toml::from_str(&text).map_err(|error| parse(path, &error));
    }
    let names: Vec<_> = overlay.keys().cloned().collect();
    for (variable, value) in overlay {
        set(&mut table, &variable, &value)?;
    }
    table
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::Parse {
            path: path.to_owned(),
            detail: format!(
                "{} (with {} from the environment)",
                error.message(),
                names.join(", ")
            ),
        })
}

fn parse(path: &Path, error: &toml::de::Error) -> ConfigError {
    ConfigError::Parse {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

/// The variables that are configuration keys.
fn overlay(environment: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    environment
        .into_iter()
        .filter(|(name, _)| {
            name.starts_with(PREFIX)
                && !name.starts_with(SECRET_PREFIX)
                && !RESERVED.contains(&name.as_str())
        })
        .collect()
}

/// Puts one variable into the table.
fn set(table: &mut Table, variable: &str, value: &str) -> Result<(), ConfigError> {
    let path = variable
        .strip_prefix(PREFIX)
        .unwrap_or(variable)
        .to_lowercase();
    let mut keys: Vec<&str> = path.split("__").collect();
    let last = keys.pop().unwrap_or_default();
    let mut at = table;
    for key in keys {
        at = match at
            .entry(key.to_owned())
            .or_insert_with(|| Value::Table(Table::new()))
        {
            Value::Table(inner) => inner,
            _ => {
                return Err(ConfigError::Overlay {
                    variable: variable.to_owned(),
                    below: key.to_owned(),
                });
            }
        };
    }
    at.insert(last.to_owned(), literal(value));
    Ok(())
}

/// A TOML value if it reads as one, else text.
fn literal(text: &str) -> Value {
    let read: Result<Table, _> = toml::from_str(&format!("value = {text}"));
    match read {
        Ok(mut table) if table.len() == 1 => table
            .remove("value")
            .unwrap_or_else(|| Value::String(text.to_owned())),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        network: Network,
        chain: Chain,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Chain {
        id: u64,
        urls: Vec<String>,
    }

    const FILE: &str = "network = \"devnet\"\n[chain]\nid = 7\nurls = [\"http://a\"]\n";

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Sample, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        load_with(
            file.path(),
            environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn a_file_is_read() {
        let sample = read(FILE, &[]).unwrap();
        assert_eq!(sample.network, Network::Devnet);
        assert_eq!(sample.chain.urls, ["http://a"]);
    }

    #[test]
    fn a_typo_in_the_file_is_refused_with_its_line() {
        let error = read(&FILE.replace("urls", "url"), &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("unknown field `url`") && error.contains("line 4"),
            "{error}"
        );
    }

    #[test]
    fn the_environment_wins() {
        let sample = read(
            FILE,
            &[
                ("QUORATE_CHAIN__ID", "9"),
                ("QUORATE_CHAIN__URLS", "[\"http://b\"]"),
                ("HOME", "/"),
            ],
        )
        .unwrap();
        assert_eq!(
            sample.chain,
            Chain {
                id: 9,
                urls: vec!["http://b".into()]
            }
        );
    }

    #[test]
    fn a_typo_in_a_variable_is_refused_by_name() {
        let error = read(FILE, &[("QUORATE_CHAIN__IDD", "9")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("idd") && error.contains("QUORATE_CHAIN__IDD"),
            "{error}"
        );
    }

    #[test]
    fn reserved_and_secret_variables_are_no_keys() {
        assert!(
            read(
                FILE,
                &[("QUORATE_LOG", "debug"), ("QUORATE_SECRET_KEY", "x")]
            )
            .is_ok()
        );
    }

    #[test]
    fn a_variable_cannot_reach_below_a_value() {
        assert!(matches!(
            read(FILE, &[("QUORATE_NETWORK__X", "1")]),
            Err(ConfigError::Overlay { .. })
        ));
    }

    #[test]
    fn text_that_is_no_toml_is_text() {
        assert_eq!(literal("http://x:1"), Value::String("http://x:1".into()));
        assert_eq!(
            literal("1\nother = 2"),
            Value::String("1\nother = 2".into())
        );
    }

    #[test]
    fn production_refuses_what_is_simulated() {
        assert!(Network::Devnet.allow_simulated("the local beacon").is_ok());
        let error = Network::Production
            .allow_simulated("the local beacon")
            .unwrap_err()
            .to_string();
        assert!(error.contains("the local beacon"), "{error}");
    }
}
