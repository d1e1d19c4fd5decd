//! The vectors of judged headers: who signed them, and wrong seeds.

use quorate_bls::{Domain as Purpose, PublicKey, aggregate};
use quorate_canon::{ChainId, FixedWidth, OperatorIndex, Round, hash::sha256};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, Schedule, Signers, WrongSeed, seed};
use serde_json::Value;

use super::vectors::{Table, bytes, number, schedule_cells, schedules};
use super::{diverging, domain, header, key, secret};

/// Operators whose keys stand in the vectors.
const OPERATORS: u32 = 12;

pub fn signers_cases() -> Value {
    let keys: Vec<PublicKey> = (0..OPERATORS).map(key).collect();
    let joined: Vec<u8> = keys.iter().flat_map(PublicKey::to_bytes192).collect();
    let mut table = Table::default();
    let mut row = |name: &str, header: Header, by: &[u32], bitmap: &[u8], fault: bool| {
        let digest = header.digest().get();
        let signatures: Vec<_> = by
            .iter()
            .map(|operator| secret(*operator).sign(Purpose::Vote, &digest))
            .collect();
        let signers = Signers {
            header,
            bitmap: bitmap.to_vec(),
            aggregate: aggregate(&signatures).unwrap(),
        };
        let key_of = |operator: OperatorIndex| keys.get(usize::try_from(operator.get()).unwrap());
        let judged = signers.verify(&domain(), key_of);
        assert_eq!(judged.is_ok(), fault, "{name}: {judged:?}");
        table.row(&[
            ("name", name.into()),
            ("keys", bytes(&joined)),
            ("bytes", bytes(signers.to_bytes())),
            ("header", bytes(header.to_bytes())),
            ("digest", bytes(header.digest())),
            ("bitmap", bytes(bitmap)),
            ("aggregate", bytes(signers.aggregate.to_eip2537())),
            ("fault", fault.into()),
        ]);
    };
    let elsewhere = Header {
        domain: Domain {
            l2_chain: ChainId::new(1),
            ..domain()
        },
        ..header(5)
    };
    row("one", header(5), &[3], &[0b1000], true);
    row(
        "three over two bytes",
        diverging(5),
        &[0, 7, 11],
        &[0x81, 0x08],
        true,
    );
    row("zero bytes behind", header(5), &[1, 2], &[0b110, 0], true);
    row("one more", header(5), &[1, 2], &[0b111], false);
    row("one less", header(5), &[0, 1, 2], &[0b110], false);
    row("nobody", header(5), &[1], &[0], false);
    row("a bit of nobody", header(5), &[1], &[0b10, 0x10], false);
    row("another network", elsewhere, &[1], &[0b10], false);
    table.0.into()
}

pub fn wrong_seed_cases() -> Value {
    let mut table = Table::default();
    for schedule in schedules() {
        for n in [0, 5, 40_000_000] {
            for (name, header, signature, fault) in seeds_of(&schedule, n) {
                let evidence = WrongSeed {
                    header,
                    beacon_signature: signature,
                };
                let judged = evidence.judge(&domain(), &schedule, &beacon_key());
                assert_eq!(judged.is_ok(), fault, "{name}: {judged:?}");
                let mut cells = schedule_cells(&schedule);
                cells.extend([
                    ("name", name.into()),
                    ("chainHash", bytes(schedule.beacon_chain_hash)),
                    ("key", bytes(beacon_key().to_bytes192())),
                    ("header", bytes(header.to_bytes())),
                    ("n", number(n)),
                    ("signature", bytes(signature)),
                    ("fault", fault.into()),
                ]);
                table.row(&cells);
            }
        }
    }
    table.0.into()
}

fn beacon_key() -> PublicKey {
    secret(1_000).public_key()
}

/// Headers of a round with right and wrong seeds, and the bytes that are brought against them.
fn seeds_of(schedule: &Schedule, n: u64) -> Vec<(&'static str, Header, [u8; 48], bool)> {
    let round = Round::new(n);
    let beacon_round = schedule.beacon_round(round).unwrap();
    let sign = |beacon_round: u64| {
        let message = sha256(&[&beacon_round.to_be_bytes()]);
        let signature = secret(1_000).sign(Purpose::DrandNul, &message.0);
        signature.to_compressed48()
    };
    let header_with = |seed: Seed| Header { seed, ..header(n) };
    let chain = &schedule.beacon_chain_hash;
    let by = |bytes: &[u8; 48]| header_with(seed(&domain(), round, chain, beacon_round, bytes));
    let (real, next, noise) = (sign(beacon_round), sign(beacon_round + 1), [0x5a; 48]);
    let chosen = header_with(Seed([9; 32]));
    vec![
        ("the right seed", by(&real), real, false),
        ("the right seed, another beacon", by(&real), next, false),
        ("the right seed, noise", by(&real), noise, false),
        ("a chosen seed", chosen, real, true),
        ("a chosen seed, noise", chosen, noise, false),
        ("the next beacon's seed", by(&next), next, true),
        ("the seed of noise", by(&noise), noise, true),
    ]
}
