//! What probing many machines costs an operator: CPU and memory of the whole prober, over real TLS and
//! with a real ledger. The agents run in a process of their own, which is not counted.
//!
//! `cargo run --release -p avs-operator --example probing -- [machines] [seconds of a window]`

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::B256;
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use avs_operator::config::HealthSection;
use avs_operator::prober::{
    self,
    board::{Feed, board},
    observe::ProbeObserve,
    plan::{Facts, Plan, PlanError},
    schedule::Plans,
    words::{Attester, LedgerAttester},
};
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
    EpochClock, GpuRecord, GpuUuid, HealthPolicy, Release, Report, Seats, Signals, SignedReport,
    Subject,
};
use quorate_matching::{Offer, ProviderState};
use quorate_proto::v1::{self, agent_server};
use quorate_protocol::{Domain, Schedule};
use quorate_service::{Metrics, Shutdown};
use quorate_signer::{Identity, Signer, SigningLedger, Start};
use tonic::{Request, Response, Status};

/// Cards of each machine.
const CARDS: u8 = 8;
const MODEL: u8 = 3;
const VRAM: u32 = 81_920;
/// Seconds of a window of the recommended policy.
const RECOMMENDED: f64 = 360.0;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if args.first().map(String::as_str) == Some("agents") {
        return runtime.block_on(serve());
    }
    let number = |at: usize, default: u64| -> Result<u64> {
        Ok(args.get(at).map_or(Ok(default), |text| text.parse())?)
    };
    let (machines, window) = (number(0, 10_000)?, number(1, 60)?);
    let mut agents = Command::new(std::env::current_exe()?)
        .arg("agents")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let said = agents.stdout.take().ok_or("no output of the agents")?;
    BufReader::new(said).read_line(&mut line)?;
    let measured = runtime.block_on(measure(machines, window, line.trim()));
    agents.kill()?;
    agents.wait()?;
    measured
}

/// All agents in one: the machines differ on chain only.
struct Agents;

fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(9))
        .unwrap_or_else(|_| PrivateKeySigner::random())
}

#[tonic::async_trait]
impl agent_server::Agent for Agents {
    async fn probe(
        &self,
        request: Request<v1::ProbeRequest>,
    ) -> std::result::Result<Response<v1::ProbeReply>, Status> {
        let question = quorate_rpc::wire::question(request.get_ref())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let report = Report {
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
            gpus: cards().into_iter().map(card).collect(),
        };
        let signature = key()
            .sign_hash_sync(&B256::new(report.digest().0))
            .map_err(|error| Status::internal(error.to_string()))?
            .as_bytes();
        let report = SignedReport { report, signature }.to_bytes();
        Ok(Response::new(v1::ProbeReply { report }))
    }

    async fn deliver(
        &self,
        _: Request<v1::DeliverRequest>,
    ) -> std::result::Result<Response<v1::DeliverReply>, Status> {
        Ok(Response::new(v1::DeliverReply { stored: true }))
    }
}

fn cards() -> Vec<GpuUuid> {
    (1..=CARDS).map(|number| GpuUuid([number; 16])).collect()
}

fn card(uuid: GpuUuid) -> GpuRecord {
    GpuRecord {
        uuid,
        signals: Signals::MEMORY.with(Signals::TEMPERATURE),
        celsius: 40,
        model: MODEL,
        memory_mib: VRAM,
        ..GpuRecord::default()
    }
}

/// The agents' process: says where they are, and under which certificate.
async fn serve() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["agent".to_owned()])?;
    let identity =
        tonic::transport::Identity::from_pem(made.cert.pem(), made.signing_key.serialize_pem());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", listener.local_addr()?, sha256(&[made.cert.der()]));
    std::io::stdout().flush()?;
    tonic::transport::Server::builder()
        .tls_config(tonic::transport::ServerTlsConfig::new().identity(identity))?
        .add_service(agent_server::AgentServer::new(Agents))
        .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener))
        .await?;
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A plan that needs no chain.
struct Fixed {
    clock: EpochClock,
    policy: HealthPolicy,
    attester: Arc<dyn Attester>,
}

impl Plans for Fixed {
    async fn plan(&self, epoch: HealthEpoch) -> std::result::Result<Plan, PlanError> {
        let facts = Facts {
            policy: self.policy.clone(),
            min_stake: [Stake::new(0); 8],
            randomness: Digest([1; 32]),
            // One of ten operators of equal stake: it sits on almost all committees.
            seats: Seats::new(&[OperatorStake::new(1); 10])?,
        };
        Plan::new(&self.clock, epoch, facts, self.attester.as_ref())
    }
}

fn signer(folder: &Path, clock: &EpochClock) -> Result<Arc<Signer>> {
    let key = SecretKey::from_bytes(&[5; 32])?;
    let domain = Domain {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(2),
        rounds: Address([3; 20]),
        avs: Address([4; 20]),
        operator_set: 0,
    };
    let identity = Identity {
        key: key.public_key(),
        domain,
    };
    let ledger = SigningLedger::create(&folder.join("ledger.sqlite"), &identity, None)?;
    let schedule = Schedule {
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
        head: Timestamp::new(now()),
    };
    Ok(Arc::new(Signer::start(ledger, key, start)?))
}

