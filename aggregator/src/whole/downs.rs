//! Windows DOWN from operators' lists to L2, and receipts against them to L1.

use quorate_bls::Domain as Purpose;
use quorate_canon::{Domain, HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::{DownEntry, DownList, HealthPolicy, Subject, Window};
use quorate_rpc::{AttestationHandler as _, ListRejection, SignedDowns, wire::DownsVerdict};

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
