//! The whole aggregator over simulated chains: restarts, callers that hang up, liars, hostile chains.

use std::{path::Path, sync::Arc, time::Duration};

use quorate_canon::{Epoch, OperatorIndex, Round};
use quorate_protocol::{Verdict, Word};
use quorate_rpc::{
    RoundFailure, VoteRejection,
    server::{Handler as _, ListRefusal},
    wire::{Phase, RoundReport, VoteVerdict},
};
use quorate_service::{Metrics, Shutdown};
use tokio::time::{Instant, sleep};

use crate::{
    chain::{
        Fault, OnChain, Pages, Standing,
        simulated::{SimulatedBeacon, SimulatedChain},
    },
    config::Duties,
    courts::Stage,
    observe::Observe,
    run::{Parts, Running},
    store::Store,
    testing::{World, list},
};

/// A running aggregator.
pub(crate) struct Host {
    pub(crate) chain: SimulatedChain,
    pub(crate) store: Arc<Store>,
    running: Running,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl Host {
    /// Starts an aggregator with its data in `folder`.
    pub(crate) fn start(world: &World, chain: SimulatedChain, folder: &Path) -> Self {
        let store = Arc::new(Store::open(&folder.join("aggregator.sqlite")).unwrap());
        let (metrics, shutdown) = (Metrics::new(), Shutdown::new());
        let parts = Parts {
            facts: world.facts,
            chain: Arc::new(chain.clone()),
            beacons: Arc::new(SimulatedBeacon),
            store: Arc::clone(&store),
            observe: Observe::new(&metrics),
            limits: crate::collector::Limits::default(),
            duties: Duties {
                pause_ms: 50,
                ..Duties::default()
            },
        };
        let running = parts.start(&shutdown);
        Self {
            chain,
            store,
            running,
            metrics,
            shutdown,
        }
    }

    /// Votes for a header of the last round.
    pub(crate) async fn vote(
        &self,
        world: &World,
        operator: u32,
        flavour: u8,
    ) -> quorate_rpc::wire::VoteReceipt {
        let vote = world.vote(operator, world.header(world.round(), flavour));
        self.running.service.vote(vote, None).await
    }

    /// Sends the list of the right header.
    async fn send_list(&self, world: &World) -> Result<bool, ListRefusal> {
        let digest = world.header(world.round(), 0).digest();
        match self.running.service.admit(digest, None).await? {
            Some(place) => self.running.service.list(digest, list(3, 0), place).await,
            None => Ok(false),
        }
    }

    async fn report(&self, round: Round) -> Option<RoundReport> {
        self.running.mailbox.round(round).await
    }

    /// Waits until the last round has come this far.
    pub(crate) async fn until(&self, world: &World, phase: Phase) -> RoundReport {
        eventually(async || {
            self.report(world.round())
                .await
                .filter(|report| report.phase == phase)
        })
        .await
    }

    /// How often an action was tried.
    fn attempts(&self, name: &str) -> usize {
        let world = self.chain.world();
        world
            .attempts
            .iter()
            .filter(|tried| **tried == name)
            .count()
    }

    /// Ends it and waits until its database is free.
    pub(crate) async fn stop(self) {
        self.shutdown.ask();
        let aborted =
            quorate_service::shutdown::join_all(self.running.tasks, Duration::from_secs(5)).await;
        assert!(aborted.is_empty(), "{aborted:?}");
        let store = Arc::downgrade(&self.store);
        drop((self.store, self.running.service));
        // Disk work that a task had begun ends by itself.
        eventually(async || store.upgrade().is_none().then_some(())).await;
    }
}

/// Waits until `look` sees something, 10 s at most.
async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "not in time");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Four operators, a chain with their table, a folder.
fn stage() -> (World, SimulatedChain, tempfile::TempDir) {
    let world = World::new(&[25, 25, 25, 25]);
    let chain = SimulatedChain::default();
    chain
        .world()
        .tables
        .insert(Epoch::new(0), (*world.table).clone());
    (world, chain, tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn a_round_is_certified_settled_and_posted() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let first = host.vote(&world, 0, 0).await;
    assert_eq!(first.verdict, VoteVerdict::Accepted);
    assert!(
        first.outcome_wanted,
        "the first operator is asked for the list"
    );
    assert!(
        !host.vote(&world, 1, 0).await.outcome_wanted,
        "the second one is not"
    );
    assert!(host.send_list(&world).await.unwrap());
    host.vote(&world, 2, 0).await;
    let report = host.until(&world, Phase::Settled).await;
    assert_eq!((report.signers, report.headers, report.chunks), (3, 1, 1));
    assert_eq!(host.chain.world().mined, ["settle", "post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn votes_are_answered_with_what_became_of_them() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 0, 0).await;
    assert_eq!(
        host.vote(&world, 0, 0).await.verdict,
        VoteVerdict::Duplicate
    );
    let forged = world.forged(1, 0, world.header(world.round(), 0));
    let receipt = host.running.service.vote(forged, None).await;
    assert_eq!(
        receipt.verdict.rejection(),
        Some(VoteRejection::BadSignature)
    );
    let page = host.metrics.encode().unwrap();
    assert!(
        page.contains("quorate_aggregator_votes_rejected_total{reason=\"bad_signature\"} 1"),
        "{page}"
    );
    host.stop().await;
}

#[tokio::test]
async fn callers_that_hang_up_kill_nothing() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        let vote = world.vote(operator, world.header(world.round(), 0));
        // Polled once, so that the vote is in the mailbox, then dropped.
        let call = host.running.service.vote(vote, None);
        drop(tokio::time::timeout(Duration::ZERO, call).await);
        for _ in 0..20 {
            let garbage = world.forged(operator, 3, world.header(world.round(), 1));
            drop(
                tokio::time::timeout(Duration::ZERO, host.running.service.vote(garbage, None))
                    .await,
            );
        }
    }
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

impl Host {
    /// Sends the list once a vote for its header was counted.
    async fn send_list_when_known(&self, world: &World) {
        eventually(async || self.send_list(world).await.ok()).await;
    }
}

#[tokio::test]
async fn two_votes_of_one_operator_in_one_batch_are_one_vote_and_evidence() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let (a, b) = tokio::join!(host.vote(&world, 3, 0), host.vote(&world, 3, 1));
    let verdicts = [a.verdict.rejection(), b.verdict.rejection()];
    assert!(
        verdicts.contains(&None) && verdicts.contains(&Some(VoteRejection::Equivocation)),
        "{verdicts:?}"
    );
    eventually(async || {
        host.chain
            .world()
            .punished
            .contains(&(OperatorIndex::new(3), world.round()))
            .then_some(())
    })
    .await;
    host.stop().await;
}

#[tokio::test]
async fn a_list_that_does_not_fit_is_refused_and_the_next_operator_is_asked() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 0, 0).await;
    let digest = world.header(world.round(), 0).digest();
    let place = host
        .running
        .service
        .admit(digest, None)
        .await
        .unwrap()
        .unwrap();
    let refused = host.running.service.list(digest, list(3, 9), place).await;
    assert!(matches!(refused, Err(ListRefusal::WrongRoot { .. })));
    let unknown = host
        .running
        .service
        .admit(world.header(world.round(), 1).digest(), None)
        .await;
    assert!(matches!(unknown, Err(ListRefusal::UnknownHeader)));
    eventually(async || {
        host.report(world.round())
            .await
            .filter(|report| report.outcome_wanted)
    })
    .await;
    assert!(host.vote(&world, 1, 0).await.outcome_wanted);
    host.stop().await;
}

