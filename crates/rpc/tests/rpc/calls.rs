use std::{sync::atomic::Ordering, time::Duration};

use quorate_canon::{Digest, Epoch, HealthEpoch, Mask256, OfferId, OperatorIndex, Round};
use quorate_health::Window;
use quorate_matching::{NO_LOWEST, OutcomeList};
use quorate_rpc::{
    Accuser, Accusers, Client, ClientLimits, ClientTls, Contradiction, ContradictionRejection,
    ReceiptRejection, Server, ServerLimits, SignedReceipts, VoteRejection,
    wire::{ContradictionVerdict, ReceiptsVerdict, VoteVerdict},
};

use crate::host::{Accepting, Host, vote};

#[tokio::test]
async fn a_vote_is_handed_in_and_answered() {
    let host = Host::plain().await;
    let receipt = host.client().submit_vote(&vote()).await.unwrap();
    assert_eq!(receipt.verdict, VoteVerdict::Accepted);
    assert!(receipt.outcome_wanted);
    assert_eq!(host.handler.votes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn garbage_is_rejected_with_its_code_and_counted() {
    let host = Host::plain().await;
    for bytes in [Vec::new(), vec![0; 372], vec![0xff; 371]] {
        let receipt = host.client().submit_vote(&bytes).await.unwrap();
        assert_eq!(receipt.verdict.rejection(), Some(VoteRejection::Malformed));
    }
    assert_eq!(host.handler.malformed.load(Ordering::SeqCst), 3);
    assert_eq!(host.handler.votes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn receipts_are_handed_in_and_those_of_no_sample_are_rejected_with_their_code() {
    let host = Host::plain().await;
    let signed = |samples: &[u16]| SignedReceipts {
        epoch: Epoch::new(3),
        operator: OperatorIndex::new(4),
        receipts: samples.iter().map(|sample| (*sample, [7; 96])).collect(),
    };
    let answer = host.client().submit_receipts(&signed(&[0, 9, 15])).await;
    assert_eq!(answer.unwrap(), ReceiptsVerdict::Accepted);
    assert_eq!(
        *host.handler.receipts.lock().unwrap(),
        [signed(&[0, 9, 15])]
    );
    for samples in [&[][..], &[16], &[5, 5]] {
        let answer = host.client().submit_receipts(&signed(samples)).await;
        let rejection = answer.unwrap().rejection();
        assert_eq!(rejection, Some(ReceiptRejection::Malformed), "{samples:?}");
    }
    assert_eq!(host.handler.malformed.load(Ordering::SeqCst), 3);
    assert_eq!(host.handler.receipts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn accusers_are_asked_for_and_contradicted() {
    let host = Host::plain().await;
    let accuser = Accuser {
        operator: OperatorIndex::new(4),
        windows: Mask256::of(&[9]),
    };
    let accusers = Accusers {
        accusers: vec![accuser],
        closed: true,
    };
    *host.handler.accusers.lock().unwrap() = accusers.clone();
    let (epoch, machine) = (HealthEpoch::new(3), OfferId::new(77));
    let answer = host.client().accusers(epoch, machine).await;
    assert_eq!(answer.unwrap(), accusers);

    let contradiction = Contradiction {
        epoch,
        machine,
        window: Window(9),
        operator: accuser.operator,
        receipt: [7; 96],
    };
    let answer = host.client().submit_contradiction(&contradiction).await;
    assert_eq!(answer.unwrap(), ContradictionVerdict::Accepted);
    assert_eq!(
        *host.handler.contradictions.lock().unwrap(),
        std::slice::from_ref(&contradiction)
    );

    let beyond = Contradiction {
        window: Window(256),
        ..contradiction
    };
    let answer = host.client().submit_contradiction(&beyond).await;
    let reason = answer.unwrap().rejection();
    assert_eq!(reason, Some(ContradictionRejection::Malformed));
    assert_eq!(host.handler.malformed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_list_is_streamed() {
    let host = Host::plain().await;
    let list = OutcomeList::claimed(Vec::new(), NO_LOWEST).unwrap();
    assert!(
        host.client()
            .submit_outcome(Digest([1; 32]), &list)
            .await
            .unwrap()
    );
    assert_eq!(host.handler.lists.load(Ordering::SeqCst), 1);
    let error = host
        .client()
        .submit_outcome(Digest([0; 32]), &list)
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn an_unknown_round_is_none() {
    let host = Host::plain().await;
    assert!(host.client().round(Round::new(7)).await.unwrap().is_some());
    assert!(host.client().round(Round::new(8)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_client_survives_a_server_that_is_down_and_comes_back() {
    let limits = ServerLimits {
        drain: Duration::from_millis(50),
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    let (address, client) = (host.address, host.client());
    client.submit_vote(&vote()).await.unwrap();
    drop(host);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = client.submit_vote(&vote()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");

    let server = Server::bind(address, ServerLimits::default(), None)
        .await
        .unwrap();
    let served = server.run(
        std::sync::Arc::new(Accepting::default()),
        Default::default(),
        |_| {},
        std::future::pending(),
    );
    let task = tokio::spawn(async move { served.await.unwrap() });
    client.submit_vote(&vote()).await.unwrap();
    task.abort();
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let limits = ClientLimits {
        call_timeout: Duration::from_millis(200),
        ..ClientLimits::default()
    };
    let client = Client::new(&url, &ClientTls::default(), limits).unwrap();
    let call = tokio::time::timeout(Duration::from_secs(5), client.submit_vote(&vote())).await;
    assert!(call.unwrap().unwrap_err().is_retryable());
}

#[tokio::test]
async fn other_schemes_are_refused_at_once() {
    let url = "ftp://127.0.0.1:1".parse().unwrap();
    assert!(Client::new(&url, &ClientTls::default(), ClientLimits::default()).is_err());
}

#[tokio::test]
async fn health_says_serving() {
    let host = Host::plain().await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", host.address))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    for service in ["", "quorate.v1.Aggregator"] {
        let request = tonic_health::pb::HealthCheckRequest {
            service: service.into(),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(
            answer.status,
            i32::from(tonic_health::pb::health_check_response::ServingStatus::Serving),
            "{service}"
        );
    }
}

#[tokio::test]
async fn reflection_lists_the_service() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let host = Host::plain().await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", host.address))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(futures::stream::iter([ask]))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    assert!(
        list.service
            .iter()
            .any(|service| service.name == "quorate.v1.Aggregator")
    );
}

#[tokio::test]
async fn too_many_requests_are_shed_and_the_server_lives() {
    let limits = ServerLimits {
        requests: 4,
        requests_per_connection: 100,
        ..ServerLimits::default()
    };
    let host = Host::start(
        Accepting {
            pause: Duration::from_millis(300),
            ..Accepting::default()
        },
        limits,
        None,
    )
    .await;
    let client = host.client();
    let bytes = vote();
    let answers = futures::future::join_all((0..40).map(|_| client.submit_vote(&bytes))).await;
    let good = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((4..40).contains(&good), "{good}");
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .all(quorate_rpc::RpcError::is_retryable)
    );
    client.submit_vote(&bytes).await.unwrap();
}
