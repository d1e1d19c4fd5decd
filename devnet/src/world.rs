//! The whole network but its nodes: chains, core, contracts, beacon, bridge, market, operators.

use std::{path::PathBuf, sync::Arc};

use alloy::primitives::U256;
use quorate_bindings::IServiceManager;
use quorate_canon::{Address as CanonAddress, ChainId};
use quorate_health::HealthPolicy;
use quorate_matching::{HealthSection, Policy, policy::defaults::policy_v1};
use quorate_protocol::Domain;

use crate::{
    Error,
    beacon_server::{LocalBeacon, Relay},
    chains::{Account, Chains, L1_CHAIN_ID, L2_CHAIN_ID},
    core::{Core, CoreDelays, artifacts::CoreCode, deploy_core},
    deploy::{self, Clock, Contracts, OPERATOR_SET, Owners, Terms},
    feeder::{Actors, Feeder},
    operators::{Candidate, Enrolment, OperatorKeys},
    relayer::{self, Bridge, Bridges, Relayer},
    trace::{Mapping, Script, TraceSeed, Window},
    unix_now,
};

/// What kind of world.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Where logs and keys go; must be fresh.
    pub dir: PathBuf,
    /// How many operators join.
    pub operators: usize,
    /// Whole tokens that an operator has restaked, by its number.
    pub stakes: fn(u64) -> u64,
    /// How many relays the beacon has.
    pub relays: usize,
    /// Which tasks are played.
    pub window: Window,
    /// Seed of the market, and of nothing else: keys and beacon are new in every run.
    pub seed: TraceSeed,
    /// Seconds from the deployment of the contracts to genesis: time for operators to join and for
    /// the first table to travel.
    pub lead: u64,
    /// Changes the devnet's clock for a scenario.
    pub clock: fn(Clock) -> Clock,
}

impl WorldConfig {
    /// Four operators, two relays, the dense window.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            operators: 4,
            stakes: rising,
            relays: 2,
            window: Window::DENSE,
            seed: TraceSeed(1),
            lead: 15,
            clock: std::convert::identity,
        }
    }
}

/// A running world. Dropping it ends all of its processes.
#[derive(Debug)]
pub struct World {
    /// Both chains, a block a second.
    pub chains: Chains,
    /// The beacon's key and clock.
    pub beacon: Arc<LocalBeacon>,
    /// Where the beacon is served.
    pub relays: Vec<Relay>,
    /// EigenLayer on L1.
    pub core: Core,
    /// Ours on both chains.
    pub contracts: Contracts,
    /// All times.
    pub clock: Clock,
    /// The first policy.
    pub policy: Policy,
    /// Carries between the chains.
    pub relayer: Relayer,
    /// The operators' keys, by index.
    pub operators: Vec<OperatorKeys>,
    /// Treasuries and admins.
    pub owners: Owners,
    /// When the script's first task is due, Unix seconds.
    pub start: u64,
    machines: usize,
    feeder: Option<Feeder>,
}

/// Blocks on a message of L2 before it is carried up: as deep as snapshots.
const UP_DEPTH: u64 = 2;

impl World {
    /// Builds a world. When it returns, operators have joined, the first stake table is on its way
    /// down, all machines are on offer, and both chains mine a block a second.
    ///
    /// # Errors
    /// When a process does not start, a call reverts, or the files are not there.
    pub async fn start(config: WorldConfig) -> Result<Self, Error> {
        let chains = Chains::start(&config.dir).await?;
        let owners = owners(&chains).await?;
        let core = deploy_core(&owners.l1, &CoreCode::load()?, CoreDelays::default()).await?;

        let genesis = unix_now().as_secs() + config.lead;
        let clock = (config.clock)(Clock::devnet(genesis));
        let (beacon, relays) = beacon(genesis, config.relays).await?;
        let policy = Policy {
            health: HealthSection(HealthPolicy::devnet().section()),
            ..policy_v1()
        };
        let terms = Terms {
            clock,
            beacon: beacon.info(),
            policy: &policy,
        };
        let contracts = deploy::deploy(&owners, &core, &terms).await?;

        let start = genesis.saturating_sub(u64::from(clock.period));
        let script = Script::new(
            config.window,
            Mapping {
                seed: config.seed,
                start,
            },
        )?;
        let operators = operator_keys(&config)?;
        let (joined, actors) = tokio::join!(
            join(
                &chains,
                &owners.l1,
                &core,
                &contracts,
                (&operators, config.stakes)
            ),
            Actors::prepare(&chains.l2, &owners.l2, &contracts.l2, &policy, &script)
        );
        joined?;
        let machines = script.machines.len();
        let feeder = Feeder::new(actors?, contracts.l2.market, script, start);
        let relayer = relayer(&chains, &contracts).await?;
        let fix = IServiceManager::fixTableCall { epoch: 0 };
        owners.l1.call(contracts.l1.service_manager, &fix).await?;
        chains.l1.every(1).await?;
        chains.l2.every(1).await?;
        let feeder = Some(feeder);
        Ok(Self {
            chains,
            beacon,
            relays,
            core,
            contracts,
            clock,
            policy,
            relayer,
            operators,
            owners,
            start,
            machines,
            feeder,
        })
    }

