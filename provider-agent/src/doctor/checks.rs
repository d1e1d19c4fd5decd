//! What `doctor` checks with a configuration: keys, certificate, chain, registration, clock.

use std::time::Duration;

use alloy::primitives::U256;
use quorate_canon::{Address, HealthEpoch, OfferId};
use quorate_rpc::{Client, ClientLimits, RpcError};
use quorate_service::doctor::Doctor;

use super::Examination;
use crate::chain::{Chain as _, L2, MachineState};
use crate::clock::now;
use crate::contradict::within;
use crate::identity::Identity;
use crate::observe::offset;
use crate::{AgentError, Config, init, setup};

/// A clock further off than this makes reports and certificates look wrong to people, and refuses
/// questions at ten times as much, seconds.
const CLOCK: i64 = 30;
/// Wei below which a key cannot pay for a day of trouble: some twenty calls at a tenth of a gwei.
const GAS_MONEY: u64 = 400_000_000_000_000;
/// How long an aggregator may take: less than a check may.
const AGGREGATOR: Duration = Duration::from_secs(5);

/// Checks all.
pub(super) async fn of(config: &Config, examination: &Examination) -> Doctor {
    quorate_service::install_crypto();
    let mut doctor = Doctor::new();
    let remedy = "check [machine_key]: its file, and the password's";
    let key = async { setup::machine_key(config).map(|key| setup::address(&key)) };
    let seen = |agent: &Address| format!("agent {agent}");
    let agent = doctor.check("machine key", remedy, seen, key).await;
    let remedy = "check [tls]: `init` makes certificate and key";
    let hash = async { init::hash_of(&config.tls.certificate) };
    let certificate = doctor
        .check(
            "certificate",
            remedy,
            |hash: &[u8; 32]| hex::encode(hash),
            hash,
        )
        .await;
    aggregators(config, &mut doctor).await;
    let connected = connect(config, &mut doctor).await;
    let Some(l2) = connected else {
        for name in ["clock", "gas money", "registration"] {
            doctor.skip(name, "l2");
        }
        return doctor;
    };
    clock(&l2, &mut doctor).await;
    match agent {
        Some(agent) => gas_money(&l2, agent, &mut doctor).await,
        None => doctor.skip("gas money", "machine key"),
    }
    let found = FoundHere {
        agent,
        certificate,
        examination,
    };
    registration(config, &l2, &found, &mut doctor).await;
    doctor
}

/// What this machine has of its own.
struct FoundHere<'a> {
    agent: Option<Address>,
    certificate: Option<[u8; 32]>,
    examination: &'a Examination,
}

/// Asks each aggregator something. That it is down is another party's trouble, and it is asked again while
/// the agent runs: a warning, and no fault of this machine's. Roots that do not load are one.
async fn aggregators(config: &Config, doctor: &mut Doctor) {
    let asked = config.aggregators.iter();
    for url in asked.filter(|_| config.duties.contradict) {
        let name = format!("aggregator {}", url.host_str().unwrap_or("?"));
        let look = async {
            let tls = config.aggregator_tls();
            let client = Client::new(url, &tls, ClientLimits::default())?;
            // Of no epoch that matters: any answer will do.
            let call = client.accusers(HealthEpoch::new(0), OfferId::new(0));
            Ok::<_, RpcError>(match within(AGGREGATOR, call).await {
                Ok(_) => "answers".to_owned(),
                Err(why) => format!("WARNING: {why}; it is asked again while the agent runs"),
            })
        };
        let remedy = "check aggregators and aggregator_roots";
        doctor.check(&name, remedy, String::clone, look).await;
    }
}

async fn connect(config: &Config, doctor: &mut Doctor) -> Option<L2> {
    let look = async {
        let l2 = setup::l2(config)?;
        l2.connect().await?;
        Ok::<_, AgentError>(l2)
    };
    let remedy = "check l2.urls, l2.chain_id and [contracts]";
    doctor
        .check("l2", remedy, |_: &L2| "contracts found".to_owned(), look)
        .await
}

async fn clock(l2: &L2, doctor: &mut Doctor) {
    let look = async {
        let head = l2.head().await?;
        let off = offset(now(), head.timestamp);
        if off.abs() <= CLOCK {
            return Ok(off);
        }
        Err(AgentError::mismatch(
            "this machine's clock minus the newest block's time",
            format!("{off} s"),
            format!("at most {CLOCK} s either way"),
            "run a time service (NTP); if the chain stands still, look at its status page",
        ))
    };
    doctor
        .check("clock", "see above", |off: &i64| format!("{off:+} s"), look)
        .await;
}

async fn gas_money(l2: &L2, agent: Address, doctor: &mut Doctor) {
    let look = async {
        let has = l2.balance(agent).await?;
        if has >= U256::from(GAS_MONEY) {
            return Ok(has);
        }
        let remedy = "send the machine key some gas money on L2";
        Err(AgentError::mismatch(
            "wei of the machine key",
            has,
            format!("at least {GAS_MONEY}"),
            remedy,
        ))
    };
    let remedy = "without it the agent can neither pause its machine nor appeal";
    doctor
        .check("gas money", remedy, |has: &U256| format!("{has} wei"), look)
        .await;
}

async fn registration(config: &Config, l2: &L2, here: &FoundHere<'_>, doctor: &mut Doctor) {
    let look = async {
        let offer = Identity::need(config)?.offer();
        let machine = l2.machine(offer).await?.ok_or_else(|| {
            let remedy = "this is another network, or machine.json is of one";
            AgentError::mismatch("offer", "none", offer, remedy)
        })?;
        let cards = l2.cards(offer).await?;
        fits(&machine, here)?;
        for card in &cards {
            let found = here.examination.cards.iter();
            if !found.clone().any(|seen| seen.uuid == card.to_string()) {
                return Err(AgentError::mismatch(
                    "registered card",
                    "not in this machine",
                    card,
                    "put it back, or close the offer and register the machine anew",
                ));
            }
        }
        Ok(format!("machine {offer}, {} cards", cards.len()))
    };
    let remedy = "`provider-agent register` registers, or moves to another certificate";
    doctor
        .check("registration", remedy, String::clone, look)
        .await;
}

/// Whether the chain has this machine's key and certificate.
fn fits(machine: &MachineState, here: &FoundHere<'_>) -> Result<(), AgentError> {
    let remedy = "use the key and certificate that were registered, or register these";
    let Some(registration) = machine.registration.filter(|found| found.retired.is_none()) else {
        return Err(AgentError::mismatch(
            "agent",
            "none",
            "a registered one",
            remedy,
        ));
    };
    if let Some(agent) = here.agent
        && machine.agent() != Some(agent)
    {
        let got = machine
            .agent()
            .map_or_else(String::new, |agent| agent.to_string());
        return Err(AgentError::mismatch(
            "machine key on chain",
            got,
            agent,
            remedy,
        ));
    }
    if let Some(certificate) = here.certificate
        && registration.certificate != certificate
    {
        return Err(AgentError::mismatch(
            "certificate on chain",
            hex::encode(registration.certificate),
            hex::encode(certificate),
            remedy,
        ));
    }
    if !machine.open {
        return Err(AgentError::mismatch(
            "offer",
            "closed",
            "open",
            "post another offer",
        ));
    }
    Ok(())
}
