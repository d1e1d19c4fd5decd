//! When a stake epoch's sample is drawn: which receipts aggregators get, and when.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quorate_bls::{Domain, SecretKey, Signature};
use quorate_canon::{Bps, Digest, Epoch, HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_chain::ChainError;
use quorate_chain::machines::Endpoint;
use quorate_chain::views::TallySample;
use quorate_health::{DownList, EpochClock, Receipt, SAMPLES, Sample, Window};
use quorate_rpc::wire::{DownsVerdict, ReceiptsVerdict};
use quorate_rpc::{
    AttestationHandler, Client, ReceiptRejection, SignedDowns, SignedReceipts, WireError,
};
use quorate_service::Metrics;
use tokio::net::TcpListener;

use super::kit::{MACHINE, World, facts};
use super::lists::{client, listen};
use crate::prober::plan::{Plan, PlanError};
use crate::prober::schedule::Plans;
use crate::prober::words::{Attester, LedgerAttester};
use crate::shown::{Counted, Parts, Shower, ShownObserve, Source};

/// The kit's health epoch 1 is all of stake epoch 1.
const EPOCH: Epoch = Epoch::new(1);

/// An aggregator that answers as it is told, and keeps what it takes.
struct Till {
    answers: Mutex<Vec<ReceiptsVerdict>>,
    taken: Mutex<Vec<SignedReceipts>>,
}

impl AttestationHandler for Till {
    async fn downs(&self, _: SignedDowns, _: Option<IpAddr>) -> DownsVerdict {
        DownsVerdict::Accepted
    }

    fn malformed_list(&self, error: &WireError) {
        panic!("{error}");
    }

    async fn proposals(&self, _: HealthEpoch) -> Vec<DownList> {
        Vec::new()
    }

    async fn receipts(&self, receipts: SignedReceipts, _: Option<IpAddr>) -> ReceiptsVerdict {
        self.taken.lock().unwrap().push(receipts);
        let answer = self.answers.lock().unwrap().pop();
        answer.unwrap_or(ReceiptsVerdict::Accepted)
    }

    fn malformed_receipts(&self, error: &WireError) {
        panic!("{error}");
    }
}

impl Till {
    /// One that gives these answers, the last one first, and then accepts.
    fn new(answers: Vec<ReceiptsVerdict>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers),
            taken: Mutex::default(),
        })
    }

    async fn open(self: &Arc<Self>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client(listener.local_addr().unwrap());
        listen(listener, Arc::clone(self));
        client
    }

    fn taken(&self) -> Vec<SignedReceipts> {
        self.taken.lock().unwrap().clone()
    }
}

/// L2: one machine, and the sample that was put there.
struct Chain {
    /// Whether no machine was for hire.
    idle: bool,
    until: Timestamp,
    drawn: Mutex<Option<TallySample>>,
}

impl Source for Chain {
    async fn sample(&self, epoch: Epoch) -> Result<Option<TallySample>, ChainError> {
        let drawn = *self.drawn.lock().unwrap();
        Ok(drawn.filter(|drawn| drawn.sample.epoch == epoch))
    }

    async fn showable_until(&self, epoch: Epoch) -> Result<Timestamp, ChainError> {
        let until = if epoch < EPOCH { 0 } else { self.until.get() };
        Ok(Timestamp::new(until))
    }

    async fn counted(
        &self,
        epoch: Epoch,
        operator: OperatorIndex,
    ) -> Result<Option<Counted>, ChainError> {
        assert_eq!(operator, OperatorIndex::new(0), "its own share");
        let drawn = self.sample(epoch).await?;
        Ok(drawn.filter(|drawn| drawn.told).map(|_| Counted {
            rounds: 16,
            probes: 15,
            share: Bps::new(7_531).unwrap(),
        }))
    }

    async fn machine(&self, epoch: Epoch, sample: u16) -> Result<Option<OfferId>, ChainError> {
        assert_eq!(epoch, EPOCH, "the sample's epoch");
        assert!(sample < SAMPLES, "one of its probes");
        Ok((!self.idle).then_some(MACHINE))
    }
}

/// Plans of health epochs, of which all seats are this operator's.
struct Planner {
    clock: EpochClock,
    attester: Arc<LedgerAttester>,
}

impl Plans for Planner {
    async fn plan(&self, epoch: HealthEpoch) -> Result<Plan, PlanError> {
        Plan::new(&self.clock, epoch, facts(), self.attester.as_ref())
    }
}

/// A world in which stake epoch 1 is over.
struct Scene {
    world: World,
    chain: Arc<Chain>,
    metrics: Metrics,
}

impl Scene {
    fn new() -> Self {
        Self::over(World::new(nowhere()))
    }

    fn over(world: World) -> Self {
        let until = world.plan.end.get() + 1_000;
        Self {
            chain: Arc::new(Chain {
                idle: false,
                until: Timestamp::new(until),
                drawn: Mutex::default(),
            }),
            world,
            metrics: Metrics::new(),
        }
    }

    /// The same operator after a restart; the chain is as it was.
    async fn restarted(self) -> Self {
        Self {
            world: self.world.restarted(nowhere()).await,
            chain: self.chain,
            metrics: Metrics::new(),
        }
    }

