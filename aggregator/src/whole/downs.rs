//! Windows DOWN from operators' lists to L2, and receipts against them to L1.

use quorate_bls::Domain as Purpose;
use quorate_canon::{Domain, HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::{DownEntry, DownList, HealthPolicy, Place, Receipt, Subject, Window};
use quorate_rpc::{
    Accuser, Accusers, AttestationHandler as _, Contradiction, ContradictionRejection,
    ListRejection, SignedDowns,
    wire::{ContradictionVerdict, DownsVerdict},
};

use super::*;
use crate::chain::Struck;

/// The epoch that is just over: a thousand seconds from genesis.
const EPOCH: HealthEpoch = HealthEpoch::new(0);

fn machine(id: u64) -> Subject {
    Subject::Machine(OfferId::new(id))
}

/// A list of machines with their windows.
fn downs(world: &World, entries: &[(u64, &[u8])]) -> DownList {
    let entries = entries.iter().map(|(id, windows)| DownEntry {
        subject: machine(*id),
        windows: Mask256::of(windows),
    });
    DownList::new(world.facts.domain, EPOCH, entries.collect()).unwrap()
}

fn signed(world: &World, operator: u32, list: &DownList) -> SignedDowns {
    let signature = world.keys[operator as usize].sign(Purpose::Vote, &list.digest().0);
    SignedDowns {
        list: list.clone(),
        operator: OperatorIndex::new(operator),
        signature: signature.to_bytes96(),
    }
}

/// Four operators whose lists are taken for some seconds.
fn stage_for(certify_seconds: u32) -> (World, SimulatedChain, tempfile::TempDir) {
    let (world, chain, folder) = stage();
    chain.world().health.policy = HealthPolicy {
        certify_seconds,
        ..HealthPolicy::recommended()
    };
    (world, chain, folder)
}

impl Host {
    async fn hand_in(&self, world: &World, operator: u32, list: &DownList) -> DownsVerdict {
        let downs = signed(world, operator, list);
        self.running.service.downs(downs, None).await
    }

    async fn refused(&self, downs: SignedDowns) -> Option<ListRejection> {
        self.running.service.downs(downs, None).await.rejection()
    }

    /// Waits for lists to sign.
    async fn proposed(&self) -> Vec<DownList> {
        eventually(async || {
            let lists = self.running.service.proposals(EPOCH).await;
            (!lists.is_empty()).then_some(lists)
        })
        .await
    }

    /// Waits until so many lists stand on L2.
    async fn certified(&self, count: usize) -> Vec<DownList> {
        eventually(async || {
            let world = self.chain.world();
            let lists = &world.health.lists;
            (lists.len() == count).then(|| lists.iter().map(|list| list.list.clone()).collect())
        })
        .await
    }
}

#[tokio::test]
async fn what_two_thirds_of_the_seats_agree_on_is_proposed_signed_and_certified() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain, folder.path());
    for (operator, windows) in [
        (0, [1, 2, 9]),
        (1, [1, 2, 8]),
        (2, [1, 2, 7]),
        (3, [1, 2, 6]),
    ] {
        let list = downs(&world, &[(5, &windows)]);
        let verdict = host.hand_in(&world, operator, &list).await;
        assert_eq!(verdict, DownsVerdict::Accepted);
    }
    let common = downs(&world, &[(5, &[1, 2])]);
    assert_eq!(host.proposed().await, std::slice::from_ref(&common));
    for operator in 0..4 {
        host.hand_in(&world, operator, &common).await;
    }
    assert_eq!(host.certified(1).await, [common]);
    let signers = host.chain.world().health.lists[0].bitmap.clone();
    assert_eq!(signers, [0b1111]);
    assert!(
        eventually(async || {
            let waiting = host.running.service.proposals(EPOCH).await;
            waiting.is_empty().then_some(true)
        })
        .await
    );
    assert_eq!(host.attempts("open_epoch"), 1);
    host.stop().await;
}

