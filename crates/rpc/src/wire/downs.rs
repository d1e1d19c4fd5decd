//! Lists of windows DOWN, between an operator and an aggregator (docs/formats.md, section 14).

use quorate_canon::OperatorIndex;
use quorate_health::DownList;
use quorate_proto::v1;

use super::{WireError, fixed};
use crate::attestations::SignedDowns;

/// The list of a request.
///
/// # Errors
/// If the bytes are no list, or the signature has another width.
pub fn downs(request: &v1::SubmitDownsRequest) -> Result<SignedDowns, WireError> {
    Ok(SignedDowns {
        list: DownList::from_bytes(&request.list)
            .map_err(|error| WireError::Downs(error.to_string()))?,
        operator: OperatorIndex::new(request.operator),
        signature: fixed("signature", &request.signature)?,
    })
}

/// The request that hands a list in.
#[must_use]
pub fn downs_request(downs: &SignedDowns) -> v1::SubmitDownsRequest {
    v1::SubmitDownsRequest {
        list: downs.list.to_bytes(),
        operator: downs.operator.get(),
        signature: downs.signature.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_a_list_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let request = v1::SubmitDownsRequest { list: bytes.clone(), operator: 1, signature: bytes };
            let _ = downs(&request);
        }
    }
}