#[tokio::test]
async fn chunks_that_others_posted_are_left_out() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let big = list(600, 0);
    let header = world.header_of(world.round(), &big);
    for operator in 0..3 {
        host.running
            .service
            .vote(world.vote(operator, header), None)
            .await;
    }
    host.until(&world, Phase::Certified).await;
    {
        let mut chain = host.chain.world();
        chain.chunks.entry(world.round()).or_default().insert(1);
        chain.rounds.get_mut(&world.round()).unwrap().posted = 1;
    }
    let place = host
        .running
        .service
        .admit(header.digest(), None)
        .await
        .unwrap()
        .unwrap();
    host.running
        .service
        .list(header.digest(), big, place)
        .await
        .unwrap();
    let report = host.until(&world, Phase::Settled).await;
    assert_eq!((report.chunks_posted, report.chunks), (3, 3));
    assert_eq!(
        host.chain.world().mined,
        ["settle", "post_chunk", "post_chunk"]
    );
    host.stop().await;
}

#[tokio::test]
async fn a_restart_in_mid_aggregation_completes_the_round() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain.clone(), folder.path());
    host.vote(&world, 0, 0).await;
    host.vote(&world, 1, 0).await;
    host.send_list(&world).await.unwrap();
    host.stop().await;
    assert!(chain.world().mined.is_empty());

    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 2, 0).await;
    let report = host.until(&world, Phase::Settled).await;
    assert_eq!(report.signers, 3);
    host.stop().await;
}