#[tokio::test]
async fn who_stays_silent_holds_nothing_up_once_it_is_due() {
    let (world, chain, folder) = stage_for(16);
    chain.world().health.policy.certify_seconds = 12;
    let host = Host::start(&world, chain, folder.path());
    // All agree on machine 5, and one never signs what is proposed: it holds a fourth of the stake.
    let common = downs(&world, &[(5, &[3])]);
    for (operator, other) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        host.hand_in(
            &world,
            operator,
            &downs(&world, &[(5, &[3]), (6, &[other])]),
        )
        .await;
    }
    assert_eq!(host.proposed().await, std::slice::from_ref(&common));
    for operator in 0..3 {
        host.hand_in(&world, operator, &common).await;
    }
    let lists = host.certified(1).await;
    assert_eq!(lists, [common]);
    assert_eq!(host.chain.world().health.lists[0].bitmap, [0b0111]);
    host.stop().await;
}

#[tokio::test]
async fn a_restart_loses_no_list_and_proposes_the_same() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain.clone(), folder.path());
    for operator in 0..4 {
        host.hand_in(
            &world,
            operator,
            &downs(&world, &[(5, &[3]), (6 + u64::from(operator), &[1])]),
        )
        .await;
    }
    let proposed = host.proposed().await;
    host.hand_in(&world, 0, &proposed[0]).await;
    host.stop().await;

    let host = Host::start(&world, chain, folder.path());
    assert_eq!(host.proposed().await, proposed);
    let again = host.hand_in(&world, 0, &proposed[0]).await;
    assert_eq!(again, DownsVerdict::Duplicate);
    for operator in 1..4 {
        host.hand_in(&world, operator, &proposed[0]).await;
    }
    assert_eq!(host.certified(1).await, proposed);
    host.stop().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_its_reason() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain, folder.path());
    let list = downs(&world, &[(5, &[3])]);

    let mut forged = signed(&world, 1, &list);
    forged.operator = OperatorIndex::new(0);
    for _ in 0..16 {
        let reason = host.refused(forged.clone()).await;
        assert_eq!(reason, Some(ListRejection::BadSignature));
    }
    let reason = host.refused(forged).await;
    assert_eq!(reason, Some(ListRejection::TooManyFailures));
    let elsewhere = Some("192.0.2.7".parse().unwrap());
    let good = signed(&world, 0, &list);
    let verdict = host.running.service.downs(good, elsewhere).await;
    assert_eq!(verdict, DownsVerdict::Accepted, "nobody forged from there");

    let mut stranger = signed(&world, 1, &list);
    stranger.operator = OperatorIndex::new(9);
    let reason = host.refused(stranger).await;
    assert_eq!(reason, Some(ListRejection::NoStake));

    let entry = list.entries().to_vec();
    let other = Domain {
        operator_set: 7,
        ..world.facts.domain
    };
    let foreign = DownList::new(other, EPOCH, entry.clone()).unwrap();
    let reason = host.refused(signed(&world, 1, &foreign)).await;
    assert_eq!(reason, Some(ListRejection::WrongNetwork));

    let early = DownList::new(world.facts.domain, HealthEpoch::new(1), entry).unwrap();
    let reason = host.refused(signed(&world, 1, &early)).await;
    assert_eq!(reason, Some(ListRejection::EpochNotOver));

    let beyond = downs(&world, &[(5, &[250])]);
    let reason = host.refused(signed(&world, 1, &beyond)).await;
    assert_eq!(reason, Some(ListRejection::Malformed));
    host.stop().await;
}

#[tokio::test]
async fn lists_of_an_epoch_that_is_closed_are_refused() {
    let world = World::at(&[25; 4], now_less(1_030));
    let chain = SimulatedChain::default();
    chain
        .world()
        .tables
        .insert(Epoch::new(0), (*world.table).clone());
    chain.world().health.policy.certify_seconds = 20;
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(&world, chain, folder.path());
    let list = downs(&world, &[(5, &[3])]);
    let reason = host.refused(signed(&world, 1, &list)).await;
    assert_eq!(reason, Some(ListRejection::EpochClosed));
    host.stop().await;
}

/// Everybody calls the same window DOWN: nothing is left to sign.
pub(super) async fn hand_in_all(host: &Host, world: &World) {
    let list = downs(world, &[(5, &[3])]);
    for operator in 0..4 {
        host.hand_in(world, operator, &list).await;
    }
}

