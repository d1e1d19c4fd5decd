//! The shared vectors: cases for every verifier of signatures, this one and the contracts'.
//!
//! Every group is a set of flat arrays of equal length, so that Foundry's JSON parser reads them.
//! Where a case speaks of several keys they are joined into one string.

use quorate_bls::{
    Domain, PublicKey, Registration, SecretKey, Signature, aggregate, aggregate_keys, hash_to_g1,
    subtract_keys,
};
use serde_json::{Map, Value, json};

use super::{g1_outside_subgroup, g2_outside_subgroup, negated, negative, secret, unreduced};

/// The whole document, as it lies in `tests/vectors/bls.json`.
pub fn document() -> String {
    let document = json!({
        "about": "BLS12-381, signatures in G1, keys in G2; docs/formats.md section 9. Written by `cargo run -p quorate-bls --example vectors`.",
        "hash": hash_cases(),
        "key": key_cases(),
        "signature": signature_cases(),
        "verify": verify_cases(),
        "possession": possession_cases(),
        "aggregate": aggregate_cases(),
    });
    format!("{document:#}\n")
}

/// Rows of named columns, turned into columns.
#[derive(Default)]
struct Table(Map<String, Value>);

impl Table {
    fn row(&mut self, cells: &[(&str, Value)]) {
        for (column, cell) in cells {
            let column = self.0.entry(*column).or_insert_with(|| json!([]));
            column.as_array_mut().unwrap().push(cell.clone());
        }
    }
}

fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn digest(index: u8) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest([index]).into()
}

/// Pads 48-byte elements to 64, whatever stands in them.
fn pad(narrow: &[u8]) -> Vec<u8> {
    narrow
        .chunks(48)
        .flat_map(|element| [&[0; 16][..], element].concat())
        .collect()
}

fn hash_cases() -> Value {
    let rfc = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
    let domains = [Domain::Vote, Domain::Possession, Domain::DrandNul].map(Domain::tag);
    let mut table = Table::default();
    for tag in domains.into_iter().chain([&rfc[..]]) {
        let messages = [
            vec![],
            b"abc".to_vec(),
            digest(0).to_vec(),
            digest(1).to_vec(),
            vec![7; 300],
        ];
        for message in messages {
            let point = hash_to_g1(&message, tag);
            table.row(&[
                ("dst", bytes(tag)),
                ("message", bytes(&message)),
                ("point", bytes(point)),
            ]);
        }
    }
    table.0.into()
}

/// Encodings of keys, each beside whether it is one.
fn key_cases() -> Value {
    let good = secret(1).public_key();
    let mut table = Table::default();
    let mut row = |name: &str, encoding: &[u8], valid: bool| {
        assert_eq!(
            PublicKey::from_eip2537(encoding.try_into().unwrap()).is_ok(),
            valid,
            "{name}"
        );
        table.row(&[
            ("name", name.into()),
            ("bytes", bytes(encoding)),
            ("valid", valid.into()),
        ]);
    };
    row("good", &good.to_eip2537(), true);
    row(
        "negated",
        &negated(&secret(1)).public_key().to_eip2537(),
        true,
    );
    row("infinity", &[0; 256], false);
    row("not reduced", &pad(&unreduced(&good.to_bytes192())), false);
    row("outside the subgroup", &pad(&g2_outside_subgroup()), false);
    row("padding not zero", &changed(&good.to_eip2537(), 0), false);
    row("off the curve", &changed(&good.to_eip2537(), 255), false);
    let mut exchanged = good.to_eip2537();
    exchanged[..128].rotate_left(64);
    exchanged[128..].rotate_left(64);
    row("c1 before c0", &exchanged, false);
    table.0.into()
}

/// Encodings of signatures, each beside whether it is one.
fn signature_cases() -> Value {
    let good = secret(1).sign(Domain::Vote, &digest(0));
    let mut table = Table::default();
    let mut row = |name: &str, encoding: &[u8], valid: bool| {
        assert_eq!(
            Signature::from_eip2537(encoding.try_into().unwrap()).is_ok(),
            valid,
            "{name}"
        );
        table.row(&[
            ("name", name.into()),
            ("bytes", bytes(encoding)),
            ("valid", valid.into()),
        ]);
    };
    row("good", &good.to_eip2537(), true);
    row("negated", &negative(&good).to_eip2537(), true);
    row("infinity", &[0; 128], false);
    row("not reduced", &pad(&unreduced(&good.to_bytes96())), false);
    row("outside the subgroup", &pad(&g1_outside_subgroup()), false);
    row("padding not zero", &changed(&good.to_eip2537(), 15), false);
    row("off the curve", &changed(&good.to_eip2537(), 127), false);
    table.0.into()
}

