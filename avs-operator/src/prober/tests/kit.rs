//! A small world: one machine on a made-up chain, its agent behind real TLS, and an operator with a
//! real ledger that sits on every committee.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::B256;
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use futures::future::BoxFuture;
use quorate_bls::SecretKey;
use quorate_canon::hash::sha256;
use quorate_canon::{
    Address, ChainId, Digest, GpuCount, HealthEpoch, OfferId, OperatorIndex, OperatorStake, Stake,
    Timestamp, Version,
};
use quorate_chain::machines::{Endpoint, MachineEvent};
use quorate_chain::market::MarketEvent;
use quorate_chain::{Head, State};
use quorate_health::{
    EpochClock, GpuRecord, GpuUuid, HealthPolicy, Question, Release, Report, Seats, Signals,
    SignedReport, Subject, Window, WindowTally,
};
use quorate_matching::{MachineState, Offer, ProviderState};
use quorate_proto::v1::{self, agent_server};
use quorate_protocol::{Domain, Schedule as Rounds};
use quorate_service::Metrics;
use quorate_signer::{Identity, Signer, SigningLedger, Start, Words};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use crate::prober::board::{BoardReader, Feed, Wanted, as_of, board};
use crate::prober::job::{Job, Kind};
use crate::prober::network::NetworkWatch;
use crate::prober::observe::ProbeObserve;
use crate::prober::plan::{Facts, Plan};
use crate::prober::probe::{Prober, now_ms};
use crate::prober::roster::{Candidate, Roster, draw_up};
use crate::prober::scribe::Scribe;
use crate::prober::words::{Attester, LedgerAttester};

pub(super) const MACHINE: OfferId = OfferId::new(1);
pub(super) const CARD: GpuUuid = GpuUuid([7; 16]);
pub(super) const DEADLINE: Duration = Duration::from_millis(1_000);
const MODEL: u8 = 3;
const VRAM: u32 = 81_920;
/// Seconds of a health epoch, and of a window: long, since these tests wait for no moment.
const EPOCH: u32 = 4_000;
const WINDOW: u32 = 1_000;

/// What an agent makes of a probe.
pub(super) type Behave =
    Arc<dyn Fn(Question) -> BoxFuture<'static, Result<Vec<u8>, Status>> + Send + Sync>;

/// An agent behind real TLS.
pub(super) struct Agent {
    pub(super) address: SocketAddr,
    pub(super) certificate: Digest,
    pub(super) delivered: Arc<Mutex<Vec<v1::DeliverRequest>>>,
}

struct Service {
    behave: Behave,
    delivered: Arc<Mutex<Vec<v1::DeliverRequest>>>,
}

#[tonic::async_trait]
impl agent_server::Agent for Service {
    async fn probe(
        &self,
        request: Request<v1::ProbeRequest>,
    ) -> Result<Response<v1::ProbeReply>, Status> {
        let question = quorate_rpc::wire::question(request.get_ref()).unwrap();
        let report = (self.behave)(question).await?;
        Ok(Response::new(v1::ProbeReply { report }))
    }

    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverReply>, Status> {
        self.delivered.lock().unwrap().push(request.into_inner());
        Ok(Response::new(v1::DeliverReply { stored: true }))
    }
}

impl Agent {
    pub(super) async fn start(behave: Behave) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["agent".to_owned()]).unwrap();
        let identity =
            tonic::transport::Identity::from_pem(made.cert.pem(), made.signing_key.serialize_pem());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let delivered = Arc::default();
        let service = Service {
            behave,
            delivered: Arc::clone(&delivered),
        };
        let tls = tonic::transport::ServerTlsConfig::new().identity(identity);
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_service(agent_server::AgentServer::new(service))
            .serve_with_incoming(incoming);
        tokio::spawn(server);
        Self {
            address,
            certificate: sha256(&[made.cert.der()]),
            delivered,
        }
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::new(&format!("https://{}", self.address), self.certificate)
    }
}

/// The machine's key.
pub(super) fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(9)).unwrap()
}

/// A report of a machine that is well, in answer to a question.
pub(super) fn well(question: &Question) -> Report {
    Report {
        subject: question.subject,
        operator: question.operator,
        epoch: question.epoch,
        window: question.window,
        nonce: question.nonce,
        lease: question.lease,
        checks: question.checks,
        time: Timestamp::new(1),
        listening_since: Timestamp::new(1),
        agent: Release::default(),
        driver: Release::default(),
        simulated: false,
        gpus: vec![GpuRecord {
            uuid: CARD,
            signals: Signals::MEMORY
                .with(Signals::TEMPERATURE)
                .with(Signals::PROCESSES),
            celsius: 40,
            model: MODEL,
            memory_mib: VRAM,
            ..GpuRecord::default()
        }],
    }
}

