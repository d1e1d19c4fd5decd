//! What a process takes of its machine, from Linux's `/proc`.

use std::{
    fs,
    time::{Duration, Instant},
};

use nix::{time::clock_getcpuclockid, unistd::Pid};

use crate::Error;

/// What a process holds and has used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Resident memory now, bytes.
    pub(super) resident: u64,
    /// The most that was ever resident, bytes.
    pub(super) peak: u64,
}

/// Memory of a process.
///
/// # Errors
/// When it is gone, or the system has no `/proc`.
pub(super) fn usage(pid: u32) -> Result<Usage, Error> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1_024)
            .ok_or_else(|| Error::content(&path, format!("no {name}")))
    };
    Ok(Usage {
        resident: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}

/// Forgets this process's peak, so that the next [`usage`] shows what came after.
///
/// # Errors
/// When the system does not allow it.
pub(super) fn forget_peak() -> Result<(), Error> {
    let path = "/proc/self/clear_refs";
    fs::write(path, "5").map_err(Error::file(path))
}

/// Share of one core that a process takes over `span`, in percent, by its own clock: all its
/// threads, in nanoseconds, those too that begin or end meanwhile.
///
/// # Errors
/// When it is gone.
pub(super) async fn share_of_core(pid: u32, span: Duration) -> Result<f64, Error> {
    let (before, began) = (cpu_time(pid)?, Instant::now());
    tokio::time::sleep(span).await;
    let (after, took) = (cpu_time(pid)?, began.elapsed());
    let used = after.saturating_sub(before);
    Ok(used.as_secs_f64() / took.as_secs_f64() * 100.0)
}

fn cpu_time(pid: u32) -> Result<Duration, Error> {
    let failed = |reason: String| Error::program(format!("process {pid}"), reason);
    let number = i32::try_from(pid).map_err(|e| failed(e.to_string()))?;
    let clock = clock_getcpuclockid(Pid::from_raw(number)).map_err(|e| failed(e.to_string()))?;
    let time = clock.now().map_err(|e| failed(e.to_string()))?;
    Ok(time.into())
}

/// `value` with so many decimals.
pub(super) fn round_to(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_memory() {
        let usage = usage(std::process::id()).expect("proc");
        assert!(usage.resident > 100_000 && usage.peak >= usage.resident);
    }

    #[test]
    fn work_takes_cpu_time() {
        let before = cpu_time(std::process::id()).expect("clock");
        let mut number = 1_u64;
        while cpu_time(std::process::id()).expect("clock") <= before {
            number = std::hint::black_box(number).wrapping_mul(3);
        }
        assert!(cpu_time(u32::MAX).is_err());
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(usage(u32::MAX).is_err());
    }
}
