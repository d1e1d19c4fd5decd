//! Votes become certificates: only good ones, once each, and only at a quorum.

mod support;

use proptest::prelude::*;
use quorate_bls::{Domain as Purpose, Signature};
use quorate_canon::FixedWidth;
use quorate_protocol::{
    Certificate, CertificateBuilder, Header, ProtocolError, StakeTable, Unverified,
    UnverifiedCertificate, Vote, verify_votes,
};
use support::{diverging, header, index, secret, table, verified, vote};

/// A vote of `operator` with a signature that `signer` made.
fn forged(header: &Header, operator: u32, signer: u32) -> Vote<Unverified> {
    let signature = secret(signer).sign(Purpose::Vote, &header.digest().get());
    Vote::<Unverified>::new(*header, index(operator), signature)
}

fn builder<'a>(table: &'a StakeTable, operators: &[u32]) -> CertificateBuilder<'a> {
    let mut builder = CertificateBuilder::new(header(5), table);
    for operator in operators {
        builder
            .add(&verified(&header(5), *operator, table))
            .unwrap();
    }
    builder
}

#[test]
fn a_vote_is_372_bytes_and_reads_back() {
    let vote = vote(&header(5), 2);
    let bytes = vote.to_bytes();
    assert_eq!(bytes.len(), 372);
    let again = Vote::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(
        (again.operator(), again.digest()),
        (index(2), header(5).digest())
    );
}

#[test]
fn a_verified_vote_has_the_bytes_that_came() {
    let table = table(&[1; 3]);
    let vote = vote(&header(5), 2);
    assert_eq!(vote.verify(&table).unwrap().to_bytes(), vote.to_bytes());
}

#[test]
fn a_vote_verifies_under_its_operators_key_only() {
    let table = table(&[1; 4]);
    assert!(vote(&header(5), 2).verify(&table).is_ok());
    let refused = forged(&header(5), 2, 3).verify(&table);
    assert_eq!(
        refused.map(drop),
        Err(ProtocolError::BadSignature(index(2)))
    );
}

#[test]
fn a_vote_for_one_header_is_none_for_another() {
    let table = table(&[1; 4]);
    let mut bytes = vote(&header(5), 2).to_bytes();
    bytes[..272].copy_from_slice(&diverging(5).to_bytes());
    let refused = Vote::from_bytes(&bytes).unwrap().verify(&table);
    assert_eq!(
        refused.map(drop),
        Err(ProtocolError::BadSignature(index(2)))
    );
}

#[test]
fn votes_of_strangers_and_of_operators_without_stake_are_refused() {
    let table = table(&[1, 0]);
    let unknown = ProtocolError::UnknownOperator {
        got: index(7),
        count: 2,
    };
    assert_eq!(vote(&header(5), 7).verify(&table).map(drop), Err(unknown));
    let without = vote(&header(5), 1).verify(&table).map(drop);
    assert_eq!(without, Err(ProtocolError::NoStake(index(1))));
}

/// Votes over two headers, some forged, some cancelling, some of strangers: each has the answer
/// that it has alone.
#[test]
fn many_votes_have_the_answers_that_each_has_alone() {
    let table = table(&[1, 1, 1, 1, 1, 0]);
    let mut votes: Vec<_> = (0..7).map(|operator| vote(&header(5), operator)).collect();
    votes.extend((0..3).map(|operator| vote(&diverging(5), operator)));
    votes.push(forged(&header(5), 0, 4));
    votes.push(forged(&header(5), 4, 0));
    let together: Vec<_> = verify_votes(&votes, &table)
        .into_iter()
        .map(|it| it.map(drop))
        .collect();
    let alone: Vec<_> = votes
        .iter()
        .map(|vote| vote.verify(&table).map(drop))
        .collect();
    assert_eq!(together, alone);
    assert_eq!(together.iter().filter(|answer| answer.is_ok()).count(), 8);
}

