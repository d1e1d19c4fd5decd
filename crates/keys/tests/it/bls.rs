//! EIP-2335.

use quorate_bls::SecretKey;
use quorate_keys::bls::{Keystore, generate};
use quorate_keys::{Exposure, Kdf, KeyError};
use serde_json::{Value, json};

use crate::{CHEAP, password};

/// The password and the secret of the standard's test vectors.
const PASSWORD: &str = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑";
const SECRET: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
const SALT: &str = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";
/// The vectors' public key, in G1.
const VALIDATOR: &str = "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07";

fn vector(kdf: &Value, checksum: &str, message: &str, pubkey: &str) -> Keystore {
    let keystore = json!({
        "crypto": {
            "kdf": kdf,
            "checksum": { "function": "sha256", "params": {}, "message": checksum },
            "cipher": {
                "function": "aes-128-ctr",
                "params": { "iv": "264daa3f303d7259501c93d997d84fe6" },
                "message": message
            }
        },
        "description": "This is a test keystore that uses a KDF to secure the secret.",
        "pubkey": pubkey,
        "path": "m/12381/60/3141592653/589793238",
        "uuid": "1d85ae20-35c5-4611-98e8-aa14a633906f",
        "version": 4
    });
    Keystore::from_json(keystore.to_string().as_bytes()).unwrap()
}

fn scrypt(pubkey: &str) -> Keystore {
    let kdf = json!({
        "function": "scrypt",
        "params": { "dklen": 32, "n": 262_144, "p": 1, "r": 8, "salt": SALT },
        "message": ""
    });
    vector(
        &kdf,
        "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484",
        "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f",
        pubkey,
    )
}

fn pbkdf2(pubkey: &str) -> Keystore {
    let kdf = json!({
        "function": "pbkdf2",
        "params": { "dklen": 32, "c": 262_144, "prf": "hmac-sha256", "salt": SALT },
        "message": ""
    });
    vector(
        &kdf,
        "8a9f5d9912ed7e75ea794bc5a89bca5f193721d30868ade6f73043c6ea6febf1",
        "cee03fde2af33149775b7223e7845e4fb2c8ae1792e5f99fe9ecf474cc8c16ad",
        pubkey,
    )
}

fn shown(secret: &SecretKey) -> String {
    hex::encode(secret.to_bytes().as_slice())
}

#[test]
fn the_standards_scrypt_vector_opens_with_its_unicode_password() {
    let secret = scrypt("").decrypt(&password(PASSWORD)).unwrap();
    assert_eq!(shown(&secret), SECRET);
}

#[test]
fn the_standards_pbkdf2_vector_opens_with_its_unicode_password() {
    let secret = pbkdf2("").decrypt(&password(PASSWORD)).unwrap();
    assert_eq!(shown(&secret), SECRET);
}

#[test]
fn the_password_may_be_given_in_normal_form_and_with_control_codes() {
    let keystore = pbkdf2("");
    for text in ["testpassword🔑", "test\u{7f}pass\u{0}word🔑\n"] {
        assert_eq!(shown(&keystore.decrypt(&password(text)).unwrap()), SECRET);
    }
}

#[test]
fn a_validators_keystore_is_refused() {
    let refused = pbkdf2(VALIDATOR).decrypt(&password(PASSWORD));
    assert!(matches!(refused, Err(KeyError::Length { got: 48, .. })));
}

#[test]
fn a_wrong_password_is_an_error() {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    for kdf in [CHEAP, Kdf::Pbkdf2 { rounds: 2 }] {
        let keystore = Keystore::encrypt(&secret, &password("right"), kdf).unwrap();
        let refused = keystore.decrypt(&password("wrong"));
        assert!(matches!(refused, Err(KeyError::WrongPassword)));
        assert_eq!(
            shown(&keystore.decrypt(&password("right")).unwrap()),
            shown(&secret)
        );
    }
}

#[test]
fn what_is_written_has_the_standards_form() {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    let json: Value = serde_json::from_slice(&keystore.to_json().unwrap()).unwrap();
    assert_eq!(json["version"], 4);
    assert_eq!(json["path"], "");
    assert_eq!(json["uuid"].as_str().unwrap().len(), 36);
    assert_eq!(
        json["pubkey"],
        hex::encode(secret.public_key().to_compressed())
    );
    assert_eq!(json["crypto"]["kdf"]["function"], "scrypt");
    assert_eq!(json["crypto"]["kdf"]["message"], "");
    assert_eq!(json["crypto"]["kdf"]["params"]["dklen"], 32);
    assert_eq!(json["crypto"]["checksum"]["params"], json!({}));
    assert_eq!(
        json["crypto"]["cipher"]["params"]["iv"]
            .as_str()
            .unwrap()
            .len(),
        32
    );
}

#[test]
fn salt_and_counter_are_fresh_each_time() {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    let written = || {
        let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
        let json: Value = serde_json::from_slice(&keystore.to_json().unwrap()).unwrap();
        let crypto = &json["crypto"];
        (
            crypto["kdf"]["params"]["salt"].to_string(),
            crypto["cipher"]["params"]["iv"].to_string(),
        )
    };
    let (first, second) = (written(), written());
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
}

#[test]
fn a_keystore_that_claims_another_key_is_refused() {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    let other = SecretKey::from_seed(&[2; 32]).unwrap().public_key();
    let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    let mut json: Value = serde_json::from_slice(&keystore.to_json().unwrap()).unwrap();
    json["pubkey"] = hex::encode(other.to_compressed()).into();
    let keystore = Keystore::from_json(json.to_string().as_bytes()).unwrap();
    let refused = keystore.decrypt(&password("right"));
    assert!(matches!(refused, Err(KeyError::OtherKey { .. })));
}

#[test]
fn another_version_is_refused() {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    let mut json: Value = serde_json::from_slice(&keystore.to_json().unwrap()).unwrap();
    json["version"] = 3.into();
    let refused = Keystore::from_json(json.to_string().as_bytes());
    assert!(matches!(
        refused,
        Err(KeyError::Version {
            got: 3,
            expected: 4
        })
    ));
}

#[test]
fn a_key_survives_its_file_and_the_file_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bls.json");
    let secret = generate().unwrap();
    let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    keystore.write_new(&path).unwrap();
    assert!(matches!(
        keystore.write_new(&path),
        Err(KeyError::Exists { .. })
    ));
    let read = Keystore::read(&path, Exposure::Refuse).unwrap();
    assert_eq!(
        read.public_key().unwrap(),
        Some(secret.public_key().to_compressed())
    );
    assert_eq!(
        shown(&read.decrypt(&password("right")).unwrap()),
        shown(&secret)
    );
}

#[test]
fn generated_keys_differ() {
    assert_ne!(shown(&generate().unwrap()), shown(&generate().unwrap()));
}