fn changed<const N: usize>(encoding: &[u8; N], at: usize) -> [u8; N] {
    let mut out = *encoding;
    out[at] ^= 1;
    out
}

/// Votes over digests, right and wrong ones.
fn verify_cases() -> Value {
    let mut table = Table::default();
    let mut row = |name: &str, message: &[u8], key: &[u8], signature: &[u8], valid: bool| {
        let parsed = PublicKey::from_eip2537(key.try_into().unwrap())
            .and_then(|key| Ok((key, Signature::from_eip2537(signature.try_into().unwrap())?)));
        let got = parsed.is_ok_and(|(key, signature)| {
            quorate_bls::verify(Domain::Vote, &key, message, &signature)
        });
        assert_eq!(got, valid, "{name}");
        table.row(&[
            ("name", name.into()),
            ("message", bytes(message)),
            ("key", bytes(key)),
            ("signature", bytes(signature)),
            ("valid", valid.into()),
        ]);
    };
    for index in 0..4 {
        let signature = secret(index).sign(Domain::Vote, &digest(0)).to_eip2537();
        row("good", &digest(0), &key(index), &signature, true);
    }
    let good = secret(1).sign(Domain::Vote, &digest(0));
    row(
        "another message",
        &digest(1),
        &key(1),
        &good.to_eip2537(),
        false,
    );
    row(
        "another key",
        &digest(0),
        &key(2),
        &good.to_eip2537(),
        false,
    );
    row(
        "negated",
        &digest(0),
        &key(1),
        &negative(&good).to_eip2537(),
        false,
    );
    let possession = secret(1).sign(Domain::Possession, &digest(0));
    row(
        "another domain",
        &digest(0),
        &key(1),
        &possession.to_eip2537(),
        false,
    );
    row(
        "infinity for the signature",
        &digest(0),
        &key(1),
        &[0; 128],
        false,
    );
    row(
        "infinity for the key",
        &digest(0),
        &[0; 256],
        &good.to_eip2537(),
        false,
    );
    row("infinity for both", &digest(0), &[0; 256], &[0; 128], false);
    row(
        "signature outside the subgroup",
        &digest(0),
        &key(1),
        &pad(&g1_outside_subgroup()),
        false,
    );
    row(
        "key outside the subgroup",
        &digest(0),
        &pad(&g2_outside_subgroup()),
        &good.to_eip2537(),
        false,
    );
    row(
        "signature not reduced",
        &digest(0),
        &key(1),
        &pad(&unreduced(&good.to_bytes96())),
        false,
    );
    table.0.into()
}

fn key(index: u32) -> [u8; 256] {
    secret(index).public_key().to_eip2537()
}

/// Proofs of possession, right and wrong ones.
fn possession_cases() -> Value {
    let place = Registration {
        l1_chain: 31_337,
        service_manager: [0xaa; 20],
        operator: [0xbb; 20],
    };
    let (victim, attacker) = (secret(1), secret(2));
    let own = victim.public_key();
    let rogue = subtract_keys(&attacker.public_key(), &[own]).unwrap();
    let honest = place.prove(&victim);
    let mut table = Table::default();
    let mut row =
        |name: &str, place: Registration, key: &PublicKey, proof: &Signature, valid: bool| {
            assert_eq!(
                quorate_bls::verify_possession(&place, key, proof),
                valid,
                "{name}"
            );
            table.row(&[
                ("name", name.into()),
                ("l1Chain", place.l1_chain.into()),
                ("serviceManager", bytes(place.service_manager)),
                ("operator", bytes(place.operator)),
                ("key", bytes(key.to_eip2537())),
                ("key192", bytes(key.to_bytes192())),
                ("message", bytes(place.message(key))),
                ("proof", bytes(proof.to_eip2537())),
                ("valid", valid.into()),
            ]);
        };
    row("honest", place, &own, &honest, true);
    row(
        "copied by another operator",
        Registration {
            operator: [0xcc; 20],
            ..place
        },
        &own,
        &honest,
        false,
    );
    row(
        "for another registry",
        Registration {
            service_manager: [0xcc; 20],
            ..place
        },
        &own,
        &honest,
        false,
    );
    row(
        "for another chain",
        Registration {
            l1_chain: 1,
            ..place
        },
        &own,
        &honest,
        false,
    );
    row(
        "another key's",
        place,
        &attacker.public_key(),
        &honest,
        false,
    );
    let vote = victim.sign(Domain::Vote, &place.message(&own));
    row("a vote over the same message", place, &own, &vote, false);
    let rogue_proof = attacker.sign(Domain::Possession, &place.message(&rogue));
    row(
        "a rogue key, signed by the attacker",
        place,
        &rogue,
        &rogue_proof,
        false,
    );
    row(
        "a rogue key, with the victim's proof",
        place,
        &rogue,
        &honest,
        false,
    );
    table.0.into()
}

