//! The shared vectors: bytes and answers that the contracts have to repeat.
//!
//! Every group is a set of flat arrays of equal length, so that Foundry's JSON parser reads them.
//! Numbers that may exceed 53 bits are decimal strings.

use quorate_bls::{Domain as Purpose, PublicKey, Signature};
use quorate_canon::{Digest, FixedWidth, Round, Timestamp};
use quorate_protocol::{
    Certificate, Divergence, Equivocation, Evidence, Header, Schedule, Verdict, Word, offence_id,
    quorum_reached, seed,
};
use serde_json::{Map, Value, json};

use super::trial_vectors::{signers_cases, wrong_seed_cases};
use super::{diverging, domain, forked, header, index, key, schedule, secret, table, vote};

/// The whole document, as it lies in `tests/vectors/protocol.json`.
pub fn document() -> String {
    let document = json!({
        "about": "Headers, seeds, schedules, quorums, tables, certificates, evidence; docs/formats.md sections 8 to 12. Written by `cargo run -p quorate-protocol --example vectors`.",
        "header": header_cases(),
        "seed": seed_cases(),
        "schedule": schedule_cases(),
        "live": live_cases(),
        "quorum": quorum_cases(),
        "commitment": commitment_cases(),
        "certificate": certificate_cases(),
        "evidence": evidence_cases(),
        "signers": signers_cases(),
        "wrongSeed": wrong_seed_cases(),
        "offence": offence_cases(),
        "word": word_cases(),
    });
    format!("{document:#}\n")
}

/// Rows of named cells, turned into columns.
#[derive(Default)]
pub struct Table(pub Map<String, Value>);

impl Table {
    pub fn row(&mut self, cells: &[(&str, Value)]) {
        for (column, cell) in cells {
            let column = self.0.entry(*column).or_insert_with(|| json!([]));
            column.as_array_mut().unwrap().push(cell.clone());
        }
    }
}

pub fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

pub fn number(number: impl ToString) -> Value {
    Value::String(number.to_string())
}

fn header_cases() -> Value {
    let mut table = Table::default();
    for header in [
        header(0),
        header(5),
        diverging(5),
        forked(5),
        header(u64::MAX - 1_000),
    ] {
        table.row(&[
            ("l1ChainId", number(header.domain.l1_chain)),
            ("l2ChainId", number(header.domain.l2_chain)),
            ("rounds", bytes(header.domain.rounds)),
            ("avs", bytes(header.domain.avs)),
            ("operatorSet", number(header.domain.operator_set)),
            ("n", number(header.round)),
            ("snapshotNumber", number(header.snapshot_number)),
            ("snapshotHash", bytes(header.snapshot_hash)),
            ("policyHash", bytes(header.policy_hash)),
            ("inputsRoot", bytes(header.inputs_root)),
            ("seed", bytes(header.seed.0)),
            ("outcomeRoot", bytes(header.outcome_root)),
            ("bytes", bytes(header.to_bytes())),
            ("digest", bytes(header.digest())),
        ]);
    }
    table.0.into()
}

fn seed_cases() -> Value {
    let (domain, chain) = (domain(), Digest([0xbe; 32]));
    let mut table = Table::default();
    for (n, beacon, fill) in [(0, 1, 0), (5, 9, 0x77), (u64::MAX, u64::MAX, 0xff)] {
        let signature = [fill; 48];
        table.row(&[
            ("l1ChainId", number(domain.l1_chain)),
            ("l2ChainId", number(domain.l2_chain)),
            ("rounds", bytes(domain.rounds)),
            ("n", number(n)),
            ("chainHash", bytes(chain)),
            ("beaconRound", number(beacon)),
            ("signature", bytes(signature)),
            (
                "seed",
                bytes(seed(&domain, Round::new(n), &chain, beacon, &signature).0),
            ),
        ]);
    }
    table.0.into()
}

pub fn schedules() -> [Schedule; 4] {
    let quicknet = schedule();
    let late_beacon = Schedule {
        beacon_genesis: Timestamp::new(1_700_000_101),
        ..quicknet
    };
    let devnet = Schedule {
        period: 3,
        settle_timeout: 20,
        delay: 4,
        stake_epoch: 600,
        health_epoch: 60,
        beacon_genesis: Timestamp::new(1_699_999_000),
        beacon_period: 1,
        ..quicknet
    };
    let even = Schedule {
        period: 5,
        settle_timeout: 35,
        delay: 9,
        ..quicknet
    };
    [quicknet, late_beacon, devnet, even]
}

