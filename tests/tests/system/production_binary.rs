//! The operator's binary as it is shipped: nobody in it lies, nor in any other, and what it refuses to
//! start with (RELIABILITY, signing; EXAMPLES 13).

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use devnet::{
    beacon_server::Info,
    deploy::{Clock, Terms, deploy_l2},
    nodes::binary,
};
use quorate_beacon::ChainInfo;

use crate::kit::{Ended, LONG, Network, Plan, logs, run_to_end, until};

/// What only a liar's code holds: its words, and its modules' names among the symbols.
const TRACES: [&str; 5] = [
    "lying: signing a second header",
    "lying: signing another outcome",
    "lying: answering a probe",
    "5liars",
    "11Equivocator",
];

/// The same search finds all of it in the devnet's binary, so it can find it.
#[test]
fn no_binary_but_the_devnets_holds_a_liar() -> Result<()> {
    let found = |name: &str| -> Result<Vec<&str>> {
        let bytes = fs::read(binary(name)?)?;
        let text = String::from_utf8_lossy(&bytes);
        let holds = |trace: &&str| text.contains(trace);
        Ok(TRACES.into_iter().filter(holds).collect())
    };
    ensure!(
        found("devnet")? == TRACES,
        "in devnet: {:?}",
        found("devnet")?
    );
    for name in ["avs-operator", "aggregator", "auditor", "provider-agent"] {
        ensure!(found(name)?.is_empty(), "in {name}: {:?}", found(name)?);
    }
    Ok(())
}

/// Each refusal ends with status 2, before anything is signed, and says what is wrong and where.
#[tokio::test(flavor = "multi_thread")]
async fn the_operator_refuses_to_start_wrongly() -> Result<()> {
    let mut network = Plan::new("production_binary").start().await?;
    no_command_lies(&network).await?;

    let production = |text: String| without_health(&text).replace("\"devnet\"", "\"production\"");
    let ended = variant(&network, "local-beacon", production).await?;
    refuses(&ended, &["local beacon", "simulated", "production"])?;

    let ended = variant(&network, "plain-text", |text| {
        let url = network.world.chains.l2.url().to_string();
        quicknet(&production(text)).replace(&url, "http://rpc.example/")
    })
    .await?;
    refuses(&ended, &["l2.urls", "http://rpc.example", "expected https"])?;

    let ended = variant(&network, "typo", |text| text.replace("poll_ms", "polls_ms")).await?;
    refuses(&ended, &["polls_ms", "poll_ms"])?;

    let ended = variant(&network, "other-chain", |text| {
        text.replace("412346", "42161")
    })
    .await?;
    refuses(&ended, &["412346", "42161"])?;

    let ended = variant(&network, "no-ledger", |text| text).await?;
    refuses(
        &ended,
        &["no signing ledger", "--init-ledger", "never signed"],
    )?;

    plain_bridge(&network).await?;
    two_processes_one_ledger(&mut network).await
}

/// The same configuration without probing: its private endpoints would be refused first.
fn without_health(text: &str) -> String {
    let begin = text.find("\n[health]").unwrap_or(text.len());
    let rest = text.get(begin + 1..).unwrap_or_default();
    let end = rest.find("\n[").map_or(text.len(), |at| begin + 1 + at);
    [&text[..begin], &text[end..]].concat()
}

/// No command, shown or hidden, makes the binary lie; the devnet's has such a one.
async fn no_command_lies(network: &Network) -> Result<()> {
    let config = network.nodes.files().operator(0);
    let help = run_to_end("avs-operator", &["--help"], &config).await?;
    ensure!(help.code == Some(0), "{help:?}");
    for word in ["liar", "lie", "equivocate", "diverge"] {
        ensure!(!help.out.contains(word), "{word} in {}", help.out);
    }
    let ended = run_to_end("avs-operator", &["liar", "--help"], &config).await?;
    ensure!(ended.code == Some(2), "{ended:?}");
    let ended = run_to_end("devnet", &["liar", "--help"], &config).await?;
    ensure!(
        ended.code == Some(0) && ended.out.contains("--lie"),
        "{ended:?}"
    );
    Ok(())
}

/// R3: while one process holds the ledger, a second one on the same ledger ends.
async fn two_processes_one_ledger(network: &mut Network) -> Result<()> {
    network.nodes.start_operator(0)?;
    let log = network.log(0);
    until("the first process", LONG, async || {
        Ok((!logs::lines(&log, &["ready to sign"]).is_empty()).then_some(()))
    })
    .await?;
    let data = network.nodes.files().dir.join("operator-0").join("data");
    let data = data.display().to_string();
    let other = network.dir().join("second").display().to_string();
    let ended = variant(network, "second", |text| text.replace(&data, &other)).await?;
    refuses(&ended, &["ledger.sqlite", "another process"])
}

/// Contracts of this market under drand's own beacon, whose bridge is the devnet's: everything fits
/// but that.
async fn plain_bridge(network: &Network) -> Result<()> {
    let world = &network.world;
    world.chains.l2.at_once().await?;
    let drand = ChainInfo::quicknet();
    let beacon = Info {
        public_key: drand.public_key,
        period: drand.period,
        genesis: drand.genesis.get(),
        genesis_seed: [0; 32],
        hash: drand.chain_hash.0,
    };
    let terms = Terms {
        clock: Clock::devnet(world.clock.genesis + 3_600),
        beacon: &beacon,
        policy: &world.policy,
    };
    let avs = world.contracts.l1.service_manager;
    let other = deploy_l2(&world.owners.l2, &terms, avs).await?;
    let ours = world.contracts.l2.rounds.to_string();
    let ended = variant(network, "plain-bridge", |text| {
        let text = quicknet(&without_health(&text).replace("\"devnet\"", "\"production\""));
        text.replace(&ours, &other.rounds.to_string())
    })
    .await?;
    world.chains.l2.every(1).await?;
    refuses(
        &ended,
        &[
            "the bridge at",
            &other.bridge.to_string().to_lowercase(),
            "simulated",
        ],
    )
}

/// The configuration with drand's beacon in place of the local one.
fn quicknet(text: &str) -> String {
    let (head, _) = text.split_once("[beacon]").unwrap_or((text, ""));
    format!("{head}[beacon]\nrelays = [\"https://api.drand.sh\"]\nchain = \"quicknet\"\n")
}

/// Runs operator 0's configuration with a change, without `--init-ledger`.
async fn variant(
    network: &Network,
    name: &str,
    change: impl FnOnce(String) -> String,
) -> Result<Ended> {
    let text = fs::read_to_string(network.nodes.files().operator(0))?;
    let changed = change(text.clone());
    ensure!(
        changed != text || name == "no-ledger",
        "{name} changes nothing"
    );
    // The page of the operator that runs is not what they quarrel about.
    let port = network.nodes.files().operator_http[0];
    let changed = changed.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:0");
    let path: PathBuf = network.dir().join(format!("{name}.toml"));
    fs::write(&path, changed).with_context(|| path.display().to_string())?;
    run_to_end("avs-operator", &["run", "--log", "error"], &path).await
}

/// Status 2 and all of these words.
fn refuses(ended: &Ended, words: &[&str]) -> Result<()> {
    ensure!(ended.code == Some(2), "{ended:?}");
    let said = ended.err.to_lowercase();
    for word in words {
        ensure!(
            said.contains(&word.to_lowercase()),
            "{word:?} is not in {}",
            ended.err
        );
    }
    Ok(())
}
