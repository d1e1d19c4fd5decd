//! The committed vectors are those that this code makes. A difference is a change of the protocol:
//! if it is meant, make them anew with `cargo run -p quorate-matching --example vectors`.

mod common;
mod generator;

use common::oracle::Oracle;
use quorate_canon::FixedWidth;

#[test]
fn committed_vectors_are_up_to_date() {
    for (name, expected) in generator::files() {
        let path = generator::folder().join(name);
        let committed = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            committed == expected,
            "{name} differs from what this code makes"
        );
    }
}

/// The text of one array of a file.
fn array(file: &str, name: &str) -> String {
    let files = generator::files();
    let (_, text) = files.iter().find(|(found, _)| *found == file).unwrap();
    let rest = text.split(&format!("\"{name}\": [")).nth(1).unwrap();
    rest.split(']').next().unwrap().to_owned()
}

fn times(array: &str, code: u8) -> usize {
    array.matches(&format!("\"0x{code:x}\"")).count()
}

/// Every rule is broken by two cases at least, and a good half of the pairs exist.
#[test]
fn score_vectors_cover_every_rule() {
    let codes = array("score.json", "eligible");
    assert!((1..=22).all(|code| times(&codes, code) >= 2));
    assert!(times(&codes, 0) >= 100);
}

/// What opened entries can refute is there, and witnesses that refute nothing or are none.
#[test]
fn witness_vectors_cover_every_code() {
    let codes = array("witness.json", "witnessCode");
    assert!((1..=14).all(|code| times(&codes, code) >= 4));
    assert!(times(&codes, 0) >= 500);
    assert!(times(&codes, 255) >= 300);
}

/// The oracle knows only bytes and offsets. It counts ages round by round, so the oldest rounds are left out.
#[test]
fn many_pairs_are_what_the_oracle_says() {
    let mut seen = 0;
    generator::many::each_pair(|request, offer, policy, context, seed, answer| {
        if context.round.get() > 10_000 {
            return;
        }
        let oracle = Oracle::new(policy, context, seed);
        let code = oracle.code(request, offer);
        let (factors, score) = match code {
            0 => (oracle.factors(request, offer), oracle.score(request, offer)),
            _ => ([0; 8], 0),
        };
        let factors = factors.map(|factor| u16::try_from(factor).unwrap());
        let tie = oracle.tie(request, offer);
        let said = [
            vec![code],
            factors.to_bytes(),
            score.to_bytes(),
            tie.to_bytes(),
        ]
        .concat();
        assert_eq!(answer, said);
        seen += 1;
    });
    assert!(seen > 4_000, "{seen}");
}

/// How often each code stands in the answers of the many pairs, 33 bytes each.
#[test]
fn many_pairs_break_every_rule_many_times() {
    let files = generator::files();
    let (_, text) = files
        .iter()
        .find(|(name, _)| *name == "pairs.json")
        .unwrap();
    let answers = text.split("\"answers\": \"0x").nth(1).unwrap();
    let answers = answers.split('"').next().unwrap();
    let mut times = [0_u32; 23];
    for at in (0..answers.len()).step_by(66) {
        times[usize::from_str_radix(&answers[at..at + 2], 16).unwrap()] += 1;
    }
    assert!(times.iter().all(|times| *times >= 20), "{times:?}");
    assert!(times[0] >= 1_000, "{times:?}");
    println!("{times:?}");
}