/// The report as it travels, signed by `key`.
pub(super) fn signed(report: Report, key: &PrivateKeySigner) -> Vec<u8> {
    let digest = B256::new(report.digest().0);
    let signature = key.sign_hash_sync(&digest).unwrap().as_bytes();
    SignedReport { report, signature }.to_bytes()
}

/// An agent's answer when nothing is wrong.
pub(super) fn honest() -> Behave {
    Arc::new(|question| Box::pin(async move { Ok(signed(well(&question), &key())) }))
}

/// The chain and the operator.
pub(super) struct World {
    pub(super) state: State,
    pub(super) feed: Feed,
    pub(super) reader: BoardReader,
    pub(super) plan: Arc<Plan>,
    pub(super) attester: Arc<LedgerAttester>,
    pub(super) window: Window,
    pub(super) start: Timestamp,
    end: Timestamp,
    folder: Arc<TempDir>,
    block: u64,
}

fn clock() -> EpochClock {
    let now = now_ms() / 1_000;
    EpochClock {
        // Epoch 1 began a window ago, and the second window just now.
        genesis: Timestamp::new(now - u64::from(EPOCH + WINDOW) - 2),
        epoch_seconds: EPOCH,
        stake_epoch: EPOCH,
        period: 2,
        beacon_genesis: Timestamp::new(0),
        beacon_period: 3,
    }
}

fn policy() -> HealthPolicy {
    HealthPolicy {
        windows: u16::try_from(EPOCH / WINDOW).unwrap(),
        fails: 2,
        deadline_ms: 1_000,
        ..HealthPolicy::recommended()
    }
}

/// What the chain and the beacon say of every epoch: this operator has all seats.
pub(super) fn facts() -> Facts {
    Facts {
        policy: policy(),
        min_stake: [Stake::new(10); 8],
        randomness: Digest([1; 32]),
        seats: Seats::new(&[OperatorStake::new(1)]).unwrap(),
    }
}

/// A signer over the ledger in a folder, made if it is not there.
fn signer(folder: &Path, clock: &EpochClock, head: Timestamp) -> Arc<Signer> {
    let key = SecretKey::from_bytes(&[5; 32]).unwrap();
    let identity = Identity {
        key: key.public_key(),
        domain: Domain {
            l1_chain: ChainId::new(1),
            l2_chain: ChainId::new(2),
            rounds: Address([3; 20]),
            avs: Address([4; 20]),
            operator_set: 0,
        },
    };
    let path = folder.join("ledger.sqlite");
    let ledger = if path.exists() {
        SigningLedger::open(&path, &identity).unwrap()
    } else {
        SigningLedger::create(&path, &identity, None).unwrap()
    };
    let schedule = Rounds {
        genesis: clock.genesis,
        period: clock.period,
        settle_timeout: 9,
        delay: 3,
        depth: 1,
        stake_epoch: clock.stake_epoch,
        health_epoch: clock.epoch_seconds,
        challenge_window: 10,
        reveal_window: 5,
        beacon_genesis: clock.beacon_genesis,
        beacon_period: clock.beacon_period,
        beacon_chain_hash: Digest([7; 32]),
    };
    let start = Start {
        operator: OperatorIndex::new(0),
        schedule,
        head,
    };
    Arc::new(Signer::start(ledger, key, start).unwrap())
}

