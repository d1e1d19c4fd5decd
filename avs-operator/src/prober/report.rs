//! What an answer's bytes are worth: a report is one only with the machine key's signature.

use alloy::primitives::{B256, Signature, U256};
use quorate_canon::Address;
use quorate_canon::Timestamp;
use quorate_health::{Answer, Previous, SignedReport};

/// Reads an answer. Anything that is not a report signed by `key`, in the one spelling of the format
/// (`v` 27 or 28, `s` in the lower half), is unreadable.
#[must_use]
pub fn read(bytes: &[u8], key: Address) -> Answer {
    match SignedReport::from_bytes(bytes) {
        Ok(signed) if signer(&signed) == Some(key) => Answer::Report(Box::new(signed.report)),
        _ => Answer::Unreadable,
    }
}

fn signer(signed: &SignedReport) -> Option<Address> {
    let (r, rest) = signed.signature.split_at(32);
    let (s, v) = rest.split_at(32);
    let odd = match v {
        [27] => false,
        [28] => true,
        _ => return None,
    };
    let signature = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), odd);
    if signature.normalize_s().is_some() {
        return None;
    }
    let digest = B256::new(signed.report.digest().0);
    let address = signature.recover_address_from_prehash(&digest).ok()?;
    Some(Address(address.into_array()))
}

/// What the next verdict needs of a report: counters. Events are left out, since a machine can make
/// them many.
#[must_use]
pub fn remembered(answer: &Answer, answered: Timestamp) -> Option<Previous> {
    let Answer::Report(report) = answer else {
        return None;
    };
    let mut report = report.clone();
    for gpu in &mut report.gpus {
        gpu.xids = Vec::new();
    }
    report.gpus.shrink_to_fit();
    Some(Previous { report, answered })
}
