//! The beacon as a job sees it.

use std::future::Future;

use quorate_canon::Timestamp;

/// Where beacon signatures come from, verified.
pub trait Beacons: Send + Sync + 'static {
    /// The signature of a beacon round, waited for until `deadline` (wall clock).
    fn signature(
        &self,
        beacon_round: u64,
        deadline: Timestamp,
    ) -> impl Future<Output = Result<[u8; 48], String>> + Send;
}

impl Beacons for quorate_beacon::Client {
    async fn signature(&self, beacon_round: u64, deadline: Timestamp) -> Result<[u8; 48], String> {
        let beacon = self.wait_for(beacon_round, deadline).await;
        beacon
            .map(|beacon| beacon.signature)
            .map_err(|error| error.to_string())
    }
}