impl World {
    /// A machine whose agent is at `endpoint`, in the second window of epoch 1.
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = clock();
        let head = clock.start(HealthEpoch::new(1)).unwrap();
        Self::over(&folder, clock, head, endpoint)
    }

    /// The same operator after a restart, in the same window, with the agent elsewhere perhaps.
    pub(super) async fn restarted(self, endpoint: Endpoint) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), self.clock());
        let gone = Arc::downgrade(&self.attester);
        drop(self);
        // The ledger is one process's: the old one's last task has to end first.
        while gone.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        let now = Timestamp::new(now_ms() / 1_000);
        Self::over(&folder, clock, now, endpoint)
    }

    pub(super) fn clock(&self) -> EpochClock {
        EpochClock {
            genesis: self.plan.windows.genesis,
            ..clock()
        }
    }

    fn over(folder: &Arc<TempDir>, clock: EpochClock, head: Timestamp, endpoint: Endpoint) -> Self {
        let attester = Arc::new(LedgerAttester::new(signer(folder.path(), &clock, head)));
        let facts = facts();
        let epoch = HealthEpoch::new(1);
        let plan = Arc::new(Plan::new(&clock, epoch, facts, attester.as_ref()).unwrap());
        let window = Window(1);
        let (start, end) = plan.span(window).unwrap();
        let (feed, reader) = board();
        let mut world = Self {
            state: market(clock.genesis.get(), endpoint),
            feed,
            reader,
            plan,
            attester,
            window,
            start,
            end,
            folder: Arc::clone(folder),
            block: 1,
        };
        world.put_up();
        world
    }

    /// Puts the next block up, stamped now.
    pub(super) fn put_up(&mut self) {
        let head = Head {
            number: self.block,
            hash: Digest([1; 32]),
            timestamp: Timestamp::new(now_ms() / 1_000),
        };
        self.block += 1;
        self.feed.on_head(&self.state, head);
    }

    /// Opens a lease of the machine in the next block.
    pub(super) fn lease(&mut self) {
        let opened = MachineEvent::LeasesOpened {
            time: now_ms() / 1_000,
            leases: vec![(MACHINE.get(), 1)],
        };
        self.state
            .machines
            .apply(self.block, &[opened], true)
            .unwrap();
        self.put_up();
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            epoch_start: self.plan.start,
            as_of: as_of(self.start),
            min_stake: self.plan.min_stake,
            most: 10,
        }
    }

    pub(super) fn roster(&self) -> Roster {
        draw_up(&self.state, self.wanted())
    }

    pub(super) fn candidate(&self) -> Candidate {
        self.roster().machines[0]
    }

    /// A prober with the network judged by `targets`.
    pub(super) fn prober(&self, targets: Vec<String>) -> Arc<Prober> {
        let attester: Arc<dyn Attester> = self.attester.clone();
        Arc::new(Prober {
            board: self.reader.clone(),
            scribe: Scribe::start(Arc::clone(&attester)),
            attester,
            reach: quorate_rpc::Reach::new(true),
            watch: Arc::new(NetworkWatch::new(targets, Duration::from_millis(10))),
            observe: ProbeObserve::new(&Metrics::new()),
            stale_seconds: 60,
            previous: Mutex::new(HashMap::new()),
        })
    }

    pub(super) fn job(&self, kind: Kind) -> Job {
        Job {
            at: now_ms(),
            kind,
            plan: Arc::clone(&self.plan),
            window: self.window,
            start: self.start,
            end: self.end,
            machine: self.candidate(),
            index: 0,
        }
    }

    /// The first probe of the window.
    pub(super) fn first(&self) -> Job {
        let tally = WindowTally::default();
        self.job(Kind::Probe { attempt: 0, tally })
    }

    pub(super) fn words(&self) -> Words {
        self.attester
            .words(self.plan.epoch, Subject::Machine(MACHINE))
            .unwrap()
    }
}

/// Does all probes of a window, one after the other and without waiting for their moments.
pub(super) async fn probe_all(prober: &Arc<Prober>, first: Job) {
    let mut next = Some(first);
    while let Some(job) = next {
        if !matches!(job.kind, Kind::Probe { .. }) {
            return;
        }
        next = Arc::clone(prober).run(job).await;
    }
}

/// One staked provider with one machine for hire, registered long ago.
pub(super) fn market(time: u64, endpoint: Endpoint) -> State {
    let mut state = State::default();
    let provider = Address([8; 20]);
    let mut machine_key = [0; 32];
    machine_key[12..].copy_from_slice(key().address().as_slice());
    let offer = Offer {
        id: MACHINE,
        version: Version::new(1),
        provider,
        machine_key,
        available_until: Timestamp::new(u64::MAX),
        model: MODEL,
        vram_mib: VRAM,
        gpus: GpuCount::new(1),
        currencies: 1,
        ..Offer::default()
    };
    let stake = ProviderState {
        stake: Stake::new(10),
        registered_gpus: 1,
        ..ProviderState::default()
    };
    let events = [
        MarketEvent::OffersPosted {
            time,
            offers: vec![offer],
        },
        MarketEvent::ProviderChanged {
            provider,
            time,
            state: stake,
        },
        MarketEvent::MachineChanged {
            id: MACHINE.get(),
            time,
            state: MachineState::default(),
        },
    ];
    state.market.apply(0, &events, false).unwrap();
    let registered = MachineEvent::Registered {
        id: MACHINE.get(),
        provider,
        time,
        endpoint,
        cards: vec![CARD],
    };
    state.machines.apply(0, &[registered], false).unwrap();
    state
}