pub fn schedule_cells(schedule: &Schedule) -> Vec<(&'static str, Value)> {
    vec![
        ("genesis", number(schedule.genesis)),
        ("period", number(schedule.period)),
        ("settleTimeout", number(schedule.settle_timeout)),
        ("delay", number(schedule.delay)),
        ("depth", number(schedule.depth)),
        ("stakeEpoch", number(schedule.stake_epoch)),
        ("healthEpoch", number(schedule.health_epoch)),
        ("beaconGenesis", number(schedule.beacon_genesis)),
        ("beaconPeriod", number(schedule.beacon_period)),
    ]
}

fn schedule_cases() -> Value {
    let mut table = Table::default();
    for schedule in schedules() {
        for n in [0, 1, 2, 7, 199, 200, 8_639, 8_640, 1_000_000] {
            let round = Round::new(n);
            let beacon = schedule.beacon_round(round).unwrap();
            let context = schedule.context(round).unwrap();
            let mut cells = schedule_cells(&schedule);
            cells.extend([
                ("n", number(n)),
                ("close", number(schedule.close(round).unwrap())),
                ("t", number(context.time)),
                ("deadline", number(schedule.deadline(round).unwrap())),
                ("epoch", number(schedule.epoch_of(round).unwrap())),
                ("healthEpochOfT", number(context.health_epoch)),
                ("beaconRound", number(beacon)),
                ("beaconTime", number(schedule.beacon_time(beacon).unwrap())),
            ]);
            table.row(&cells);
        }
    }
    table.0.into()
}

fn live_cases() -> Value {
    let mut table = Table::default();
    for schedule in schedules() {
        for end in [0, 1, 9, 10, 11, 34, 35, 36, 70] {
            let end = schedule.genesis.checked_add(end).unwrap();
            let first = schedule.live_after(end).unwrap();
            for n in 0..24 {
                table.row(&[
                    ("genesis", number(schedule.genesis)),
                    ("period", number(schedule.period)),
                    ("settleTimeout", number(schedule.settle_timeout)),
                    ("end", number(end)),
                    ("first", number(first)),
                    ("n", number(n)),
                    (
                        "live",
                        schedule.is_live(Round::new(n), first).unwrap().into(),
                    ),
                ]);
            }
        }
    }
    table.0.into()
}

fn quorum_cases() -> Value {
    let mut table = Table::default();
    let mut row = |signed: u128, total: u128| {
        table.row(&[
            ("signed", number(signed)),
            ("total", number(total)),
            ("reached", quorum_reached(signed, total).into()),
        ]);
    };
    for total in [1, 3, 100, 10_000, 100 << 90, u128::MAX] {
        let threshold = total / 100 * 67 + (total % 100 * 67).div_ceil(100);
        for signed in [
            0,
            threshold - 1,
            threshold,
            threshold.saturating_add(1),
            total,
        ] {
            row(signed, total);
        }
    }
    row(0, 0);
    row(1, 0);
    table.0.into()
}

fn commitment_cases() -> Value {
    let mut table_of = Table::default();
    for stakes in [&[1u128][..], &[5, 0, 7], &[u128::MAX / 200; 125]] {
        let table = table(stakes);
        let commitment = table.commitment();
        let keys: Vec<u8> = table.key_pages().flatten().collect();
        table_of.row(&[
            ("epoch", number(table.epoch())),
            ("count", number(table.count())),
            ("total", number(table.total())),
            ("aggregateKey", bytes(table.aggregate_key().to_bytes192())),
            ("stakes", bytes(table.stakes_page())),
            ("keys", bytes(keys)),
            ("bytes", bytes(commitment.to_bytes())),
        ]);
    }
    table_of.0.into()
}

