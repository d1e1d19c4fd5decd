//! Web3 Secret Storage, version 3.

use quorate_keys::ecdsa::{Keystore, SecretKey};
use quorate_keys::{Exposure, Kdf, KeyError};
use serde_json::{Value, json};

use crate::{CHEAP, password};

/// Secret and account of the standard's test vectors; the password is "testpassword".
const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const ADDRESS: &str = "008aeeda4d805471df9b2a5b0f38a0c3bcba786b";

fn pbkdf2() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262_144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    })
}

fn scrypt() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 262_144,
                "r": 1,
                "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    })
}

fn open(json: &Value, text: &str) -> Result<SecretKey, KeyError> {
    Keystore::from_json(json.to_string().as_bytes())?.decrypt(&password(text))
}

fn small() -> (SecretKey, Value) {
    let secret = SecretKey::from_bytes(&[7; 32]).unwrap();
    let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    let json = serde_json::from_slice(&keystore.to_json().unwrap()).unwrap();
    (secret, json)
}

#[test]
fn the_standards_vectors_open_and_give_their_account() {
    for vector in [pbkdf2(), scrypt()] {
        let secret = open(&vector, "testpassword").unwrap();
        assert_eq!(hex::encode(secret.expose_bytes()), SECRET);
        assert_eq!(hex::encode(secret.address()), ADDRESS);
    }
}

#[test]
fn a_claimed_address_is_checked_with_or_without_prefix() {
    let (secret, mut json) = small();
    for claimed in [
        hex::encode(secret.address()),
        format!("0x{}", hex::encode(secret.address())),
    ] {
        json["address"] = claimed.into();
        assert!(open(&json, "right").is_ok());
    }
    json["address"] = ADDRESS.into();
    assert!(matches!(
        open(&json, "right"),
        Err(KeyError::OtherKey { .. })
    ));
}

#[test]
fn the_capital_letter_of_early_tools_is_read() {
    let (_, mut json) = small();
    let crypto = json.as_object_mut().unwrap().remove("crypto").unwrap();
    json["Crypto"] = crypto;
    assert!(open(&json, "right").is_ok());
}

#[test]
fn a_wrong_password_is_an_error() {
    let secret = SecretKey::from_bytes(&[7; 32]).unwrap();
    for kdf in [CHEAP, Kdf::Pbkdf2 { rounds: 2 }] {
        let keystore = Keystore::encrypt(&secret, &password("right"), kdf).unwrap();
        let refused = keystore.decrypt(&password("wrong"));
        assert!(matches!(refused, Err(KeyError::WrongPassword)));
        let opened = keystore.decrypt(&password("right")).unwrap();
        assert_eq!(opened.expose_bytes(), secret.expose_bytes());
    }
}

#[test]
fn the_password_is_not_normalized() {
    let secret = SecretKey::from_bytes(&[7; 32]).unwrap();
    let keystore = Keystore::encrypt(&secret, &password("𝔱est"), CHEAP).unwrap();
    assert!(keystore.decrypt(&password("test")).is_err());
}

#[test]
fn another_version_is_refused() {
    let (_, mut json) = small();
    json["version"] = 1.into();
    assert!(matches!(
        open(&json, "right"),
        Err(KeyError::Version {
            got: 1,
            expected: 3
        })
    ));
}

#[test]
fn scalars_out_of_range_are_no_keys() {
    let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let order: [u8; 32] = order.unwrap().try_into().unwrap();
    for bytes in [[0; 32], [0xff; 32], order] {
        assert!(matches!(
            SecretKey::from_bytes(&bytes),
            Err(KeyError::NotASecret(_))
        ));
    }
}

#[test]
fn a_key_survives_its_file_and_the_file_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ecdsa.json");
    let secret = SecretKey::generate().unwrap();
    let keystore = Keystore::encrypt(&secret, &password("right"), CHEAP).unwrap();
    keystore.write_new(&path).unwrap();
    assert!(matches!(
        keystore.write_new(&path),
        Err(KeyError::Exists { .. })
    ));
    let read = Keystore::read(&path, Exposure::Refuse).unwrap();
    assert_eq!(read.address().unwrap(), Some(secret.address()));
    let opened = read.decrypt(&password("right")).unwrap();
    assert_eq!(opened.expose_bytes(), secret.expose_bytes());
}

#[test]
fn debug_shows_the_address_and_not_the_secret() {
    let secret = SecretKey::from_bytes(&[7; 32]).unwrap();
    let shown = format!("{secret:?}");
    assert!(shown.contains(&hex::encode(secret.address())));
    assert!(!shown.contains("0707"));
}
