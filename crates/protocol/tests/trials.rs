//! Signers of a judged header and wrong seeds: what convicts, and what does not.

mod support;

use proptest::prelude::*;
use quorate_bls::{Domain as Purpose, PublicKey, SecretKey, aggregate};
use quorate_canon::{ChainId, Digest, OperatorIndex, Round, hash::sha256};
use quorate_matching::Seed;
use quorate_protocol::{
    CertificateBuilder, Domain, Header, NoFault, Offence, Signers, UnverifiedCertificate, Verdict,
    Word, WrongSeed, seed,
};
use support::{domain, header, key, schedule, secret, table, verified};

const OPERATORS: u32 = 20;

fn keys() -> Vec<PublicKey> {
    (0..OPERATORS).map(key).collect()
}

fn signers(header: Header, operators: &[u32], bitmap: &[u8]) -> Signers {
    let digest = header.digest().get();
    let signatures: Vec<_> = operators
        .iter()
        .map(|operator| secret(*operator).sign(Purpose::Vote, &digest))
        .collect();
    Signers {
        header,
        bitmap: bitmap.to_vec(),
        aggregate: aggregate(&signatures).unwrap(),
    }
}

fn verify(signers: &Signers) -> Result<(), NoFault> {
    let keys = keys();
    let key_of = |operator: OperatorIndex| keys.get(usize::try_from(operator.get()).unwrap());
    signers.verify(&domain(), key_of)
}

#[test]
fn a_bitmap_names_its_signers() {
    let signers = signers(header(5), &[0, 9, 17], &[0b1, 0b10, 0b10, 0]);
    let named: Vec<u32> = signers.operators().map(OperatorIndex::get).collect();
    assert_eq!(named, [0, 9, 17]);
    assert_eq!(verify(&signers), Ok(()));
}

#[test]
fn a_certificate_is_such_evidence_byte_by_byte() {
    let table = table(&[10; 4]);
    let mut builder = CertificateBuilder::new(header(5), &table);
    for operator in 0..3 {
        builder
            .add(&verified(&header(5), operator, &table))
            .unwrap();
    }
    let bytes = builder.build().unwrap().to_bytes();
    let signers = Signers::from_bytes(&bytes).unwrap();
    assert_eq!(verify(&signers), Ok(()));
    assert_eq!(signers.to_bytes(), bytes);
    assert!(UnverifiedCertificate::from_bytes(&signers.to_bytes()).is_ok());
}

#[test]
fn one_signer_more_or_less_is_refused() {
    let bad = Err(NoFault::BadSignature(header(5).digest()));
    assert_eq!(verify(&signers(header(5), &[0, 1], &[0b111])), bad);
    assert_eq!(verify(&signers(header(5), &[0, 1, 2], &[0b11])), bad);
    assert_eq!(verify(&signers(header(5), &[0, 1], &[])), bad);
    assert_eq!(verify(&signers(header(5), &[0, 1], &[0, 0])), bad);
}

#[test]
fn signers_whom_nobody_knows_are_refused() {
    let mut bitmap = vec![0b11, 0, 0, 0];
    bitmap[3] = 0x80;
    let bad = Err(NoFault::BadSignature(header(5).digest()));
    assert_eq!(verify(&signers(header(5), &[0, 1], &bitmap)), bad);
}

#[test]
fn headers_of_another_network_convict_nobody() {
    let elsewhere = Header {
        domain: Domain {
            l2_chain: ChainId::new(1),
            ..domain()
        },
        ..header(5)
    };
    let evidence = signers(elsewhere, &[0], &[1]);
    assert_eq!(verify(&evidence), Err(NoFault::OtherNetwork));
    let evidence = WrongSeed {
        header: elsewhere,
        beacon_signature: [0; 48],
    };
    assert_eq!(judge(&evidence), Err(NoFault::OtherNetwork));
}

// --- the seed ---

fn beacon() -> SecretKey {
    secret(1_000)
}

fn beacon_signature(round: u64) -> [u8; 48] {
    let beacon_round = schedule().beacon_round(Round::new(round)).unwrap();
    let message = sha256(&[&beacon_round.to_be_bytes()]);
    let signature = beacon().sign(Purpose::DrandNul, &message.0);
    signature.to_compressed48()
}

