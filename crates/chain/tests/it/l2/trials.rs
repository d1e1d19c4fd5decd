//! A round that is proposed, then certified with another header, then refuted by its own chunk: what
//! an aggregator reads of it.

use alloy::primitives::{Address, B256, Bytes, U256};
use quorate_bindings::links::DisputesLinks;
use quorate_bindings::{IDisputes, IRounds, IStrikes};
use quorate_canon::codec::FixedWidth;
use quorate_canon::{Digest, Epoch, OfferId, OperatorIndex, RequestId, Round, Timestamp};
use quorate_chain::sender::Call;
use quorate_chain::views::{self, Status};
use quorate_chain::{ChainError, Reader, chunk, settlement};
use quorate_matching::{Capacity, Entry, OutcomeList};
use quorate_protocol::{Header, Signers, seed};

use super::{Network, certify};
use crate::endpoints::{self, RANGE};

const BOND: u64 = 1_000;

/// A list with a match of a request that nobody made.
fn invented() -> OutcomeList {
    let entry = Entry {
        offer: OfferId::new(1),
        request: RequestId::new(77),
        score: 1,
        tie: 1,
        used: Capacity::default(),
    };
    OutcomeList::claimed(vec![entry], 0).unwrap()
}

impl Network {
    /// A header of a round that has closed, with the right seed and this outcome.
    async fn header(&self, reader: &Reader, round: Round, outcome: Digest) -> (Header, [u8; 48]) {
        let schedule = views::schedule(&self.rpc, self.rounds).await.unwrap();
        let domain = views::domain(&self.rpc, self.rounds).await.unwrap();
        let r = schedule.beacon_round(round).unwrap();
        let signature = self.beacon(r);
        let close = schedule.close(round).unwrap();
        let block = reader.snapshot_block(close, schedule.depth).unwrap();
        let header = Header {
            domain,
            round,
            snapshot_number: block.number,
            snapshot_hash: block.hash,
            policy_hash: self.policy.hash(),
            inputs_root: Digest([1; 32]),
            seed: seed(&domain, round, &schedule.beacon_chain_hash, r, &signature),
            outcome_root: outcome,
        };
        (header, signature)
    }

    async fn propose(&self, header: &Header, beacon: &[u8; 48]) {
        let s = IRounds::Settlement {
            n: header.round.get(),
            snapshotNumber: header.snapshot_number,
            snapshotHash: B256::new(header.snapshot_hash.0),
            inputsRoot: B256::new(header.inputs_root.0),
            outcomeRoot: B256::new(header.outcome_root.0),
            beaconSignature: beacon.to_vec().into(),
            bitmap: Bytes::new(),
            aggregate: Bytes::new(),
        };
        let call = Call::new(self.rounds, &IRounds::proposeCall { s }).value(U256::from(BOND));
        self.sender.send(call).await.unwrap();
    }

    /// The signers of a certified header, read many blocks later from an endpoint that gives few blocks
    /// at a time. From one that is behind nobody is acquitted.
    async fn signers_everywhere(&self, header: &Header, certified: Timestamp) -> Signers {
        self.warp(certified.get() + 10, 20).await;
        let (domain, round, digest) = (header.domain, header.round, header.digest());
        let (narrow, asked) = endpoints::narrow(&self.url).await;
        let signers = views::signers(&narrow, &domain, round, digest, certified, RANGE).await;
        // The blocks of one second, and not the twenty since.
        let blocks: Option<u64> = asked.lock().unwrap().iter().copied().sum();
        assert!(
            blocks.is_some_and(|blocks| (1..=RANGE).contains(&blocks)),
            "{blocks:?}"
        );

        let empty = endpoints::without_logs(&self.url).await;
        let error = views::signers(&empty, &domain, round, digest, certified, RANGE).await;
        assert!(matches!(error, Err(ChainError::Absent(_))), "{error:?}");
        let short = endpoints::without_blocks(&self.url).await;
        let error = views::signers(&short, &domain, round, digest, certified, RANGE).await;
        assert!(matches!(error, Err(ChainError::NoBlock(_))), "{error:?}");
        let later = Timestamp::new(certified.get() + 1_000_000);
        let error = views::signers(&narrow, &domain, round, digest, later, RANGE).await;
        assert!(matches!(error, Err(ChainError::NoBlock(_))), "{error:?}");
        signers.unwrap().unwrap()
    }

    async fn bond(&self, round: Round) -> (Address, U256) {
        let disputes = views::disputes_of(&self.rpc, self.rounds).await.unwrap();
        let contract = DisputesLinks::new(disputes, self.rpc.provider());
        let bond = contract.bondOf(round.get()).call().await.unwrap();
        (bond.proposer, bond.amount)
    }
}

