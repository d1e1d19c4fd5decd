//! Who called a machine DOWN, and receipts that say otherwise, between a provider's agent and an
//! aggregator (docs/formats.md, section 14).

use quorate_canon::{HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::Window;
use quorate_proto::v1;

use super::{WireError, fixed};
use crate::attestations::{Accuser, Accusers, Contradiction, MAX_ACCUSERS};

impl From<Accusers> for v1::GetAccusersReply {
    fn from(accusers: Accusers) -> Self {
        let each = accusers.accusers.iter().take(MAX_ACCUSERS);
        Self {
            accusers: each
                .map(|accuser| v1::Accuser {
                    operator: accuser.operator.get(),
                    windows: accuser.windows.0.to_vec(),
                })
                .collect(),
            closed: accusers.closed,
        }
    }
}

impl TryFrom<v1::GetAccusersReply> for Accusers {
    type Error = WireError;

    fn try_from(reply: v1::GetAccusersReply) -> Result<Self, WireError> {
        let got = reply.accusers.len();
        if got > MAX_ACCUSERS {
            return Err(WireError::Accusers {
                got,
                most: MAX_ACCUSERS,
            });
        }
        let mut accusers: Vec<Accuser> = Vec::with_capacity(got);
        for accuser in &reply.accusers {
            let operator = OperatorIndex::new(accuser.operator);
            if accusers
                .last()
                .is_some_and(|last| last.operator >= operator)
            {
                return Err(WireError::AccuserOrder(accuser.operator));
            }
            accusers.push(Accuser {
                operator,
                windows: Mask256(fixed("windows", &accuser.windows)?),
            });
        }
        Ok(Self {
            accusers,
            closed: reply.closed,
        })
    }
}

/// The contradiction of a request.
///
/// # Errors
/// If no epoch has the window, or the signature has another width.
pub fn contradiction(request: &v1::SubmitContradictionRequest) -> Result<Contradiction, WireError> {
    let window = u8::try_from(request.window).map_err(|_| WireError::Window(request.window))?;
    Ok(Contradiction {
        epoch: HealthEpoch::new(request.epoch),
        machine: OfferId::new(request.machine),
        window: Window(window.into()),
        operator: OperatorIndex::new(request.operator),
        receipt: fixed("receipt", &request.receipt)?,
    })
}

/// The request that hands a contradiction in.
#[must_use]
pub fn contradiction_request(contradiction: &Contradiction) -> v1::SubmitContradictionRequest {
    v1::SubmitContradictionRequest {
        epoch: contradiction.epoch.get(),
        machine: contradiction.machine.get(),
        window: contradiction.window.0.into(),
        operator: contradiction.operator.get(),
        receipt: contradiction.receipt.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accusers(operators: &[u32]) -> Accusers {
        let of = |operator: &u32| Accuser {
            operator: OperatorIndex::new(*operator),
            windows: Mask256::of(&[3, 255]),
        };
        Accusers {
            accusers: operators.iter().map(of).collect(),
            closed: true,
        }
    }

    #[test]
    fn accusers_survive_the_wire() {
        for operators in [&[][..], &[0], &[2, 7, u32::MAX]] {
            let sent = accusers(operators);
            let wire: v1::GetAccusersReply = sent.clone().into();
            assert_eq!(Accusers::try_from(wire), Ok(sent));
        }
    }

    #[test]
    fn an_operator_accuses_once() {
        for operators in [[3, 3], [3, 2]] {
            let each = accusers(&operators).accusers;
            let wire = v1::GetAccusersReply {
                accusers: each
                    .iter()
                    .map(|accuser| v1::Accuser {
                        operator: accuser.operator.get(),
                        windows: accuser.windows.0.to_vec(),
                    })
                    .collect(),
                closed: false,
            };
            assert!(matches!(
                Accusers::try_from(wire),
                Err(WireError::AccuserOrder(_))
            ));
        }
    }

    #[test]
    fn no_more_accusers_are_read_than_there_can_be() {
        let many: Vec<u32> = (0..=u32::try_from(MAX_ACCUSERS).unwrap()).collect();
        let mut wire: v1::GetAccusersReply = accusers(&many).into();
        assert_eq!(wire.accusers.len(), MAX_ACCUSERS);
        wire.accusers.push(wire.accusers[0].clone());
        assert!(matches!(
            Accusers::try_from(wire),
            Err(WireError::Accusers { got: 1_025, .. })
        ));
    }

    #[test]
    fn contradictions_survive_the_wire_and_name_a_window() {
        let sent = Contradiction {
            epoch: HealthEpoch::new(9),
            machine: OfferId::new(u64::MAX),
            window: Window(255),
            operator: OperatorIndex::new(4),
            receipt: [7; 96],
        };
        let mut request = contradiction_request(&sent);
        assert_eq!(contradiction(&request), Ok(sent));
        request.window = 256;
        assert_eq!(contradiction(&request), Err(WireError::Window(256)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_contradiction_panic(
            window: u32, receipt in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let request = v1::SubmitContradictionRequest { epoch: 0, machine: 0, window, operator: 0, receipt };
            let _ = contradiction(&request);
        }
    }
}