async fn measure(machines: u64, window: u64, agents: &str) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (address, certificate) = agents.split_once(' ').ok_or("no address of the agents")?;
    let endpoint = Endpoint::new(&format!("https://{address}"), certificate.parse()?);
    let folder = tempfile::tempdir()?;
    // Two windows; the epoch begins in a few seconds.
    let epoch_seconds = u32::try_from(2 * window)?;
    let start = now() + 5;
    let clock = EpochClock {
        genesis: Timestamp::new(start - 2 * window),
        epoch_seconds,
        stake_epoch: epoch_seconds,
        period: 2,
        beacon_genesis: Timestamp::new(0),
        beacon_period: 3,
    };
    let policy = HealthPolicy {
        windows: 2,
        ..HealthPolicy::recommended()
    };
    let attester: Arc<dyn Attester> = Arc::new(LedgerAttester::new(signer(folder.path(), &clock)?));
    let (feed, reader) = board();
    let section = HealthSection {
        enabled: true,
        targets: vec![address.to_owned()],
        watch_ms: 2_000,
        concurrency: 512,
        most_machines: usize::try_from(machines)?,
        poll_ms: 5_000,
        stale_seconds: 60,
        allow_private_endpoints: true,
    };
    let plans = Fixed {
        clock,
        policy,
        attester: Arc::clone(&attester),
    };
    let parts = prober::Parts {
        section,
        board: reader,
        attester: Arc::clone(&attester),
        plans: Arc::new(plans),
        clock,
        aggregators: Vec::new(),
        shown_seconds: 0,
        observe: ProbeObserve::new(&Metrics::new()),
    };
    let shutdown = Shutdown::new();
    let follow = tokio::spawn(follow(
        feed,
        state(machines, clock.genesis.get(), &endpoint),
    ));
    let task = prober::spawn(parts, shutdown.clone());
    let mut before = usage()?;
    for second in 0..window {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if now() == start {
            before = usage()?;
            eprintln!("epoch begins after {second} s; rss {} MiB", before.1);
        }
    }
    tokio::time::sleep(Duration::from_secs(
        (start + window).saturating_sub(now()) + 1,
    ))
    .await;
    let after = usage()?;
    shutdown.ask();
    task.await?;
    follow.abort();
    let epoch = HealthEpoch::new(1);
    let first = |id: &u64| {
        let words = attester.words(epoch, Subject::Machine(OfferId::new(*id)));
        words.is_ok_and(|words| words.receipts.bit(0))
    };
    let receipts = u32::try_from((1..=machines).filter(first).count())?;
    let cpu = after.0 - before.0;
    println!("machines {machines}, window {window} s, receipts {receipts}");
    println!(
        "cpu {cpu:.2} s: {:.3} ms a machine and window",
        cpu * 1_000.0 / f64::from(receipts)
    );
    println!(
        "of a core in this window: {:.2} %",
        cpu * 100.0 / f64::from(u32::try_from(window)?)
    );
    println!(
        "of a core in windows of {RECOMMENDED} s: {:.2} %",
        cpu * 100.0 / RECOMMENDED
    );
    println!("peak rss {} MiB", after.1);
    Ok(())
}

/// Puts a block up every second, as a driver does.
async fn follow(mut feed: Feed, state: State) {
    for number in 1.. {
        let head = Head {
            number,
            hash: Digest([1; 32]),
            timestamp: Timestamp::new(now()),
        };
        feed.on_head(&state, head);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn state(machines: u64, time: u64, endpoint: &Endpoint) -> State {
    let mut state = State::default();
    let provider = Address([8; 20]);
    let mut machine_key = [0; 32];
    machine_key[12..].copy_from_slice(key().address().as_slice());
    let offers = (1..=machines).map(|id| Offer {
        id: OfferId::new(id),
        version: Version::new(1),
        provider,
        machine_key,
        available_until: Timestamp::new(u64::MAX),
        model: MODEL,
        vram_mib: VRAM,
        gpus: GpuCount::new(CARDS),
        currencies: 1,
        ..Offer::default()
    });
    let offers = MarketEvent::OffersPosted {
        time,
        offers: offers.collect(),
    };
    let staked = MarketEvent::ProviderChanged {
        provider,
        time,
        state: ProviderState {
            registered_gpus: 1,
            ..ProviderState::default()
        },
    };
    let registered = (1..=machines).map(|id| MachineEvent::Registered {
        id,
        provider,
        time,
        endpoint: endpoint.clone(),
        cards: cards(),
    });
    let registered: Vec<_> = registered.collect();
    if let Err(error) = state.market.apply(0, &[offers, staked], false) {
        eprintln!("{error}");
    }
    if let Err(error) = state.machines.apply(0, &registered, false) {
        eprintln!("{error}");
    }
    state
}

/// CPU seconds of this process, and the most memory that it has held, MiB.
fn usage() -> Result<(f64, u64)> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no name in stat")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).ok_or("short stat")?.parse()?) };
    // Fields 14 and 15 of the whole line, in hundredths of a second.
    let cpu = (ticks(11)? + ticks(12)?) / 100.0;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak
        .and_then(|peak| peak.split_whitespace().next())
        .ok_or("no VmHWM")?
        .parse()?;
    Ok((cpu, kib / 1_024))
}
