//! A signed call and its JSON.

use alloy::primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};

use super::ForwardError;

/// The most bytes of `data`: a batch of 64 orders has 20,580.
pub const MAX_DATA: usize = 24_576;
/// The most bytes of a signed call's JSON.
pub const MAX_JSON: usize = 65_536;
/// The latest deadline: the contract keeps it in 48 bits.
pub const MAX_DEADLINE: u64 = (1 << 48) - 1;

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who signs, and whose call it is.
    pub from: Address,
    /// The contract that is called.
    pub to: Address,
    /// Wei that go along.
    pub value: U256,
    /// Gas for the call itself.
    pub gas: u64,
    /// The forwarder's nonce of `from`.
    pub nonce: U256,
    /// The last second in which it may be carried, Unix time; at most [`MAX_DEADLINE`].
    pub deadline: u64,
    /// The call.
    pub data: Bytes,
}

/// A request and its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct SignedCall {
    /// What was signed.
    pub request: Request,
    /// r, s, v.
    pub signature: [u8; 65],
}

/// The JSON: quantities are hex, as in Ethereum's JSON-RPC; decimal text and numbers are read too, so
/// that what a wallet signed can be sent as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    from: Address,
    to: Address,
    #[serde(default)]
    value: U256,
    gas: U256,
    nonce: U256,
    deadline: U256,
    data: Bytes,
    signature: Bytes,
}

impl From<SignedCall> for Fields {
    fn from(call: SignedCall) -> Self {
        let SignedCall { request, signature } = call;
        Self {
            from: request.from,
            to: request.to,
            value: request.value,
            gas: U256::from(request.gas),
            nonce: request.nonce,
            deadline: U256::from(request.deadline),
            data: request.data,
            signature: signature.to_vec().into(),
        }
    }
}

impl TryFrom<Fields> for SignedCall {
    type Error = ForwardError;

    fn try_from(fields: Fields) -> Result<Self, ForwardError> {
        if fields.data.len() > MAX_DATA {
            let expected = format!("at most {MAX_DATA} bytes");
            return Err(field("data", fields.data.len(), expected));
        }
        let signature = fields.signature.as_ref().try_into().map_err(|_| {
            field(
                "signature",
                fields.signature.len(),
                "65 bytes: r, s, v".to_owned(),
            )
        })?;
        Ok(Self {
            request: Request {
                from: fields.from,
                to: fields.to,
                value: fields.value,
                gas: small("gas", fields.gas, u64::MAX)?,
                nonce: fields.nonce,
                deadline: small("deadline", fields.deadline, MAX_DEADLINE)?,
                data: fields.data,
            },
            signature,
        })
    }
}

fn small(name: &'static str, value: U256, most: u64) -> Result<u64, ForwardError> {
    u64::try_from(value)
        .ok()
        .filter(|value| *value <= most)
        .ok_or_else(|| field(name, value, format!("at most {most}")))
}

fn field(field: &'static str, got: impl ToString, expected: String) -> ForwardError {
    ForwardError::Field {
        field,
        got: got.to_string(),
        expected,
    }
}
