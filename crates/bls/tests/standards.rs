//! Answers that others have published: RFC 9380, EIP-2333, drand's quicknet.

use quorate_bls::{Domain, PublicKey, SecretKey, Signature, hash_to_g1, verify};

/// RFC 9380, appendix J.9.1.
#[test]
fn hashing_to_g1_gives_the_points_of_rfc_9380() {
    let tag = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
    let cases = [
        (
            String::new(),
            "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
            "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
        ),
        (
            "abc".into(),
            "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
            "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
        ),
        (
            "abcdef0123456789".into(),
            "11e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57a6a27200a784cbc248e84f357ce82d98",
            "03a87ae2caf14e8ee52e51fa2ed8eefe80f02457004ba4d486d6aa1f517c0889501dc7413753f9599b099ebcbbd2d709",
        ),
        (
            format!("q128_{}", "q".repeat(128)),
            "15f68eaa693b95ccb85215dc65fa81038d69629f70aeee0d0f677cf22285e7bf58d7cb86eefe8f2e9bc3f8cb84fac488",
            "1807a1d50c29f430b8cafc4f8638dfeeadf51211e1602a5f184443076715f91bb90a48ba1e370edce6ae1062f5e6dd38",
        ),
        (
            format!("a512_{}", "a".repeat(512)),
            "082aabae8b7dedb0e78aeb619ad3bfd9277a2f77ba7fad20ef6aabdc6c31d19ba5a6d12283553294c1825c4b3ca2dcfe",
            "05b84ae5a942248eea39e1d91030458c40153f3b654ab7872d779ad1e942856a20c438e8d99bc8abfbf74729ce1f7ac8",
        ),
    ];
    for (message, x, y) in cases {
        let point = hash_to_g1(message.as_bytes(), tag);
        let padding = "00".repeat(16);
        assert_eq!(
            hex::encode(point),
            format!("{padding}{x}{padding}{y}"),
            "{message}"
        );
    }
}

/// EIP-2333, test cases 0 to 3.
#[test]
fn derivation_gives_the_keys_of_eip_2333() {
    let cases = [
        (
            "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
            "6083874454709270928345386274498605044986640685124978867557563392430687146096",
            0,
            "20397789859736650942317412262472558107875392172444076792671091975210932703118",
        ),
        (
            "3141592653589793238462643383279502884197169399375105820974944592",
            "29757020647961307431480504535336562678282505419141012933316116377660817309383",
            3_141_592_653,
            "25457201688850691947727629385191704516744796114925897962676248250929345014287",
        ),
        (
            "0099FF991111002299DD7744EE3355BBDD8844115566CC55663355668888CC00",
            "27580842291869792442942448775674722299803720648445448686099262467207037398656",
            4_294_967_295,
            "29358610794459428860402234341874281240803786294062035874021252734817515685787",
        ),
        (
            "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
            "19022158461524446591288038168518313374041767046816487870552872741050760015818",
            42,
            "31372231650479070279774297061823572166496564838472787488249775572789064611981",
        ),
    ];
    for (seed, master, index, child) in cases {
        let key = SecretKey::from_seed(&hex::decode(seed).unwrap()).unwrap();
        assert_eq!(*key.to_bytes(), decimal(master), "master of {seed}");
        assert_eq!(
            *key.child(index).to_bytes(),
            decimal(child),
            "child of {seed}"
        );
    }
}

#[test]
fn quicknets_real_rounds_verify() {
    let document = quicknet();
    let key = key(&document["chain"]["public_key_g2_compressed"]);
    let rounds = document["vectors"].as_array().unwrap();
    assert!(rounds.len() >= 8);
    for round in rounds {
        assert!(
            verify(Domain::DrandNul, &key, &message(round), &signature(round)),
            "{round}"
        );
    }
}

#[test]
fn a_quicknet_signature_verifies_for_its_own_round_only() {
    let document = quicknet();
    let key = key(&document["chain"]["public_key_g2_compressed"]);
    let rounds = document["vectors"].as_array().unwrap();
    let other = message(&rounds[1]);
    assert!(!verify(
        Domain::DrandNul,
        &key,
        &other,
        &signature(&rounds[0])
    ));
}

#[test]
fn rounds_of_another_network_of_the_same_scheme_verify_under_its_key() {
    let document = quicknet();
    let other = &document["rfc9380_local_vectors"];
    let key = key(&other["public_key"]);
    for round in other["vectors"].as_array().unwrap() {
        assert!(
            verify(Domain::DrandNul, &key, &message(round), &signature(round)),
            "{round}"
        );
    }
}

#[test]
fn a_round_with_a_changed_signature_is_refused() {
    let document = quicknet();
    let key = key(&document["chain"]["public_key_g2_compressed"]);
    for round in document["negative"].as_array().unwrap() {
        let bytes = hex::decode(round["signature"].as_str().unwrap()).unwrap();
        let decoded = Signature::from_compressed48(&bytes.try_into().unwrap());
        let verified = decoded.is_ok_and(|it| verify(Domain::DrandNul, &key, &message(round), &it));
        assert!(!verified, "{round}");
    }
}

#[test]
fn a_signature_of_one_domain_is_none_of_another() {
    let secret = SecretKey::from_seed(&[1; 32]).unwrap();
    let domains = [Domain::Vote, Domain::Possession, Domain::DrandNul];
    for made in domains {
        let signature = secret.sign(made, b"message");
        for asked in domains {
            let verified = verify(asked, &secret.public_key(), b"message", &signature);
            assert_eq!(
                verified,
                made == asked,
                "made for {made:?}, asked for {asked:?}"
            );
        }
    }
}

fn quicknet() -> serde_json::Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/drand/quicknet.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn key(value: &serde_json::Value) -> PublicKey {
    let bytes = hex::decode(value.as_str().unwrap()).unwrap();
    PublicKey::from_compressed(&bytes.try_into().unwrap()).unwrap()
}

fn signature(round: &serde_json::Value) -> Signature {
    let bytes = hex::decode(round["signature"].as_str().unwrap()).unwrap();
    Signature::from_compressed48(&bytes.try_into().unwrap()).unwrap()
}

fn message(round: &serde_json::Value) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(round["round"].as_u64().unwrap().to_be_bytes()).into()
}

/// A decimal number as 32 bytes, big-endian.
fn decimal(text: &str) -> [u8; 32] {
    let mut out = [0u8; 32];
    for digit in text.bytes() {
        let mut carry = u16::from(digit - b'0');
        for byte in out.iter_mut().rev() {
            let value = u16::from(*byte) * 10 + carry;
            *byte = u8::try_from(value & 0xff).unwrap();
            carry = value >> 8;
        }
        assert_eq!(carry, 0);
    }
    out
}
