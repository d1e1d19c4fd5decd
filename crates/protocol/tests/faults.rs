//! Evidence: what proves a fault, what does not, and that honest operators are safe.

mod support;

use proptest::prelude::*;
use quorate_canon::{ChainId, Digest, FixedWidth, Round};
use quorate_protocol::{
    Certificate, CertificateBuilder, Divergence, Domain, Equivocation, Evidence, Header, NoFault,
    Offence, StakeTable, Verdict, Word, detect, detect_divergence, offence_id,
};
use support::{diverging, domain, forked, header, index, key, secret, table, verified};

fn sign(header: &Header, operator: u32) -> quorate_bls::Signature {
    secret(operator).sign(quorate_bls::Domain::Vote, &header.digest().get())
}

fn equivocation(a: Header, b: Header, operator: u32) -> Evidence {
    Evidence::Equivocation(Equivocation {
        header_a: a,
        signature_a: sign(&a, operator),
        header_b: b,
        signature_b: sign(&b, operator),
    })
}

fn divergence(certified: Header, other: Header, operator: u32) -> Evidence {
    Evidence::Divergence(Divergence {
        certified,
        other,
        signature: sign(&other, operator),
    })
}

fn judge(evidence: &Evidence, operator: u32) -> Result<quorate_protocol::Fault, NoFault> {
    evidence.judge(&domain(), index(operator), &key(operator))
}