    /// Whom headers of this network name.
    #[must_use]
    pub const fn domain(&self) -> Domain {
        Domain {
            l1_chain: ChainId::new(L1_CHAIN_ID),
            l2_chain: ChainId::new(L2_CHAIN_ID),
            rounds: CanonAddress(self.contracts.l2.rounds.into_array()),
            avs: CanonAddress(self.contracts.l1.service_manager.into_array()),
            operator_set: OPERATOR_SET,
        }
    }

    /// How many machines are on offer.
    #[must_use]
    pub const fn machines(&self) -> usize {
        self.machines
    }

    /// The player of the trace; once.
    pub fn take_feeder(&mut self) -> Option<Feeder> {
        self.feeder.take()
    }
}

/// Two keys: one key would give contracts on both chains the same addresses, and a mix-up of the two
/// chains would then go unnoticed.
async fn owners(chains: &Chains) -> Result<Owners, Error> {
    let owners = Owners {
        l1: Account::named(&chains.l1, "owner of L1")?,
        l2: Account::named(&chains.l2, "owner of L2")?,
    };
    let wei = U256::from(10_u128.pow(22));
    chains.l1.fund(owners.l1.address(), wei).await?;
    chains.l2.fund(owners.l2.address(), wei).await?;
    Ok(owners)
}

/// A beacon of a fresh key whose first round is due at genesis less a day: its rounds have begun
/// long before the first close, as drand's have.
async fn beacon(genesis: u64, relays: usize) -> Result<(Arc<LocalBeacon>, Vec<Relay>), Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::Key(e.to_string()))?;
    let beacon = Arc::new(LocalBeacon::new(&seed, genesis.saturating_sub(86_400), 1)?);
    let mut served = Vec::with_capacity(relays);
    for _ in 0..relays {
        served.push(Relay::start(Arc::clone(&beacon), 0).await?);
    }
    Ok((beacon, served))
}

fn operator_keys(config: &WorldConfig) -> Result<Vec<OperatorKeys>, Error> {
    let dir = config.dir.join("keys");
    (0..config.operators)
        .map(|i| OperatorKeys::create(&dir, &format!("operator-{i}")))
        .collect()
}

async fn join(
    chains: &Chains,
    treasury: &Account,
    core: &Core,
    contracts: &Contracts,
    (operators, stakes): (&[OperatorKeys], fn(u64) -> u64),
) -> Result<(), Error> {
    let avs = contracts.l1.avs();
    let enrolment = Enrolment {
        l1: &chains.l1,
        core,
        delays: CoreDelays::default(),
        avs: &avs,
        treasury,
    };
    let candidates: Vec<_> = operators
        .iter()
        .zip(0_u64..)
        .map(|(keys, i)| Candidate {
            keys,
            deposit: U256::from(stakes(i)) * U256::from(10_u64.pow(18)),
        })
        .collect();
    enrolment.enrol(&candidates).await
}

/// 1,000 tokens for the first operator and 200 more for each after it: different stakes, and none
/// of four or more holds a third.
const fn rising(index: u64) -> u64 {
    1_000 + 200 * index
}

async fn relayer(chains: &Chains, contracts: &Contracts) -> Result<Relayer, Error> {
    let l1 = relayer::end(&chains.l1, 0)?;
    let l2 = relayer::end(&chains.l2, UP_DEPTH)?;
    let wei = U256::from(10_u128.pow(21));
    chains.l1.fund(l1.account.address(), wei).await?;
    chains.l2.fund(l2.account.address(), wei).await?;
    let (on_l1, on_l2) = (&contracts.l1, &contracts.l2);
    let bridges = Bridges {
        words: Bridge {
            l1: on_l1.bridge,
            l2: on_l2.bridge,
        },
        work: Bridge {
            l1: on_l1.work_bridge,
            l2: on_l2.work_bridge,
        },
    };
    Ok(Relayer::start(l1, l2, bridges))
}
