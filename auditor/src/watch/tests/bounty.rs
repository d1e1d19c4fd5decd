//! Commit, wait, reveal: no crash and no reorganisation loses the bond or the bounty.

use alloy::primitives::B256;
use quorate_canon::Round;

use super::{
    fake::{BOND, BOUNTY, Fake},
    follow::{actions, lie, once, until},
};
use crate::{
    testing,
    watch::{
        Deed, Fate, Mode,
        court::CourtError,
        docket::{Docket, Stage},
    },
};

fn wrong_round() -> Fake {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    chain.lock().post(50);
    chain
}

fn salt_of(docket: &Docket) -> Option<B256> {
    docket.iter().find_map(|(_, case)| case.open_salt())
}

#[tokio::test]
async fn a_bounty_is_won_and_taken_home() {
    let chain = wrong_round();
    chain.script(vec![
        Box::new(|chain| chain.mine(1)),
        Box::new(|chain| chain.mine(1)),
    ]);
    let (summary, lines) = chain
        .run(Docket::in_memory(), until(Mode::Bounty, 50))
        .await;
    assert!(summary.refuted.contains(&Round::new(50)));
    let done: Vec<Deed> = actions(&lines).iter().map(|(deed, _)| *deed).collect();
    assert_eq!(done[..2], [Deed::Commit, Deed::Reveal]);
    assert!(done.contains(&Deed::Withdraw), "{done:?}");
    assert_eq!(chain.lock().credit, 0);
}

/// At every point between two steps the process dies, and the next one goes on with the same salt.
#[tokio::test]
async fn no_crash_loses_the_bond() {
    for looks_before in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let chain = wrong_round();
        let docket = || Docket::open(folder.path(), &testing::domain()).unwrap();
        let (mut watch, heard) = chain.watch(docket(), once(Mode::Bounty));
        for _ in 0..looks_before {
            watch.look().await.unwrap();
            chain.lock().mine(1);
        }
        drop((watch, heard));
        let (mut watch, _heard) = chain.watch(docket(), once(Mode::Bounty));
        for _ in 0..4 {
            watch.look().await.unwrap();
            chain.lock().mine(1);
        }
        let deeds = chain.lock().deeds.clone();
        let count = |deed| deeds.iter().filter(|done| **done == deed).count();
        assert_eq!(
            (count(Deed::Commit), count(Deed::Reveal)),
            (1, 1),
            "{deeds:?}"
        );
        assert_eq!(count(Deed::Withdraw), 1, "{deeds:?}");
    }
}

/// The commitment was mined, and the process died before it heard of it.
#[tokio::test]
async fn a_crash_between_the_commitment_and_its_note_finds_the_salt_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let chain = wrong_round();
    let docket = || Docket::open(folder.path(), &testing::domain()).unwrap();
    let (mut watch, heard) = chain.watch(docket(), once(Mode::Bounty));
    watch.look().await.unwrap();
    drop((watch, heard));
    let mut stored = docket();
    let salt = salt_of(&stored).unwrap();
    let (id, mut case) = stored
        .iter()
        .map(|(id, case)| (*id, case.clone()))
        .next()
        .unwrap();
    case.stage = Stage::Committing { salt };
    stored.put(id, case).unwrap();
    chain.lock().mine(1);
    let (mut watch, _heard) = chain.watch(stored, once(Mode::Bounty));
    watch.look().await.unwrap();
    chain.lock().mine(1);
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds[..2], [Deed::Commit, Deed::Reveal]);
    assert!(
        chain
            .lock()
            .deeds
            .iter()
            .filter(|deed| **deed == Deed::Commit)
            .count()
            == 1
    );
}

/// The salt is on disk before the commitment is out, also when sending fails.
#[tokio::test]
async fn the_salt_is_on_disk_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let chain = wrong_round();
    let refused = (Deed::Commit, CourtError::Later("no answer".into()));
    chain.lock().refusals = vec![refused];
    let docket = || Docket::open(folder.path(), &testing::domain()).unwrap();
    let (mut watch, heard) = chain.watch(docket(), once(Mode::Bounty));
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds, []);
    drop((watch, heard));
    let salt = salt_of(&docket()).unwrap();
    let (mut watch, _heard) = chain.watch(docket(), once(Mode::Bounty));
    watch.look().await.unwrap();
    assert_eq!(salt_of(&watch.docket), Some(salt));
    assert_eq!(chain.lock().deeds, [Deed::Commit]);
}

#[tokio::test]
async fn a_commitment_that_was_taken_back_is_made_again_and_shown() {
    let chain = wrong_round();
    let (mut watch, _heard) = chain.watch(Docket::in_memory(), once(Mode::Bounty));
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds, [Deed::Commit]);
    chain.lock().reorganise(1);
    for _ in 0..3 {
        watch.look().await.unwrap();
        chain.lock().mine(1);
    }
    assert_eq!(
        chain.lock().deeds[..3],
        [Deed::Commit, Deed::Commit, Deed::Reveal]
    );
}

/// Somebody challenges in one step, between our commitment and its revelation.
#[tokio::test]
async fn the_bounty_is_ours_though_somebody_refuted_first() {
    let chain = wrong_round();
    let (mut watch, _heard) = chain.watch(Docket::in_memory(), once(Mode::Bounty));
    watch.look().await.unwrap();
    chain.lock().refute(50);
    // Nothing is withdrawn in this look: it would hide what was credited.
    let waits = (Deed::Withdraw, CourtError::Later("later".into()));
    chain.lock().refusals = vec![waits];
    watch.look().await.unwrap();
    assert_eq!(chain.lock().credit, BOND + BOUNTY);
}

#[tokio::test]
async fn too_late_for_a_commitment_it_is_refuted_in_one_step() {
    let chain = wrong_round();
    // Inside the windows, and no time left to commit and to reveal.
    chain.lock().mine(120);
    let (summary, lines) = chain.run(Docket::in_memory(), once(Mode::Bounty)).await;
    assert!(summary.refuted.contains(&Round::new(50)));
    assert_eq!(actions(&lines)[0], (Deed::Challenge, Fate::Done));
}

/// Its header was replaced: after the windows the bond comes back.
#[tokio::test]
async fn the_bond_of_a_replaced_header_comes_back() {
    let chain = wrong_round();
    let (mut watch, _heard) = chain.watch(Docket::in_memory(), once(Mode::Bounty));
    watch.look().await.unwrap();
    chain.lock().certify(50, |_, list| list.clone());
    chain.lock().post(50);
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds, [Deed::Commit]);
    chain.lock().mine(1_000);
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds[..2], [Deed::Commit, Deed::Forfeit]);
}
