//! Signed calls that must not be signed twice, such as the one that posts an offer: kept in a file
//! from before they are given away, so that whoever was interrupted brings the same one again.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use quorate_chain::forward::SignedCall;
use serde::{Deserialize, Serialize};

use super::ChainTrouble;

/// A signed call, and from where on it may be found on chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Promise {
    /// The chain that it is for.
    pub(super) chain_id: u64,
    /// The forwarder that it is for.
    pub(super) forwarder: Address,
    /// The newest block when it was signed.
    pub(super) block: u64,
    /// The call.
    pub(super) call: SignedCall,
}

/// The folder of such files.
#[derive(Debug, Clone)]
pub(super) struct Promises(PathBuf);

impl Promises {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// What was signed under a name, if anything was.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if the file cannot be read: it would be signed twice.
    pub(super) fn find(&self, name: &str) -> Result<Option<Promise>, ChainTrouble> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| trouble(&path, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble(&path, &error)),
        }
    }

    /// Keeps a call, whole or not at all.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if it cannot be written.
    pub(super) fn keep(&self, name: &str, promise: &Promise) -> Result<(), ChainTrouble> {
        let path = self.path(name);
        let part = path.with_extension("part");
        let text = serde_json::to_vec_pretty(promise).map_err(|error| trouble(&path, &error))?;
        let write = || {
            let mut file = std::fs::File::create(&part)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)
        };
        write().map_err(|error| trouble(&path, &error))
    }

    fn path(&self, name: &str) -> PathBuf {
        let name: String = name
            .chars()
            .map(|char| {
                if char.is_ascii_alphanumeric() {
                    char
                } else {
                    '-'
                }
            })
            .collect();
        self.0.join(format!("signed-{name}.json"))
    }
}

fn trouble(path: &Path, error: &dyn std::fmt::Display) -> ChainTrouble {
    ChainTrouble::Own(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Bytes, U256};
    use quorate_chain::forward::Request;

    #[test]
    fn what_was_kept_is_found_by_its_name_only() {
        let folder = tempfile::tempdir().unwrap();
        let promises = Promises::new(folder.path().to_owned());
        let promise = Promise {
            chain_id: 5,
            forwarder: Address::repeat_byte(1),
            block: 7,
            call: SignedCall {
                request: Request {
                    from: Address::repeat_byte(2),
                    to: Address::repeat_byte(3),
                    value: U256::ZERO,
                    gas: 4,
                    nonce: U256::from(5),
                    deadline: 6,
                    data: Bytes::from_static(&[7]),
                },
                signature: [8; 65],
            },
        };
        assert_eq!(promises.find("offer/0xab").unwrap(), None);
        promises.keep("offer/0xab", &promise).unwrap();
        assert_eq!(promises.find("offer/0xab").unwrap(), Some(promise));
        assert_eq!(promises.find("offer/0xac").unwrap(), None);
        std::fs::write(promises.path("offer/0xac"), "{").unwrap();
        assert!(promises.find("offer/0xac").is_err());
    }
}
