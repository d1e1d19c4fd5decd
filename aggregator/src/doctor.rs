//! `aggregator doctor`: checks what an aggregator needs and names what fails.

mod neighbours;

use alloy::providers::Provider as _;
use quorate_chain::{Rpc, RpcConfig, to_alloy_address};
use quorate_service::{ConfigError, cli::Exit, doctor::Doctor};

use crate::{
    config::Config,
    reach::{Facts, check_facts, connect, facts, signer},
};

/// Runs all checks.
pub(crate) async fn examine(config: &Config) -> Doctor {
    let mut doctor = Doctor::new();
    let valid = async { config.validate() };
    doctor
        .check(
            "configuration",
            "correct the named setting",
            |()| format!("network {}", config.network),
            valid,
        )
        .await;
    let key = doctor
        .check(
            "key",
            "check key.keystore and key.password",
            |key: &alloy::signers::local::PrivateKeySigner| key.address().to_string(),
            async { signer(&config.key) },
        )
        .await;
    let l1 = chain(&mut doctor, "L1", "l1", config.l1.rpc("l1", config.network)).await;
    let l2 = chain(&mut doctor, "L2", "l2", config.l2.rpc("l2", config.network)).await;
    contracts(&mut doctor, config, l1.as_ref(), l2.as_ref()).await;
    neighbours::examine(&mut doctor, config, l2.as_ref()).await;
    beacon(&mut doctor, config).await;
    for (name, rpc) in [("balance on L1", &l1), ("balance on L2", &l2)] {
        match (&key, rpc) {
            (Some(key), Some(rpc)) => balance(&mut doctor, name, rpc, key.address()).await,
            _ => doctor.skip(name, "key and chain"),
        }
    }
    relay(&mut doctor, config, key.as_ref(), l2.as_ref()).await;
    data(&mut doctor, config).await;
    doctor
}

/// The key of the relay, where there is one.
async fn relay(
    doctor: &mut Doctor,
    config: &Config,
    own: Option<&alloy::signers::local::PrivateKeySigner>,
    l2: Option<&Rpc>,
) {
    let Some(section) = &config.relay else {
        return;
    };
    let opened = async {
        let key = signer(&section.key()).map_err(|error| error.to_string())?;
        match own {
            Some(own) if own.address() == key.address() => {
                Err(format!("{} is the aggregator's own key", key.address()))
            }
            _ => Ok(key.address()),
        }
    };
    let remedy = "check relay.keystore and relay.password: a key of its own";
    let key = doctor
        .check("key of the relay", remedy, ToString::to_string, opened)
        .await;
    let name = "balance of the relay";
    match (key, l2) {
        (Some(key), Some(l2)) => balance(doctor, name, l2, key).await,
        _ => doctor.skip(name, "key of the relay and L2"),
    }
}

/// Prints what was found; the exit code follows.
pub(crate) async fn run(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let doctor = examine(config).await;
    if json {
        println!("{}", serde_json::to_string_pretty(&doctor)?);
    } else {
        println!("{}", doctor.table());
    }
    Ok(doctor.exit())
}

async fn chain(
    doctor: &mut Doctor,
    name: &str,
    table: &str,
    config: Result<RpcConfig, ConfigError>,
) -> Option<Rpc> {
    let remedy = format!(
        "check {table}.urls and {table}.chain_id: an endpoint must answer, be of this chain and have EIP-2537"
    );
    doctor
        .check(
            name,
            &remedy,
            |rpc: &Rpc| format!("chain {}", rpc.chain_id()),
            async {
                let config = config.map_err(|error| error.to_string())?;
                connect(config).await.map_err(|error| error.to_string())
            },
        )
        .await
}

async fn contracts(doctor: &mut Doctor, config: &Config, l1: Option<&Rpc>, l2: Option<&Rpc>) {
    match l1 {
        None => doctor.skip("contracts on L1", "L1"),
        Some(l1) => {
            let code = async {
                let slasher = config.slasher().map_err(|error| error.to_string())?;
                let addresses = [config.contracts.service_manager, slasher].map(to_alloy_address);
                l1.check_code(&addresses)
                    .await
                    .map_err(|error| error.to_string())
            };
            let remedy = "check contracts.service_manager and contracts.slasher";
            doctor
                .check("contracts on L1", remedy, |()| "code is there".into(), code)
                .await;
        }
    }
    let Some(l2) = l2 else {
        return doctor.skip("contracts on L2", "L2");
    };
    let seen = |facts: &Facts| {
        format!(
            "AVS {}, operator set {}",
            facts.domain.avs, facts.domain.operator_set
        )
    };
    let found = doctor
        .check(
            "contracts on L2",
            "check contracts.rounds",
            seen,
            facts(l2, config),
        )
        .await;
    match (found, config.beacon.info(config.network)) {
        (Some(facts), Ok(info)) => {
            let agree = async { check_facts(config, &facts, &info) };
            doctor
                .check(
                    "agreement",
                    "the named setting is not what Rounds was deployed for",
                    |()| "contracts and configuration agree".into(),
                    agree,
                )
                .await;
        }
        _ => doctor.skip("agreement", "contracts on L2"),
    }
}

async fn beacon(doctor: &mut Doctor, config: &Config) {
    let latest = async {
        let client = config
            .beacon
            .client(config.network)
            .map_err(|error| error.to_string())?;
        client.get(1).await.map_err(|error| error.to_string())
    };
    let seen = |beacon: &quorate_beacon::Beacon| format!("round {} verifies", beacon.round);
    doctor
        .check("beacon", "check beacon.relays", seen, latest)
        .await;
}

async fn balance(doctor: &mut Doctor, name: &str, rpc: &Rpc, address: alloy::primitives::Address) {
    let balance = async {
        match rpc.provider().get_balance(address).await {
            Ok(wei) if wei.is_zero() => Err(format!("{address} has nothing")),
            Ok(wei) => Ok(wei),
            Err(error) => Err(error.to_string()),
        }
    };
    let seen = |wei: &alloy::primitives::U256| {
        format!("{} ether", alloy::primitives::utils::format_ether(*wei))
    };
    doctor
        .check(name, "send it some ether", seen, balance)
        .await;
}

async fn data(doctor: &mut Doctor, config: &Config) {
    let path = config.data.join("aggregator.sqlite");
    let open = async {
        if !path.exists() {
            return Ok("not there yet".to_owned());
        }
        match crate::store::Store::open(&path) {
            Ok(_) => Ok("opens".to_owned()),
            Err(quorate_store::StoreError::Locked { .. }) => {
                Ok("in use by a running aggregator".to_owned())
            }
            Err(error) => Err(error),
        }
    };
    doctor
        .check(
            "database",
            "move the file aside: votes under way are lost, no stake is",
            String::clone,
            open,
        )
        .await;
}
