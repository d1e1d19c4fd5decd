//! Operators and the agent, over TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use alloy::primitives::{B256, Signature};
use provider_agent::clock::now;
use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Answer, Checks, Environment, Expected, LeaseState, Nonce, ProbeView, Question, Reason,
    SignedReport, Subject, Verdict, Window, verdict,
};
use quorate_proto::v1::{self, agent_client::AgentClient};
use quorate_rpc::AgentHandler as _;
use quorate_rpc::wire::{Delivery, deliver_request, question_bytes};
use tokio::sync::Notify;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use crate::world::{OFFER, Rig, receipt, rules};

type Client = AgentClient<Channel>;

async fn client(folder: &Path, address: SocketAddr) -> Client {
    let pem = std::fs::read(folder.join("certificate.pem")).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(pem))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    AgentClient::new(channel)
}

/// A question of now.
fn question(nonce: u8) -> Question {
    let (epoch, window) = rules().clock().at(now()).unwrap();
    Question {
        subject: Subject::Machine(OFFER),
        operator: OperatorIndex::new(3),
        epoch,
        window,
        nonce: Nonce([nonce; 16]),
        lease: LeaseState::Free,
        checks: Checks::REPORT,
    }
}

async fn probe(client: &mut Client, question: &Question) -> Result<SignedReport, Status> {
    let question = question_bytes(question);
    let reply = client.probe(v1::ProbeRequest { question }).await?;
    Ok(SignedReport::from_bytes(&reply.into_inner().report).unwrap())
}

async fn deliver(client: &mut Client, delivery: &Delivery) -> Result<bool, Status> {
    let reply = client.deliver(deliver_request(delivery)).await?;
    Ok(reply.into_inner().stored)
}

/// Who signed a report, as an operator finds out.
fn signer(signed: &SignedReport) -> [u8; 20] {
    let signature = Signature::from_raw_array(&signed.signature).unwrap();
    assert!(signature.normalize_s().is_none(), "s in the lower half");
    let digest = B256::new(signed.report.digest().0);
    signature
        .recover_address_from_prehash(&digest)
        .unwrap()
        .into_array()
}

/// An operator's verdict over a report that the machine key signed.
fn judge(rig: &Rig, question: Question, signed: &SignedReport) -> Verdict {
    let answer = if signer(signed) == rig.key.address().0 {
        Answer::Report(Box::new(signed.report.clone()))
    } else {
        Answer::Unreadable
    };
    let view = ProbeView {
        question,
        expected: Expected {
            cards: rig.cards.known().iter().map(|card| card.uuid).collect(),
            model: 40,
            vram_mib: 23_034,
        },
        lease_after: LeaseState::Free,
        maintenance: None,
        environment: Environment::SOUND,
        answer,
        previous: None,
        now: now(),
    };
    verdict(&view, &rules().health)
}

#[tokio::test]
async fn a_probe_is_answered_by_a_report_that_passes() {
    let rig = Rig::new();
    let address = rig.serve(4, 100).await;
    let mut client = client(rig.folder.path(), address).await;
    let signed = probe(&mut client, &question(1)).await.unwrap();
    assert!(signed.report.simulated, "simulated cards always say so");
    assert_eq!(judge(&rig, question(1), &signed), Verdict::Pass);
    let known = rig.shared.known();
    assert_eq!(known.probes.len(), 1);
}

#[tokio::test]
async fn a_report_fits_its_own_question_and_no_other() {
    let rig = Rig::new();
    let answerer = rig.answerer(4, 100);
    let signed = answerer.probe(question(1), None).await.unwrap();
    let other = |change: fn(&mut Question)| {
        let mut question = question(1);
        change(&mut question);
        judge(&rig, question, &signed)
    };
    for (field, verdict) in [
        ("nonce", other(|question| question.nonce = Nonce([2; 16]))),
        (
            "window",
            other(|question| question.window = Window(question.window.0 ^ 1)),
        ),
        (
            "health epoch",
            other(|question| question.epoch = HealthEpoch::new(1)),
        ),
        (
            "operator",
            other(|question| question.operator = OperatorIndex::new(1)),
        ),
        (
            "subject",
            other(|question| question.subject = Subject::Machine(OfferId::new(8))),
        ),
    ] {
        assert_eq!(
            verdict,
            Verdict::Fail(Reason::OtherProbe { field }),
            "replayed"
        );
    }
}

#[tokio::test]
async fn a_forged_report_is_nobodys() {
    let rig = Rig::new();
    let answerer = rig.answerer(4, 100);
    let mut signed = answerer.probe(question(1), None).await.unwrap();
    signed.report.time = Timestamp::new(signed.report.time.get() + 1);
    assert_ne!(signer(&signed), rig.key.address().0);
    assert_eq!(
        judge(&rig, question(1), &signed),
        Verdict::Fail(Reason::Unreadable)
    );
}

