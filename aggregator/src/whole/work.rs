//! Operators' work of a stake epoch that is over, from what operators hand in to L2 and L1.

use std::collections::BTreeSet;
use std::env;

use quorate_bls::Domain as Purpose;
use quorate_canon::{Digest, HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::{DownEntry, DownList, Place, Receipt, Subject, Window};
use quorate_protocol::{Bitmap, Signers};
use quorate_rpc::wire::{DownsVerdict, ReceiptsVerdict, VoteVerdict};
use quorate_rpc::{AttestationHandler as _, ReceiptRejection, SignedDowns, SignedReceipts};

use super::*;
use crate::chain::{OnChain, ProbeAt, Sampled, Standing};
use crate::clock::now;
use crate::killed::{FOLDER, GENESIS, MARK, kill_after, spawn};

/// The stake epoch that is over, and the health epoch whose randomness draws its sample.
const EPOCH: Epoch = Epoch::new(0);
const DRAWN_BY: HealthEpoch = HealthEpoch::new(1);
/// The health epoch of the sampled probe: all of it lies in the stake epoch's table.
const PROBED: HealthEpoch = HealthEpoch::new(0);
const MACHINE: OfferId = OfferId::new(5);
const WINDOW: Window = Window(3);
/// Everything is configured.
const ALL: Work = Work {
    tally: true,
    attendance: true,
    rewards: true,
};

/// Four operators whose stake epoch is over; its sample can be drawn since some seconds ago, and is
/// shown for some more. A quarter of both is what is waited for receipts.
fn stage(since: u64, seconds: u64) -> (World, SimulatedChain, tempfile::TempDir) {
    let mut world = World::at(&[25, 25, 25, 25], now().get() - 1_000 - since);
    world.facts.schedule.stake_epoch = 900;
    let chain = SimulatedChain::default();
    {
        let mut state = chain.world();
        state.tables.insert(EPOCH, (*world.table).clone());
        state.work.network = Some(world.facts.domain);
        state.work.until = now().get() + seconds;
        state.work.coming = Sampled {
            rounds: vec![Round::new(10), Round::new(11), Round::new(10)],
            probes: vec![ProbeAt {
                epoch: PROBED,
                machine: MACHINE,
                window: WINDOW,
            }],
        };
    }
    (world, chain, tempfile::tempdir().unwrap())
}

/// Forty operators who all sit on the probed machine's committee; the sample is drawn, and nothing is
/// shown for some minutes.
fn many(genesis: u64) -> (World, SimulatedChain) {
    let mut world = World::at(&[1; 40], genesis);
    world.facts.schedule.stake_epoch = 900;
    let (_, chain, _) = stage(0, 3_600);
    {
        let mut state = chain.world();
        state.tables.insert(EPOCH, (*world.table).clone());
        state.health.policy.seats = 1_024;
        state.work.drawn.insert(EPOCH, false);
    }
    (world, chain)
}

fn open(chain: &SimulatedChain) {
    chain.world().health.open.insert(DRAWN_BY);
}

fn start(world: &World, chain: &SimulatedChain, folder: &tempfile::TempDir) -> Host {
    Host::start_for(world, chain.clone(), folder.path(), quiet(), ALL)
}

fn set(operators: &[u32]) -> BTreeSet<OperatorIndex> {
    operators.iter().copied().map(OperatorIndex::new).collect()
}

/// Puts a round on L2 that these have certified.
fn settle(world: &World, chain: &SimulatedChain, round: Round, standing: Standing, by: &[u32]) {
    let header = world.header(round, 0);
    let mut bitmap = Bitmap::empty(world.table.count());
    let signatures: Vec<_> = by
        .iter()
        .map(|operator| {
            bitmap.insert(OperatorIndex::new(*operator)).unwrap();
            *world.verified(*operator, header).signature()
        })
        .collect();
    let signers = Signers {
        header,
        bitmap: bitmap.to_bytes(),
        aggregate: quorate_bls::aggregate(&signatures).unwrap(),
    };
    let on_chain = OnChain {
        standing,
        digest: header.digest(),
        posted: 1,
        proposed: false,
    };
    let mut state = chain.world();
    state.certificates.insert(header.digest(), signers);
    state.rounds.insert(round, on_chain);
}

/// The receipt of the sampled probe by one operator, signed by another.
fn receipts(world: &World, operator: u32, signer: u32) -> SignedReceipts {
    let receipt = Receipt(Place {
        network: world.facts.domain,
        subject: Subject::Machine(MACHINE),
        epoch: PROBED,
        window: WINDOW,
    });
    SignedReceipts {
        epoch: EPOCH,
        operator: OperatorIndex::new(operator),
        receipts: vec![(0, sign(world, signer, receipt.digest()))],
    }
}

fn sign(world: &World, signer: u32, digest: Digest) -> [u8; 96] {
    let key = &world.keys[signer as usize];
    key.sign(Purpose::Vote, &digest.0).to_bytes96()
}

impl Host {
    async fn receipt(&self, world: &World, operator: u32) -> ReceiptsVerdict {
        let receipts = receipts(world, operator, operator);
        self.running.service.receipts(receipts, None).await
    }

    async fn not_taken(&self, receipts: SignedReceipts) -> Option<ReceiptRejection> {
        let verdict = self.running.service.receipts(receipts, None).await;
        verdict.rejection()
    }

    /// Hands a receipt in as soon as the sample is known here.
    async fn receipt_when_drawn(&self, world: &World, operator: u32) {
        eventually(async || {
            let verdict = self.receipt(world, operator).await;
            (verdict == ReceiptsVerdict::Accepted).then_some(())
        })
        .await;
    }

    async fn late_vote(&self, world: &World, operator: u32, round: Round) {
        let vote = world.vote(operator, world.header(round, 0));
        let receipt = self.running.service.vote(vote, None).await;
        assert_eq!(receipt.verdict, VoteVerdict::Accepted);
    }

    async fn until_shown(&self, operators: &[u32]) {
        let expected = set(operators);
        eventually(async || {
            let state = self.chain.world();
            (state.work.shown.get(&0) == Some(&expected)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_late_vote_is_shown_beside_the_certificate() {
    let (world, chain, folder) = stage(60, 60);
    let round = Round::new(10);
    settle(&world, &chain, round, Standing::Settled, &[0, 1, 2]);
    let host = start(&world, &chain, &folder);
    host.late_vote(&world, 2, round).await;
    host.late_vote(&world, 3, round).await;
    open(&chain);
    eventually(async || {
        let presented = chain.world().work.presented.get(&round).cloned();
        (presented? == set(&[0, 1, 2, 3])).then_some(())
    })
    .await;
    assert_eq!(host.attempts("present_signers"), 1, "in one sum, and once");
    host.stop().await;
}

#[tokio::test]
async fn a_late_vote_is_shown_though_its_round_was_forgotten() {
    let (world, chain, folder) = stage(60, 60);
    let round = Round::new(10);
    settle(&world, &chain, round, Standing::Settled, &[0]);
    let host = start(&world, &chain, &folder);
    host.late_vote(&world, 3, round).await;
    host.store.retire_rounds(&[round]).unwrap();
    host.stop().await;
    let host = start(&world, &chain, &folder);
    open(&chain);
    eventually(async || {
        let presented = chain.world().work.presented.get(&round).cloned();
        (presented? == set(&[0, 3])).then_some(())
    })
    .await;
    host.stop().await;
}

#[tokio::test]
async fn whoever_signed_a_refuted_round_is_not_shown() {
    let (world, chain, folder) = stage(60, 60);
    settle(
        &world,
        &chain,
        Round::new(10),
        Standing::Refuted,
        &[0, 1, 2],
    );
    settle(
        &world,
        &chain,
        Round::new(11),
        Standing::Settled,
        &[0, 1, 2],
    );
    let host = start(&world, &chain, &folder);
    open(&chain);
    eventually(async || {
        let presented = chain.world().work.presented.len();
        (presented == 1).then_some(())
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(host.attempts("present_signers"), 1);
    assert!(chain.world().work.presented.contains_key(&Round::new(11)));
    host.stop().await;
}

#[tokio::test]
async fn a_garbage_receipt_is_named_and_does_not_spoil_the_sum() {
    let (world, chain, folder) = stage(0, 20);
    open(&chain);
    let host = start(&world, &chain, &folder);
    host.receipt_when_drawn(&world, 0).await;
    let garbage = receipts(&world, 1, 3);
    let verdict = host.running.service.receipts(garbage, None).await;
    let ReceiptsVerdict::Rejected { code, detail, .. } = verdict else {
        panic!("garbage was taken")
    };
    assert_eq!(code, ReceiptRejection::BadSignature.code());
    assert!(
        detail.contains("operator 1's") && detail.contains("sample 0"),
        "{detail}"
    );
    assert_eq!(host.receipt(&world, 2).await, ReceiptsVerdict::Accepted);
    host.until_shown(&[0, 2]).await;
    assert_eq!(host.attempts("show_receipts"), 1);
    host.stop().await;
}

#[tokio::test]
async fn a_restart_in_mid_collection_loses_no_receipt() {
    let (world, chain, folder) = stage(0, 28);
    open(&chain);
    let host = start(&world, &chain, &folder);
    host.receipt_when_drawn(&world, 0).await;
    host.stop().await;
    assert!(chain.world().work.shown.is_empty());

    let host = start(&world, &chain, &folder);
    host.receipt_when_drawn(&world, 1).await;
    assert_eq!(host.receipt(&world, 0).await, ReceiptsVerdict::Duplicate);
    host.until_shown(&[0, 1]).await;
    host.stop().await;
}

#[tokio::test]
async fn what_one_aggregator_keeps_back_another_one_shows() {
    let (world, chain, folder) = stage(0, 24);
    let (other, round) = (tempfile::tempdir().unwrap(), Round::new(10));
    settle(&world, &chain, round, Standing::Settled, &[0, 1]);
    // The first knows nothing of operator 3; the second knows it alone.
    let (censor, honest) = (
        start(&world, &chain, &folder),
        start(&world, &chain, &other),
    );
    censor.late_vote(&world, 2, round).await;
    honest.late_vote(&world, 3, round).await;
    open(&chain);
    for operator in 0..3 {
        censor.receipt_when_drawn(&world, operator).await;
    }
    honest.receipt_when_drawn(&world, 3).await;
    honest.until_shown(&[0, 1, 2, 3]).await;
    eventually(async || {
        let presented = chain.world().work.presented.get(&round).cloned();
        (presented? == set(&[0, 1, 2, 3])).then_some(())
    })
    .await;
    censor.stop().await;
    honest.stop().await;
}

#[tokio::test]
async fn lists_that_call_the_sampled_window_down_are_shown_after_none_are_taken_any_more() {
    let (world, chain, folder) = stage(0, 32);
    chain.world().health.policy.certify_seconds = 5;
    let host = start(&world, &chain, &folder);
    let entry = |id: u64, window: u8| DownEntry {
        subject: Subject::Machine(OfferId::new(id)),
        windows: Mask256::of(&[window]),
    };
    let lists = [
        (0, vec![entry(5, 3)]),
        (1, vec![entry(5, 3)]),
        (2, vec![entry(5, 3), entry(6, 1)]),
        (3, vec![entry(5, 4)]),
    ];
    for (operator, entries) in lists {
        let list = DownList::new(world.facts.domain, PROBED, entries).unwrap();
        let signature = sign(&world, operator, list.digest());
        let operator = OperatorIndex::new(operator);
        let downs = SignedDowns {
            list,
            operator,
            signature,
        };
        let verdict = host.running.service.downs(downs, None).await;
        assert_eq!(verdict, DownsVerdict::Accepted);
    }
    open(&chain);
    host.until_shown(&[0, 1, 2]).await;
    assert!(
        host.running.service.proposals(PROBED).await.is_empty(),
        "closed"
    );
    assert_eq!(host.attempts("show_downs"), 2, "one for each list");
    host.stop().await;
}

#[tokio::test]
async fn an_epoch_is_told_and_paid_once_and_who_stayed_away_is_ejected() {
    let (world, chain, folder) = stage(60, 5);
    let other = tempfile::tempdir().unwrap();
    {
        let mut state = chain.world();
        state.work.patience = 3;
        state.work.runs = [(OperatorIndex::new(1), 2), (OperatorIndex::new(2), 3)].into();
        state.work.counted.shares = vec![10_000, 9_000, 0, 10_000];
    }
    open(&chain);
    let hosts = [
        start(&world, &chain, &folder),
        start(&world, &chain, &other),
    ];
    eventually(async || (!chain.world().work.ejected.is_empty()).then_some(())).await;
    sleep(Duration::from_millis(300)).await;
    {
        let state = chain.world();
        assert_eq!(state.work.drawn.get(&EPOCH), Some(&true));
        assert_eq!(state.work.submitted, [EPOCH]);
        assert_eq!(state.work.ejected, [OperatorIndex::new(2)]);
    }
    let told = hosts.iter().filter(|host| {
        let page = host.metrics.encode().unwrap();
        page.contains("quorate_aggregator_work_epochs_counted_total 1")
    });
    assert_eq!(told.count(), 2, "both have seen it");
    for host in hosts {
        host.stop().await;
    }
}

#[tokio::test]
async fn receipts_that_cannot_be_taken_are_refused_with_their_reason() {
    let (world, chain, folder) = stage(60, 7);
    let host = start(&world, &chain, &folder);
    let good = receipts(&world, 0, 0);
    let reason = host.not_taken(good.clone()).await;
    assert_eq!(reason, Some(ReceiptRejection::NotDrawn));
    open(&chain);
    host.receipt_when_drawn(&world, 1).await;

    let mut stranger = receipts(&world, 0, 0);
    stranger.operator = OperatorIndex::new(9);
    let reason = host.not_taken(stranger).await;
    assert_eq!(reason, Some(ReceiptRejection::NoStake));

    let mut beyond = receipts(&world, 0, 0);
    beyond.receipts[0].0 = 7;
    let reason = host.not_taken(beyond).await;
    assert_eq!(reason, Some(ReceiptRejection::NoSuchSample));

    for _ in 0..16 {
        let reason = host.not_taken(receipts(&world, 0, 2)).await;
        assert_eq!(reason, Some(ReceiptRejection::BadSignature));
    }
    let reason = host.not_taken(good.clone()).await;
    assert_eq!(reason, Some(ReceiptRejection::TooManyFailures));
    let elsewhere = Some("192.0.2.7".parse().unwrap());
    let verdict = host.running.service.receipts(good.clone(), elsewhere).await;
    assert_eq!(
        verdict,
        ReceiptsVerdict::Accepted,
        "nobody forged from there"
    );

    eventually(async || {
        let reason = host.not_taken(receipts(&world, 2, 2)).await;
        (reason == Some(ReceiptRejection::EpochClosed)).then_some(())
    })
    .await;
    host.stop().await;
}

/// Not a test of its own: the process that the test below kills.
#[tokio::test]
#[ignore = "the child of a_killed_aggregator_loses_no_acknowledged_receipt"]
async fn child() {
    let (Ok(folder), Ok(genesis)) = (env::var(FOLDER), env::var(GENESIS)) else {
        return;
    };
    let (world, chain) = many(genesis.parse().unwrap());
    let host = Host::start_for(&world, chain, Path::new(&folder), quiet(), ALL);
    for operator in 0..40 {
        host.receipt_when_drawn(&world, operator).await;
        println!("{MARK}{operator}");
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_aggregator_loses_no_acknowledged_receipt() {
    let genesis = now().get() - 1_000;
    for count in [1, 17, 40] {
        let folder = tempfile::tempdir().unwrap();
        let mut process = spawn("whole::work::child", folder.path(), genesis);
        let acknowledged = kill_after(&mut process, count);
        assert!(acknowledged >= count);

        let (world, chain) = many(genesis);
        let host = start(&world, &chain, &folder);
        let stored = host.store.receipts(EPOCH).unwrap().len();
        assert!(
            stored >= acknowledged,
            "{stored} of {acknowledged} are there"
        );
        for operator in 0..40 {
            let expected = match (operator as usize) < stored {
                true => ReceiptsVerdict::Duplicate,
                false => ReceiptsVerdict::Accepted,
            };
            eventually(async || (host.receipt(&world, operator).await == expected).then_some(()))
                .await;
        }
        host.stop().await;
    }
}