fn certificate(table: &StakeTable) -> Certificate {
    let mut builder = CertificateBuilder::new(header(5), table);
    for operator in 0..3 {
        builder.add(&verified(&header(5), operator, table)).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn two_headers_of_one_round_are_an_equivocation() {
    for other in [diverging(5), forked(5)] {
        let fault = judge(&equivocation(header(5), other, 2), 2).unwrap();
        assert_eq!(
            (fault.offence, fault.operator),
            (Offence::Equivocation, index(2))
        );
        assert_eq!((fault.round, fault.awaits), (Round::new(5), None));
        assert!(fault.may_execute(None));
    }
}

#[test]
fn the_same_header_twice_is_no_equivocation() {
    let verdict = judge(&equivocation(header(5), header(5), 2), 2);
    assert_eq!(verdict, Err(NoFault::SameHeader(header(5).digest())));
}

#[test]
fn headers_of_two_rounds_are_no_equivocation() {
    let verdict = judge(&equivocation(header(5), header(6), 2), 2);
    assert_eq!(
        verdict,
        Err(NoFault::OtherRound {
            a: Round::new(5),
            b: Round::new(6)
        })
    );
}

#[test]
fn headers_of_another_network_are_no_fault_here() {
    let elsewhere = Domain {
        l2_chain: ChainId::new(1),
        ..domain()
    };
    let moved = |header| Header {
        domain: elsewhere,
        ..header
    };
    let both = equivocation(moved(header(5)), moved(diverging(5)), 2);
    let one = equivocation(header(5), moved(header(5)), 2);
    let diverged = divergence(header(5), moved(diverging(5)), 2);
    for evidence in [both, one, diverged] {
        assert_eq!(judge(&evidence, 2), Err(NoFault::OtherNetwork));
    }
}

#[test]
fn signatures_of_somebody_else_convict_nobody() {
    let evidence = equivocation(header(5), diverging(5), 3);
    assert_eq!(
        judge(&evidence, 2),
        Err(NoFault::BadSignature(header(5).digest()))
    );
    let Evidence::Equivocation(mut mixed) = equivocation(header(5), diverging(5), 2) else {
        unreachable!()
    };
    mixed.signature_b = sign(&mixed.header_b, 3);
    let verdict = judge(&Evidence::Equivocation(mixed), 2);
    assert_eq!(verdict, Err(NoFault::BadSignature(diverging(5).digest())));
}

#[test]
fn another_outcome_of_the_certified_inputs_is_a_divergence() {
    let fault = judge(&divergence(header(5), diverging(5), 2), 2).unwrap();
    assert_eq!(
        (fault.offence, fault.round),
        (Offence::Divergence, Round::new(5))
    );
    assert_eq!(fault.awaits, Some(header(5).digest()));
}

#[test]
fn an_outcome_of_other_inputs_is_no_divergence() {
    assert_eq!(
        judge(&divergence(header(5), forked(5), 2), 2),
        Err(NoFault::OtherInputs)
    );
    let same = judge(&divergence(header(5), header(5), 2), 2);
    assert_eq!(same, Err(NoFault::SameHeader(header(5).digest())));
}

#[test]
fn a_divergence_waits_for_the_word_about_that_very_header() {
    let fault = judge(&divergence(header(5), diverging(5), 2), 2).unwrap();
    let word = Word {
        round: Round::new(5),
        digest: header(5).digest(),
        verdict: Verdict::Stands,
    };
    assert!(fault.may_execute(Some(&word)));
    assert!(!fault.may_execute(None));
    for verdict in [Verdict::WrongOutcome, Verdict::WrongSeed] {
        assert!(!fault.may_execute(Some(&Word { verdict, ..word })));
    }
    assert!(!fault.may_execute(Some(&Word {
        round: Round::new(6),
        ..word
    })));
    assert!(!fault.may_execute(Some(&Word {
        digest: Digest::ZERO,
        ..word
    })));
}

#[test]
fn evidence_reads_back() {
    let evidence = [
        equivocation(header(5), diverging(5), 2),
        divergence(header(5), diverging(5), 2),
    ];
    for (evidence, width) in evidence.into_iter().zip([736, 640]) {
        assert_eq!(evidence.to_bytes().len(), width);
        assert_eq!(Evidence::from_bytes(&evidence.to_bytes()), Ok(evidence));
    }
}

#[test]
fn a_word_reads_back_and_knows_three_verdicts() {
    for verdict in [Verdict::Stands, Verdict::WrongOutcome, Verdict::WrongSeed] {
        let word = Word {
            round: Round::new(5),
            digest: Digest([9; 32]),
            verdict,
        };
        assert_eq!(Word::from_bytes(&word.to_bytes()), Ok(word));
    }
    for code in [0, 4, 255] {
        let mut bytes = [0; 41];
        bytes[40] = code;
        assert!(Word::from_bytes(&bytes).is_err());
    }
}

#[test]
fn one_operator_in_one_round_is_one_offence() {
    let evidence = [
        equivocation(header(5), diverging(5), 2),
        equivocation(header(5), forked(5), 2),
        divergence(header(5), diverging(5), 2),
    ];
    for evidence in evidence {
        assert_eq!(
            judge(&evidence, 2).unwrap().id(),
            offence_id(index(2), Round::new(5))
        );
    }
    assert_ne!(
        offence_id(index(2), Round::new(5)),
        offence_id(index(2), Round::new(6))
    );
    assert_ne!(
        offence_id(index(2), Round::new(5)),
        offence_id(index(5), Round::new(2))
    );
}

#[test]
fn two_votes_are_found_and_convict() {
    let table = table(&[10; 4]);
    let (a, b) = (
        verified(&header(5), 2, &table),
        verified(&forked(5), 2, &table),
    );
    let evidence = detect(&a, &b).unwrap();
    assert_eq!(detect(&b, &a), Some(evidence));
    assert!(judge(&evidence, 2).is_ok());
}

#[test]
fn votes_of_two_operators_are_no_evidence() {
    let table = table(&[10; 4]);
    let votes = (
        verified(&header(5), 1, &table),
        verified(&diverging(5), 2, &table),
    );
    assert_eq!(detect(&votes.0, &votes.1), None);
}

#[test]
fn a_vote_beside_a_certificate_is_found_and_convicts() {
    let table = table(&[10; 4]);
    let certificate = certificate(&table);
    let vote = verified(&diverging(5), 3, &table);
    let evidence = detect_divergence(&certificate, &vote).unwrap();
    assert_eq!(
        judge(&evidence, 3).unwrap().awaits,
        Some(certificate.digest())
    );
}

#[test]
fn a_vote_for_the_certified_header_or_for_other_inputs_is_no_divergence() {
    let table = table(&[10; 4]);
    let certificate = certificate(&table);
    for other in [header(5), forked(5), diverging(6)] {
        let vote = verified(&other, 3, &table);
        assert_eq!(detect_divergence(&certificate, &vote), None);
    }
}

/// Headers that differ in a few fields, as honest and other operators would make them.
fn any_header() -> impl Strategy<Value = Header> {
    (0u64..3, 0u8..2, 0u8..2, 0u8..2).prop_map(|(n, fork, inputs, outcome)| Header {
        snapshot_hash: Digest([fork; 32]),
        inputs_root: Digest([inputs; 32]),
        outcome_root: Digest([outcome; 32]),
        ..header(n)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// An honest operator signs one header a round; however often and whatever others do, no two of
    /// its votes are evidence. Two headers of one round always are.
    #[test]
    fn equivocation_is_always_found_and_honest_votes_never(a in any_header(), b in any_header()) {
        let table = table(&[10; 2]);
        let (vote_a, vote_b) = (verified(&a, 1, &table), verified(&b, 1, &table));
        let honest = a.round != b.round || a == b;
        match detect(&vote_a, &vote_b) {
            None => prop_assert!(honest),
            Some(evidence) => {
                prop_assert!(!honest);
                prop_assert!(judge(&evidence, 1).is_ok());
                prop_assert!(judge(&evidence, 0).is_err());
            }
        }
    }

    /// Judging is exactly the rule, for all pairs of headers.
    #[test]
    fn a_divergence_is_exactly_the_same_inputs_and_another_outcome(
        a in any_header(),
        b in any_header(),
    ) {
        let expected = a.to_bytes()[..240] == b.to_bytes()[..240] && a != b;
        prop_assert_eq!(judge(&divergence(a, b, 1), 1).is_ok(), expected);
        let expected = a.to_bytes()[..104] == b.to_bytes()[..104] && a != b;
        prop_assert_eq!(judge(&equivocation(a, b, 1), 1).is_ok(), expected);
    }

    #[test]
    fn evidence_of_any_bytes_never_panics_nor_convicts(
        bytes in proptest::collection::vec(any::<u8>(), 0..800),
        flip in 0usize..(736 * 8),
    ) {
        prop_assert!(Evidence::from_bytes(&bytes).is_err());
        let mut changed = equivocation(header(5), diverging(5), 1).to_bytes();
        changed[flip / 8] ^= 1 << (flip % 8);
        if let Ok(evidence) = Evidence::from_bytes(&changed) {
            prop_assert!(judge(&evidence, 1).is_err());
        }
    }
}
