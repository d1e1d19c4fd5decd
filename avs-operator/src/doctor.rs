//! `avs-operator doctor`: every condition of a working node, each named, with what to do about it.

use std::time::Instant;

use quorate_canon::{Epoch, Round};
use quorate_chain::{to_alloy_address, views};
use quorate_rpc::{Client, ClientLimits, ClientTls};
use quorate_service::{doctor::Doctor, install_crypto};

use crate::{
    Config, OperatorError, config::HealthSection, driver::newest_closed, post::now,
    prober::network::NetworkWatch, setup,
};

/// Makes all checks. A check whose ground failed is skipped, not guessed.
pub async fn examine(config: &Config) -> Doctor {
    install_crypto();
    let mut doctor = Doctor::new();
    let key = doctor
        .check(
            "BLS key",
            "check bls.keystore and bls.password",
            |key: &quorate_bls::SecretKey| hex::encode(&key.public_key().to_bytes192()[..8]),
            async { config.bls.bls() },
        )
        .await;
    check_ledger(config, &mut doctor).await;
    let l1 = chain(config, true, &mut doctor).await;
    let l2 = chain(config, false, &mut doctor).await;
    let network = match (l1, l2) {
        (Some(l1), Some(l2)) => {
            doctor
                .check(
                    "contracts",
                    "check [contracts]: both addresses must be of this network",
                    |network: &setup::Network| format!("rounds {}", network.domain.rounds),
                    setup::network(config, l1, l2),
                )
                .await
        }
        _ => {
            doctor.skip("contracts", "l1 and l2");
            None
        }
    };
    match (&network, key) {
        (Some(network), Some(key)) => registration(config, network, &key, &mut doctor).await,
        _ => doctor.skip("registration", "contracts and BLS key"),
    }
    match &network {
        Some(network) => beacon(config, network, &mut doctor).await,
        None => doctor.skip("beacon", "contracts"),
    }
    aggregators(config, &mut doctor).await;
    if let Some(health) = config.health.as_ref().filter(|health| health.enabled) {
        machines(config, network.as_ref(), &mut doctor).await;
        tally(config, network.as_ref(), &mut doctor).await;
        targets(health, &mut doctor).await;
    }
    doctor
}

async fn check_ledger(config: &Config, doctor: &mut Doctor) {
    let path = &config.store.ledger;
    let look = async {
        if path.exists() {
            Ok(path.display().to_string())
        } else {
            Err(format!("none at {}", path.display()))
        }
    };
    let remedy =
        "mount its volume or restore it; `run --init-ledger` only for a key that has never signed";
    doctor
        .check("signing ledger", remedy, String::clone, look)
        .await;
}

async fn chain(config: &Config, l1: bool, doctor: &mut Doctor) -> Option<quorate_chain::Rpc> {
    let (name, remedy) = if l1 {
        (
            "l1",
            "check l1.urls and l1.chain_id; the chain needs EIP-2537 (Prague)",
        )
    } else {
        (
            "l2",
            "check l2.urls and l2.chain_id; the chain needs EIP-2537 (ArbOS 51)",
        )
    };
    let seen = |rpc: &quorate_chain::Rpc| format!("chain {}, precompiles answer", rpc.chain_id());
    doctor
        .check(name, remedy, seen, setup::connect(config, l1))
        .await
}

async fn registration(
    config: &Config,
    network: &setup::Network,
    key: &quorate_bls::SecretKey,
    doctor: &mut Doctor,
) {
    let look = async {
        let operator = config.operator()?;
        let index = setup::registration(network, operator, &key.public_key()).await?;
        index.ok_or_else(|| {
            setup::mismatch(
                "registration",
                "none",
                operator,
                "run `avs-operator register`",
            )
        })
    };
    let seen = |index: &quorate_canon::OperatorIndex| format!("operator {index}");
    let remedy = "register with EigenLayer, allocate, then `avs-operator register`";
    doctor.check("registration", remedy, seen, look).await;
}

async fn beacon(config: &Config, network: &setup::Network, doctor: &mut Doctor) {
    let look = async {
        let client = config.beacon.client(config.network)?;
        // A round that is surely out: that of the newest close but some.
        let newest = newest_closed(&network.schedule, now()).unwrap_or(Round::new(0));
        let number = network
            .schedule
            .beacon_round(newest)?
            .saturating_sub(60)
            .max(1);
        client.get(number).await.map_err(|error| {
            OperatorError::from(quorate_service::ConfigError::value(
                "beacon.relays",
                error.to_string(),
            ))
        })
    };
    let seen = |beacon: &quorate_beacon::Beacon| format!("round {} verifies", beacon.round);
    let remedy = "check beacon.relays and outgoing HTTPS";
    doctor.check("beacon", remedy, seen, look).await;
}

async fn machines(config: &Config, network: Option<&setup::Network>, doctor: &mut Doctor) {
    let Some(network) = network else {
        return doctor.skip("machines", "contracts");
    };
    let look = async {
        let address = config.machines()?;
        views::require_code(&network.l2, to_alloy_address(address)).await?;
        Ok::<_, OperatorError>(address)
    };
    let seen = |address: &quorate_canon::Address| format!("contract at {address}");
    let remedy = "check contracts.machines, or set health.enabled = false to match rounds only";
    doctor.check("machines", remedy, seen, look).await;
}

/// Where receipts are asked for that show this operator's work.
async fn tally(config: &Config, network: Option<&setup::Network>, doctor: &mut Doctor) {
    let Some(address) = config.contracts.tally else {
        return;
    };
    let Some(network) = network else {
        return doctor.skip("tally", "contracts");
    };
    let look = async {
        let tally = to_alloy_address(address);
        views::require_code(&network.l2, tally).await?;
        // An answer of its own tells it from other contracts.
        views::showable_until(&network.l2, tally, Epoch::new(0)).await?;
        Ok::<_, OperatorError>(address)
    };
    let seen = |address: &quorate_canon::Address| format!("contract at {address}");
    let remedy = "check contracts.tally; without it nobody shows your work about machines for you";
    doctor.check("tally", remedy, seen, look).await;
}

/// Probes judge this network by its targets: without them every verdict of silence is UNKNOWN.
async fn targets(health: &HealthSection, doctor: &mut Doctor) {
    let watch = NetworkWatch::new(health.targets.clone(), health.watch());
    let look = async {
        let count = health.targets.len();
        if watch.works_since(Instant::now()).await {
            Ok(count)
        } else {
            Err(format!("half of {count} targets or more do not answer"))
        }
    };
    let seen = |count: &usize| format!("most of {count} targets answer");
    let remedy = "check health.targets and outgoing TCP; machines are not judged meanwhile";
    doctor.check("own network", remedy, seen, look).await;
}

async fn aggregators(config: &Config, doctor: &mut Doctor) {
    let tls = ClientTls {
        roots: config.aggregator_roots.clone(),
        name: None,
    };
    for url in &config.aggregators {
        let name = format!("aggregator {}", url.host_str().unwrap_or("?"));
        let look = async {
            let client = Client::new(url, &tls, ClientLimits::default())?;
            client.round(Round::new(0)).await.map(|_| ())
        };
        let remedy = "it is another party's host: votes are kept and sent again when it is back";
        doctor
            .check(&name, remedy, |(): &()| "answers".to_owned(), look)
            .await;
    }
}
