//! The one TLS provider of a process.

/// Makes ring the provider of rustls for this process. Call it first thing in `main`, before any
/// connection: with two providers compiled in, rustls panics at its first use. Further calls change nothing.
pub fn install_crypto() {
    // An error means that a provider stands already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    #[test]
    fn installing_twice_is_no_error() {
        super::install_crypto();
        super::install_crypto();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