#[test]
fn a_quorum_of_votes_is_a_certificate() {
    let table = table(&[40, 27, 33]);
    let certificate = builder(&table, &[0, 1]).build().unwrap();
    assert_eq!(certificate.signed_stake().get(), 67);
    assert_eq!(
        certificate.signers().iter().collect::<Vec<_>>(),
        [index(0), index(1)]
    );
    assert_eq!(certificate.digest(), header(5).digest());
}

#[test]
fn a_unit_below_the_quorum_there_is_no_certificate() {
    let table = table(&[40, 26, 34]);
    let mut builder = builder(&table, &[0, 1]);
    assert!(!builder.is_quorum());
    assert_eq!(
        builder.build(),
        Err(ProtocolError::NoQuorum {
            signed: 66,
            total: 100
        })
    );
    assert_eq!(builder.add(&verified(&header(5), 2, &table)), Ok(true));
    assert!(builder.build().is_ok());
}

#[test]
fn an_operator_counts_once_however_often_it_votes() {
    let table = table(&[60, 40]);
    let mut builder = builder(&table, &[0]);
    let again = builder.add(&verified(&header(5), 0, &table));
    assert_eq!(again, Err(ProtocolError::Duplicate(index(0))));
    assert_eq!(builder.signed_stake().get(), 60);
    let votes = [vote(&header(5), 0), vote(&header(5), 0)];
    let refused = Certificate::of_votes(&header(5), &votes, &table);
    assert_eq!(refused, Err(ProtocolError::Duplicate(index(0))));
}

#[test]
fn a_vote_for_another_header_is_not_counted() {
    let table = table(&[60, 40]);
    let (got, expected) = (diverging(5).digest(), header(5).digest());
    let refusal = ProtocolError::OtherHeader { got, expected };
    let refused = builder(&table, &[0]).add(&verified(&diverging(5), 1, &table));
    assert_eq!(refused, Err(refusal.clone()));
    let votes = [vote(&header(5), 0), vote(&diverging(5), 1)];
    assert_eq!(
        Certificate::of_votes(&header(5), &votes, &table),
        Err(refusal)
    );
}

#[test]
fn unverified_votes_make_the_same_certificate_in_any_order() {
    let table = table(&[10; 10]);
    let slow = builder(&table, &[1, 2, 3, 5, 7, 8, 9]).build().unwrap();
    for order in [[1, 2, 3, 5, 7, 8, 9], [9, 5, 7, 2, 1, 8, 3]] {
        let votes = order.map(|operator| vote(&header(5), operator));
        assert_eq!(
            Certificate::of_votes(&header(5), &votes, &table).as_ref(),
            Ok(&slow)
        );
    }
}

#[test]
fn one_forged_vote_spoils_the_sum() {
    let table = table(&[10; 4]);
    let votes = [
        vote(&header(5), 0),
        vote(&header(5), 1),
        forged(&header(5), 2, 9),
    ];
    let refused = Certificate::of_votes(&header(5), &votes, &table);
    assert_eq!(refused, Err(ProtocolError::BadAggregate));
}

/// Two operators exchange their signatures: no single vote is good, the sum is. The certificate
/// stands, and neither vote is evidence.
#[test]
fn exchanged_signatures_make_a_certificate_and_no_verified_vote() {
    let table = table(&[10; 4]);
    let votes = [
        vote(&header(5), 0),
        forged(&header(5), 1, 2),
        forged(&header(5), 2, 1),
    ];
    assert!(Certificate::of_votes(&header(5), &votes, &table).is_ok());
    let answers: Vec<_> = verify_votes(&votes, &table)
        .iter()
        .map(Result::is_ok)
        .collect();
    assert_eq!(answers, [true, false, false]);
}

