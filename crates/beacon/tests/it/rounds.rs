//! Verification, beside an independent library on another curve implementation.

use drand_verify::{G2PubkeyRfc, Pubkey};
use proptest::prelude::*;
use quorate_beacon::{Beacon, ChainInfo, Kind, VerifyError, verify_beacon};

use crate::vectors::{beacons, file, real};

/// The same question to drand-verify.
fn oracle(info: &ChainInfo, beacon: &Beacon) -> bool {
    let key = G2PubkeyRfc::from_fixed(info.public_key).unwrap();
    key.verify(beacon.round, b"", &beacon.signature)
        .unwrap_or(false)
}

#[test]
fn quicknets_parameters_are_those_of_the_public_record() {
    let chain = &file()["chain"];
    let info = ChainInfo::quicknet();
    assert_eq!(
        chain["public_key_g2_compressed"],
        hex::encode(info.public_key)
    );
    assert_eq!(chain["chain_hash"], hex::encode(info.chain_hash.0));
    assert_eq!(chain["scheme"], info.scheme.name());
    assert_eq!(chain["genesis_time"], info.genesis.get());
    assert_eq!(chain["period_s"], info.period);
    assert_eq!(info.kind, Kind::Real);
}

#[test]
fn real_rounds_verify_here_and_in_an_independent_library() {
    let info = ChainInfo::quicknet();
    let rounds = beacons(&file()["vectors"]);
    assert!(rounds.len() >= 8);
    for (beacon, randomness) in rounds {
        assert_eq!(
            verify_beacon(&info, &beacon),
            Ok(()),
            "round {}",
            beacon.round
        );
        assert!(oracle(&info, &beacon));
        assert_eq!(randomness, Some(hex::encode(beacon.randomness().0)));
    }
}

#[test]
fn real_rounds_fall_on_their_published_times() {
    let info = ChainInfo::quicknet();
    for row in file()["vectors"].as_array().unwrap() {
        let time = info.time_of(row["round"].as_u64().unwrap());
        assert_eq!(row["time_unix"], time.get());
    }
}

#[test]
fn a_signature_is_of_its_own_round_only() {
    let info = ChainInfo::quicknet();
    let beacon = Beacon {
        round: real().round + 1,
        ..real()
    };
    assert_eq!(
        verify_beacon(&info, &beacon),
        Err(VerifyError::Signature(beacon.round))
    );
    assert_eq!(
        verify_beacon(&info, &Beacon { round: 0, ..real() }),
        Err(VerifyError::RoundZero)
    );
}

#[test]
fn known_bad_signatures_are_refused() {
    let info = ChainInfo::quicknet();
    for (beacon, _) in beacons(&file()["negative"]) {
        assert!(verify_beacon(&info, &beacon).is_err());
        assert!(!oracle(&info, &beacon));
    }
}

#[test]
fn a_beacon_of_another_key_is_refused() {
    let other = file();
    let other = &other["rfc9380_local_vectors"];
    let mut public_key = [0; 96];
    hex::decode_to_slice(other["public_key"].as_str().unwrap(), &mut public_key).unwrap();
    let quicknet = ChainInfo::quicknet();
    let local = ChainInfo::local(public_key, quicknet.chain_hash, quicknet.genesis, 1);
    assert_eq!(local.kind, Kind::Local);
    for (beacon, _) in beacons(&other["vectors"]) {
        assert_eq!(verify_beacon(&local, &beacon), Ok(()));
        assert_eq!(
            verify_beacon(&quicknet, &beacon),
            Err(VerifyError::Signature(beacon.round))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_flipped_bit_verifies(byte in 0_usize..48, bit in 0_u8..8) {
        let mut beacon = real();
        beacon.signature[byte] ^= 1 << bit;
        prop_assert!(verify_beacon(&ChainInfo::quicknet(), &beacon).is_err());
    }
}
