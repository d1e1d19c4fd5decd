//! The local beacon's relays speak drand's two HTTP APIs, and misbehave on demand.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use devnet::beacon_server::{Fault, LocalBeacon, Relay};
use drand_verify::{G2PubkeyRfc, Pubkey as _};
use reqwest::StatusCode;
use serde_json::Value;

struct Setup {
    beacon: Arc<LocalBeacon>,
    relay: Relay,
    http: reqwest::Client,
}

impl Setup {
    /// A beacon whose tenth round was due when it was made.
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("clock")
            .as_secs();
        let beacon = Arc::new(LocalBeacon::new(&[3; 32], now - 9, 1).expect("beacon"));
        let relay = Relay::start(Arc::clone(&beacon), 0).await.expect("relay");
        let http = reqwest::Client::builder()
            .timeout(Duration::from_millis(500))
            .build()
            .expect("client");
        Self {
            beacon,
            relay,
            http,
        }
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Value), reqwest::Error> {
        let answer = self
            .http
            .get(self.relay.url().join(path).expect("path"))
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    fn verifies(&self, body: &Value) -> bool {
        let key = G2PubkeyRfc::from_fixed(self.beacon.info().public_key).expect("key");
        let signature = hex::decode(body["signature"].as_str().expect("signature")).expect("hex");
        key.verify(body["round"].as_u64().expect("round"), &[], &signature)
            .expect("well formed")
    }

    fn hash(&self) -> String {
        hex::encode(self.beacon.info().hash)
    }
}

#[tokio::test]
async fn both_versions_give_the_same_round() {
    let setup = Setup::new().await;
    let hash = setup.hash();
    let paths = [
        "public/5".to_owned(),
        format!("{hash}/public/5"),
        format!("v2/chains/{hash}/rounds/5"),
        "v2/beacons/local-beacon/rounds/5".to_owned(),
    ];
    let mut signatures = Vec::new();
    for path in paths {
        let (status, body) = setup.get(&path).await.expect("answer");
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(setup.verifies(&body), "{path}");
        signatures.push(body["signature"].clone());
    }
    assert!(signatures.iter().all(|s| *s == signatures[0]));
}

#[tokio::test]
async fn info_names_scheme_key_and_what_it_is() {
    let setup = Setup::new().await;
    let hash = setup.hash();
    let (_, one) = setup.get(&format!("{hash}/info")).await.expect("answer");
    let (_, two) = setup
        .get(&format!("v2/chains/{hash}/info"))
        .await
        .expect("answer");
    assert_eq!(one["schemeID"], "bls-unchained-g1-rfc9380");
    assert_eq!(one["hash"], two["chain_hash"]);
    assert_eq!(one["public_key"], two["public_key"]);
    assert_eq!(one["metadata"]["beaconID"], "local-beacon");
    assert_eq!(two["beacon_id"], "local-beacon");
    assert_eq!(
        setup.get("v2/beacons").await.expect("answer").1[0],
        "local-beacon"
    );
}

#[tokio::test]
async fn a_round_before_its_time_is_too_early() {
    let setup = Setup::new().await;
    assert_eq!(
        setup.get("public/1000").await.expect("answer").0,
        StatusCode::TOO_EARLY
    );
    let path = format!("v2/chains/{}/rounds/1000", setup.hash());
    assert_eq!(
        setup.get(&path).await.expect("answer").0,
        StatusCode::TOO_EARLY
    );
}

#[tokio::test]
async fn another_chain_is_unknown() {
    let setup = Setup::new().await;
    let path = format!("{}/public/1", hex::encode([1; 32]));
    assert_eq!(
        setup.get(&path).await.expect("answer").0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn latest_is_the_round_that_is_due() {
    let setup = Setup::new().await;
    let before = setup.beacon.latest().expect("began");
    let (_, body) = setup.get("public/latest").await.expect("answer");
    let after = setup.beacon.latest().expect("began");
    assert!((before..=after).contains(&body["round"].as_u64().expect("round")));
}

#[tokio::test]
async fn faults_are_what_they_say() {
    let setup = Setup::new().await;
    setup.relay.set_fault(Fault::Lie);
    let (_, body) = setup.get("public/5").await.expect("answer");
    assert_eq!(body["round"], 5);
    assert!(!setup.verifies(&body));

    setup.relay.set_fault(Fault::LieRandomness);
    let (_, body) = setup.get("public/5").await.expect("answer");
    assert!(setup.verifies(&body));
    assert_ne!(
        body["randomness"],
        hex::encode(setup.beacon.sign(5).randomness())
    );

    setup.relay.set_fault(Fault::Lag(100));
    assert_eq!(
        setup.get("public/5").await.expect("answer").0,
        StatusCode::TOO_EARLY
    );

    setup.relay.set_fault(Fault::TooEarly);
    assert_eq!(
        setup.get("public/5").await.expect("answer").0,
        StatusCode::TOO_EARLY
    );

    setup.relay.set_fault(Fault::Garbage);
    assert_eq!(
        setup.get("public/5").await.expect("answer"),
        (StatusCode::OK, Value::Null)
    );

    setup.relay.set_fault(Fault::Hang);
    assert!(
        setup
            .get("public/5")
            .await
            .expect_err("no answer")
            .is_timeout()
    );

    setup.relay.set_fault(Fault::None);
    assert!(setup.verifies(&setup.get("public/5").await.expect("answer").1));
}
