//! Bytes become points only in their one form, and only if the point is valid.

mod support;

use proptest::prelude::*;
use quorate_bls::{BlsError, Domain, PublicKey, SecretKey, Signature, SignaturePoint};
use support::{array, g1_outside_subgroup, g2_outside_subgroup, secret, unreduced};

fn key() -> PublicKey {
    secret(1).public_key()
}

fn signature() -> Signature {
    secret(1).sign(Domain::Vote, b"message")
}

#[test]
fn every_form_of_a_key_reads_back() {
    let key = key();
    assert_eq!(PublicKey::from_bytes192(&key.to_bytes192()), Ok(key));
    assert_eq!(PublicKey::from_eip2537(&key.to_eip2537()), Ok(key));
    assert_eq!(PublicKey::from_compressed(&key.to_compressed()), Ok(key));
}

#[test]
fn every_form_of_a_signature_reads_back() {
    let signature = signature();
    assert_eq!(
        Signature::from_bytes96(&signature.to_bytes96()),
        Ok(signature)
    );
    assert_eq!(
        Signature::from_eip2537(&signature.to_eip2537()),
        Ok(signature)
    );
    assert_eq!(
        Signature::from_compressed48(&signature.to_compressed48()),
        Ok(signature)
    );
}

/// The generator as EIP-2537 prints it, and as ZCash's compressed form has it.
#[test]
fn a_key_has_c0_before_c1() {
    let mut one = [0; 32];
    one[31] = 1;
    let generator = SecretKey::from_bytes(&one).unwrap().public_key();
    let x0 = "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8";
    let x1 = "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e";
    assert_eq!(generator.to_bytes192()[..48], array::<48>(x0));
    assert_eq!(generator.to_bytes192()[48..96], array::<48>(x1));
    assert_eq!(
        hex::encode(&generator.to_compressed()[1..]),
        format!("{}{x0}", &x1[2..])
    );
}

#[test]
fn padding_stands_before_each_element() {
    let (narrow, wide) = (signature().to_bytes96(), signature().to_eip2537());
    assert_eq!((&wide[..16], &wide[16..64]), (&[0; 16][..], &narrow[..48]));
    assert_eq!((&wide[64..80], &wide[80..]), (&[0; 16][..], &narrow[48..]));
}

#[test]
fn padding_that_is_not_zero_is_refused() {
    let (mut key, mut signature) = (key().to_eip2537(), signature().to_eip2537());
    key[79] = 1;
    signature[64] = 1;
    assert_eq!(PublicKey::from_eip2537(&key), Err(BlsError::NotCanonical));
    assert_eq!(
        Signature::from_eip2537(&signature),
        Err(BlsError::NotCanonical)
    );
}

#[test]
fn infinity_is_refused_in_every_form() {
    assert_eq!(PublicKey::from_bytes192(&[0; 192]), Err(BlsError::Infinity));
    assert_eq!(PublicKey::from_eip2537(&[0; 256]), Err(BlsError::Infinity));
    assert_eq!(Signature::from_bytes96(&[0; 96]), Err(BlsError::Infinity));
    assert_eq!(Signature::from_eip2537(&[0; 128]), Err(BlsError::Infinity));
    let (mut key, mut signature) = ([0; 96], [0; 48]);
    (key[0], signature[0]) = (0xc0, 0xc0);
    assert_eq!(PublicKey::from_compressed(&key), Err(BlsError::Infinity));
    assert_eq!(
        Signature::from_compressed48(&signature),
        Err(BlsError::Infinity)
    );
}

/// ZCash's flag for infinity, in a form that has no flags.
#[test]
fn flags_in_an_uncompressed_form_are_refused() {
    for flag in [0x20, 0x40, 0x80] {
        let (mut key, mut signature) = (key().to_bytes192(), signature().to_bytes96());
        key[96] |= flag;
        signature[0] |= flag;
        assert_eq!(PublicKey::from_bytes192(&key), Err(BlsError::NotCanonical));
        assert_eq!(
            Signature::from_bytes96(&signature),
            Err(BlsError::NotCanonical)
        );
    }
    let mut infinity = [0; 96];
    infinity[0] = 0x40;
    assert_eq!(
        Signature::from_bytes96(&infinity),
        Err(BlsError::NotCanonical)
    );
}