    /// The first second after the epoch.
    fn now(&self) -> Timestamp {
        self.world.plan.end
    }

    fn draw(&self, byte: u8) -> Sample {
        let sample = Sample {
            epoch: EPOCH,
            randomness: Digest([byte; 32]),
        };
        let drawn = TallySample {
            sample,
            told: false,
        };
        *self.chain.drawn.lock().unwrap() = Some(drawn);
        sample
    }

    /// What was drawn is counted.
    fn tell(&self) {
        self.chain.drawn.lock().unwrap().as_mut().unwrap().told = true;
    }

    fn shower(&self, aggregators: Vec<Client>) -> Shower<Chain, Planner> {
        let clock = self.world.clock();
        Shower::new(Parts {
            attester: self.world.attester.clone(),
            plans: Arc::new(Planner {
                clock,
                attester: Arc::clone(&self.world.attester),
            }),
            source: Arc::clone(&self.chain),
            clock,
            aggregators,
            pause: Duration::from_millis(1),
            observe: ShownObserve::new(&self.metrics),
        })
    }

    /// The numbers of samples that lie in a window.
    fn in_window(&self, sample: &Sample, window: u16) -> BTreeSet<u16> {
        let probes = sample.probes(&self.world.clock()).unwrap();
        assert_eq!(probes.len(), usize::from(SAMPLES));
        let windows = self.world.plan.policy.windows;
        (0..)
            .zip(probes)
            .filter(|(_, probe)| probe.window(windows) == Window(window))
            .map(|(number, _)| number)
            .collect()
    }

    /// Gives the receipt of a window.
    fn pass(&self, window: u16) -> Signature {
        let receipt = Receipt(self.world.plan.place(MACHINE, Window(window)));
        let (start, _) = self.world.plan.span(Window(window)).unwrap();
        let mut signed = self.world.attester.passed(&[(receipt, start)]).unwrap();
        signed.remove(0).unwrap()
    }

    /// Calls a window DOWN.
    fn fail(&self, window: u16) {
        let place = self.world.plan.place(MACHINE, Window(window));
        let (start, _) = self.world.plan.span(Window(window)).unwrap();
        self.world.attester.failed(&place, start).unwrap();
    }
}

fn nowhere() -> Endpoint {
    Endpoint::new("https://127.0.0.1:1", Digest([0; 32]))
}

fn numbers(message: &SignedReceipts) -> BTreeSet<u16> {
    message.receipts.iter().map(|(number, _)| *number).collect()
}

#[tokio::test]
async fn receipts_of_sampled_windows_go_to_every_aggregator() {
    let scene = Scene::new();
    let given = [scene.pass(1), scene.pass(2)];
    let tills = [Till::new(Vec::new()), Till::new(Vec::new())];
    let clients = vec![tills[0].open().await, tills[1].open().await];
    let mut shower = scene.shower(clients);
    let sample = scene.draw(7);
    shower.turn(scene.now()).await;

    let windows = [1, 2].map(|window| scene.in_window(&sample, window));
    assert!(windows.iter().all(|samples| !samples.is_empty()));
    let key = SecretKey::from_bytes(&[5; 32]).unwrap().public_key();
    for till in tills {
        let taken = till.taken();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].epoch, EPOCH);
        assert_eq!(numbers(&taken[0]), &windows[0] | &windows[1]);
        for (number, signature) in &taken[0].receipts {
            let at = usize::from(windows[1].contains(number));
            assert_eq!(*signature, given[at].to_bytes96(), "the very receipt");
            let window = Window(u16::try_from(at + 1).unwrap());
            let receipt = Receipt(scene.world.plan.place(MACHINE, window));
            let signature = Signature::from_bytes96(signature).unwrap();
            let message = receipt.digest().get();
            assert!(quorate_bls::verify(
                Domain::Vote,
                &key,
                &message,
                &signature
            ));
        }
    }
}

#[tokio::test]
async fn nothing_is_handed_in_for_a_window_called_down() {
    let scene = Scene::new();
    scene.pass(1);
    scene.fail(2);
    let list = DownList::new(
        scene.world.plan.network,
        scene.world.plan.epoch,
        scene.world.attester.downs(scene.world.plan.epoch).unwrap(),
    );
    scene
        .world
        .attester
        .sign(&list.unwrap(), &|_| true)
        .unwrap();
    let till = Till::new(Vec::new());
    let mut shower = scene.shower(vec![till.open().await]);
    let sample = scene.draw(7);
    assert!(!scene.in_window(&sample, 2).is_empty(), "it was sampled");
    shower.turn(scene.now()).await;
    // The receipt of window 1 is given after the list too.
    let taken = till.taken();
    assert_eq!(numbers(&taken[0]), scene.in_window(&sample, 1));
}

#[tokio::test]
async fn nothing_is_handed_in_where_nothing_was_said() {
    let scene = Scene::new();
    let till = Till::new(Vec::new());
    let mut shower = scene.shower(vec![till.open().await]);
    scene.draw(7);
    shower.turn(scene.now()).await;
    assert_eq!(till.taken(), []);
}

