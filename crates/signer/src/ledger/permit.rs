//! The proof that the ledger allows a signature.

use quorate_bls::Signature;
use quorate_canon::Digest;
use quorate_protocol::Header;

/// The ledger has durably written down what this signature will say. Made nowhere but in the ledger.
#[derive(Debug)]
pub(crate) struct WordPermit(Digest);

impl WordPermit {
    /// Only after the word, or the mark of the list, is recorded.
    pub(super) fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// The message to sign.
    pub(crate) fn digest(&self) -> &Digest {
        &self.0
    }
}

/// The ledger has durably bound this key to this header. Made nowhere but in the ledger;
/// without one the signer cannot sign.
#[derive(Debug)]
pub(crate) struct Permit {
    header: Header,
    digest: Digest,
    stored: Option<Signature>,
}

impl Permit {
    /// Only after the header is recorded.
    pub(super) fn new(header: Header, stored: Option<Signature>) -> Self {
        Self {
            digest: header.digest(),
            header,
            stored,
        }
    }

    /// The recorded header.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Its digest: the message to sign.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The signature, if it was made and stored before.
    pub(crate) fn stored(&self) -> Option<Signature> {
        self.stored
    }
}
