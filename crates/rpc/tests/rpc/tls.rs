use std::fs;

use quorate_rpc::{Client, ClientLimits, ClientTls, ServerLimits, ServerTls};

use crate::host::{Accepting, Host, vote};

#[tokio::test]
async fn a_server_with_a_certificate_is_known_by_its_root_only() {
    // Not the first to install it in this process, perhaps.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ServerTls {
        certificate: certificate.clone(),
        key,
    };
    let host = Host::start(Accepting::default(), ServerLimits::default(), Some(tls)).await;

    let url = format!("https://{}", host.address).parse().unwrap();
    let known = ClientTls {
        roots: Some(certificate),
        name: Some("localhost".into()),
    };
    Client::new(&url, &known, ClientLimits::default())
        .unwrap()
        .submit_vote(&vote())
        .await
        .unwrap();

    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let roots = dir.path().join("other.pem");
    fs::write(&roots, stranger.cert.pem()).unwrap();
    let unknown = ClientTls {
        roots: Some(roots),
        name: Some("localhost".into()),
    };
    assert!(
        Client::new(&url, &unknown, ClientLimits::default())
            .unwrap()
            .submit_vote(&vote())
            .await
            .is_err()
    );
}

#[test]
fn missing_files_are_named() {
    let url = "https://127.0.0.1:1".parse().unwrap();
    let tls = ClientTls {
        roots: Some("/nowhere/roots.pem".into()),
        name: None,
    };
    let error = Client::new(&url, &tls, ClientLimits::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nowhere/roots.pem"), "{error}");
}
