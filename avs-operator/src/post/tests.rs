//! Votes on their way to an aggregator that refuses.

use std::sync::{Arc, Mutex};

use quorate_bls::{Domain as Signing, SecretKey};
use quorate_canon::{Address, ChainId, Digest, OperatorIndex, Round};
use quorate_matching::Seed;
use quorate_proto::v1::{self, aggregator_server};
use quorate_protocol::{Domain, Header, Unverified, Vote};
use quorate_rpc::wire::VoteReceipt;
use quorate_service::Metrics;
use tonic::{Request, Response, Status, Streaming};

use super::*;

/// An aggregator that refuses the first votes for these reasons and takes the next, and keeps what came.
#[derive(Clone, Default)]
pub(crate) struct Desk {
    refusals: Arc<Mutex<Vec<VoteRejection>>>,
    came: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Desk {
    /// Answers for an aggregator in a task of its own.
    pub(crate) async fn serve(&self) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(aggregator_server::AggregatorServer::new(self.clone()))
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
        tokio::spawn(server);
        url.parse().unwrap()
    }

    /// The votes that came.
    pub(crate) fn came(&self) -> Vec<Vec<u8>> {
        self.came.lock().unwrap().clone()
    }
}

#[tonic::async_trait]
impl aggregator_server::Aggregator for Desk {
    async fn submit_vote(
        &self,
        request: Request<v1::SubmitVoteRequest>,
    ) -> Result<Response<v1::SubmitVoteReply>, Status> {
        self.came.lock().unwrap().push(request.into_inner().vote);
        let refusal = self.refusals.lock().unwrap().pop();
        let receipt = match refusal {
            Some(reason) => VoteReceipt::rejected(reason, "in the test"),
            None => VoteReceipt {
                verdict: VoteVerdict::Accepted,
                outcome_wanted: false,
            },
        };
        Ok(Response::new(receipt.into()))
    }

    async fn submit_outcome(
        &self,
        _: Request<Streaming<v1::OutcomePart>>,
    ) -> Result<Response<v1::SubmitOutcomeReply>, Status> {
        Err(Status::unimplemented("no list is wanted"))
    }

    async fn get_round(
        &self,
        _: Request<v1::GetRoundRequest>,
    ) -> Result<Response<v1::RoundStatus>, Status> {
        Err(Status::not_found("nobody asks"))
    }
}

fn ballot() -> Ballot {
    Ballot {
        vote: vote(Round::new(7)),
        list: None,
    }
}

/// A vote in a round.
pub(crate) fn vote(round: Round) -> Vote<Unverified> {
    let header = Header {
        domain: Domain {
            l1_chain: ChainId::new(1),
            l2_chain: ChainId::new(2),
            rounds: Address::new([1; 20]),
            avs: Address::new([2; 20]),
            operator_set: 0,
        },
        round,
        snapshot_number: 1,
        snapshot_hash: Digest([3; 32]),
        policy_hash: Digest([4; 32]),
        inputs_root: Digest([5; 32]),
        seed: Seed([6; 32]),
        outcome_root: Digest([7; 32]),
    };
    let key = SecretKey::from_seed(&[5; 32]).unwrap();
    let signature = key.sign(Signing::Vote, &header.digest().get());
    Vote::new(header, OperatorIndex::new(0), signature)
}

/// Delivers a vote to an aggregator that refuses it for `refusals`, first to last; how often it was sent,
/// and whether it was taken.
async fn deliver(refusals: &[VoteRejection], seconds: u64) -> (usize, bool) {
    let desk = Desk::default();
    *desk.refusals.lock().unwrap() = refusals.iter().rev().copied().collect();
    let ballot = ballot();
    let delivery = Delivery {
        client: Client::new(
            &desk.serve().await,
            &ClientTls::default(),
            ClientLimits::default(),
        )
        .unwrap(),
        ballot: ballot.clone(),
        observe: Observe::new(&Metrics::new()),
        deadline: Timestamp::new(now().get() + seconds),
    };
    let wanted = delivery.deliver_vote().await;
    let came = desk.came();
    assert!(came.iter().all(|vote| vote == &ballot.vote.to_bytes()));
    (came.len(), wanted.is_some())
}

#[tokio::test]
async fn a_vote_that_is_put_off_is_sent_until_it_is_taken() {
    let put_off = [
        VoteRejection::NoStakeTable,
        VoteRejection::Overloaded,
        VoteRejection::RoundNotClosed,
    ];
    assert_eq!(deliver(&put_off, 60).await, (put_off.len() + 1, true));
}

#[tokio::test]
async fn a_vote_that_is_refused_for_good_is_sent_once() {
    let refused = [VoteRejection::BadSignature, VoteRejection::Overloaded];
    assert_eq!(deliver(&refused, 60).await, (1, false));
}

#[tokio::test]
async fn a_vote_is_not_sent_after_the_deadline() {
    let (sent, taken) = deliver(&[VoteRejection::Overloaded; 64], 0).await;
    assert!((1..64).contains(&sent) && !taken, "{sent} {taken}");
}