#[tokio::test]
async fn a_restart_between_certificate_and_chunks_completes_the_round() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain.clone(), folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    host.stop().await;

    let host = Host::start(&world, chain, folder.path());
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    assert_eq!(host.chain.world().mined, ["settle", "post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn votes_that_came_before_the_table_are_told_to_come_again() {
    let (world, chain, folder) = stage();
    let table = chain.world().tables.remove(&Epoch::new(0)).unwrap();
    let host = Host::start(&world, chain, folder.path());
    let receipt = host.vote(&world, 0, 0).await;
    assert_eq!(
        receipt.verdict.rejection(),
        Some(VoteRejection::NoStakeTable)
    );
    host.chain.world().tables.insert(Epoch::new(0), table);
    assert_eq!(host.vote(&world, 0, 0).await.verdict, VoteVerdict::Accepted);
    host.stop().await;
}

#[tokio::test]
async fn stored_votes_wait_for_a_chain_that_is_down_at_start() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain.clone(), folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.stop().await;
    chain.world().dark = true;
    chain.world().rounds.clear();
    chain.world().mined.clear();
    let host = Host::start(&world, chain, folder.path());
    sleep(Duration::from_millis(200)).await;
    assert!(host.report(world.round()).await.is_none());
    host.chain.world().dark = false;
    host.until(&world, Phase::Certified).await;
    host.stop().await;
}

#[tokio::test]
async fn evidence_survives_a_restart_and_is_used() {
    let (world, chain, folder) = stage();
    chain.world().faults.insert(
        "prove_equivocation",
        vec![Fault::Unreachable("down".into()); 1_000],
    );
    let host = Host::start(&world, chain.clone(), folder.path());
    host.vote(&world, 3, 0).await;
    host.vote(&world, 3, 1).await;
    host.stop().await;
    assert!(chain.world().punished.is_empty());
    chain.world().faults.clear();

    let host = Host::start(&world, chain, folder.path());
    eventually(async || {
        host.chain
            .world()
            .punished
            .contains(&(OperatorIndex::new(3), world.round()))
            .then_some(())
    })
    .await;
    eventually(async || (host.store.cases().unwrap()[0].stage == Stage::Punished).then_some(()))
        .await;
    host.stop().await;
}

#[tokio::test]
async fn a_divergence_is_charged_at_once_and_punished_by_l2s_word() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 3, 1).await;
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    assert!(
        host.chain.world().punished.is_empty(),
        "without a word nobody is punished"
    );
    host.chain.world().finals.insert(world.round());
    eventually(async || {
        host.chain
            .world()
            .punished
            .contains(&(OperatorIndex::new(3), world.round()))
            .then_some(())
    })
    .await;
    let mined = host.chain.world().mined.clone();
    assert!(
        mined.ends_with(&["charge_divergence", "report", "execute"]),
        "{mined:?}"
    );
    assert_eq!(host.chain.world().punished.len(), 1);
    host.stop().await;
}

