//! A chain in memory, and an agent on it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use alloy::primitives::{B256, U256};
use async_trait::async_trait;
use provider_agent::answer::{Answerer, Parts};
use provider_agent::cards::{Cards, Source};
use provider_agent::chain::{
    Action, Appeal, Chain, ChainTrouble, Done, Event, Hand, MachineState, Registration, Rules,
    Standing,
};
use provider_agent::clock::now;
use provider_agent::observe::Observe;
use provider_agent::shared::Shared;
use provider_agent::signing::MachineKey;
use provider_agent::store::Store;
use quorate_bls::{Domain, SecretKey};
use quorate_canon::codec::FixedWidth;
use quorate_canon::{
    Address, ChainId, Digest, Epoch, GpuCount, HealthEpoch, MicroDollars, OfferId, OperatorIndex,
    OperatorStake, RequestId, Timestamp,
};
use quorate_chain::Head;
use quorate_health::{EpochClock, GpuUuid, HealthPolicy, Network, Place, Receipt, Subject, Window};
use quorate_keys::ecdsa;
use quorate_matching::Offer;
use quorate_protocol::StakeTable;
use quorate_rpc::wire::Delivery;
use quorate_rpc::{Server, ServerLimits, ServerTls};
use quorate_service::Metrics;
use tokio::sync::Notify;

pub(crate) const OFFER: OfferId = OfferId::new(7);
pub(crate) const OPERATORS: u32 = 4;
/// Cards of the scenario: two L4s.
pub(crate) const STEADY: &str =
    "seed = \"s\"\n[[card]]\nname = \"NVIDIA L4\"\nmemory_mib = 23034\ncount = 2\n";

/// What the chain has, and what was sent to it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) machine: Option<MachineState>,
    pub(crate) cards: Vec<GpuUuid>,
    /// Events that any range of blocks has.
    pub(crate) events: Vec<Event>,
    /// Events of one block each.
    pub(crate) logs: Vec<(u64, Event)>,
    /// The ranges of blocks that events were asked of.
    pub(crate) ranges: Vec<(u64, u64)>,
    /// The newest block and its time; 100, now, where nothing is said. A block comes each second.
    pub(crate) head: Option<(u64, Timestamp)>,
    /// Where the policy says other times: seconds for lists, and for appeals.
    pub(crate) times: Option<(u32, u32)>,
    /// Operators that nothing of ours is shown against: their calls time out.
    pub(crate) stuck: Vec<OperatorIndex>,
    pub(crate) seats: Vec<OperatorIndex>,
    /// Seats that stand behind the one window of the one list.
    pub(crate) struck: Vec<OperatorIndex>,
    pub(crate) stake: u64,
    pub(crate) sent: Vec<Action>,
    /// The next calls that fail, and how.
    pub(crate) troubles: Vec<ChainTrouble>,
    pub(crate) down: bool,
    /// Windows of the epochs before the running one, where they were others.
    pub(crate) windows_before: Option<u16>,
    /// Who asks for a stake table waits here.
    pub(crate) gate: Option<Arc<Notify>>,
}

/// A chain in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<Ledger>>);

/// The BLS key of an operator.
pub(crate) fn operator(index: u32) -> SecretKey {
    SecretKey::from_seed(
        &[
            b"operator-of-the-tests-of-the-agent".as_slice(),
            &[u8::try_from(index).unwrap()],
        ]
        .concat(),
    )
    .unwrap()
}

pub(crate) fn network() -> Network {
    Network {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(2),
        rounds: Address([3; 20]),
        avs: Address([4; 20]),
        operator_set: 5,
    }
}

/// Ten windows of an hour each; now is in the third hour of epoch 4.
pub(crate) fn rules() -> Rules {
    Rules {
        network: network(),
        epochs: EpochClock {
            genesis: Timestamp::new(now().get() / 36_000 * 36_000 - 4 * 36_000),
            epoch_seconds: 36_000,
            stake_epoch: 36_000_000,
            period: 60,
            beacon_genesis: Timestamp::new(0),
            beacon_period: 3,
        },
        health: HealthPolicy {
            windows: 10,
            simulated_allowed: true,
            ..HealthPolicy::recommended()
        },
    }
}

impl World {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap()
    }

    /// Puts the machine of these cards on the chain, registered.
    pub(crate) fn register(&self, agent: Address, cards: &[GpuUuid]) {
        let mut machine_key = [0; 32];
        machine_key[12..].copy_from_slice(&agent.0);
        let mut ledger = self.ledger();
        ledger.cards = cards.to_vec();
        ledger.machine = Some(MachineState {
            offer: Offer {
                id: OFFER,
                ask: MicroDollars::new(1),
                currencies: 1,
                machine_key,
                model: 40,
                vram_mib: 23_034,
                gpus: GpuCount::new(2),
                ..Offer::default()
            },
            open: true,
            registration: Some(Registration {
                since: Timestamp::new(1),
                retired: None,
                paused: false,
                certificate: [0; 32],
            }),
            flags: 0,
            in_use: false,
            standing: Standing {
                uptime: None,
                level: 0,
                next: 0,
            },
        });
    }

    pub(crate) fn sent(&self) -> Vec<Action> {
        self.ledger().sent.clone()
    }

    fn newest(&self) -> (u64, Timestamp) {
        self.ledger().head.unwrap_or((100, now()))
    }

    fn asked(&self) -> Result<MutexGuard<'_, Ledger>, ChainTrouble> {
        let ledger = self.ledger();
        if ledger.down {
            return Err(ChainTrouble::Silent("unplugged".to_owned()));
        }
        Ok(ledger)
    }
}

