//! A proof of possession is good for one key, one operator, one registry, one chain.

mod support;

use quorate_bls::{
    Domain, PublicKey, Registration, aggregate, aggregate_keys, subtract_keys, verify,
    verify_possession,
};
use support::{negated, secret, sum};

fn registration() -> Registration {
    Registration {
        l1_chain: 31_337,
        service_manager: [0xaa; 20],
        operator: [0xbb; 20],
    }
}

#[test]
fn an_honest_proof_is_accepted() {
    let secret = secret(1);
    let proof = registration().prove(&secret);
    assert!(verify_possession(
        &registration(),
        &secret.public_key(),
        &proof
    ));
}

#[test]
fn a_proof_copied_by_another_operator_is_refused() {
    let secret = secret(1);
    let proof = registration().prove(&secret);
    let thief = Registration {
        operator: [0xcc; 20],
        ..registration()
    };
    assert!(!verify_possession(&thief, &secret.public_key(), &proof));
}

#[test]
fn a_proof_is_refused_at_another_registry_and_on_another_chain() {
    let secret = secret(1);
    let proof = registration().prove(&secret);
    let elsewhere = Registration {
        service_manager: [0xcc; 20],
        ..registration()
    };
    let other_chain = Registration {
        l1_chain: 1,
        ..registration()
    };
    assert!(!verify_possession(&elsewhere, &secret.public_key(), &proof));
    assert!(!verify_possession(
        &other_chain,
        &secret.public_key(),
        &proof
    ));
}

#[test]
fn a_vote_over_the_same_bytes_is_no_proof() {
    let secret = secret(1);
    let message = registration().message(&secret.public_key());
    let vote = secret.sign(Domain::Vote, &message);
    assert!(!verify_possession(
        &registration(),
        &secret.public_key(),
        &vote
    ));
}

/// The attack that proofs are for: with `rogue = attacker - victim` the attacker alone signs for
/// both. The aggregate verifies; what stops it is that nobody knows the rogue key's secret.
#[test]
fn a_rogue_key_has_no_proof() {
    let (victim, attacker) = (secret(1), secret(2));
    let rogue = rogue_key(&victim.public_key(), &attacker.public_key());
    let both = aggregate_keys(&[victim.public_key(), rogue]).unwrap();
    let forged = attacker.sign(Domain::Vote, b"digest");
    assert!(verify(Domain::Vote, &both, b"digest", &forged));

    let message = registration().message(&rogue);
    for signer in [&attacker, &victim] {
        let proof = signer.sign(Domain::Possession, &message);
        assert!(!verify_possession(&registration(), &rogue, &proof));
    }
    let sum = aggregate(&[
        attacker.sign(Domain::Possession, &message),
        attacker.sign(
            Domain::Possession,
            &registration().message(&attacker.public_key()),
        ),
    ]);
    assert!(!verify_possession(&registration(), &rogue, &sum.unwrap()));
}

fn rogue_key(victim: &PublicKey, attacker: &PublicKey) -> PublicKey {
    subtract_keys(attacker, &[*victim]).unwrap()
}

#[test]
fn a_key_and_its_negative_have_no_sum() {
    let (secret, negative) = (secret(1), negated(&secret(1)));
    let keys = [secret.public_key(), negative.public_key()];
    assert_ne!(keys[0], keys[1]);
    assert_eq!(aggregate_keys(&keys), None);
    let signatures = [
        secret.sign(Domain::Vote, b"m"),
        negative.sign(Domain::Vote, b"m"),
    ];
    assert_eq!(aggregate(&signatures), None);
}

#[test]
fn nothing_has_no_sum() {
    assert_eq!(aggregate_keys(&[]), None);
    assert_eq!(aggregate(&[]), None);
}

#[test]
fn a_key_listed_twice_counts_twice() {
    let secret = secret(1);
    let twice = aggregate_keys(&[secret.public_key(); 2]).unwrap();
    assert_eq!(twice, sum(&secret, &secret).public_key());
}

#[test]
fn subtracting_the_absent_leaves_the_sum_of_the_present() {
    let keys: Vec<_> = (0..20).map(|index| secret(index).public_key()).collect();
    let total = aggregate_keys(&keys).unwrap();
    for absent in [0, 1, 7, 19] {
        let expected = aggregate_keys(&keys[absent..]);
        assert_eq!(
            subtract_keys(&total, &keys[..absent]),
            expected,
            "{absent} absent"
        );
    }
    assert_eq!(subtract_keys(&total, &keys), None);
}