#[tokio::test]
async fn proposals_certificates_and_refutations_are_read_as_they_stand() {
    let network = Network::start().await;
    let (table, owner) = (network.fix_table().await, network.sender.address());
    let mut reader = network.reader().await;
    let (rpc, round) = (&network.rpc, Round::new(0));
    let schedule = views::schedule(rpc, network.rounds).await.unwrap();
    let domain = views::domain(rpc, network.rounds).await.unwrap();
    let close = schedule.close(round).unwrap();
    network.warp(close.get(), 2).await;
    reader.advance().await.unwrap();

    // Proposed.
    let half = close.get() + u64::from(schedule.settle_timeout) / 2;
    network.warp(half, 0).await;
    let empty = OutcomeList::claimed(Vec::new(), u32::MAX).unwrap();
    let (header, beacon) = network.header(&reader, round, empty.outcome_root()).await;
    network.propose(&header, &beacon).await;
    reader.advance().await.unwrap();
    let stands = reader.state().rounds.get(round).cloned().unwrap();
    assert_eq!(stands.digest, header.digest());
    assert_eq!(stands.proposer.map(|it| it.0), Some(owner.into_array()));
    let record = views::round_record(rpc, &domain, round, &stands)
        .await
        .unwrap();
    assert_eq!(record.header, header);
    assert!(record.certificate.is_none());
    let refused = views::certified_record(rpc, &domain, round, &stands).await;
    assert!(matches!(refused, Err(ChainError::Absent(_))), "{refused:?}");
    // A certificate of the same second may follow.
    let certified = stands.certified;
    let early = views::signers(rpc, &domain, round, header.digest(), certified, RANGE).await;
    assert!(matches!(early, Err(ChainError::Absent(_))), "{early:?}");
    network.warp(half + 10, 0).await;
    let signers = views::signers(rpc, &domain, round, header.digest(), certified, RANGE).await;
    assert_eq!(signers.unwrap(), None);
    assert_eq!(network.bond(round).await, (owner, U256::from(BOND)));

    // A certificate takes its place.
    let list = invented();
    let (wrong, _) = network.header(&reader, round, list.outcome_root()).await;
    let certificate = certify(wrong, &table);
    let s = settlement(&certificate, &beacon);
    network
        .call(network.rounds, &IRounds::settleCall { s })
        .await;
    reader.advance().await.unwrap();
    let stands = reader.state().rounds.get(round).cloned().unwrap();
    assert_eq!((stands.digest, stands.proposer), (wrong.digest(), None));
    let record = views::round_record(rpc, &domain, round, &stands)
        .await
        .unwrap();
    assert!(record.certificate.unwrap().verify(&table).is_ok());
    let signers = network.signers_everywhere(&wrong, stands.certified).await;
    assert_eq!(signers.to_bytes(), certificate.to_bytes());
    signers
        .verify(&domain, |operator| table.key(operator))
        .unwrap();
    assert_eq!(network.bond(round).await.1, U256::ZERO);
    let disputes = views::disputes_of(rpc, network.rounds).await.unwrap();
    let credit = IDisputes::new(disputes, rpc.provider());
    assert_eq!(
        credit.creditOf(owner).call().await.unwrap(),
        U256::from(BOND)
    );

    // Its own chunk refutes it; its signers are struck.
    let before = rpc.latest().await.unwrap().number();
    assert_eq!(
        views::refutations(rpc, network.rounds, 0, before)
            .await
            .unwrap(),
        []
    );
    let post = IRounds::postChunkCall {
        header: wrong.to_bytes().into(),
        c: chunk(round, &list.chunk(0).unwrap()),
    };
    network.call(network.rounds, &post).await;
    reader.advance().await.unwrap();
    let refuted = reader.state().rounds.get(round).unwrap().refuted.unwrap();
    assert_eq!((refuted.code, refuted.position), (1, 0));
    let head = rpc.latest().await.unwrap().number();
    let found = views::refutations(rpc, network.rounds, before, head)
        .await
        .unwrap();
    assert_eq!(found, [(round, refuted)]);
    let status = views::round_status(rpc, network.rounds, round)
        .await
        .unwrap();
    assert_eq!(
        (status.status, status.digest),
        (Status::Refuted, wrong.digest())
    );
    let strikes = views::strikes_of(rpc, network.rounds).await.unwrap();
    let strike = IStrikes::strikeCall {
        n: round.get(),
        bitmap: signers.bitmap.clone().into(),
        aggregate: signers.aggregate.to_eip2537().to_vec().into(),
    };
    network.call(strikes, &strike).await;
    let (narrow, asked) = endpoints::narrow(&network.url).await;
    for (n, struck) in [(round, true), (Round::new(1), false)] {
        let found = views::was_struck(&narrow, strikes, n, 0, RANGE).await;
        assert_eq!(found.unwrap(), struck, "round {n}");
    }
    assert!(asked.lock().unwrap().len() > 3, "no blocks to be cut");
    let late = views::was_struck(&narrow, strikes, round, 1_000_000, RANGE).await;
    assert!(matches!(late, Err(ChainError::NoBlock(_))), "{late:?}");
    let strikes = IStrikes::new(strikes, rpc.provider());
    let epoch = Epoch::new(0).get();
    for index in 0..4 {
        let struck = strikes.isStruck(index, epoch).call().await.unwrap();
        let signed = signers
            .operators()
            .any(|it| it == OperatorIndex::new(index));
        assert_eq!(struck, signed, "operator {index}");
    }
}