#[tokio::test]
async fn a_divergence_that_comes_after_the_certificate_is_charged_too() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    host.vote(&world, 3, 1).await;
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    host.stop().await;
}

#[tokio::test]
async fn another_word_lets_the_charge_lapse() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.vote(&world, 3, 1).await;
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    let digest = world.header(world.round(), 0).digest();
    let word = Word {
        round: world.round(),
        digest,
        verdict: Verdict::WrongOutcome,
    };
    host.chain.world().words.insert(world.round(), word);
    eventually(async || (host.store.cases().unwrap()[0].stage == Stage::Lapsed).then_some(()))
        .await;
    assert!(host.chain.world().punished.is_empty());
    host.stop().await;
}

#[tokio::test]
async fn a_chain_that_errs_delays_and_does_not_lose_the_round() {
    let (world, chain, folder) = stage();
    chain
        .world()
        .faults
        .insert("settle", vec![Fault::Unreachable("timeout".into()); 2]);
    chain
        .world()
        .faults
        .insert("post_chunk", vec![Fault::Unreachable("timeout".into()); 2]);
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.send_list(&world).await.unwrap();
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn a_refused_certificate_fails_its_round_with_the_contracts_reason() {
    let (world, chain, folder) = stage();
    chain
        .world()
        .faults
        .insert("settle", vec![Fault::Refused("WrongPolicy()".into()); 100]);
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    let report = host.until(&world, Phase::Failed).await;
    assert_eq!(report.reason(), Some(RoundFailure::CertificateRefused));
    assert!(report.failure.unwrap().1.contains("WrongPolicy"));
    assert!(host.attempts("settle") <= 5);
    host.stop().await;
}

#[tokio::test]
async fn a_header_with_another_seed_is_never_sent() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let mut header = world.header(world.round(), 0);
    header.seed = world.header(Round::new(99), 0).seed;
    for operator in 0..3 {
        host.running
            .service
            .vote(world.vote(operator, header), None)
            .await;
    }
    let report = host.until(&world, Phase::Failed).await;
    assert_eq!(report.reason(), Some(RoundFailure::WrongSeed));
    assert_eq!(host.attempts("settle"), 0);
    host.stop().await;
}

