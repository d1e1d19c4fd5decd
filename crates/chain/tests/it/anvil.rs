//! A local chain.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy::primitives::{Address, Bytes, U64, U256};
use alloy::signers::local::PrivateKeySigner;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use quorate_chain::{Rpc, RpcConfig};
use serde_json::{Value, json};
use url::Url;

pub(crate) const CHAIN_ID: u64 = 31_337;
/// The first account of anvil's well-known mnemonic.
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// anvil, killed with all that it started when dropped.
pub(crate) struct Anvil {
    child: Child,
    pub(crate) url: Url,
}

impl Anvil {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let binary =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/node_modules/.bin/anvil");
        assert!(
            binary.exists(),
            "{} is missing: run `make setup`",
            binary.display()
        );
        let mut child = Command::new(binary)
            .args(["--port", "0", "--accounts", "2"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("anvil does not start: is node installed?");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
            .expect("anvil ended before it listened");
        // The pipe has to be read on, or anvil blocks when it is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: format!("http://{address}").parse().unwrap(),
        }
    }

    pub(crate) async fn rpc(&self) -> Rpc {
        rpc(vec![self.url.clone()]).await
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Settings for tests: short waits.
pub(crate) fn config(endpoints: Vec<Url>) -> RpcConfig {
    RpcConfig {
        timeout: Duration::from_millis(1_500),
        pause: Duration::from_millis(20),
        ..RpcConfig::new(endpoints, CHAIN_ID)
    }
}

pub(crate) async fn rpc(endpoints: Vec<Url>) -> Rpc {
    Rpc::connect(config(endpoints)).await.unwrap()
}

pub(crate) fn signer() -> PrivateKeySigner {
    KEY.parse().unwrap()
}

/// A method of anvil's own.
pub(crate) async fn ask(rpc: &Rpc, method: &'static str, parameters: Value) -> Value {
    rpc.client().request(method, parameters).await.unwrap()
}

pub(crate) async fn mine(rpc: &Rpc) {
    ask(rpc, "evm_mine", json!([])).await;
}

/// Puts code at an address.
pub(crate) async fn place(rpc: &Rpc, address: Address, code: &'static [u8]) {
    ask(
        rpc,
        "anvil_setCode",
        json!([address, Bytes::from_static(code)]),
    )
    .await;
}

/// How many transactions an account has had mined.
pub(crate) async fn nonce(rpc: &Rpc, address: Address) -> u64 {
    let count: U64 = rpc
        .client()
        .request("eth_getTransactionCount", (address, "latest"))
        .await
        .unwrap();
    count.to()
}

/// A contract's first storage slot.
pub(crate) async fn slot0(rpc: &Rpc, address: Address) -> u64 {
    let word: U256 = rpc
        .client()
        .request("eth_getStorageAt", (address, U256::ZERO, "latest"))
        .await
        .unwrap();
    word.to()
}