/// An operator's receipt for a window of a machine that its own list calls DOWN.
fn contradiction(world: &World, operator: u32, id: u64, window: u16) -> Contradiction {
    let receipt = Receipt(Place {
        network: world.facts.domain,
        subject: machine(id),
        epoch: EPOCH,
        window: Window(window),
    });
    let signature = world.keys[operator as usize].sign(Purpose::Vote, &receipt.digest().0);
    Contradiction {
        epoch: EPOCH,
        machine: OfferId::new(id),
        window: Window(window),
        operator: OperatorIndex::new(operator),
        receipt: signature.to_bytes96(),
    }
}

impl Host {
    async fn contradict(&self, contradiction: &Contradiction) -> ContradictionVerdict {
        let contradiction = contradiction.clone();
        self.running
            .service
            .contradiction(contradiction, None)
            .await
    }

    async fn accusers(&self, id: u64) -> Accusers {
        self.running.service.accusers(EPOCH, OfferId::new(id)).await
    }
}

#[tokio::test]
async fn a_list_that_is_never_certified_convicts_its_signers_with_their_receipts() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain, folder.path());
    for operator in [0, 2] {
        let list = downs(&world, &[(5, &[3, 4])]);
        host.hand_in(&world, operator, &list).await;
    }
    let accuser = |operator| Accuser {
        operator: OperatorIndex::new(operator),
        windows: Mask256::of(&[3, 4]),
    };
    let accusers = host.accusers(5).await;
    assert_eq!(accusers.accusers, [accuser(0), accuser(2)]);
    assert!(!accusers.closed, "more lists may come");
    assert_eq!(host.accusers(6).await.accusers, []);

    for operator in [0, 2] {
        let contradiction = contradiction(&world, operator, 5, 3);
        let verdict = host.contradict(&contradiction).await;
        assert_eq!(verdict, ContradictionVerdict::Accepted);
        let again = host.contradict(&contradiction).await;
        assert_eq!(again, ContradictionVerdict::Duplicate);
    }
    eventually(async || {
        let world = host.chain.world();
        let all = [0, 2].map(|operator| (OperatorIndex::new(operator), EPOCH, machine(5)));
        all.iter()
            .all(|guilty| world.health.convicted.contains(guilty))
            .then_some(())
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(host.chain.world().health.lists.len(), 0);
    assert_eq!(host.attempts("prove_attesters"), 2);
    assert_eq!(host.attempts("prove_false_attestation"), 2);
    host.stop().await;
}

#[tokio::test]
async fn who_signed_only_what_others_proposed_has_accused_too() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain, folder.path());
    for (operator, other) in [(0, 0), (1, 1), (2, 2)] {
        let list = downs(&world, &[(5, &[3]), (6, &[other])]);
        host.hand_in(&world, operator, &list).await;
    }
    let proposed = host.proposed().await;
    host.hand_in(&world, 3, &proposed[0]).await;
    let accusers = host.accusers(5).await.accusers;
    let by: Vec<_> = accusers.iter().map(|a| a.operator.get()).collect();
    assert_eq!(by, [0, 1, 2, 3]);
    let verdict = host.contradict(&contradiction(&world, 3, 5, 3)).await;
    assert_eq!(verdict, ContradictionVerdict::Accepted);
    host.stop().await;
}

#[tokio::test]
async fn a_contradiction_that_was_accepted_outlives_a_crash() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain.clone(), folder.path());
    host.hand_in(&world, 1, &downs(&world, &[(5, &[3])])).await;
    // L1 does not answer when it is handed in, and not until the aggregator is gone.
    chain.world().dark = true;
    let verdict = host.contradict(&contradiction(&world, 1, 5, 3)).await;
    assert_eq!(verdict, ContradictionVerdict::Accepted);
    host.stop().await;
    assert!(chain.world().health.convicted.is_empty());

    chain.world().dark = false;
    let host = Host::start(&world, chain, folder.path());
    let guilty = (OperatorIndex::new(1), EPOCH, machine(5));
    eventually(async || {
        let world = host.chain.world();
        world.health.convicted.contains(&guilty).then_some(())
    })
    .await;
    let verdict = host.contradict(&contradiction(&world, 1, 5, 3)).await;
    assert_eq!(verdict, ContradictionVerdict::Duplicate);
    host.stop().await;
}

