//! Files from outside: any bytes give a key or an error, at bounded cost.

use proptest::prelude::*;
use quorate_bls::SecretKey;
use quorate_keys::{KeyError, bls, ecdsa};
use serde_json::{Value, json};

use crate::{CHEAP, password};

fn samples() -> [Value; 2] {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    let bls = bls::Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    let secret = ecdsa::SecretKey::from_bytes(&[7; 32]).unwrap();
    let ecdsa = ecdsa::Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    [bls.to_json().unwrap(), ecdsa.to_json().unwrap()]
        .map(|json| serde_json::from_slice(&json).unwrap())
}

/// Reads as both kinds. Whatever comes out, nothing panics.
fn try_both(json: &[u8]) -> [Result<(), KeyError>; 2] {
    let password = password("right");
    [
        bls::Keystore::from_json(json).and_then(|k| k.decrypt(&password).map(drop)),
        ecdsa::Keystore::from_json(json).and_then(|k| k.decrypt(&password).map(drop)),
    ]
}

fn works(json: &Value) -> bool {
    try_both(json.to_string().as_bytes())
        .iter()
        .any(Result::is_ok)
}

/// The places of all leaves in a JSON value.
fn leaves(json: &Value, at: &str, places: &mut Vec<String>) {
    match json {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), places)),
        _ => places.push(at.to_owned()),
    }
}

fn hostile_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "(0x)?[0-9a-fA-F]{0,200}".prop_map(Value::from),
        Just(json!("scrypt")),
        Just(json!("pbkdf2")),
        Just(json!({})),
        Just(json!([])),
        Just(json!(u32::MAX)),
        Just(json!(1u64 << 32)),
        Just(json!(1u64 << 31)),
    ]
}

#[test]
fn the_samples_open() {
    for sample in samples() {
        assert!(works(&sample));
    }
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(try_both(&bytes).iter().all(Result::is_err));
    }

    #[test]
    fn a_keystore_with_one_hostile_value_never_panics(
        which in 0usize..2,
        place in any::<prop::sample::Index>(),
        value in hostile_value(),
    ) {
        let mut sample = samples()[which].clone();
        let mut places = Vec::new();
        leaves(&sample, "", &mut places);
        let place = &places[place.index(places.len())];
        *sample.pointer_mut(place).unwrap() = value;
        let _ = try_both(sample.to_string().as_bytes());
    }

    #[test]
    fn a_keystore_with_one_flipped_byte_never_gives_another_key(
        which in 0usize..2,
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let mut json = samples()[which].to_string().into_bytes();
        let at = at.index(json.len());
        json[at] ^= flip;
        let password = password("right");
        if let Ok(secret) = bls::Keystore::from_json(&json).and_then(|k| k.decrypt(&password)) {
            let expected = SecretKey::from_seed(&[1; 32]).unwrap();
            prop_assert_eq!(*secret.to_bytes(), *expected.to_bytes());
        }
        if let Ok(secret) = ecdsa::Keystore::from_json(&json).and_then(|k| k.decrypt(&password)) {
            prop_assert_eq!(secret.expose_bytes(), &[7; 32]);
        }
    }
}

#[test]
fn terabytes_and_years_are_refused_at_once() {
    let started = std::time::Instant::now();
    let [bls, ecdsa] = samples();
    let hostile = [
        json!({ "n": 1u32 << 30, "r": 1024, "p": 1 }),
        json!({ "n": 1024, "r": 8, "p": 1u32 << 30 }),
        json!({ "n": 1u64 << 40, "r": 8, "p": 1 }),
        json!({ "n": -1, "r": 8, "p": 1 }),
        json!({ "n": 1024, "r": 8, "p": 1, "dklen": 1u32 << 31 }),
    ];
    for params in hostile {
        for (sample, place) in [(&bls, "/crypto/kdf/params"), (&ecdsa, "/crypto/kdfparams")] {
            let mut sample = sample.clone();
            let target = sample.pointer_mut(place).unwrap().as_object_mut().unwrap();
            target.extend(params.as_object().unwrap().clone());
            assert!(!works(&sample), "{params}");
        }
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn deeply_nested_json_is_refused() {
    let deep = "[".repeat(100_000);
    assert!(try_both(deep.as_bytes()).iter().all(Result::is_err));
}