#[test]
fn a_certificate_reads_back_and_verifies() {
    let table = table(&[10; 10]);
    let certificate = builder(&table, &[0, 1, 2, 3, 4, 5, 6]).build().unwrap();
    let bytes = certificate.to_bytes();
    assert_eq!(bytes.len(), 272 + 2 + 2 + 96);
    let read = UnverifiedCertificate::from_bytes(&bytes).unwrap();
    assert_eq!(read.verify(&table), Ok(certificate));
}

#[test]
fn a_certificate_with_other_signers_than_signed_is_refused() {
    let table = table(&[10; 10]);
    let good = builder(&table, &[0, 1, 2, 3, 4, 5, 6]).build().unwrap();
    let with = |bitmap: [u8; 2]| {
        UnverifiedCertificate::new(header(5), bitmap.to_vec(), *good.aggregate()).verify(&table)
    };
    assert!(with([0b0111_1111, 0]).is_ok());
    assert_eq!(with([0b1111_1111, 0]), Err(ProtocolError::BadAggregate));
    assert_eq!(with([0b1111_1110, 0]), Err(ProtocolError::BadAggregate));
    assert_eq!(
        with([0b0011_1111, 0]),
        Err(ProtocolError::NoQuorum {
            signed: 60,
            total: 100
        })
    );
    assert_eq!(
        with([0b0111_1111, 4]),
        Err(ProtocolError::BitmapTail { count: 10 })
    );
}

#[test]
fn a_certificate_is_refused_by_another_epochs_table() {
    let (now, later) = (table(&[10; 4]), table(&[10, 10, 10, 10, 30]));
    let bytes = builder(&now, &[0, 1, 2]).build().unwrap().to_bytes();
    let refused = UnverifiedCertificate::from_bytes(&bytes)
        .unwrap()
        .verify(&later);
    assert_eq!(
        refused,
        Err(ProtocolError::NoQuorum {
            signed: 30,
            total: 70
        })
    );
}

#[test]
fn a_signer_without_stake_is_refused() {
    let table = table(&[10, 10, 10, 0]);
    let signatures: Vec<Signature> = (0..4)
        .map(|operator| secret(operator).sign(Purpose::Vote, &header(5).digest().get()))
        .collect();
    let aggregate = quorate_bls::aggregate(&signatures).unwrap();
    let refused = UnverifiedCertificate::new(header(5), vec![0x0f], aggregate).verify(&table);
    assert_eq!(refused, Err(ProtocolError::NoStake(index(3))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever subset signs, in whatever order: a certificate exactly when there is a quorum.
    #[test]
    fn a_certificate_exists_exactly_at_a_quorum(
        stakes in proptest::collection::vec(1u128..100, 1..9),
        picks in any::<u16>(),
    ) {
        let table = table(&stakes);
        let signers: Vec<u32> = (0..table.count()).filter(|i| picks >> i & 1 == 1).collect();
        let votes: Vec<_> = signers.iter().map(|operator| vote(&header(5), *operator)).collect();
        let signed: u128 = signers.iter().map(|operator| stakes[*operator as usize]).sum();
        let total: u128 = stakes.iter().sum();
        let certificate = Certificate::of_votes(&header(5), &votes, &table);
        prop_assert_eq!(certificate.is_ok(), signed * 100 >= total * 67);
        if let Ok(certificate) = certificate {
            let read = UnverifiedCertificate::from_bytes(&certificate.to_bytes()).unwrap();
            prop_assert_eq!(read.verify(&table), Ok(certificate));
        }
    }

    #[test]
    fn votes_and_certificates_of_any_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..500),
        cut in 0usize..372,
    ) {
        let _ = Vote::from_bytes(&bytes);
        let _ = UnverifiedCertificate::from_bytes(&bytes);
        let mut vote = vote(&header(5), 1).to_bytes();
        for (to, from) in vote[cut..].iter_mut().zip(&bytes) {
            *to ^= from;
        }
        if let Ok(vote) = Vote::from_bytes(&vote) {
            let _ = vote.verify(&table(&[1, 1]));
        }
    }
}
