//! From the beacon to a signed vote. An operator's nodes say themselves what they take beside
//! matching, the check of themselves against the contracts included, as they really run it; matching
//! is measured at the size of a market, where no chain of a bench can hold the orders.

use std::{collections::BTreeMap, net::Ipv4Addr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Row, ground::failed, matching::VOTE_AT_SCALE};
use crate::{Error, nodes::NodeFiles};

/// What the design asks for at a million requests.
const BEACON_TO_VOTE_MS: u32 = 750;
const BESIDE: &str = "beacon to signed vote less matching, mean over";
/// Sums and counts that a node exports.
const PAGE: [&str; 3] = [
    "quorate_operator_beacon_to_vote_seconds",
    "quorate_operator_matching_seconds",
    "quorate_operator_self_check_seconds",
];

/// What the operators took, by their own metrics.
///
/// # Errors
/// When a node does not answer or has never voted.
pub(super) async fn measure(files: &NodeFiles) -> Result<Vec<Row>, Error> {
    let mut sums = BTreeMap::new();
    for port in &files.operator_http {
        add(&mut sums, &page(*port).await.map_err(failed)?);
    }
    let [vote, matching, check] = PAGE.map(|name| mean(&sums, name));
    let operators = files.operator_http.len();
    let beside = difference(vote?, matching?);
    Ok(vec![
        Row::info(format!("{BESIDE} {operators} operators"), beside, "ms"),
        Row::info(
            format!("self check against the contracts in it, mean over {operators} operators"),
            check?,
            "ms",
        ),
    ])
}

/// The metrics of the node on this port, after some lines of HTTP, which name no metric.
async fn page(port: u16) -> std::io::Result<String> {
    let mut node = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    node.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    node.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Beacon to signed vote at the size that the target is given for; none if either part is missing.
pub(super) fn at_scale(rows: &[Row]) -> Option<Row> {
    let find = |prefix| rows.iter().find(|row| row.name.starts_with(prefix));
    let (matching, beside) = (find(VOTE_AT_SCALE)?, find(BESIDE)?);
    let (_, size) = matching.name.split_once("threads, ")?;
    let name = format!("beacon to signed vote, self check included, {size}");
    let whole = matching.value + beside.value;
    Some(Row::at_most(name, whole, "ms", BEACON_TO_VOTE_MS))
}

/// What is left of a mean without one part of it; not below nothing, as matched rounds may end
/// without a vote.
fn difference(whole: f64, part: f64) -> f64 {
    (whole - part).max(0.0)
}

/// Adds what a page says of sums and counts.
fn add(sums: &mut BTreeMap<String, f64>, page: &str) {
    for line in page.lines() {
        let named = line
            .split_once(' ')
            .map(|(name, value)| (name, value.parse::<f64>()));
        if let Some((name, Ok(value))) = named {
            *sums.entry(name.to_owned()).or_default() += value;
        }
    }
}

/// Milliseconds, over all that was observed.
fn mean(sums: &BTreeMap<String, f64>, name: &str) -> Result<f64, Error> {
    let of = |what: &str| sums.get(&format!("{name}_{what}")).copied();
    match (of("sum"), of("count")) {
        (Some(sum), Some(count)) if count > 0.0 => Ok(sum / count * 1e3),
        _ => Err(failed(format!("no operator says anything of {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_all_pages() {
        let mut sums = BTreeMap::new();
        for page in [
            "a_sum 0.5\na_count 2\n",
            "# HELP a A.\na_sum 0.25\na_count 1\n# EOF",
        ] {
            add(&mut sums, page);
        }
        assert!((mean(&sums, "a").unwrap() - 250.0).abs() < 1e-9);
        assert!(mean(&sums, "b").is_err());
    }

    #[test]
    fn both_parts_make_the_whole_and_one_does_not() {
        let matching = Row::info(format!("{VOTE_AT_SCALE}, 32 regions"), 500.0, "ms");
        let beside = Row::info(format!("{BESIDE} 4 operators"), 90.0, "ms");
        let whole = at_scale(&[matching.clone(), beside]).unwrap();
        assert!((whole.value - 590.0).abs() < 1e-9 && whole.met == Some(true));
        assert_eq!(at_scale(&[matching]), None);
    }
}
