//! TLS material from files. rustls runs on ring; the process installs that provider once at start.

use std::path::{Path, PathBuf};

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::RpcError;

/// A server's certificate chain and key, PEM files.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

impl ServerTls {
    /// Reads the files.
    pub(crate) fn config(
        &self,
        handshake: std::time::Duration,
    ) -> Result<ServerTlsConfig, RpcError> {
        let identity = Identity::from_pem(read(&self.certificate)?, read(&self.key)?);
        Ok(ServerTlsConfig::new().identity(identity).timeout(handshake))
    }
}

/// How a client knows its server, for `https` endpoints.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    /// PEM file of the roots that are trusted; the system's roots if none.
    pub roots: Option<PathBuf>,
    /// The name that the certificate must bear, where it is not the endpoint's host.
    pub name: Option<String>,
}

impl ClientTls {
    /// Reads the files.
    pub(crate) fn config(&self) -> Result<ClientTlsConfig, RpcError> {
        let config = match &self.roots {
            Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        Ok(match &self.name {
            Some(name) => config.domain_name(name.clone()),
            None => config,
        })
    }
}

/// The bytes of a file, or an error that names it.
fn read(path: &Path) -> Result<Vec<u8>, RpcError> {
    std::fs::read(path).map_err(|source| RpcError::Tls {
        path: path.display().to_string(),
        detail: source.to_string(),
    })
}
