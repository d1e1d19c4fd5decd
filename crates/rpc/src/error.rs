//! The crate's one error.

use std::net::SocketAddr;

use tonic::Code;

/// What can go wrong between an operator and an aggregator.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// An endpoint is no `http://` or `https://` address.
    #[error("bad endpoint {endpoint}: {detail}")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The address to listen on is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As it was given.
        address: SocketAddr,
        /// The system's word.
        source: std::io::Error,
    },
    /// A certificate, key or root does not load.
    #[error("bad TLS material in {path}: {detail}")]
    Tls {
        /// The file.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The server's transport ended by itself.
    #[error("server ended: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The reflection service could not be built from our own descriptors.
    #[error("descriptors do not load: {0}")]
    Descriptors(String),
    /// The peer answered with an error, or not at all.
    #[error("{endpoint} answered {}: {}", status.code(), status.message())]
    Status {
        /// Whom we asked.
        endpoint: String,
        /// What it said.
        status: Box<tonic::Status>,
    },
    /// The peer's answer breaks the protocol.
    #[error("bad answer: {0}")]
    Answer(#[from] crate::wire::WireError),
}

impl RpcError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(
                status.code(),
                Code::Unavailable
                    | Code::ResourceExhausted
                    | Code::DeadlineExceeded
                    | Code::Aborted
                    | Code::Cancelled
                    | Code::Unknown
            ),
            Self::Transport(_) => true,
            _ => false,
        }
    }

    /// Whether the peer says that it does not have what was asked for.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status, .. } if status.code() == Code::NotFound)
    }
}
