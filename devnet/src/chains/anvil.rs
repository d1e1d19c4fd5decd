//! One anvil process: a chain of its own on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use alloy::{
    network::Ethereum,
    primitives::{Address, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
};
use url::Url;

use super::{L1_CHAIN_ID, L1_FIRST_BLOCK, L2_CHAIN_ID, process::Process};
use crate::{Error, paths, unix_now};

/// How to start a chain.
#[derive(Clone, Debug)]
pub struct AnvilConfig {
    /// "l1" or "l2": names the log.
    pub name: &'static str,
    /// Chain id.
    pub chain_id: u64,
    /// Where its log goes.
    pub dir: PathBuf,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// The number of the first block.
    pub first_block: u64,
}

impl AnvilConfig {
    /// The devnet's L1 on a free port.
    #[must_use]
    pub fn l1(dir: &Path) -> Self {
        let first_block = L1_FIRST_BLOCK;
        Self {
            name: "l1",
            chain_id: L1_CHAIN_ID,
            dir: dir.to_path_buf(),
            port: 0,
            first_block,
        }
    }

    /// The devnet's L2 on a free port.
    #[must_use]
    pub fn l2(dir: &Path) -> Self {
        Self {
            name: "l2",
            chain_id: L2_CHAIN_ID,
            dir: dir.to_path_buf(),
            port: 0,
            first_block: 0,
        }
    }
}

/// A running anvil. It mines a block for each transaction until [`Anvil::every`] sets a pace.
#[derive(Debug)]
pub struct Anvil {
    process: Process,
    chain_id: u64,
    url: Url,
    provider: DynProvider,
}

const START_LIMIT: Duration = Duration::from_secs(20);
/// Most gas that one block takes.
pub const BLOCK_GAS_LIMIT: u64 = 120_000_000;

impl Anvil {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When anvil is not installed, ends at once, or does not listen in time.
    pub async fn start(config: &AnvilConfig) -> Result<Self, Error> {
        let log = config.dir.join(format!("{}.log", config.name));
        // The port is read from the log: an old run's line must not be taken for this one's.
        if log.exists() {
            fs::remove_file(&log).map_err(Error::file(&log))?;
        }
        let mut process = Process::spawn(config.name, command(config)?, &log)?;
        let port = wait_for_port(&mut process).await?;
        let url: Url = format!("http://127.0.0.1:{port}/")
            .parse()
            .map_err(|_| Error::program("anvil", "no url"))?;
        install_tls();
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(url.clone())
            .erased();
        Ok(Self {
            process,
            chain_id: config.chain_id,
            url,
            provider,
        })
    }

    /// Its chain id.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Its HTTP endpoint.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// A provider without any filler: for reading, and for anvil's own calls.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider<Ethereum> {
        &self.provider
    }

    /// The process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// From now on mines a block every `seconds` and none for transactions.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn every(&self, seconds: u64) -> Result<(), Error> {
        self.provider
            .raw_request::<_, ()>("evm_setAutomine".into(), (false,))
            .await?;
        Ok(self
            .provider
            .raw_request("evm_setIntervalMining".into(), (seconds,))
            .await?)
    }

    /// From now on mines a block for each transaction.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn at_once(&self) -> Result<(), Error> {
        self.provider
            .raw_request::<_, ()>("evm_setIntervalMining".into(), (0,))
            .await?;
        Ok(self
            .provider
            .raw_request("evm_setAutomine".into(), (true,))
            .await?)
    }

    /// Stops mining: the chain is quiet until [`Anvil::mine`], [`Anvil::every`] or [`Anvil::at_once`].
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn pause(&self) -> Result<(), Error> {
        self.provider
            .raw_request::<_, ()>("evm_setAutomine".into(), (false,))
            .await?;
        Ok(self
            .provider
            .raw_request("evm_setIntervalMining".into(), (0,))
            .await?)
    }

    /// Mines `blocks` empty blocks (the pool's transactions go into the first).
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn mine(&self, blocks: u64) -> Result<(), Error> {
        Ok(self
            .provider
            .raw_request("anvil_mine".into(), (format!("{blocks:#x}"),))
            .await?)
    }

    /// Replaces the last `depth` blocks by as many empty ones: their transactions are gone.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn reorg(&self, depth: u64) -> Result<(), Error> {
        let none: [(); 0] = [];
        self.provider
            .raw_request::<_, ()>("anvil_reorg".into(), (depth, none))
            .await?;
        // anvil goes on counting time from the block that it went back to, seconds behind the world.
        let now = unix_now().as_secs();
        self.provider
            .raw_request::<_, u64>("evm_setTime".into(), (now,))
            .await?;
        Ok(())
    }

    /// Gives an account `wei`.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn fund(&self, account: Address, wei: U256) -> Result<(), Error> {
        Ok(self
            .provider
            .raw_request("anvil_setBalance".into(), (account, wei))
            .await?)
    }
}

/// The HTTP client wants a TLS provider even for plain HTTP. One that is there already stays.
fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn command(config: &AnvilConfig) -> Result<Command, Error> {
    let mut command = Command::new(binary()?);
    let flags = [
        ("--hardfork", "osaka".to_owned()),
        ("--host", "127.0.0.1".to_owned()),
        ("--port", config.port.to_string()),
        ("--chain-id", config.chain_id.to_string()),
        ("--number", config.first_block.to_string()),
        ("--gas-limit", BLOCK_GAS_LIMIT.to_string()),
        ("--accounts", "1".to_owned()),
    ];
    for (flag, value) in flags {
        command.arg(flag).arg(value);
    }
    command.arg("--enable-tx-gas-limit");
    Ok(command)
}

/// The program itself, not npm's launcher in node: a signal must reach the chain.
fn binary() -> Result<PathBuf, Error> {
    let dir = paths::node_modules().join("@foundry-rs");
    let entries = fs::read_dir(&dir).map_err(Error::file(&dir))?;
    entries
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("anvil-"))
        .map(|e| e.path().join("bin").join("anvil"))
        .find(|p| p.is_file())
        .ok_or_else(|| Error::program("anvil", format!("not installed below {}", dir.display())))
}

async fn wait_for_port(process: &mut Process) -> Result<u16, Error> {
    let end = Instant::now() + START_LIMIT;
    while Instant::now() < end {
        let text = fs::read_to_string(process.log()).unwrap_or_default();
        if let Some(port) = port_in(&text) {
            return Ok(port);
        }
        if let Some(status) = process.try_wait()? {
            return Err(Error::program(
                "anvil",
                format!("ended with {status}: {}", text.trim()),
            ));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(Error::TimedOut {
        what: "anvil's port".into(),
        seconds: START_LIMIT.as_secs(),
    })
}

fn port_in(log: &str) -> Option<u16> {
    let line = log.lines().find_map(|l| l.strip_prefix("Listening on "))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_port_from_the_log() {
        assert_eq!(port_in("x\n\nListening on 127.0.0.1:39387\n"), Some(39387));
        assert_eq!(port_in("Listening"), None);
    }
}
