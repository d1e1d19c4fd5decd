//! The same over HTTP, as callers meet it.

use quorate_chain::forward::{Carried, MAX_JSON, Refused};
use quorate_service::{Readiness, Shutdown, http};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A page that listens.
struct Host {
    address: SocketAddr,
    page: Page<Chain>,
    chain: Chain,
    shutdown: Shutdown,
    folder: tempfile::TempDir,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.shutdown.ask();
    }
}

impl Host {
    async fn start(proxies: &[IpAddr]) -> Self {
        let (page, shutdown) = (Page::new(proxies), Shutdown::new());
        let (listener, address) = http::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let router = http::router(Metrics::new(), Readiness::new()).merge(page.router());
        tokio::spawn(http::serve(listener, router, shutdown.clone()));
        Self {
            address,
            page,
            chain: Chain::default(),
            shutdown,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self) {
        let desk = desk(&self.folder, self.chain.clone(), |_| {}, 10_000);
        self.page.open(desk);
    }

    /// Status, headers and body of an answer.
    async fn ask(&self, head: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let text = format!(
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    async fn post(&self, body: &str) -> (u16, String, String) {
        self.ask("POST /relay", "", body).await
    }
}

fn json(call: &SignedCall) -> String {
    serde_json::to_string(call).unwrap()
}

#[tokio::test]
async fn a_call_is_carried_and_its_end_can_be_asked_for() {
    let host = Host::start(&[]).await;
    host.open();
    let call = signed(|_| {});
    let (status, _, body) = host.post(&json(&call)).await;
    assert_eq!(status, 200, "{body}");
    let carried: Carried = serde_json::from_str(&body).unwrap();
    assert_eq!(carried.transaction, Some(B256::repeat_byte(9)));
    let path = format!("GET /relay/{}", carried.request);
    let (status, _, again) = host.ask(&path, "", "").await;
    assert_eq!((status, again), (200, body));
    let (status, _, body) = host.post(&json(&call)).await;
    assert_eq!(status, 409, "{body}");
}

#[tokio::test]
async fn terms_name_forwarder_targets_and_limits() {
    let host = Host::start(&[]).await;
    host.open();
    let (status, _, body) = host.ask("GET /relay", "", "").await;
    let terms: Terms = serde_json::from_str(&body).unwrap();
    assert_eq!((status, terms.chain_id), (200, CHAIN));
    assert_eq!(terms.forwarder, forwarder(CHAIN).address());
    let names: Vec<_> = terms.targets.iter().map(|target| &target.name).collect();
    assert_eq!(names, ["Market", "Escrow", "Providers"]);
}

#[tokio::test]
async fn until_the_chain_is_there_it_says_so_and_when_to_come_again() {
    let host = Host::start(&[]).await;
    for head in ["GET /relay", "POST /relay"] {
        let (status, headers, body) = host.ask(head, "", "").await;
        let refused: Refused = serde_json::from_str(&body).unwrap();
        assert_eq!((status, refused.code.as_str()), (503, "not_ready"));
        assert!(headers.contains("retry-after: 5"), "{headers}");
    }
}

#[tokio::test]
async fn garbage_and_what_is_too_large_are_refused() {
    let host = Host::start(&[]).await;
    host.open();
    let large = format!("{{\"data\": \"0x{}\"}}", "00".repeat(MAX_JSON / 2));
    for (body, expected) in [("", 400), ("{}", 400), ("[1", 400), (&large, 413)] {
        let (status, _, answer) = host.post(body).await;
        assert_eq!(status, expected, "{answer}");
        let refused: Refused = serde_json::from_str(&answer).unwrap();
        assert!(!refused.remedy.is_empty());
    }
    let (status, ..) = host.ask("GET /relay/0x12", "", "").await;
    assert_eq!(status, 400);
    let unknown = format!("GET /relay/{}", B256::ZERO);
    assert_eq!(host.ask(&unknown, "", "").await.0, 404);
}

#[tokio::test]
async fn addresses_are_told_apart_by_a_proxy_of_ours_and_by_nobody_else() {
    for (proxies, expected) in [(vec![], 429), (vec!["127.0.0.1".parse().unwrap()], 400)] {
        let host = Host::start(&proxies).await;
        host.open();
        for _ in 0..5 {
            host.ask("POST /relay", "x-forwarded-for: 192.0.2.1\r\n", "{}")
                .await;
        }
        // What stands before the last address is hearsay.
        let headers = "x-forwarded-for: 192.0.2.1, 192.0.2.2\r\n";
        let (status, ..) = host.ask("POST /relay", headers, "{}").await;
        assert_eq!(status, expected);
        let headers = "x-forwarded-for: 192.0.2.2, 192.0.2.1\r\n";
        let (status, ..) = host.ask("POST /relay", headers, "{}").await;
        assert_eq!(status, 429);
    }
}
