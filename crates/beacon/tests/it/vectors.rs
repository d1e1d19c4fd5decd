//! Real rounds of drand quicknet, shared with the other crates.

use quorate_beacon::Beacon;
use serde_json::Value;

pub(crate) fn file() -> Value {
    let text = include_str!("../../../../tests/vectors/drand/quicknet.json");
    serde_json::from_str(text).unwrap()
}

/// The beacons of a list, with the randomness that their publishers gave.
pub(crate) fn beacons(list: &Value) -> Vec<(Beacon, Option<String>)> {
    let beacon = |row: &Value| {
        let mut signature = [0; 48];
        hex::decode_to_slice(row["signature"].as_str().unwrap(), &mut signature).unwrap();
        let beacon = Beacon {
            round: row["round"].as_u64().unwrap(),
            signature,
        };
        (beacon, row["randomness"].as_str().map(str::to_owned))
    };
    list.as_array().unwrap().iter().map(beacon).collect()
}

/// The first real round of the file.
pub(crate) fn real() -> Beacon {
    beacons(&file()["vectors"])[0].0
}