fn seed_of(round: u64, signature: &[u8; 48]) -> Seed {
    let (schedule, n) = (schedule(), Round::new(round));
    let beacon_round = schedule.beacon_round(n).unwrap();
    seed(
        &domain(),
        n,
        &schedule.beacon_chain_hash,
        beacon_round,
        signature,
    )
}

fn seeded(round: u64, seed: Seed) -> Header {
    Header {
        seed,
        ..header(round)
    }
}

fn judge(evidence: &WrongSeed) -> Result<(), NoFault> {
    evidence.judge(&domain(), &schedule(), &beacon().public_key())
}

fn judge_seed(header: Header, beacon_signature: [u8; 48]) -> Result<(), NoFault> {
    judge(&WrongSeed {
        header,
        beacon_signature,
    })
}

#[test]
fn the_beacons_signature_refutes_another_seed() {
    let chosen = seeded(5, Seed([9; 32]));
    assert_eq!(judge_seed(chosen, beacon_signature(5)), Ok(()));
}

#[test]
fn a_seed_from_another_rounds_beacon_is_refuted() {
    let other = beacon_signature(6);
    assert_ne!(other, beacon_signature(5));
    assert_eq!(judge_seed(seeded(5, seed_of(5, &other)), other), Ok(()));
}

#[test]
fn the_right_seed_is_no_fault() {
    let right = seeded(5, seed_of(5, &beacon_signature(5)));
    for signature in [beacon_signature(5), beacon_signature(6), [0; 48]] {
        assert_eq!(judge_seed(right, signature), Err(NoFault::RightSeed));
    }
}

#[test]
fn rounds_beyond_all_time_are_no_fault() {
    let far = Header {
        round: Round::new(u64::MAX),
        ..seeded(5, Seed([9; 32]))
    };
    assert_eq!(judge_seed(far, [0; 48]), Err(NoFault::RightSeed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Total: any 48 bytes refute the seed that they give, and no other.
    #[test]
    fn any_bytes_refute_only_the_seed_that_they_give(bytes in any::<[u8; 24]>(), flags in any::<u8>()) {
        let mut signature = [0; 48];
        signature[..24].copy_from_slice(&bytes);
        signature[24..].copy_from_slice(&bytes);
        signature[0] = flags;
        prop_assert_eq!(judge_seed(seeded(5, seed_of(5, &signature)), signature), Ok(()));
        let right = seeded(5, seed_of(5, &beacon_signature(5)));
        prop_assert_eq!(judge_seed(right, signature), Err(NoFault::RightSeed));
        let chosen = seeded(5, Seed([9; 32]));
        prop_assert_eq!(judge_seed(chosen, signature), Err(NoFault::RightSeed));
    }

    #[test]
    fn signers_of_any_bytes_never_panic_nor_convict(
        bytes in proptest::collection::vec(any::<u8>(), 0..500),
        flip in 0usize..((272 + 2 + 1 + 96) * 8),
    ) {
        prop_assert!(Signers::from_bytes(&bytes).is_err());
        let mut changed = signers(header(5), &[0, 2], &[0b101]).to_bytes();
        changed[flip / 8] ^= 1 << (flip % 8);
        if let Ok(evidence) = Signers::from_bytes(&changed) {
            prop_assert!(verify(&evidence).is_err());
        }
    }
}

// --- L2's word ---

#[test]
fn a_word_convicts_signers_of_the_header_it_names() {
    let digest = header(5).digest();
    let word = |verdict| Word {
        round: Round::new(5),
        digest,
        verdict,
    };
    let convicts = |verdict| word(verdict).convicts(Round::new(5), digest);
    assert_eq!(convicts(Verdict::Stands), None);
    assert_eq!(convicts(Verdict::WrongOutcome), Some(Offence::WrongOutcome));
    assert_eq!(convicts(Verdict::WrongSeed), Some(Offence::WrongSeed));
    let word = word(Verdict::WrongOutcome);
    assert_eq!(word.convicts(Round::new(6), digest), None);
    assert_eq!(word.convicts(Round::new(5), Digest([1; 32])), None);
}

#[test]
fn graver_offences_cost_more() {
    let order = [
        Offence::Divergence,
        Offence::WrongOutcome,
        Offence::WrongSeed,
        Offence::Equivocation,
    ];
    assert!(
        order
            .windows(2)
            .all(|pair| pair[0].percent() < pair[1].percent())
    );
}
