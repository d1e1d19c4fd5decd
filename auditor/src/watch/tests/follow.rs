//! What a watcher finds and says while the chain goes on.

use quorate_canon::Round;
use quorate_matching::OutcomeList;
use quorate_service::Exit;

use super::{fake::Fake, lies::Lie};
use crate::{
    inputs::RoundInputs,
    testing,
    watch::{
        Deed, Fate, Judgement, Line, Mode, Options, Standing, Until,
        court::CourtError,
        docket::Docket,
        line::{ActionLine, RoundLine},
    },
};

fn right(_: &RoundInputs, list: &OutcomeList) -> OutcomeList {
    list.clone()
}

pub(super) fn lie(inputs: &RoundInputs, list: &OutcomeList) -> OutcomeList {
    Lie::Score.tell(inputs, list, 1).unwrap()
}

fn dropped(inputs: &RoundInputs, list: &OutcomeList) -> OutcomeList {
    Lie::Drop.tell(inputs, list, 1).unwrap()
}

pub(super) fn once(mode: Mode) -> Options {
    Options {
        mode,
        until: Until::Head,
        ..Options::default()
    }
}

pub(super) fn until(mode: Mode, round: u64) -> Options {
    Options {
        until: Until::Round(Round::new(round)),
        ..once(mode)
    }
}

fn rounds(lines: &[Line]) -> Vec<&RoundLine> {
    let mut rounds = Vec::new();
    for line in lines {
        if let Line::Round(round) = line {
            rounds.push(round);
        }
    }
    rounds
}

pub(super) fn actions(lines: &[Line]) -> Vec<(Deed, Fate)> {
    let action = |line: &Line| match line {
        Line::Action(ActionLine { action, fate, .. }) => Some((*action, *fate)),
        _ => None,
    };
    lines.iter().filter_map(action).collect()
}

#[tokio::test]
async fn right_rounds_are_right_and_nothing_is_done() {
    let chain = Fake::new();
    for n in [50, 52] {
        chain.lock().certify(n, right);
        chain.lock().post(n);
    }
    let (summary, lines) = chain.run(Docket::in_memory(), once(Mode::Challenge)).await;
    assert_eq!((summary.judged, summary.exit()), (2, Exit::Well));
    let judgements: Vec<_> = rounds(&lines).iter().map(|line| line.judgement).collect();
    assert_eq!(judgements, [Judgement::Right; 2]);
    assert_eq!(chain.lock().deeds, []);
}

#[tokio::test]
async fn a_dry_run_tries_and_reports_and_sends_nothing() {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    chain.lock().post(50);
    let (summary, lines) = chain.run(Docket::in_memory(), once(Mode::DryRun)).await;
    assert_eq!(summary.exit(), Exit::Fault);
    let line = rounds(&lines)[0];
    assert_eq!(
        (line.judgement, line.standing),
        (Judgement::Wrong, Standing::Challengeable)
    );
    let fault = line.fault.as_ref().unwrap();
    assert_eq!((fault.code, fault.kind), (11, 2));
    assert!(
        fault.words.contains("the score is wrong"),
        "{}",
        fault.words
    );
    assert_eq!(actions(&lines), [(Deed::Challenge, Fate::WouldSucceed)]);
    assert_eq!(chain.lock().deeds, []);
}

#[tokio::test]
async fn a_wrong_round_is_refuted_and_its_signers_struck() {
    let chain = Fake::new();
    chain.lock().certify(50, dropped);
    chain.lock().post(50);
    let (summary, _) = chain
        .run(Docket::in_memory(), until(Mode::Challenge, 50))
        .await;
    assert!(summary.refuted.contains(&Round::new(50)));
    // The strike follows at the next look, when the refutation was followed.
    let (mut watch, _heard) = chain.watch(Docket::in_memory(), once(Mode::Challenge));
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds, [Deed::Challenge, Deed::Strike]);
}

