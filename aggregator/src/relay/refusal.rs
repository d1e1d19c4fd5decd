//! Why a call is not carried: a code, words, and what to do.

use alloy::primitives::{Address, B256, U256};
use axum::http::StatusCode;
use quorate_chain::forward::{ForwardError, Refused};

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is larger than any call.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// The body did not come, or is no signed call.
    #[error("no signed call: {0}")]
    BadJson(String),
    /// Too many from one network address; it may come again after so many seconds.
    #[error("too many calls from your network address")]
    AddressTooOften(u64),
    /// Too many of one account; likewise.
    #[error("too many calls of {0}")]
    AccountTooOften(Address, u64),
    /// The contract is none that calls are carried to.
    #[error("to: {0} is no contract that calls are carried to")]
    Target(Address),
    /// The function is none that is carried.
    #[error("data: {got} is no function of {contract} that is carried")]
    Function {
        /// Its selector.
        got: String,
        /// The contract's name.
        contract: &'static str,
    },
    /// Ether is not carried.
    #[error("value: got {0}, expected 0")]
    Value(U256),
    /// More gas than is carried.
    #[error("gas: got {got}, expected at most {most}")]
    Gas {
        /// What was signed.
        got: u64,
        /// The limit.
        most: u64,
    },
    /// Its time is over.
    #[error("deadline: got {got}, and it is {now}")]
    Expired {
        /// What was signed.
        got: u64,
        /// The chain's time.
        now: u64,
    },
    /// Its time is too long.
    #[error("deadline: got {got}, expected at most {latest}")]
    TooFar {
        /// What was signed.
        got: u64,
        /// The latest.
        latest: u64,
    },
    /// The signature.
    #[error(transparent)]
    Signature(ForwardError),
    /// Another nonce than the chain's, with the transaction that carried it if it was here.
    #[error("nonce: got {got}, expected {expected}")]
    Nonce {
        /// What was signed.
        got: U256,
        /// The chain's.
        expected: U256,
        /// The transaction that carried this very call from here.
        carried: Option<B256>,
    },
    /// A call of the same account is under way.
    #[error("a call of {from} is under way: {request}")]
    Pending {
        /// The account.
        from: Address,
        /// The digest of that call.
        request: B256,
    },
    /// The contract refuses it.
    #[error("the contract refuses: {0}")]
    Reverts(String),
    /// It would need more gas than was signed.
    #[error("gas: {0} is not enough for this call")]
    LittleGas(u64),
    /// The day's budget is used up.
    #[error("this relay has spent what it spends in a day")]
    Budget(u64),
    /// Too many at once.
    #[error("this relay has too many calls under way")]
    Busy,
    /// The relay has not reached its chain yet, or something of its own fails.
    #[error("this relay does not work now: {0}")]
    NotReady(String),
    /// The chain does not answer.
    #[error("the chain does not answer: {0}")]
    Chain(String),
    /// It was mined and reverted: something changed meanwhile.
    #[error("mined, and reverted: {why}")]
    Reverted {
        /// The transaction.
        transaction: B256,
        /// The contract's reason.
        why: String,
    },
    /// It was not mined in time.
    #[error("not mined: {0}")]
    NotMined(String),
    /// Nobody brought such a call here, or it is long ago.
    #[error("no such call was brought here of late")]
    Unknown,
}

impl Refusal {
    /// Its name: the label of metrics, and `code` of answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too_large",
            Self::BadJson(_) => "bad_json",
            Self::AddressTooOften(_) => "address_too_often",
            Self::AccountTooOften(..) => "account_too_often",
            Self::Target(_) => "wrong_target",
            Self::Function { .. } => "wrong_function",
            Self::Value(_) => "value",
            Self::Gas { .. } => "too_much_gas",
            Self::Expired { .. } => "expired",
            Self::TooFar { .. } => "deadline_too_far",
            Self::Signature(_) => "bad_signature",
            Self::Nonce { .. } => "wrong_nonce",
            Self::Pending { .. } => "pending",
            Self::Reverts(_) => "refused_by_contract",
            Self::LittleGas(_) => "too_little_gas",
            Self::Budget(_) => "budget",
            Self::Busy => "busy",
            Self::NotReady(_) => "not_ready",
            Self::Chain(_) => "chain",
            Self::Reverted { .. } => "reverted",
            Self::NotMined(_) => "not_mined",
            Self::Unknown => "unknown",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadJson(_) => StatusCode::BAD_REQUEST,
            Self::AddressTooOften(_) | Self::AccountTooOften(..) => StatusCode::TOO_MANY_REQUESTS,
            Self::Nonce { .. } | Self::Pending { .. } | Self::Reverted { .. } => {
                StatusCode::CONFLICT
            }
            Self::Budget(_) | Self::Busy | Self::NotReady(_) | Self::Chain(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::NotMined(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Unknown => StatusCode::NOT_FOUND,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Seconds after which the same may be taken, where waiting helps.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::AddressTooOften(seconds)
            | Self::AccountTooOften(_, seconds)
            | Self::Budget(seconds) => Some(*seconds),
            Self::Pending { .. } | Self::Busy | Self::NotReady(_) | Self::Chain(_) => Some(5),
            _ => None,
        }
    }

    const fn remedy(&self) -> &'static str {
        match self {
            Self::TooLarge(_) | Self::BadJson(_) => {
                "send a signed call as docs/formats.md, section 16, has it"
            }
            Self::AddressTooOften(_) | Self::AccountTooOften(..) => {
                "wait, or bring it to another relay"
            }
            Self::Target(_) | Self::Function { .. } => {
                "GET /relay names the contracts and functions; send other calls yourself"
            }
            Self::Value(_) => "sign value 0; calls with ether cannot be relayed",
            Self::Gas { .. } => "sign again with less gas; a batch can be cut into smaller ones",
            Self::Expired { .. } => "sign again with a later deadline",
            Self::TooFar { .. } => "sign again with an earlier deadline: minutes are enough",
            Self::Signature(_) => {
                "sign with the key of `from`, in the domain that the forwarder tells (eip712Domain)"
            }
            Self::Nonce { .. } => {
                "look whether it was carried already; if not, sign with the nonce that is expected"
            }
            Self::Pending { .. } => "wait until that call is carried, then bring the next",
            Self::Reverts(_) => "nothing was sent; docs/tenants.md lists the contracts' errors",
            Self::LittleGas(_) => "sign again with more gas: twice what an estimate says",
            Self::Budget(_) => "bring the same bytes to another relay, or send the call yourself",
            Self::Busy | Self::NotReady(_) | Self::Chain(_) => {
                "try again in a moment, or bring the same bytes to another relay"
            }
            Self::Reverted { .. } => {
                "something changed between check and block; look, and sign again if it is still wanted"
            }
            Self::NotMined(_) => {
                "it may still be carried until its deadline: look at the forwarder's nonce of `from`"
            }
            Self::Unknown => "look at the forwarder's nonce of `from` and at its events",
        }
    }

    const fn transaction(&self) -> Option<B256> {
        match self {
            Self::Reverted { transaction, .. } => Some(*transaction),
            Self::Nonce { carried, .. } => *carried,
            _ => None,
        }
    }

    /// The answer.
    #[must_use]
    pub fn shown(&self) -> Refused {
        Refused {
            code: self.code().to_owned(),
            error: self.to_string(),
            remedy: self.remedy().to_owned(),
            retry_after: self.retry_after(),
            transaction: self.transaction(),
        }
    }
}
