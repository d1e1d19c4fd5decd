//! Domain tags: what a signature was made for.

/// The purpose of a signature. A signature made for one never verifies for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Domain {
    /// An operator's signature over a header digest.
    Vote,
    /// An operator's proof that it holds the secret of the key it registers.
    Possession,
    /// A drand beacon of the scheme `bls-unchained-g1-rfc9380`.
    DrandNul,
}

impl Domain {
    /// The domain separation tag of RFC 9380.
    #[must_use]
    pub const fn tag(self) -> &'static [u8] {
        match self {
            Self::Vote => b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_",
            Self::Possession => b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_",
            Self::DrandNul => b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_",
        }
    }
}