/// The entry is wrong by itself: nobody waits for the other chunks, here for any.
#[tokio::test]
async fn an_outcome_that_is_wrong_and_not_posted_waits_and_is_refuted_when_it_is() {
    let chain = Fake::new();
    chain.lock().certify(50, dropped);
    chain.script(vec![
        Box::new(|chain| chain.mine(1)),
        Box::new(|chain| chain.post(50)),
    ]);
    let (summary, lines) = chain
        .run(Docket::in_memory(), until(Mode::Challenge, 50))
        .await;
    let judgements: Vec<_> = rounds(&lines).iter().map(|line| line.judgement).collect();
    assert_eq!(judgements, [Judgement::Withheld, Judgement::Wrong]);
    assert!(summary.refuted.contains(&Round::new(50)));
}

#[tokio::test]
async fn a_wrong_outcome_that_is_never_posted_is_told_and_nothing_is_sent() {
    let chain = Fake::new();
    chain.lock().certify(50, dropped);
    chain.script(vec![Box::new(|chain| chain.mine(100))]);
    let (summary, lines) = chain
        .run(Docket::in_memory(), until(Mode::Challenge, 50))
        .await;
    assert_eq!(summary.exit(), Exit::Fault);
    let last = *rounds(&lines).last().unwrap();
    assert_eq!(
        (last.judgement, last.standing),
        (Judgement::Withheld, Standing::Void)
    );
    assert_eq!(chain.lock().deeds, []);
}

#[tokio::test]
async fn a_wrong_seed_is_refuted_before_anything_is_posted() {
    let chain = Fake::new();
    chain.lock().certify(50, right);
    chain.lock().spoil_seed(50);
    let (summary, lines) = chain.run(Docket::in_memory(), once(Mode::Challenge)).await;
    assert!(summary.refuted.contains(&Round::new(50)));
    let fault = rounds(&lines)[0].fault.clone().unwrap();
    assert_eq!((fault.code, fault.kind, fault.bytes), (15, 6, 49));
}

#[tokio::test]
async fn rounds_that_were_refuted_or_are_out_of_their_windows_are_only_reported() {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    chain.lock().post(50);
    chain.lock().refute(50);
    chain.lock().certify(52, lie);
    chain.lock().post(52);
    chain.lock().mine(1_000);
    // Struck long ago, as far as this test is about.
    chain.lock().deeds.push(Deed::Strike);
    let (summary, lines) = chain.run(Docket::in_memory(), once(Mode::Challenge)).await;
    assert_eq!(summary.wrong.len(), 2);
    let standings: Vec<_> = rounds(&lines).iter().map(|line| line.standing).collect();
    assert_eq!(standings, [Standing::Refuted, Standing::Final]);
    assert_eq!(chain.lock().deeds, [Deed::Strike]);
}

#[tokio::test]
async fn what_the_contracts_do_not_see_is_a_doubt_and_no_accusation() {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    chain.lock().post(50);
    chain.lock().ruling = Some(0);
    let (summary, lines) = chain.run(Docket::in_memory(), once(Mode::Challenge)).await;
    assert_eq!((summary.exit(), summary.wrong.len()), (Exit::Unchecked, 0));
    let doubts = rounds(&lines);
    assert_eq!(doubts.len(), 1, "a doubt is told once");
    assert_eq!(doubts[0].judgement, Judgement::Unsure);
    let reason = doubts[0].reason.as_ref().unwrap();
    assert!(reason.contains("ask another endpoint"), "{reason}");
    assert_eq!(chain.lock().deeds, []);
}

#[tokio::test]
async fn a_refutation_of_what_is_right_is_a_doubt() {
    let chain = Fake::new();
    chain.lock().certify(50, right);
    chain.lock().refute(50);
    let (summary, _) = chain.run(Docket::in_memory(), once(Mode::Challenge)).await;
    assert_eq!(summary.exit(), Exit::Unchecked);
}

