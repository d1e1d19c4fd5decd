//! Deriving a key from a password, within limits.
//!
//! A keystore names its own cost. One from outside could ask for terabytes or for years, so
//! what a file may ask for is bounded before anything is allocated or computed.

use serde_json::{Map, Value};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{KeyError, Result, fields};

/// scrypt keeps `128 * n * r` bytes: at most 512 MiB.
const MAX_SCRYPT_N_R: u64 = 1 << 22;
/// scrypt's time goes with `n * r * p`: at most four times the standard's own example.
const MAX_SCRYPT_N_R_P: u64 = 1 << 23;
/// PBKDF2's time goes with its rounds: at most 64 times the standard's own example.
const MAX_PBKDF2_ROUNDS: u32 = 1 << 24;
/// Salts have 32 bytes as a rule.
const MAX_SALT_BYTES: usize = 1024;

/// How a password becomes a key, and at which cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kdf {
    /// scrypt (RFC 7914). Keeps `128 * n * r` bytes.
    Scrypt {
        /// Cost: a power of two, at least 2.
        n: u32,
        /// Block size.
        r: u32,
        /// Parallelisation, here one after the other.
        p: u32,
    },
    /// PBKDF2 with HMAC-SHA-256 (RFC 8018).
    Pbkdf2 {
        /// Iterations.
        rounds: u32,
    },
}

impl Kdf {
    /// What new keystores are written with: 256 MiB and about a second.
    pub const PRODUCTION: Self = Self::Scrypt {
        n: 1 << 18,
        r: 8,
        p: 1,
    };

    /// Derives 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::Kdf`] for parameters that are impossible or beyond the limits.
    pub(crate) fn derive(self, password: &[u8], salt: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        if salt.len() > MAX_SALT_BYTES {
            return Err(KeyError::Length {
                field: "salt",
                got: salt.len(),
                expected: "at most 1024",
            });
        }
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Self::Scrypt { n, r, p } => {
                let params = scrypt_params(n, r, p)?;
                scrypt::scrypt(password, salt, &params, key.as_mut())
                    .map_err(|error| KeyError::Kdf(error.to_string()))?;
            }
            Self::Pbkdf2 { rounds } => {
                check_rounds(rounds)?;
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, key.as_mut());
            }
        }
        Ok(key)
    }

    /// Reads the function and its salt, which both standards write alike.
    pub(crate) fn parse(function: &str, params: &Map<String, Value>) -> Result<(Self, Vec<u8>)> {
        let number = |name| fields::number(params, name);
        let kdf = match function {
            "scrypt" => Self::Scrypt {
                n: number("n")?,
                r: number("r")?,
                p: number("p")?,
            },
            "pbkdf2" => {
                fields::known("prf", &fields::text(params, "prf")?, "hmac-sha256")?;
                Self::Pbkdf2 {
                    rounds: number("c")?,
                }
            }
            other => {
                return Err(KeyError::Unknown {
                    what: "kdf",
                    got: other.to_owned(),
                    expected: "scrypt or pbkdf2",
                });
            }
        };
        let length = number("dklen")?;
        if length != 32 {
            return Err(KeyError::Kdf(format!("dklen is {length}, expected 32")));
        }
        let salt = fields::bytes("salt", &fields::text(params, "salt")?)?;
        Ok((kdf, salt))
    }

    /// The function's name and parameters, as [`parse`](Self::parse) reads them.
    pub(crate) fn describe(self, salt: &[u8]) -> (&'static str, Map<String, Value>) {
        let (function, mut params) = match self {
            Self::Scrypt { n, r, p } => (
                "scrypt",
                Map::from_iter([
                    ("n".to_owned(), Value::from(n)),
                    ("r".to_owned(), Value::from(r)),
                    ("p".to_owned(), Value::from(p)),
                ]),
            ),
            Self::Pbkdf2 { rounds } => (
                "pbkdf2",
                Map::from_iter([
                    ("c".to_owned(), Value::from(rounds)),
                    ("prf".to_owned(), Value::from("hmac-sha256")),
                ]),
            ),
        };
        params.insert("dklen".to_owned(), Value::from(32));
        params.insert("salt".to_owned(), Value::from(hex::encode(salt)));
        (function, params)
    }
}

fn scrypt_params(n: u32, r: u32, p: u32) -> Result<scrypt::Params> {
    let refuse = |why: &str| KeyError::Kdf(format!("scrypt with n = {n}, r = {r}, p = {p}: {why}"));
    if !n.is_power_of_two() || n < 2 {
        return Err(refuse("n is not a power of two"));
    }
    let memory = u64::from(n).saturating_mul(u64::from(r));
    if memory > MAX_SCRYPT_N_R {
        return Err(refuse("more than 512 MiB"));
    }
    if memory.saturating_mul(u64::from(p)) > MAX_SCRYPT_N_R_P {
        return Err(refuse("too slow"));
    }
    let log_n = u8::try_from(n.ilog2()).map_err(|_| refuse("n is too large"))?;
    scrypt::Params::new(log_n, r, p).map_err(|_| refuse("not allowed by the standard"))
}

fn check_rounds(rounds: u32) -> Result<()> {
    if (1..=MAX_PBKDF2_ROUNDS).contains(&rounds) {
        return Ok(());
    }
    Err(KeyError::Kdf(format!(
        "pbkdf2 with {rounds} rounds, expected 1 to {MAX_PBKDF2_ROUNDS}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Kdf = Kdf::Scrypt { n: 2, r: 1, p: 1 };

    fn refused(kdf: Kdf) -> bool {
        matches!(kdf.derive(b"password", b"salt"), Err(KeyError::Kdf(_)))
    }

    #[test]
    fn hostile_scrypt_parameters_are_refused_before_they_cost_anything() {
        for (n, r, p) in [
            (1 << 31, 8, 1),
            (1 << 31, u32::MAX, u32::MAX),
            (2, u32::MAX, 1),
            (2, 1, u32::MAX),
            (1 << 18, 8, 8),
            (1 << 20, 8, 1),
        ] {
            assert!(refused(Kdf::Scrypt { n, r, p }), "{n} {r} {p}");
        }
    }

    #[test]
    fn impossible_scrypt_parameters_are_refused() {
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (2, 0, 1), (2, 8, 0)] {
            assert!(refused(Kdf::Scrypt { n, r, p }), "{n} {r} {p}");
        }
    }

    #[test]
    fn pbkdf2_takes_at_least_one_round_and_not_too_many() {
        assert!(refused(Kdf::Pbkdf2 { rounds: 0 }));
        assert!(refused(Kdf::Pbkdf2 { rounds: u32::MAX }));
        assert!(!refused(Kdf::Pbkdf2 { rounds: 1 }));
    }

    #[test]
    fn the_salt_is_bounded() {
        assert!(CHEAP.derive(b"password", &[0; 1024]).is_ok());
        assert!(CHEAP.derive(b"password", &[0; 1025]).is_err());
    }

    #[test]
    fn production_parameters_are_within_the_limits() {
        let Kdf::Scrypt { n, r, p } = Kdf::PRODUCTION else {
            panic!("scrypt is what new keystores use");
        };
        assert_eq!(n, 262_144);
        assert!(scrypt_params(n, r, p).is_ok());
    }
}