fn certificate_cases() -> Value {
    let stakes = [40, 27, 33, 0, 1];
    let table = table(&stakes);
    let mut out = Table::default();
    for signers in [&[0u32, 1, 2, 4][..], &[0, 1, 4], &[0, 2]] {
        let votes: Vec<_> = signers
            .iter()
            .map(|signer| vote(&header(5), *signer))
            .collect();
        let certificate = Certificate::of_votes(&header(5), &votes, &table).unwrap();
        out.row(&[
            ("stakes", bytes(table.stakes_page())),
            (
                "keys",
                bytes(table.key_pages().flatten().collect::<Vec<_>>()),
            ),
            ("digest", bytes(certificate.digest())),
            ("bitmap", bytes(certificate.signers().to_bytes())),
            ("aggregate", bytes(certificate.aggregate().to_eip2537())),
            ("signed", number(certificate.signed_stake())),
            ("bytes", bytes(certificate.to_bytes())),
            ("firstVote", bytes(votes[0].to_bytes())),
        ]);
    }
    out.0.into()
}

fn sign(header: &Header, operator: u32) -> Signature {
    secret(operator).sign(Purpose::Vote, &header.digest().get())
}

fn evidence_cases() -> Value {
    let mut table = Table::default();
    let mut row = |name: &str, evidence: Evidence, accused: u32, fault: bool| {
        let judged = evidence.judge(&domain(), index(accused), &key(accused));
        assert_eq!(judged.is_ok(), fault, "{name}");
        let (a, signature_a, b, signature_b) = parts(&evidence);
        table.row(&[
            ("name", name.into()),
            ("kind", number(evidence.offence() as u8)),
            ("operator", number(accused)),
            ("key", bytes(PublicKey::to_eip2537(&key(accused)))),
            ("bytes", bytes(evidence.to_bytes())),
            ("headerA", bytes(a.to_bytes())),
            (
                "signatureA",
                signature_a.map_or(bytes([]), |it| bytes(it.to_eip2537())),
            ),
            ("headerB", bytes(b.to_bytes())),
            ("signatureB", bytes(signature_b.to_eip2537())),
            ("fault", fault.into()),
            (
                "offenceId",
                bytes(offence_id(index(accused), evidence.round())),
            ),
        ]);
    };
    let two = |a: Header, b: Header, by: u32| {
        let (signature_a, signature_b) = (sign(&a, by), sign(&b, by));
        Evidence::Equivocation(Equivocation {
            header_a: a,
            signature_a,
            header_b: b,
            signature_b,
        })
    };
    let other = |certified: Header, other: Header, by: u32| {
        Evidence::Divergence(Divergence {
            certified,
            other,
            signature: sign(&other, by),
        })
    };
    row("two outcomes", two(header(5), diverging(5), 2), 2, true);
    row("two snapshots", two(header(5), forked(5), 2), 2, true);
    row("one header twice", two(header(5), header(5), 2), 2, false);
    row("two rounds", two(header(5), header(6), 2), 2, false);
    row(
        "somebody else's signatures",
        two(header(5), diverging(5), 3),
        2,
        false,
    );
    row(
        "another outcome",
        other(header(5), diverging(5), 2),
        2,
        true,
    );
    row("another snapshot", other(header(5), forked(5), 2), 2, false);
    row(
        "the certified header",
        other(header(5), header(5), 2),
        2,
        false,
    );
    row("another round", other(header(5), diverging(6), 2), 2, false);
    row(
        "somebody else's signature",
        other(header(5), diverging(5), 3),
        2,
        false,
    );
    table.0.into()
}

fn parts(evidence: &Evidence) -> (Header, Option<Signature>, Header, Signature) {
    match evidence {
        Evidence::Equivocation(it) => (
            it.header_a,
            Some(it.signature_a),
            it.header_b,
            it.signature_b,
        ),
        Evidence::Divergence(it) => (it.certified, None, it.other, it.signature),
    }
}

fn offence_cases() -> Value {
    let mut table = Table::default();
    for (operator, n) in [(0, 0), (2, 5), (5, 2), (u32::MAX, u64::MAX)] {
        table.row(&[
            ("operator", number(operator)),
            ("n", number(n)),
            ("id", bytes(offence_id(index(operator), Round::new(n)))),
        ]);
    }
    table.0.into()
}

fn word_cases() -> Value {
    let mut table = Table::default();
    for verdict in [Verdict::Stands, Verdict::WrongOutcome, Verdict::WrongSeed] {
        let word = Word {
            round: Round::new(5),
            digest: header(5).digest(),
            verdict,
        };
        table.row(&[
            ("n", number(word.round)),
            ("digest", bytes(word.digest)),
            ("verdict", number(verdict.code())),
            ("bytes", bytes(word.to_bytes())),
        ]);
    }
    table.0.into()
}