#[async_trait]
impl Chain for World {
    async fn head(&self) -> Result<Head, ChainTrouble> {
        drop(self.asked()?);
        let (number, timestamp) = self.newest();
        Ok(Head {
            number,
            hash: Digest([1; 32]),
            timestamp,
        })
    }

    async fn rules(&self, time: Timestamp) -> Result<Rules, ChainTrouble> {
        let (before, times) = {
            let ledger = self.asked()?;
            (ledger.windows_before, ledger.times)
        };
        let mut rules = rules();
        let epoch = |time| rules.clock().at(time).unwrap().0;
        if let Some(windows) = before.filter(|_| epoch(time) < epoch(now())) {
            rules.health.windows = windows;
        }
        if let Some((certify, appeal)) = times {
            (rules.health.certify_seconds, rules.health.appeal_seconds) = (certify, appeal);
        }
        Ok(rules)
    }

    async fn tier_of(&self, model: u8, _: Timestamp) -> Result<Option<u8>, ChainTrouble> {
        drop(self.asked()?);
        Ok((model == 40).then_some(2))
    }

    async fn machine(&self, offer: OfferId) -> Result<Option<MachineState>, ChainTrouble> {
        Ok(self
            .asked()?
            .machine
            .clone()
            .filter(|machine| machine.offer.id == offer))
    }

    async fn cards(&self, _: OfferId) -> Result<Vec<GpuUuid>, ChainTrouble> {
        Ok(self.asked()?.cards.clone())
    }

    async fn machine_of_card(&self, card: GpuUuid) -> Result<Option<OfferId>, ChainTrouble> {
        Ok(self.asked()?.cards.contains(&card).then_some(OFFER))
    }

    async fn table(&self, epoch: Epoch) -> Result<Option<StakeTable>, ChainTrouble> {
        let gate = self.asked()?.gate.clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let keys = (0..OPERATORS)
            .map(|index| operator(index).public_key())
            .collect();
        let stakes = vec![OperatorStake::new(10); OPERATORS as usize];
        Ok(Some(StakeTable::new(epoch, keys, stakes).unwrap()))
    }

    async fn block_before(
        &self,
        time: Timestamp,
        lowest: u64,
    ) -> Result<Option<u64>, ChainTrouble> {
        drop(self.asked()?);
        let (number, newest) = self.newest();
        let back = newest.get().saturating_sub(time.get()) + 1;
        Ok(number.checked_sub(back).filter(|found| *found >= lowest))
    }

    async fn events(&self, _: OfferId, from: u64, to: u64) -> Result<Vec<Event>, ChainTrouble> {
        let mut ledger = self.asked()?;
        ledger.ranges.push((from, to));
        let logs = ledger.logs.iter();
        let logs = logs.filter(|(block, _)| (from..=to).contains(block));
        let logs = logs.map(|(_, event)| event.clone());
        Ok(ledger.events.iter().cloned().chain(logs).collect())
    }

    async fn seats(&self, _: HealthEpoch, _: OfferId) -> Result<Vec<OperatorIndex>, ChainTrouble> {
        Ok(self.asked()?.seats.clone())
    }

    async fn appealable_until(&self, _: HealthEpoch) -> Result<Timestamp, ChainTrouble> {
        drop(self.asked()?);
        Ok(Timestamp::new(now().get() + 1_000))
    }

    async fn settled_until(&self) -> Result<Timestamp, ChainTrouble> {
        drop(self.asked()?);
        // Epochs 0 to 2 are settled.
        Ok(Timestamp::new(rules().epochs.genesis.get() + 3 * 36_000))
    }

    async fn locked(&self, _: RequestId) -> Result<U256, ChainTrouble> {
        drop(self.asked()?);
        Ok(U256::ZERO)
    }

    async fn stake(&self, _: Address) -> Result<u64, ChainTrouble> {
        Ok(self.asked()?.stake)
    }

    async fn balance(&self, _: Address) -> Result<U256, ChainTrouble> {
        drop(self.asked()?);
        Ok(U256::MAX)
    }
}

#[async_trait]
impl Hand for World {
    fn address(&self) -> Address {
        Address([9; 20])
    }

