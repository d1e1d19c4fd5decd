use std::{fs, net::Ipv4Addr, path::Path, time::Duration};

use quorate_rpc::{Client, ClientLimits, ClientTls, ServerLimits, ServerTls};
use tokio::net::TcpSocket;

use crate::host::{Accepting, Host, vote};

/// A certificate of its own for `localhost`, in files of this folder.
fn certificate(dir: &Path) -> ServerTls {
    // Not the first to install it in this process, perhaps.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    ServerTls { certificate, key }
}

#[tokio::test]
async fn who_never_shakes_hands_keeps_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let tls = certificate(dir.path());
    let roots = tls.certificate.clone();
    let limits = ServerLimits {
        connections: 4,
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, Some(tls)).await;
    let mut silent = Vec::new();
    for number in 1..=4 {
        let socket = TcpSocket::new_v4().unwrap();
        let from = Ipv4Addr::new(127, 0, 2, number);
        socket.bind((from, 0).into()).unwrap();
        silent.push(socket.connect(host.address).await.unwrap());
    }
    let known = ClientTls {
        roots: Some(roots),
        name: Some("localhost".into()),
    };
    let url = format!("https://{}", host.address).parse().unwrap();
    let client = Client::new(&url, &known, ClientLimits::default()).unwrap();
    let bytes = vote();
    let answer = tokio::time::timeout(Duration::from_secs(5), client.submit_vote(&bytes));
    answer.await.expect("in time").unwrap();
}

#[tokio::test]
async fn a_server_with_a_certificate_is_known_by_its_root_only() {
    let dir = tempfile::tempdir().unwrap();
    let tls = certificate(dir.path());
    let certificate = tls.certificate.clone();
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