#[tokio::test]
async fn nothing_is_handed_in_where_no_machine_was_for_hire() {
    let mut scene = Scene::new();
    Arc::get_mut(&mut scene.chain).unwrap().idle = true;
    scene.pass(1);
    let till = Till::new(Vec::new());
    let mut shower = scene.shower(vec![till.open().await]);
    scene.draw(7);
    shower.turn(scene.now()).await;
    assert_eq!(till.taken(), []);
}

#[tokio::test]
async fn nothing_is_handed_in_twice() {
    let scene = Scene::new();
    scene.pass(1);
    let till = Till::new(Vec::new());
    let mut shower = scene
        .shower(vec![till.open().await])
        .looking_again(Duration::ZERO);
    scene.draw(7);
    for _ in 0..3 {
        shower.turn(scene.now()).await;
    }
    assert_eq!(till.taken().len(), 1);
}

#[tokio::test]
async fn after_a_restart_the_same_receipts_are_handed_in() {
    let scene = Scene::new();
    scene.pass(1);
    scene.draw(7);
    let till = Till::new(Vec::new());
    let mut shower = scene.shower(vec![till.open().await]);
    shower.turn(scene.now()).await;
    drop(shower);
    let scene = scene.restarted().await;
    let mut shower = scene.shower(vec![till.open().await]);
    shower.turn(scene.now()).await;
    let taken = till.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], taken[1]);
}

#[tokio::test]
async fn an_aggregator_that_is_down_gets_them_when_it_is_back() {
    let scene = Scene::new();
    scene.pass(1);
    scene.draw(7);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (till, other) = (Till::new(Vec::new()), Till::new(Vec::new()));
    let mut shower = scene.shower(vec![client(address), other.open().await]);
    shower.turn(scene.now()).await;
    assert_eq!(other.taken().len(), 1, "the other is not kept up");
    listen(TcpListener::bind(address).await.unwrap(), Arc::clone(&till));
    while till.taken().is_empty() {
        shower.turn(scene.now()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(till.taken(), other.taken());
}

#[tokio::test]
async fn an_aggregator_that_is_not_ready_is_asked_again_and_one_that_refuses_is_not() {
    let scene = Scene::new();
    scene.pass(1);
    scene.draw(7);
    let answer = |reason| vec![ReceiptsVerdict::rejected(reason, "in a test")];
    let ready = Till::new(answer(ReceiptRejection::NotDrawn));
    let closed = Till::new(answer(ReceiptRejection::NotCollecting));
    let mut shower = scene.shower(vec![ready.open().await, closed.open().await]);
    for _ in 0..4 {
        shower.turn(scene.now()).await;
    }
    assert_eq!((ready.taken().len(), closed.taken().len()), (2, 1));
}

#[tokio::test]
async fn only_work_that_is_drawn_and_not_counted_is_shown() {
    let scene = Scene::new();
    scene.pass(1);
    let till = Till::new(Vec::new());
    let mut shower = scene.shower(vec![till.open().await]);
    shower.turn(scene.now()).await;
    assert_eq!(till.taken(), [], "not drawn");
    scene.draw(7);
    scene.tell();
    shower.turn(scene.now()).await;
    assert_eq!(till.taken(), [], "counted");
    scene.draw(7);
    shower.turn(Timestamp::new(scene.now().get() - 1)).await;
    assert_eq!(till.taken(), [], "the epoch is not over");
    shower
        .turn(Timestamp::new(scene.chain.until.get() + 1))
        .await;
    assert_eq!(till.taken(), [], "too late");
    let mut shower = scene.shower(vec![till.open().await]);
    shower.turn(scene.chain.until).await;
    assert_eq!(till.taken().len(), 1, "the last second counts");
}

#[tokio::test]
async fn a_sample_that_is_drawn_anew_is_shown_anew() {
    let scene = Scene::new();
    scene.pass(1);
    let till = Till::new(Vec::new());
    let mut shower = scene
        .shower(vec![till.open().await])
        .looking_again(Duration::ZERO);
    let samples = [7, 8].map(|byte| {
        let sample = scene.draw(byte);
        scene.in_window(&sample, 1)
    });
    assert_ne!(samples[0], samples[1]);
    for (byte, expected) in [7, 8].into_iter().zip(&samples) {
        scene.draw(byte);
        shower.turn(scene.now()).await;
        assert_eq!(numbers(till.taken().last().unwrap()), *expected);
    }
}

#[tokio::test]
async fn the_share_is_told_once_the_epoch_is_counted() {
    let scene = Scene::new();
    let mut shower = scene.shower(Vec::new());
    scene.draw(7);
    shower.turn(scene.now()).await;
    let later = Timestamp::new(scene.chain.until.get() + 1);
    shower.turn(later).await;
    let shown = |share: u16| {
        let page = scene.metrics.encode().unwrap();
        page.contains(&format!("operator_work_share {share}\n"))
    };
    assert!(shown(0), "not counted yet");
    scene.tell();
    shower.turn(later).await;
    assert!(shown(7_531));
}