    async fn act(&self, action: &Action) -> Result<Done, ChainTrouble> {
        let mut ledger = self.asked()?;
        if let Some(trouble) = ledger.troubles.pop() {
            return Err(trouble);
        }
        if let Action::Appeal(Appeal { operator, .. }) = action
            && ledger.stuck.contains(operator)
        {
            return Err(ChainTrouble::Silent("not mined in 180 s".to_owned()));
        }
        ledger.sent.push(action.clone());
        let mut done = Done {
            hash: B256::repeat_byte(1),
            ..Done::default()
        };
        match action {
            Action::Pause { paused, .. } => {
                let machine = ledger.machine.as_mut().unwrap();
                machine.registration.as_mut().unwrap().paused = *paused;
            }
            Action::Stake { millionths } => ledger.stake += millionths,
            Action::Post { record, .. } => {
                let mut offer = Offer::from_bytes(record).unwrap();
                (offer.id, offer.provider) = (OFFER, Address([9; 20]));
                ledger.machine = Some(MachineState {
                    offer,
                    open: true,
                    registration: None,
                    flags: 0,
                    in_use: false,
                    standing: Standing {
                        uptime: None,
                        level: 0,
                        next: 0,
                    },
                });
                done.posted = Some(OFFER);
            }
            Action::Register {
                certificate, cards, ..
            } => {
                ledger.cards.clone_from(cards);
                ledger.machine.as_mut().unwrap().registration = Some(Registration {
                    since: Timestamp::new(1),
                    retired: None,
                    paused: false,
                    certificate: *certificate,
                });
            }
            Action::Appeal(appeal) => {
                ledger.struck.push(appeal.operator);
                let standing = ledger
                    .seats
                    .iter()
                    .filter(|seat| !ledger.struck.contains(seat));
                done.fell = standing.count() * 3 <= ledger.seats.len() * 2;
                ledger.events.push(struck(appeal, done.fell));
            }
            _ => {}
        }
        Ok(done)
    }
}

fn struck(appeal: &Appeal, fell: bool) -> Event {
    Event::Struck {
        epoch: appeal.epoch,
        number: appeal.number,
        window: appeal.window,
        operator: appeal.operator,
        fell,
    }
}

/// An agent's parts over a world, with simulated cards.
pub(crate) struct Rig {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) world: World,
    pub(crate) cards: Cards,
    pub(crate) shared: Shared,
    pub(crate) store: Store,
    pub(crate) observe: Observe,
    pub(crate) key: MachineKey,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scenario = folder.path().join("scenario.toml");
        std::fs::write(&scenario, STEADY).unwrap();
        let cards = Cards::start(Source::Scenario(scenario, Some(7))).unwrap();
        let key = MachineKey::new(&ecdsa::SecretKey::from_bytes(&[8; 32]).unwrap()).unwrap();
        let world = World::default();
        let uuids: Vec<_> = cards.known().iter().map(|card| card.uuid).collect();
        world.register(key.address(), &uuids);
        let shared = Shared::default();
        {
            let mut known = shared.known();
            known.offer = Some(OFFER);
            known.rules = Some(rules());
            known.cards = uuids;
            known.machine = world.ledger().machine.clone();
            known.unsettled = Some(HealthEpoch::new(3));
        }
        Self {
            store: Store::open(&folder.path().join("agent.sqlite"), 100).unwrap(),
            observe: Observe::new(&Metrics::new()),
            folder,
            world,
            cards,
            shared,
            key,
        }
    }

    /// Replaces the scenario.
    pub(crate) fn play(&self, more: &str) {
        std::fs::write(
            self.folder.path().join("scenario.toml"),
            format!("{STEADY}{more}"),
        )
        .unwrap();
        // A reading may be a second old.
        std::thread::sleep(Duration::from_millis(1_100));
    }

    pub(crate) fn answerer(&self, at_once: usize, per_second: u32) -> Answerer {
        let parts = Parts {
            cards: self.cards.clone(),
            key: self.key.clone(),
            store: self.store.clone(),
            shared: self.shared.clone(),
            observe: self.observe.clone(),
            at_once,
            per_second,
        };
        Answerer::new(parts, Arc::new(self.world.clone()))
    }

    /// Serves over TLS; the address.
    pub(crate) async fn serve(&self, at_once: usize, per_second: u32) -> std::net::SocketAddr {
        let (certificate, key) = certificate(self.folder.path());
        let tls = ServerTls { certificate, key };
        let limits = ServerLimits::default();
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), limits, Some(tls))
            .await
            .unwrap();
        let address = server.address();
        let answerer = Arc::new(self.answerer(at_once, per_second));
        tokio::spawn(server.run_agent(answerer, std::future::pending()));
        address
    }
}

/// Certificate and key for localhost, in a folder.
pub(crate) fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    quorate_service::install_crypto();
    let made = provider_agent::init::Certificate::new("localhost").unwrap();
    let paths = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&paths.0, made.pem).unwrap();
    std::fs::write(&paths.1, made.key).unwrap();
    paths
}

/// A receipt by an operator for a window of our machine.
pub(crate) fn receipt(operator_index: u32, epoch: u32, window: u16) -> Delivery {
    let receipt = Receipt(Place {
        network: network(),
        subject: Subject::Machine(OFFER),
        epoch: HealthEpoch::new(epoch),
        window: Window(window),
    });
    Delivery {
        receipt,
        operator: OperatorIndex::new(operator_index),
        signature: operator(operator_index)
            .sign(Domain::Vote, &receipt.digest().0)
            .to_bytes96(),
    }
}
