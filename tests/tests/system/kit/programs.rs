//! Programs that are expected to end by themselves.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result};
use devnet::nodes::binary;
use tokio::process::Command;

const LIMIT: Duration = Duration::from_secs(60);

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs a binary of this workspace to its end.
pub(crate) async fn run_to_end(name: &str, args: &[&str], config: &Path) -> Result<Ended> {
    let mut command = Command::new(binary(name)?);
    command.args(args).arg("--config").arg(config);
    let child = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(LIMIT, child)
        .await
        .with_context(|| format!("{name} {args:?} did not end"))??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    })
}