#[tokio::test]
async fn questions_for_others_and_of_other_times_are_refused() {
    let rig = Rig::new();
    let address = rig.serve(4, 100).await;
    let mut client = client(rig.folder.path(), address).await;
    let mut refused = async |change: &dyn Fn(&mut Question)| {
        let mut question = question(1);
        change(&mut question);
        let status = probe(&mut client, &question).await.unwrap_err();
        (status.code(), status.message().to_owned())
    };
    let (code, words) = refused(&|q| q.subject = Subject::Machine(OfferId::new(8))).await;
    assert_eq!(code, Code::InvalidArgument);
    assert!(words.contains("got 8, this is 7"), "{words}");
    for epoch in [0, 3, 5, u32::MAX] {
        let (code, words) = refused(&|q| q.epoch = HealthEpoch::new(epoch)).await;
        assert_eq!(code, Code::InvalidArgument, "{words}");
    }
    // Three windows away, in either direction that the epoch has.
    let (code, _) = refused(&|q| q.window = Window((q.window.0 + 4) % 10)).await;
    assert_eq!(code, Code::InvalidArgument);
}

#[tokio::test]
async fn messages_that_are_no_questions_are_refused() {
    let rig = Rig::new();
    let address = rig.serve(4, 100).await;
    let mut client = client(rig.folder.path(), address).await;
    for question in [
        vec![],
        vec![0; 47],
        vec![0xff; 48],
        vec![0; 49],
        vec![0; 100_000],
    ] {
        let status = client
            .probe(v1::ProbeRequest { question })
            .await
            .unwrap_err();
        assert!(
            matches!(
                status.code(),
                Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted
            ),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_flood_is_refused_and_a_stranger_s_flood_costs_nobody_else() {
    let rig = Rig::new();
    let answerer = rig.answerer(4, 2);
    let [flooder, operator] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|ip| Some(ip.into()));
    let mut answered = 0;
    for _ in 0..200 {
        match answerer.probe(question(1), flooder).await {
            Ok(_) => answered += 1,
            Err(refusal) => {
                assert_eq!(Status::from(refusal).code(), Code::ResourceExhausted);
            }
        }
    }
    assert!(
        (8..20).contains(&answered),
        "a burst and what a second gives: {answered}"
    );
    assert!(answerer.probe(question(1), operator).await.is_ok());
}

#[tokio::test]
async fn more_at_once_than_there_is_place_for_are_refused() {
    let rig = Rig::new();
    let gate = Arc::new(Notify::new());
    rig.world.ledger().gate = Some(Arc::clone(&gate));
    let answerer = rig.answerer(1, 1_000);
    let first = answerer.deliver(receipt(1, 3, 9), None);
    let second = async {
        let refusal = answerer.deliver(receipt(2, 3, 9), None).await.unwrap_err();
        gate.notify_one();
        Status::from(refusal).code()
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first, Ok(true));
    assert_eq!(second, Code::ResourceExhausted);
    assert_eq!(rig.store.receipts(), 1);
}

#[tokio::test]
async fn a_receipt_is_stored_once() {
    let rig = Rig::new();
    let address = rig.serve(4, 100).await;
    let mut client = client(rig.folder.path(), address).await;
    assert!(deliver(&mut client, &receipt(1, 3, 9)).await.unwrap());
    assert!(!deliver(&mut client, &receipt(1, 3, 9)).await.unwrap());
    assert!(deliver(&mut client, &receipt(2, 3, 9)).await.unwrap());
    let held = rig
        .store
        .receipts_of(HealthEpoch::new(3), Window(9))
        .unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].signature, receipt(1, 3, 9).signature);
}

#[tokio::test]
async fn a_receipt_that_says_nothing_here_is_refused() {
    let rig = Rig::new();
    let answerer = rig.answerer(4, 100);
    let mut forged = receipt(1, 3, 9);
    forged.operator = OperatorIndex::new(2);
    let mut unknown = receipt(1, 3, 9);
    unknown.operator = OperatorIndex::new(99);
    let mut torn = receipt(1, 3, 9);
    torn.signature = [0xff; 96];
    let mut moved = receipt(1, 3, 9);
    moved.receipt.0.window = Window(8);
    let mut foreign = receipt(1, 3, 9);
    foreign.receipt.0.network.operator_set = 6;
    let mut others = receipt(1, 3, 9);
    others.receipt.0.subject = Subject::Machine(OfferId::new(8));
    for (what, delivery) in [
        ("another operator's signature", forged),
        ("an operator without a key", unknown),
        ("no signature", torn),
        ("a signature for another window", moved),
        ("another network", foreign),
        ("another machine", others),
        ("a settled epoch", receipt(1, 2, 9)),
        ("an epoch to come", receipt(1, 5, 0)),
        ("a window that no epoch has", receipt(1, 3, 10)),
    ] {
        let refusal = answerer.deliver(delivery, None).await.unwrap_err();
        assert_eq!(
            Status::from(refusal).code(),
            Code::InvalidArgument,
            "{what}"
        );
    }
    assert_eq!(rig.store.receipts(), 0);
}

#[tokio::test]
async fn while_the_chain_is_silent_probes_are_answered_and_receipts_wait() {
    let rig = Rig::new();
    rig.world.ledger().down = true;
    let answerer = rig.answerer(4, 100);
    assert!(answerer.probe(question(1), None).await.is_ok());
    let refusal = answerer.deliver(receipt(1, 3, 9), None).await.unwrap_err();
    assert_eq!(Status::from(refusal).code(), Code::Unavailable);
    rig.world.ledger().down = false;
    assert!(answerer.deliver(receipt(1, 3, 9), None).await.unwrap());
}
