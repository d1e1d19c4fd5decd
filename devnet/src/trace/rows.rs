//! The trace as published: machines and tasks, row by row.

use std::{fs::File, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{Error, paths};

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// Its name.
    pub sn: String,
    /// Thousandths of a core.
    pub cpu_milli: u32,
    /// Memory, MiB.
    pub memory_mib: u32,
    /// Number of GPUs.
    pub gpu: u8,
    /// The trace's name of the GPU model.
    pub model: String,
}

/// A task that ran, or waited, on the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Thousandths of a core that it asked for.
    pub cpu_milli: u32,
    /// Memory that it asked for, MiB.
    pub memory_mib: u32,
    /// GPUs that it asked for.
    pub num_gpu: u8,
    /// Thousandths of a GPU that it asked for of each; 1000 is a whole one.
    pub gpu_milli: u32,
    /// Models that it accepts, joined by `|`; empty accepts any.
    pub gpu_spec: String,
    /// Class of service.
    pub qos: String,
    /// How it ended, or `Running`, or `Pending`.
    pub pod_phase: String,
    /// Seconds after the trace's beginning.
    pub creation_time: u64,
    /// Seconds after the trace's beginning.
    pub deletion_time: u64,
    /// Seconds after the trace's beginning; none if it was never scheduled.
    pub scheduled_time: Option<u64>,
}

/// All machines with GPUs, in the trace's order.
///
/// # Errors
/// When the file is not as published.
pub fn nodes() -> Result<Vec<Node>, Error> {
    read(
        &paths::data()
            .join("alibaba-gpu-v2023")
            .join("openb_node_list_gpu_node.csv"),
    )
}

/// All tasks that asked for a GPU, in the trace's order, which is that of their creation.
///
/// # Errors
/// When the file is not as published.
pub fn gpu_pods() -> Result<Vec<Pod>, Error> {
    let pods: Vec<Pod> = read(
        &paths::data()
            .join("alibaba-gpu-v2023")
            .join("openb_pod_list_gpuspec33.csv"),
    )?;
    Ok(pods.into_iter().filter(|pod| pod.num_gpu > 0).collect())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let file = File::open(path).map_err(Error::file(path))?;
    let mut reader = csv::Reader::from_reader(file);
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|e| Error::content(path, e.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn supply_is_as_published() {
        let nodes = nodes().expect("trace");
        let mut gpus = BTreeMap::new();
        for node in &nodes {
            *gpus.entry(node.model.as_str()).or_insert(0_u32) += u32::from(node.gpu);
        }
        assert_eq!(nodes.len(), 1_213);
        assert_eq!(gpus.values().sum::<u32>(), 6_212);
        let expected = [
            ("A10", 2),
            ("G2", 4392),
            ("G3", 312),
            ("P100", 265),
            ("T4", 842),
            ("V100M16", 195),
            ("V100M32", 204),
        ];
        assert_eq!(gpus, BTreeMap::from(expected));
    }

    #[test]
    fn demand_is_as_published() {
        let pods = gpu_pods().expect("trace");
        assert_eq!(pods.len(), 7_064);
        assert_eq!(
            pods.iter().filter(|p| !p.gpu_spec.is_empty()).count(),
            2_388
        );
        assert!(pods.is_sorted_by_key(|p| p.creation_time));
        assert!(pods.iter().all(|p| p.deletion_time >= p.creation_time));
    }
}
