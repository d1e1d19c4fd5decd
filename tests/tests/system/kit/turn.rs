//! One network at a time: two on two cores would make both late.

use std::fs::File;

use anyhow::{Context as _, Result};
use devnet::paths;

/// The right to run a network on this machine; it ends when dropped, or with the process.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
}

impl Turn {
    /// Waits until no other test has it, in this process or another.
    pub(crate) async fn take() -> Result<Self> {
        let path = paths::target().join("system.lock");
        tokio::task::spawn_blocking(move || {
            let lock = File::create(&path).with_context(|| path.display().to_string())?;
            lock.lock()?;
            Ok(Self { _lock: lock })
        })
        .await?
    }
}
