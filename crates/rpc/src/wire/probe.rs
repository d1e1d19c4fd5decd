//! Probes and receipts, between an operator and a machine's agent (docs/formats.md, section 14).

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{CodecError, OperatorIndex};
use quorate_health::{Question, Receipt};
use quorate_proto::v1;

use super::{WireError, fixed};

/// Bytes of a question: bytes 4 to 52 of the report that answers it.
pub const QUESTION_BYTES: usize = 48;

/// A receipt as it comes in: who signed it and whether at all is for the receiver to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// What is said.
    pub receipt: Receipt,
    /// By whom.
    pub operator: OperatorIndex,
    /// The signature of the receipt's digest, uncompressed.
    pub signature: [u8; 96],
}

/// The bytes that ask a question.
#[must_use]
pub fn question_bytes(question: &Question) -> Vec<u8> {
    let mut out = Writer::with_capacity(QUESTION_BYTES);
    out.value(&question.subject);
    out.value(&question.operator);
    out.value(&question.epoch);
    out.value(&question.window);
    out.value(&question.nonce);
    out.value(&question.lease);
    out.value(&question.checks);
    out.into_bytes()
}

/// The question of a request.
///
/// # Errors
/// If it has another width, or a field is out of its range.
pub fn question(request: &v1::ProbeRequest) -> Result<Question, WireError> {
    let bytes: [u8; QUESTION_BYTES] = fixed("question", &request.question)?;
    read(&bytes).map_err(|error| WireError::Question(error.to_string()))
}

fn read(bytes: &[u8]) -> Result<Question, CodecError> {
    let mut input = Reader::new(bytes);
    let question = Question {
        subject: input.value()?,
        operator: input.value()?,
        epoch: input.value()?,
        window: input.value()?,
        nonce: input.value()?,
        lease: input.value()?,
        checks: input.value()?,
    };
    input.finish()?;
    Ok(question)
}

/// The receipt of a request.
///
/// # Errors
/// If a field has another width, or the bytes are no receipt.
pub fn delivery(request: &v1::DeliverRequest) -> Result<Delivery, WireError> {
    let bytes: [u8; Receipt::WIDTH] = fixed("receipt", &request.receipt)?;
    Ok(Delivery {
        receipt: Receipt::from_bytes(&bytes)
            .map_err(|error| WireError::Receipt(error.to_string()))?,
        operator: OperatorIndex::new(request.operator),
        signature: fixed("signature", &request.signature)?,
    })
}

/// The request that delivers a receipt.
#[must_use]
pub fn deliver_request(delivery: &Delivery) -> v1::DeliverRequest {
    v1::DeliverRequest {
        receipt: delivery.receipt.to_bytes(),
        operator: delivery.operator.get(),
        signature: delivery.signature.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quorate_canon::{HealthEpoch, OfferId, Timestamp};
    use quorate_health::{Checks, LeaseState, Nonce, Report, Subject, Window};

    use super::*;

    fn sample(nonce: [u8; 16]) -> Question {
        Question {
            subject: Subject::Machine(OfferId::new(7)),
            operator: OperatorIndex::new(3),
            epoch: HealthEpoch::new(12),
            window: Window(4),
            nonce: Nonce(nonce),
            lease: LeaseState::LeasedSince(Timestamp::new(9)),
            checks: Checks::REPORT,
        }
    }

    #[test]
    fn a_question_is_that_part_of_its_report() {
        let question = sample([5; 16]);
        let report = Report {
            subject: question.subject,
            operator: question.operator,
            epoch: question.epoch,
            window: question.window,
            nonce: question.nonce,
            lease: question.lease,
            checks: question.checks,
            time: Timestamp::new(1),
            listening_since: Timestamp::new(1),
            agent: quorate_health::Release::default(),
            driver: quorate_health::Release::default(),
            simulated: false,
            gpus: Vec::new(),
        };
        assert_eq!(question_bytes(&question), report.to_bytes()[4..52]);
    }

    proptest! {
        #[test]
        fn questions_survive_the_wire(nonce: [u8; 16]) {
            let request = v1::ProbeRequest { question: question_bytes(&sample(nonce)) };
            prop_assert_eq!(question(&request), Ok(sample(nonce)));
        }

        #[test]
        fn no_bytes_make_a_question_or_a_receipt_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = question(&v1::ProbeRequest { question: bytes.clone() });
            let _ = delivery(&v1::DeliverRequest { receipt: bytes.clone(), operator: 1, signature: bytes });
        }
    }
}