/// Aggregates of one digest. `keys` and `signers` are of the whole table; bit i mod 8 of byte
/// i div 8 is key i.
fn aggregate_cases() -> Value {
    let count = 20;
    let keys: Vec<_> = (0..count).map(|index| secret(index).public_key()).collect();
    let total = aggregate_keys(&keys).unwrap();
    let everyone: Vec<u32> = (0..count).collect();
    let mut table = Table::default();
    let mut row = |name: &str, signers: &[u32], aggregate: &[u8], valid: bool| {
        let signing: Vec<_> = signers.iter().map(|index| keys[*index as usize]).collect();
        let parsed = Signature::from_eip2537(aggregate.try_into().unwrap());
        let got = aggregate_keys(&signing)
            .zip(parsed.ok())
            .is_some_and(|(key, signature)| {
                quorate_bls::verify(Domain::Vote, &key, &digest(0), &signature)
            });
        assert_eq!(got, valid, "{name}");
        table.row(&[
            ("name", name.into()),
            ("digest", bytes(digest(0))),
            (
                "keys",
                bytes(
                    keys.iter()
                        .flat_map(PublicKey::to_bytes192)
                        .collect::<Vec<_>>(),
                ),
            ),
            ("total", bytes(total.to_bytes192())),
            ("bitmap", bytes(bitmap(signers, keys.len()))),
            ("aggregate", bytes(aggregate)),
            ("valid", valid.into()),
        ]);
    };
    row("all signed", &everyone, &sum(&everyone), true);
    row("one absent", &everyone[1..], &sum(&everyone[1..]), true);
    row(
        "every second",
        &[0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
        &sum(&[0, 2, 4, 6, 8, 10, 12, 14, 16, 18]),
        true,
    );
    row("one alone", &[19], &sum(&[19]), true);
    row(
        "a signer too many in the bitmap",
        &everyone,
        &sum(&everyone[1..]),
        false,
    );
    row(
        "a signer too few in the bitmap",
        &everyone[1..],
        &sum(&everyone),
        false,
    );
    row(
        "a signer counted twice in the sum",
        &everyone,
        &sum(&[&everyone[..], &[3]].concat()),
        false,
    );
    row("one forged", &everyone, &forged(&everyone), false);
    row("infinity", &everyone, &[0; 128], false);
    row("nobody", &[], &[0; 128], false);
    table.0.into()
}

fn sign(index: &u32) -> Signature {
    secret(*index).sign(Domain::Vote, &digest(0))
}

fn sum(signers: &[u32]) -> [u8; 128] {
    aggregate(&signers.iter().map(sign).collect::<Vec<_>>())
        .unwrap()
        .to_eip2537()
}

fn forged(signers: &[u32]) -> [u8; 128] {
    let mut signatures: Vec<_> = signers.iter().map(sign).collect();
    let forger: SecretKey = secret(999);
    signatures[5] = forger.sign(Domain::Vote, &digest(0));
    aggregate(&signatures).unwrap().to_eip2537()
}

fn bitmap(signers: &[u32], count: usize) -> Vec<u8> {
    let mut out = vec![0; count.div_ceil(8)];
    for index in signers {
        out[*index as usize / 8] |= 1 << (index % 8);
    }
    out
}
