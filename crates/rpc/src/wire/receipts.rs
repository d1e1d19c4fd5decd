//! Receipts of sampled probes, between an operator and an aggregator (docs/formats.md, section 15).

use quorate_canon::{Epoch, OperatorIndex};
use quorate_health::SAMPLES;
use quorate_proto::v1;

use super::{WireError, fixed};
use crate::attestations::SignedReceipts;

/// The receipts of a request.
///
/// # Errors
/// If there are none or more than [`SAMPLES`], if their samples do not ascend or do not exist, or if a
/// signature has another width.
pub fn receipts(request: &v1::SubmitReceiptsRequest) -> Result<SignedReceipts, WireError> {
    let got = request.receipts.len();
    if got == 0 || got > usize::from(SAMPLES) {
        return Err(WireError::Receipts { got, most: SAMPLES });
    }
    let mut receipts = Vec::with_capacity(got);
    let mut least = 0;
    for receipt in &request.receipts {
        let sample = u16::try_from(receipt.sample)
            .ok()
            .filter(|sample| u32::from(*sample) >= least && *sample < SAMPLES);
        let sample = sample.ok_or(WireError::Sample {
            got: receipt.sample,
            least,
            end: SAMPLES,
        })?;
        least = u32::from(sample) + 1;
        receipts.push((sample, fixed("signature", &receipt.signature)?));
    }
    Ok(SignedReceipts {
        epoch: Epoch::new(request.epoch),
        operator: OperatorIndex::new(request.operator),
        receipts,
    })
}

/// The request that hands receipts in.
#[must_use]
pub fn receipts_request(receipts: &SignedReceipts) -> v1::SubmitReceiptsRequest {
    let each = receipts.receipts.iter();
    v1::SubmitReceiptsRequest {
        epoch: receipts.epoch.get(),
        operator: receipts.operator.get(),
        receipts: each
            .map(|(sample, signature)| v1::SampledReceipt {
                sample: (*sample).into(),
                signature: signature.to_vec(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed(samples: &[u16]) -> SignedReceipts {
        SignedReceipts {
            epoch: Epoch::new(u64::MAX),
            operator: OperatorIndex::new(7),
            receipts: samples.iter().map(|sample| (*sample, [9; 96])).collect(),
        }
    }

    #[test]
    fn receipts_survive_the_wire() {
        let all: Vec<u16> = (0..SAMPLES).collect();
        for samples in [&[3][..], &[0, 2, 15], &all] {
            let receipts_sent = signed(samples);
            assert_eq!(
                receipts(&receipts_request(&receipts_sent)),
                Ok(receipts_sent)
            );
        }
    }

    #[test]
    fn a_sample_comes_once_and_exists() {
        for samples in [&[3, 3][..], &[3, 2], &[16], &[0, u16::MAX]] {
            let refused = receipts(&receipts_request(&signed(samples)));
            assert!(
                matches!(refused, Err(WireError::Sample { .. })),
                "{samples:?}"
            );
        }
    }

    #[test]
    fn there_is_a_receipt_and_no_more_than_samples() {
        let none = receipts(&receipts_request(&signed(&[])));
        assert!(matches!(none, Err(WireError::Receipts { got: 0, .. })));
        let many: Vec<u16> = (0..=SAMPLES).collect();
        let many = receipts(&receipts_request(&signed(&many)));
        assert!(matches!(many, Err(WireError::Receipts { got: 17, .. })));
    }

    #[test]
    fn a_signature_has_its_width() {
        let mut request = receipts_request(&signed(&[1]));
        request.receipts[0].signature.pop();
        assert!(matches!(
            receipts(&request),
            Err(WireError::Width { got: 95, .. })
        ));
    }

    proptest! {
        #[test]
        fn no_numbers_make_receipts_panic(
            epoch: u64, operator: u32, receipts_sent in proptest::collection::vec((any::<u32>(), any::<[u8; 12]>()), 0..20),
        ) {
            let each = receipts_sent.into_iter();
            let request = v1::SubmitReceiptsRequest {
                epoch,
                operator,
                receipts: each
                    .map(|(sample, bytes)| v1::SampledReceipt { sample, signature: bytes.repeat(8) })
                    .collect(),
            };
            let _ = receipts(&request);
        }
    }
}
