//! Values that another implementation gave (a few lines of Python over docs/formats.md section 14), so
//! that a change of the bytes or rules does not go unseen.

mod support;

use quorate_canon::hash::sha256;
use quorate_canon::{
    Digest, FixedWidth as _, HealthEpoch, Mask256, OfferId, OperatorIndex, OperatorStake,
};
use quorate_health::{
    DownEntry, DownList, HealthPolicy, Place, Receipt, Seats, Subject, Window, committee, moment,
    probe_message,
};
use support::{card, network, report};

const MACHINE: Subject = Subject::Machine(OfferId::new(77));
const EPOCH: HealthEpoch = HealthEpoch::new(900);

/// 00 01 02 ... 1f.
fn randomness() -> Digest {
    Digest(std::array::from_fn(|i| u8::try_from(i).unwrap()))
}

fn drawn(stakes: &[u128]) -> Vec<u32> {
    let stakes: Vec<_> = stakes.iter().map(|s| OperatorStake::new(*s)).collect();
    let table = Seats::new(&stakes).unwrap();
    let committee = committee(&randomness(), EPOCH, MACHINE, &table, 31);
    committee.seats.iter().map(|seat| seat.get()).collect()
}

#[test]
fn a_committee() {
    let wide = [
        7_000_000_000_000_000_000,
        0,
        3_000_000_000_000_000_000_000_000,
        500_000_000_000_000_000_000_000,
        4_000_000_000_000_000_000_000_000,
        12_345,
    ];
    let expected = [
        2, 2, 4, 4, 4, 4, 2, 2, 2, 2, 4, 4, 4, 4, 2, 4, 2, 4, 4, 2, 4, 4, 2, 4, 4, 2, 4, 4, 3, 4, 4,
    ];
    assert_eq!(drawn(&wide), expected);
    let expected = [
        5, 4, 6, 0, 5, 7, 7, 0, 5, 7, 3, 5, 4, 7, 5, 0, 7, 6, 7, 7, 4, 3, 4, 3, 5, 6, 7, 3, 6, 6, 4,
    ];
    assert_eq!(drawn(&[1, 2, 3, 4, 5, 6, 7, 8]), expected);
}

#[test]
fn moments() {
    let message = probe_message(&network(), &randomness(), EPOCH, OperatorIndex::new(5));
    let expected = "0x28aef1a16d15305b4cc3f33e25230923151bc58b00a1b640599579122c2afac1";
    assert_eq!(message.to_string(), expected);
    let signature: [u8; 96] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let policy = HealthPolicy::recommended();
    let at = [0, 1, 2]
        .map(|attempt| moment(&signature, MACHINE, Window(12), attempt, 300_000, &policy).unwrap());
    assert_eq!(at, [68_745, 136_987, 206_683]);
}

#[test]
fn words() {
    let place = Place {
        network: network(),
        subject: MACHINE,
        epoch: EPOCH,
        window: Window(12),
    };
    assert_eq!(
        Receipt(place).digest().to_string(),
        "0xe0ab4478bc39ea4d22010280dbb423407729a2044f2238e66b207db17cfffe8c"
    );
    let entry = |id, windows: &[u8]| DownEntry {
        subject: Subject::Machine(OfferId::new(id)),
        windows: Mask256::of(windows),
    };
    let entries = vec![entry(77, &[0, 12, 255]), entry(78, &[3])];
    let list = DownList::new(network(), EPOCH, entries).unwrap();
    assert_eq!(list.to_bytes().len(), 184);
    assert_eq!(
        list.digest().to_string(),
        "0x5585b130335c6ad1c19d89f89f8cc39a31f5bc4a1dc16f9aea0d30b8a5bf76c8"
    );
}

#[test]
fn a_report() {
    assert_eq!(
        report(vec![card(1)]).digest().to_string(),
        "0x7e7a35e40425047ebbd6478c73d2498cd14d79cba092b405ecba9411b77251f9"
    );
}

/// SHA-256 of the sections: what a policy's hash contains.
#[test]
fn the_sections() {
    let hash = |policy: HealthPolicy| sha256(&[&policy.to_bytes()]).to_string();
    assert_eq!(
        hash(HealthPolicy::recommended()),
        "0x62e9afc2ec1582464b8807db7fc6ec4b1a292f563e59d3c2f495e5ca1d66d1db"
    );
    assert_eq!(
        hash(HealthPolicy::devnet()),
        "0x3fc935ab29ea9be65fbd69cf48f2c59dfbb8a1970a04fdcfbff5ca10b9bdf883"
    );
}
