//! Headers: bytes, digests, and what two of them have in common.

mod support;

use proptest::prelude::*;
use quorate_canon::{Address, ChainId, CodecError, Digest, FixedWidth, Round};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, ProtocolError, require_domain, seed};
use support::{diverging, domain, forked, header};

/// Changes each field of a header in turn.
fn changes() -> Vec<(&'static str, Header)> {
    let header = header(5);
    let in_domain = |domain| Header { domain, ..header };
    let domain = header.domain;
    vec![
        (
            "L1 chain",
            in_domain(Domain {
                l1_chain: ChainId::new(1),
                ..domain
            }),
        ),
        (
            "L2 chain",
            in_domain(Domain {
                l2_chain: ChainId::new(1),
                ..domain
            }),
        ),
        (
            "Rounds",
            in_domain(Domain {
                rounds: Address::ZERO,
                ..domain
            }),
        ),
        (
            "AVS",
            in_domain(Domain {
                avs: Address::ZERO,
                ..domain
            }),
        ),
        (
            "operator set",
            in_domain(Domain {
                operator_set: 1,
                ..domain
            }),
        ),
        (
            "round",
            Header {
                round: Round::new(6),
                ..header
            },
        ),
        (
            "snapshot number",
            Header {
                snapshot_number: 1,
                ..header
            },
        ),
        (
            "snapshot hash",
            Header {
                snapshot_hash: Digest::ZERO,
                ..header
            },
        ),
        (
            "policy hash",
            Header {
                policy_hash: Digest::ZERO,
                ..header
            },
        ),
        (
            "inputs root",
            Header {
                inputs_root: Digest::ZERO,
                ..header
            },
        ),
        (
            "seed",
            Header {
                seed: Seed([0; 32]),
                ..header
            },
        ),
        (
            "outcome root",
            Header {
                outcome_root: Digest::ZERO,
                ..header
            },
        ),
    ]
}

#[test]
fn a_header_is_272_bytes_and_reads_back() {
    let header = header(5);
    assert_eq!(header.to_bytes().len(), 272);
    assert_eq!(Header::from_bytes(&header.to_bytes()), Ok(header));
}

/// The offsets of docs/formats.md, section 9.
#[test]
fn fields_stand_at_their_offsets() {
    let bytes = header(5).to_bytes();
    assert_eq!(&bytes[..18], b"quorate/header/v1\0");
    assert_eq!(bytes[32..36], [0, 0, 0, 1]);
    assert_eq!(bytes[36..44], 31_337u64.to_be_bytes());
    assert_eq!(bytes[44..52], 42_161u64.to_be_bytes());
    assert_eq!((bytes[52], bytes[72]), (0x11, 0x22));
    assert_eq!(bytes[92..96], [0, 0, 0, 7]);
    assert_eq!(bytes[96..104], 5u64.to_be_bytes());
    assert_eq!(bytes[104..112], 1_005u64.to_be_bytes());
    let roots = [112, 144, 176, 208, 240].map(|at| bytes[at]);
    assert_eq!(roots, [0x33, 0x44, 0x55, 0x66, 0x77]);
}

#[test]
fn every_field_changes_the_digest() {
    let digest = header(5).digest();
    for (field, changed) in changes() {
        assert_ne!(changed.digest(), digest, "{field}");
    }
}

#[test]
fn the_same_round_is_the_first_104_bytes() {
    let header = header(5);
    for (field, changed) in changes() {
        let expected = header.to_bytes()[..104] == changed.to_bytes()[..104];
        assert_eq!(header.same_round(&changed), expected, "{field}");
    }
    assert!(header.same_round(&forked(5)) && !header.same_round(&support::header(6)));
}

#[test]
fn the_same_inputs_are_the_first_240_bytes() {
    let header = header(5);
    for (field, changed) in changes() {
        let expected = header.to_bytes()[..240] == changed.to_bytes()[..240];
        assert_eq!(header.same_inputs(&changed), expected, "{field}");
    }
    assert!(header.same_inputs(&diverging(5)) && !header.same_inputs(&forked(5)));
}

#[test]
fn another_tag_or_version_is_refused() {
    let mut bytes = header(5).to_bytes();
    bytes[0] ^= 1;
    let refused = Header::from_bytes(&bytes);
    assert!(matches!(
        refused,
        Err(CodecError::Range { field: "tag", .. })
    ));
    let mut bytes = header(5).to_bytes();
    bytes[35] = 2;
    let expected = CodecError::Range {
        field: "protocol version",
        got: 2,
        expected: "1",
    };
    assert_eq!(Header::from_bytes(&bytes), Err(expected));
}

#[test]
fn a_header_of_another_network_is_named_by_its_part() {
    assert_eq!(require_domain(&domain(), &domain()), Ok(()));
    for (field, changed) in changes() {
        let refused = require_domain(&changed.domain, &domain());
        if changed.domain == domain() {
            assert_eq!(refused, Ok(()));
        } else {
            assert!(
                matches!(refused, Err(ProtocolError::Domain { field: named, .. }) if named == field)
            );
        }
    }
}

#[test]
fn every_part_of_a_seed_changes_it() {
    let chain = Digest([0xbe; 32]);
    let base = seed(&domain(), Round::new(5), &chain, 9, &[1; 48]);
    let other_chain = Domain {
        l2_chain: ChainId::new(1),
        ..domain()
    };
    let others = [
        seed(&other_chain, Round::new(5), &chain, 9, &[1; 48]),
        seed(&domain(), Round::new(6), &chain, 9, &[1; 48]),
        seed(&domain(), Round::new(5), &Digest::ZERO, 9, &[1; 48]),
        seed(&domain(), Round::new(5), &chain, 10, &[1; 48]),
        seed(&domain(), Round::new(5), &chain, 9, &[2; 48]),
    ];
    assert!(others.iter().all(|other| *other != base));
}

/// Nothing that anybody chooses goes in: two operator sets share a seed.
#[test]
fn the_operator_set_does_not_change_a_seed() {
    let other = Domain {
        operator_set: 8,
        avs: Address::ZERO,
        ..domain()
    };
    let chain = Digest([0xbe; 32]);
    let seeds = [domain(), other].map(|domain| seed(&domain, Round::new(5), &chain, 9, &[1; 48]));
    assert_eq!(seeds[0], seeds[1]);
}

proptest! {
    #[test]
    fn any_header_reads_back(bytes in proptest::collection::vec(any::<u8>(), 236)) {
        let mut whole = header(0).to_bytes();
        whole[36..].copy_from_slice(&bytes);
        let header = Header::from_bytes(&whole).unwrap();
        prop_assert_eq!(header.to_bytes(), whole);
    }
}
