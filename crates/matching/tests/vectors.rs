//! The committed vectors are those that this code makes. A difference is a change of the protocol:
//! if it is meant, make them anew with `cargo run -p quorate-matching --example vectors`.

mod common;
mod generator;

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

/// Every rule is broken by two cases at least, and a good half of the pairs exist.
#[test]
fn score_vectors_cover_every_rule() {
    let files = generator::files();
    let text = &files
        .iter()
        .find(|(name, _)| *name == "score.json")
        .unwrap()
        .1;
    let codes = text
        .split("\"eligible\": [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let times = |code: u8| codes.matches(&format!("\"0x{code:x}\"")).count();
    assert!((1..=22).all(|code| times(code) >= 2));
    assert!(times(0) >= 100);
}