#[tokio::test]
async fn receipts_that_contradict_nothing_are_refused_with_their_reason() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain, folder.path());
    host.hand_in(&world, 1, &downs(&world, &[(5, &[3])])).await;
    let reason =
        async |contradiction: Contradiction| host.contradict(&contradiction).await.rejection();
    for (operator, id, window) in [(1, 5, 4), (1, 6, 3), (0, 5, 3), (9, 5, 3)] {
        let mut other = contradiction(&world, 1, id, window);
        other.operator = OperatorIndex::new(operator);
        let reason = reason(other).await;
        assert_eq!(reason, Some(ContradictionRejection::NotAccused));
    }
    let mut early = contradiction(&world, 1, 5, 3);
    early.epoch = HealthEpoch::new(1);
    let early = reason(early).await;
    assert_eq!(early, Some(ContradictionRejection::EpochNotOver));

    // A receipt of another window, and one by another operator.
    let mut forged = contradiction(&world, 1, 5, 4);
    forged.window = Window(3);
    let mut others = contradiction(&world, 0, 5, 3);
    others.operator = OperatorIndex::new(1);
    for _ in 0..8 {
        for bad in [&forged, &others] {
            let reason = reason(bad.clone()).await;
            assert_eq!(reason, Some(ContradictionRejection::BadSignature));
        }
    }
    let reason = reason(contradiction(&world, 1, 5, 3)).await;
    assert_eq!(reason, Some(ContradictionRejection::TooManyFailures));
    assert_eq!(host.attempts("prove_false_attestation"), 0);
    host.stop().await;
}

#[tokio::test]
async fn lists_are_kept_while_receipts_may_be_shown_and_no_longer() {
    // Lists were taken until 20 seconds after the epoch, receipts until 40: it is 30 seconds after.
    let world = World::at(&[25; 4], now_less(1_030));
    let chain = SimulatedChain::default();
    chain
        .world()
        .tables
        .insert(Epoch::new(0), (*world.table).clone());
    chain.world().health.policy.certify_seconds = 20;
    chain.world().health.policy.appeal_seconds = 20;
    let folder = tempfile::tempdir().unwrap();
    // Handed in while lists were taken.
    let store = Store::open(&folder.path().join("aggregator.sqlite")).unwrap();
    let list = downs(&world, &[(5, &[3])]);
    let signature = world.keys[1].sign(Purpose::Vote, &list.digest().0);
    store
        .put_downs(OperatorIndex::new(1), &list, &signature)
        .unwrap();
    drop(store);

    let host = Host::start(&world, chain.clone(), folder.path());
    let accusers = host.accusers(5).await;
    assert_eq!(accusers.accusers.len(), 1);
    assert!(accusers.closed, "no more lists come");
    let verdict = host.contradict(&contradiction(&world, 1, 5, 3)).await;
    assert_eq!(verdict, ContradictionVerdict::Accepted);
    host.stop().await;

    chain.world().health.policy.appeal_seconds = 5;
    let host = Host::start(&world, chain, folder.path());
    let accusers = host.accusers(5).await;
    assert!(accusers.closed && accusers.accusers.is_empty());
    let verdict = host.contradict(&contradiction(&world, 1, 5, 3)).await;
    let reason = verdict.rejection();
    assert_eq!(reason, Some(ContradictionRejection::EpochClosed));
    host.stop().await;
}

fn now_less(seconds: u64) -> u64 {
    crate::clock::now().get() - seconds
}

#[tokio::test]
async fn a_receipt_that_struck_seats_is_taken_to_l1_once() {
    let (world, chain, folder) = stage_for(16);
    let host = Host::start(&world, chain, folder.path());
    let list = downs(&world, &[(4, &[1]), (5, &[3])]);
    for operator in 0..4 {
        host.hand_in(&world, operator, &list).await;
    }
    // Everybody's own list is the proposal: nothing is left to sign.
    host.certified(1).await;
    let struck = |window| Struck {
        epoch: EPOCH,
        number: 0,
        machine: OfferId::new(5),
        window: Window(window),
        operator: OperatorIndex::new(2),
        receipt: vec![0; 128],
    };
    host.chain.world().health.struck = vec![struck(3), struck(3)];
    let guilty = (OperatorIndex::new(2), EPOCH, machine(5));
    eventually(async || {
        let world = host.chain.world();
        world.health.convicted.contains(&guilty).then_some(())
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(host.attempts("prove_attesters"), 1);
    assert_eq!(host.attempts("prove_false_attestation"), 1);
    host.stop().await;
}
