//! Signed calls against bytes that were not made here: the type's hash as OpenZeppelin's contract has
//! it, and a digest and a signature that are put together by hand, by the letter of EIP-712.

use alloy::primitives::{Address, B256, U256, address, b256, keccak256};
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolStruct as _, SolValue as _};
use quorate_bindings::forwarder::ForwardRequest;

use super::*;

const FORWARDER: Address = address!("0x00000000000000000000000000000000000f04ad");
const MARKET: Address = address!("0x0000000000000000000000000000000000003a4c");
/// The first account of anvil's well-known mnemonic.
const KEY: B256 = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

fn forwarder_on(chain_id: u64, address: Address) -> Forwarder {
    let domain = Eip712Domain {
        name: Some("Quorate forwarder".into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(address),
        salt: None,
    };
    Forwarder::new(address, domain)
}

fn forwarder() -> Forwarder {
    forwarder_on(31_337, FORWARDER)
}

fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEY).unwrap()
}

fn request() -> Request {
    Request {
        from: key().address(),
        to: MARKET,
        value: U256::ZERO,
        gas: 3_000_000,
        nonce: U256::from(7),
        deadline: 1_800_000_000,
        data: vec![0xde, 0xad, 0xbe, 0xef, 1].into(),
    }
}

fn signed() -> SignedCall {
    forwarder().sign(request(), &key()).unwrap()
}

/// By the letter of EIP-712, with nothing of the library that makes digests elsewhere.
fn digest_by_hand(request: &Request) -> B256 {
    let kind = keccak256(
        "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)",
    );
    let domain = (
        keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
        ),
        keccak256("Quorate forwarder"),
        keccak256("1"),
        U256::from(31_337),
        FORWARDER,
    );
    let content = (
        kind,
        request.from,
        request.to,
        request.value,
        U256::from(request.gas),
        request.nonce,
        U256::from(request.deadline),
        keccak256(&request.data),
    );
    let parts = [
        vec![0x19, 1],
        keccak256(domain.abi_encode()).to_vec(),
        keccak256(content.abi_encode()).to_vec(),
    ];
    keccak256(parts.concat())
}

#[test]
fn the_type_is_openzeppelin_s() {
    assert_eq!(
        ForwardRequest::eip712_root_type(),
        "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)"
    );
}

#[test]
fn the_digest_is_that_of_eip_712() {
    assert_eq!(forwarder().digest(&request()), digest_by_hand(&request()));
}

#[test]
fn what_is_signed_by_hand_is_verified() {
    let signature = key().sign_hash_sync(&digest_by_hand(&request())).unwrap();
    let call = SignedCall {
        request: request(),
        signature: signature.as_bytes(),
    };
    forwarder().verify(&call).unwrap();
    assert_eq!(call, signed());
}

#[test]
fn every_field_is_signed() {
    let changes: [fn(&mut Request); 6] = [
        |r| r.to = FORWARDER,
        |r| r.value = U256::from(1),
        |r| r.gas += 1,
        |r| r.nonce = U256::from(8),
        |r| r.deadline += 1,
        |r| r.data = vec![0xde, 0xad, 0xbe, 0xef, 2].into(),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut call = signed();
        change(&mut call.request);
        let error = forwarder().verify(&call).unwrap_err();
        assert!(
            matches!(error, ForwardError::Signer { .. }),
            "{number}: {error}"
        );
    }
    let mut stolen = signed();
    stolen.request.from = MARKET;
    assert!(forwarder().verify(&stolen).is_err());
}

#[test]
fn another_chain_and_another_forwarder_are_other_signers() {
    for other in [forwarder_on(1, FORWARDER), forwarder_on(31_337, MARKET)] {
        let error = other.verify(&signed()).unwrap_err();
        assert!(matches!(error, ForwardError::Signer { .. }), "{error}");
    }
}

#[test]
fn the_other_signature_of_the_same_key_is_refused() {
    let mut call = signed();
    let signature = alloy::primitives::Signature::from_raw_array(&call.signature).unwrap();
    let order = U256::from_be_bytes(
        b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0,
    );
    let mirrored =
        alloy::primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    let digest = forwarder().digest(&call.request);
    let signer = mirrored.recover_address_from_prehash(&digest).unwrap();
    assert_eq!(signer, key().address(), "the curve takes it");
    call.signature = mirrored.as_bytes();
    let error = forwarder().verify(&call).unwrap_err().to_string();
    assert!(error.contains("upper half"), "{error}");
}

#[test]
fn v_is_27_or_28() {
    let mut call = signed();
    call.signature[64] -= 27;
    let error = forwarder().verify(&call).unwrap_err();
    assert!(matches!(error, ForwardError::Signature(_)), "{error}");
}

#[test]
fn nobody_signs_for_another() {
    let other = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
    let error = forwarder().sign(request(), &other).unwrap_err();
    assert!(matches!(error, ForwardError::Signer { .. }), "{error}");
}

#[test]
fn json_comes_back_as_it_went() {
    let text = serde_json::to_string(&signed()).unwrap();
    assert_eq!(
        serde_json::from_str::<SignedCall>(&text).unwrap(),
        signed(),
        "{text}"
    );
}

#[test]
fn quantities_are_hex_text_or_numbers() {
    let mut json = serde_json::to_value(signed()).unwrap();
    assert_eq!(json["gas"], "0x2dc6c0");
    json["gas"] = "3000000".into();
    json["nonce"] = 7.into();
    json["deadline"] = 1_800_000_000.into();
    json.as_object_mut().unwrap().remove("value");
    assert_eq!(
        serde_json::from_value::<SignedCall>(json).unwrap(),
        signed()
    );
}

#[test]
fn json_out_of_range_is_named() {
    for (name, value) in [
        ("gas", "0x10000000000000000".to_owned()),
        ("deadline", "0x1000000000000".to_owned()),
        ("signature", "0x00".to_owned()),
        ("data", format!("0x{}", "00".repeat(MAX_DATA + 1))),
        ("more", "1".to_owned()),
    ] {
        let mut json = serde_json::to_value(signed()).unwrap();
        json[name] = value.into();
        let error = serde_json::from_value::<SignedCall>(json).unwrap_err();
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}

#[test]
fn a_permit_is_that_of_erc_2612() {
    let domain = Eip712Domain {
        name: Some("Devnet Token".into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(31_337)),
        verifying_contract: Some(MARKET),
        salt: None,
    };
    let permit = permit::Permit {
        owner: key().address(),
        spender: FORWARDER,
        value: U256::from(5),
        nonce: U256::from(1),
        deadline: U256::from(9),
    };
    let kind = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    );
    let content = (
        kind,
        permit.owner,
        permit.spender,
        permit.value,
        permit.nonce,
        permit.deadline,
    );
    let parts = [
        vec![0x19, 1],
        domain.separator().to_vec(),
        keccak256(content.abi_encode()).to_vec(),
    ];
    let signed = permit::sign_permit(&domain, &permit, &key()).unwrap();
    let bytes = [signed.r.to_vec(), signed.s.to_vec(), vec![signed.v]].concat();
    let signature = alloy::primitives::Signature::from_raw(&bytes).unwrap();
    let digest = keccak256(parts.concat());
    assert_eq!(
        signature.recover_address_from_prehash(&digest).unwrap(),
        key().address()
    );
}