#[tokio::test]
async fn a_round_that_others_certified_is_posted_from_our_list() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 0, 0).await;
    host.send_list(&world).await.unwrap();
    let digest = world.header(world.round(), 0).digest();
    host.chain.world().rounds.insert(
        world.round(),
        OnChain {
            standing: Standing::Certified,
            digest,
            posted: 0,
        },
    );
    host.until(&world, Phase::Settled).await;
    assert_eq!(host.chain.world().mined, ["post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn tables_are_fixed_and_their_pages_posted_once() {
    let (world, chain, folder) = stage();
    let pages = Pages {
        commitment: world.table.commitment(),
        stakes: world.table.stakes_page(),
        keys: world.table.key_pages().collect(),
    };
    chain.world().coming.insert(Epoch::new(1), pages);
    let host = Host::start(&world, chain, folder.path());
    eventually(async || {
        host.chain
            .world()
            .fixed
            .contains_key(&Epoch::new(1))
            .then_some(())
    })
    .await;
    sleep(Duration::from_millis(150)).await;
    assert!(
        host.chain.world().pages.is_empty(),
        "the commitment has not arrived"
    );
    host.chain.world().arrived.insert(Epoch::new(1));
    eventually(async || (host.chain.world().pages.len() == 2).then_some(())).await;
    sleep(Duration::from_millis(150)).await;
    let posted = |name| {
        host.chain
            .world()
            .mined
            .iter()
            .filter(|mined| **mined == name)
            .count()
    };
    assert_eq!(
        (
            posted("fix_table"),
            posted("post_keys"),
            posted("post_stakes")
        ),
        (1, 1, 1)
    );
    host.stop().await;
}

#[tokio::test]
async fn a_flood_in_one_operators_name_keeps_nobody_waiting() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let flood = {
        let (service, garbage) = (
            Arc::clone(&host.running.service),
            world.forged(3, 0, world.header(world.round(), 2)),
        );
        let liar = Some("192.0.2.66".parse().unwrap());
        tokio::spawn(async move {
            let mut reasons = std::collections::BTreeMap::new();
            for _ in 0..3_000 {
                let receipt = service.vote(garbage, liar).await;
                *reasons.entry(receipt.verdict.rejection()).or_insert(0) += 1;
            }
            reasons
        })
    };
    let begin = Instant::now();
    for operator in 0..4 {
        let receipt = host.vote(&world, operator, 0).await;
        assert_eq!(
            receipt.verdict,
            VoteVerdict::Accepted,
            "operator {operator}"
        );
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
    let reasons = flood.await.unwrap();
    assert_eq!(
        reasons.get(&Some(VoteRejection::BadSignature)),
        Some(&16),
        "{reasons:?}"
    );
    host.stop().await;
}

#[tokio::test]
async fn the_second_of_two_certificates_is_shown_to_l2() {
    let (world, chain, folder) = stage();
    let digest = world.header(world.round(), 7).digest();
    chain.world().rounds.insert(
        world.round(),
        OnChain {
            standing: Standing::None,
            digest,
            posted: 0,
        },
    );
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..4 {
        host.vote(&world, operator, 0).await;
    }
    host.chain
        .world()
        .rounds
        .get_mut(&world.round())
        .unwrap()
        .standing = Standing::Certified;
    let report = host.until(&world, Phase::Failed).await;
    assert_eq!(report.reason(), Some(RoundFailure::Superseded));
    assert!(host.attempts("settle") >= 1);
    host.stop().await;
}

#[tokio::test]
async fn operators_are_served_over_the_wire() {
    use quorate_rpc::{Client, ClientLimits, ClientTls, Server, ServerLimits, WireLimits};
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let server = Server::bind(
        "127.0.0.1:0".parse().unwrap(),
        ServerLimits::default(),
        None,
    )
    .await
    .unwrap();
    let url = format!("http://{}", server.address()).parse().unwrap();
    let (service, ended) = (Arc::clone(&host.running.service), host.shutdown.asked());
    let served = tokio::spawn(server.run(service, WireLimits::default(), |_| {}, ended));
    let client = Client::new(&url, &ClientTls::default(), ClientLimits::default()).unwrap();

    let header = world.header(world.round(), 0);
    let mut wanted = false;
    for operator in 0..3 {
        let receipt = client
            .submit_vote(&world.vote(operator, header).to_bytes())
            .await
            .unwrap();
        assert_eq!(receipt.verdict, VoteVerdict::Accepted);
        wanted |= receipt.outcome_wanted;
    }
    assert!(wanted);
    assert!(
        client
            .submit_outcome(header.digest(), &list(3, 0))
            .await
            .unwrap()
    );
    assert!(
        !client
            .submit_outcome(header.digest(), &list(3, 0))
            .await
            .unwrap(),
        "it is here already"
    );
    eventually(async || {
        let report = client.round(world.round()).await.unwrap();
        report.filter(|report| report.phase == Phase::Settled)
    })
    .await;
    host.shutdown.ask();
    served.await.unwrap().unwrap();
    host.stop().await;
}

#[tokio::test]
async fn a_certificate_that_a_reorganisation_took_back_is_sent_again() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..4 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    host.chain.world().rounds.clear();
    host.until(&world, Phase::Certified).await;
    eventually(async || (host.attempts("settle") == 2).then_some(())).await;
    host.send_list(&world).await.unwrap();
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn a_divergence_from_a_header_that_is_seen_late_is_charged() {
    let (world, chain, folder) = stage();
    let digest = world.header(world.round(), 0).digest();
    let settled = OnChain {
        standing: Standing::Settled,
        digest,
        posted: 1,
    };
    chain.world().rounds.insert(world.round(), settled);
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 3, 1).await;
    host.until(&world, Phase::Settled).await;
    assert!(
        host.chain.world().charges.is_empty(),
        "the certified header is not known here"
    );
    host.vote(&world, 0, 0).await;
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    host.stop().await;
}
