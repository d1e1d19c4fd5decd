//! The certificate that operators know an agent by: by its hash, which stands on chain, and by nothing
//! else. So it signs itself, and does not end.

use std::path::Path;

use quorate_canon::hash::sha256;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::AgentError;

/// A certificate and its key.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate, PEM.
    pub pem: String,
    /// Its key, PEM.
    pub key: String,
    /// SHA-256 of the certificate's DER.
    pub hash: [u8; 32],
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", hex::encode(self.hash))
    }
}

impl Certificate {
    /// A new one (ECDSA, P-256) for a host.
    ///
    /// # Errors
    /// [`AgentError::Certificate`] if the host is no name and no address.
    pub fn new(host: &str) -> Result<Self, AgentError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let made = rcgen::generate_simple_self_signed([bare.to_owned()]);
        let made = made.map_err(|error| AgentError::Certificate {
            what: host.to_owned(),
            detail: error.to_string(),
        })?;
        Ok(Self {
            pem: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            hash: sha256(&[made.cert.der()]).0,
        })
    }
}

/// The hash of the first certificate of a PEM file.
///
/// # Errors
/// [`AgentError`] if there is none.
pub fn hash_of(path: &Path) -> Result<[u8; 32], AgentError> {
    CertificateDer::from_pem_file(path)
        .map(|certificate| sha256(&[&certificate]).0)
        .map_err(|error| AgentError::Certificate {
            what: path.display().to_string(),
            detail: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_file_is_that_of_the_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate.pem");
        let made = Certificate::new("gpu.example").unwrap();
        std::fs::write(&path, &made.pem).unwrap();
        assert_eq!(hash_of(&path).unwrap(), made.hash);
        std::fs::write(&path, "nothing").unwrap();
        assert!(hash_of(&path).is_err());
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for host in ["gpu.example", "192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
            assert!(Certificate::new(host).is_ok(), "{host}");
        }
    }
}