#[tokio::test]
async fn a_reorganisation_takes_findings_back() {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    let (mut watch, mut heard) = chain.watch(Docket::in_memory(), once(Mode::DryRun));
    watch.look().await.unwrap();
    assert!(matches!(heard.try_recv(), Ok(Line::Round(_))));
    chain.lock().reorganise(1);
    watch.look().await.unwrap();
    let mut lines = Vec::new();
    while let Ok(line) = heard.try_recv() {
        lines.push(line);
    }
    assert!(
        matches!(lines.last(), Some(Line::TakenBack { round: 50, .. })),
        "{lines:?}"
    );
    assert!(watch.summary.wrong.is_empty());
}

/// Our challenge goes with its block, and is sent again.
#[tokio::test]
async fn a_challenge_that_was_taken_back_is_sent_again() {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    chain.lock().post(50);
    let (mut watch, _heard) = chain.watch(Docket::in_memory(), once(Mode::Challenge));
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds, [Deed::Challenge]);
    chain.lock().reorganise(1);
    watch.look().await.unwrap();
    assert_eq!(chain.lock().deeds, [Deed::Challenge; 2]);
}

#[tokio::test]
async fn a_failed_challenge_is_tried_again_and_told_once() {
    let chain = Fake::new();
    chain.lock().certify(50, lie);
    chain.lock().post(50);
    let broke = || (Deed::Challenge, CourtError::Stuck("no funds".into()));
    chain.lock().refusals = vec![broke(), broke()];
    let (mut watch, mut heard) = chain.watch(Docket::in_memory(), once(Mode::Challenge));
    for _ in 0..3 {
        watch.look().await.unwrap();
    }
    let mut lines = Vec::new();
    while let Ok(line) = heard.try_recv() {
        lines.push(line);
    }
    assert_eq!(
        actions(&lines)[..2],
        [
            (Deed::Challenge, Fate::Failed),
            (Deed::Challenge, Fate::Done)
        ]
    );
}

#[tokio::test]
async fn annulment_follows_the_refutation_if_told() {
    let chain = Fake::new();
    chain.lock().certify(50, |inputs, list| {
        let mut entries = list.entries().to_vec();
        let request = &inputs.snapshot.request(entries[0].request).unwrap().request;
        let score = &inputs.policy.score;
        let bad = inputs.snapshot.offers().iter().find(|offer| {
            quorate_matching::eligible(request, offer, score, &inputs.context).is_err()
        });
        entries[0].offer = bad.unwrap().offer.id;
        OutcomeList::claimed(entries, list.lowest()).unwrap()
    });
    chain.lock().post(50);
    let options = Options {
        annul: true,
        ..once(Mode::Challenge)
    };
    let (mut watch, _heard) = chain.watch(Docket::in_memory(), options);
    for _ in 0..3 {
        watch.look().await.unwrap();
    }
    assert_eq!(
        chain.lock().deeds,
        [Deed::Challenge, Deed::Strike, Deed::Annul]
    );
}

/// A later run goes on where the docket ends, and says nothing twice.
#[tokio::test]
async fn a_restart_judges_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Fake::new();
    for (n, told) in [(50, right as fn(&_, &_) -> _), (52, lie)] {
        chain.lock().certify(n, told);
        chain.lock().post(n);
    }
    let docket = || Docket::open(folder.path(), &testing::domain()).unwrap();
    let (first, lines) = chain.run(docket(), once(Mode::DryRun)).await;
    assert_eq!((first.judged, rounds(&lines).len()), (2, 2));
    let (second, lines) = chain.run(docket(), once(Mode::DryRun)).await;
    assert_eq!((second.judged, lines.len()), (0, 0));
    // And one that may send takes up what was only tried.
    let (third, lines) = chain.run(docket(), once(Mode::Challenge)).await;
    assert!(third.refuted.contains(&Round::new(52)));
    assert_eq!(actions(&lines)[0], (Deed::Challenge, Fate::Done));
}