#[test]
fn a_compressed_form_without_its_flag_is_refused() {
    let (mut key, mut signature) = (key().to_compressed(), signature().to_compressed48());
    key[0] &= 0x7f;
    signature[0] &= 0x7f;
    assert_eq!(
        PublicKey::from_compressed(&key),
        Err(BlsError::NotCanonical)
    );
    assert_eq!(
        Signature::from_compressed48(&signature),
        Err(BlsError::NotCanonical)
    );
}

#[test]
fn coordinates_that_are_not_reduced_are_refused() {
    let (key, signature) = (
        unreduced(&key().to_bytes192()),
        unreduced(&signature().to_bytes96()),
    );
    assert_eq!(PublicKey::from_bytes192(&key), Err(BlsError::NotCanonical));
    assert_eq!(
        Signature::from_bytes96(&signature),
        Err(BlsError::NotCanonical)
    );
}

#[test]
fn points_off_the_curve_are_refused() {
    let (mut key, mut signature) = (key().to_bytes192(), signature().to_bytes96());
    key[191] ^= 1;
    signature[95] ^= 1;
    assert_eq!(PublicKey::from_bytes192(&key), Err(BlsError::NotOnCurve));
    assert_eq!(
        Signature::from_bytes96(&signature),
        Err(BlsError::NotOnCurve)
    );
}

#[test]
fn a_key_with_its_halves_exchanged_is_refused() {
    let mut bytes = key().to_bytes192();
    bytes[..96].rotate_left(48);
    bytes[96..].rotate_left(48);
    assert_eq!(PublicKey::from_bytes192(&bytes), Err(BlsError::NotOnCurve));
}

#[test]
fn points_outside_the_subgroup_are_refused() {
    let (key, signature) = (g2_outside_subgroup(), g1_outside_subgroup());
    assert_eq!(PublicKey::from_bytes192(&key), Err(BlsError::NotInSubgroup));
    assert_eq!(
        Signature::from_bytes96(&signature),
        Err(BlsError::NotInSubgroup)
    );
    let point = SignaturePoint::from_bytes96(&signature).unwrap();
    assert_eq!(point.check(), Err(BlsError::NotInSubgroup));
}

/// `(0, 2)`, of order 3.
#[test]
fn the_point_with_x_zero_is_outside_the_subgroup() {
    let (mut bytes, mut compressed) = ([0; 96], [0; 48]);
    (bytes[95], compressed[0]) = (2, 0x80);
    assert_eq!(
        Signature::from_bytes96(&bytes),
        Err(BlsError::NotInSubgroup)
    );
    assert_eq!(
        Signature::from_compressed48(&compressed),
        Err(BlsError::NotInSubgroup)
    );
}

#[test]
fn secrets_are_between_one_and_the_order() {
    let order: [u8; 32] = array(support::R);
    assert_eq!(
        SecretKey::from_bytes(&[0; 32]).map(drop),
        Err(BlsError::SecretOutOfRange)
    );
    assert_eq!(
        SecretKey::from_bytes(&order).map(drop),
        Err(BlsError::SecretOutOfRange)
    );
    assert_eq!(
        SecretKey::from_bytes(&[0xff; 32]).map(drop),
        Err(BlsError::SecretOutOfRange)
    );
    let mut largest = order;
    largest[31] -= 1;
    assert!(SecretKey::from_bytes(&largest).is_ok());
}

#[test]
fn a_short_seed_is_refused() {
    assert_eq!(
        SecretKey::from_seed(&[1; 31]).map(drop),
        Err(BlsError::SeedTooShort { got: 31 })
    );
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", secret(1)), "SecretKey { .. }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Flipping one bit anywhere gives an error or another valid point, and never a second form of
    /// the same one.
    #[test]
    fn a_point_has_one_form(bit in 0usize..(96 * 8)) {
        let mut bytes = signature().to_bytes96();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Signature::from_bytes96(&bytes) {
            prop_assert_eq!(other.to_bytes96(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::array::uniform32(any::<u8>())) {
        let key: Vec<u8> = bytes.iter().copied().cycle().take(256).collect();
        let _ = PublicKey::from_eip2537(key[..].try_into().unwrap());
        let _ = PublicKey::from_bytes192(key[..192].try_into().unwrap());
        let _ = PublicKey::from_compressed(key[..96].try_into().unwrap());
        let _ = Signature::from_eip2537(key[..128].try_into().unwrap());
        let _ = Signature::from_bytes96(key[..96].try_into().unwrap());
        let _ = Signature::from_compressed48(key[..48].try_into().unwrap());
    }
}
