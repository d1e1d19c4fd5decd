//! What probing ten thousand machines costs an operator: the whole prober over real TLS and with a real
//! ledger, as the operator's own example runs it, in a process beside this one.

use std::process::Stdio;

use super::{Row, ground::failed};
use crate::{Error, nodes::binary};

/// Built with `cargo build --examples`, beside this binary.
const EXAMPLE: &str = "examples/probing";
const MACHINES: u32 = 10_000;
/// Seconds of the window that is played: half of a real one. Each machine is probed once in it, as in a
/// real one, and all first attempts fall into 50 s where a real window gives them 110.
const WINDOW: u32 = 180;
/// Seconds of a window under the recommended policy.
const RECOMMENDED: f64 = 360.0;
/// Of ten operators with equal stake one sits on `1 - 0.9^31`, 96 %, of the committees. Fewer receipts than
/// this many say that machines were not probed.
const LEAST: f64 = 9_500.0;
const SHARE_PERCENT: u32 = 5;
const PEAK_MB: u32 = 100;
/// Bytes of a MiB, in MB.
const MIB: f64 = 1.048_576;

/// All rows of this group.
///
/// # Errors
/// When the example is not built, fails, or did not probe its machines.
pub(super) async fn measure(tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let output = tokio::process::Command::new(binary(EXAMPLE)?)
        .args([MACHINES.to_string(), WINDOW.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(failed)?;
    tick();
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(failed(format!("{EXAMPLE}: {}", output.status)));
    }
    rows(&said).ok_or_else(|| failed(format!("{EXAMPLE} said: {said}")))
}

/// The rows of what the example says, if its machines have passed. CPU is scaled to all machines.
fn rows(said: &str) -> Option<Vec<Row>> {
    let number = |before: &str| -> Option<f64> {
        let rest = said.split_once(before)?.1.trim_start();
        let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
        rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
    };
    let receipts = number("receipts")?;
    if receipts < LEAST {
        return None;
    }
    let cpu = number("cpu")? * f64::from(MACHINES) / receipts;
    let what = format!("operator's prober, {MACHINES} machines of 8 cards, all pass");
    Some(vec![
        Row::info(format!("{what}: CPU of a window"), cpu, "s"),
        Row::at_most(
            format!("{what}: share of a core in windows of six minutes"),
            cpu / RECOMMENDED * 100.0,
            "%",
            SHARE_PERCENT,
        ),
        Row::at_most(
            format!("{what}: peak of memory"),
            number("peak rss")? * MIB,
            "MB",
            PEAK_MB,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "machines 10000, window 180 s, receipts 9600\n\
        cpu 17.28 s: 1.800 ms a machine and window\npeak rss 50 MiB\n";

    #[test]
    fn the_share_of_a_core_is_that_of_a_real_window() {
        let rows = rows(SAID).expect("rows");
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        assert_eq!(values, [18.0, 5.0, 52.429]);
    }

    #[test]
    fn machines_that_were_not_probed_are_no_figure() {
        assert!(rows(&SAID.replace("receipts 9600", "receipts 9499")).is_none());
        assert!(rows("").is_none());
    }
}
