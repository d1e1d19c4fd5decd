//! Which machine this is: the offer's id and its cards, in a file of their own, so that `register` can
//! write it while the agent runs.

use std::io::Write as _;
use std::path::Path;

use quorate_canon::OfferId;
use serde::{Deserialize, Serialize};

use crate::{AgentError, Config};

/// The file's name in the folder of data.
const FILE: &str = "machine.json";

/// Which machine this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The offer's id.
    pub offer: u64,
}

impl Identity {
    /// The id.
    #[must_use]
    pub const fn offer(&self) -> OfferId {
        OfferId::new(self.offer)
    }

    /// What the file says; `None` if there is none.
    ///
    /// # Errors
    /// [`AgentError`] if it cannot be read.
    pub fn load(config: &Config) -> Result<Option<Self>, AgentError> {
        let path = config.file(FILE);
        match std::fs::read(&path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AgentError::file(&path, source)),
        }
    }

    /// The same, where a machine is needed.
    ///
    /// # Errors
    /// [`AgentError::Mismatch`] if there is no file.
    pub fn need(config: &Config) -> Result<Self, AgentError> {
        Self::load(config)?.ok_or_else(|| {
            let path = config.file(FILE).display().to_string();
            let remedy = "run `provider-agent register`";
            AgentError::mismatch("this machine", "none", path, remedy)
        })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`AgentError::File`].
    pub fn save(&self, config: &Config) -> Result<(), AgentError> {
        let path = config.file(FILE);
        let beside = config.file("machine.json.new");
        let text = serde_json::to_vec_pretty(self)?;
        write(&beside, &text)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(|source| AgentError::file(&path, source))
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
