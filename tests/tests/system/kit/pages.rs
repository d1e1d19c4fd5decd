//! The nodes' HTTP pages.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A node's metrics, as text.
pub(crate) async fn metrics(port: u16) -> Result<String> {
    get(port, "metrics").await
}

/// The aggregator's rounds.
pub(crate) async fn status(port: u16) -> Result<Value> {
    Ok(serde_json::from_str(&get(port, "status").await?)?)
}

/// The sum of a counter over all of its labels that hold `label`.
pub(crate) fn count(page: &str, name: &str, label: &str) -> f64 {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let wanted = samples.filter(|line| {
        let metric = line.split(['{', ' ']).next().unwrap_or_default();
        metric.ends_with(name) && line.contains(label)
    });
    wanted
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

async fn get(port: u16, path: &str) -> Result<String> {
    let url = format!("http://127.0.0.1:{port}/{path}");
    let answer = reqwest::get(&url).await.with_context(|| url.clone())?;
    Ok(answer.error_for_status()?.text().await?)
}
