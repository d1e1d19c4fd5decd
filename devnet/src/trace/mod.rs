//! The published trace that the market is fed from, and what it stands for.

pub mod draw;
pub mod mapping;
pub mod rows;
pub mod window;

pub use draw::TraceSeed;
pub use mapping::{MachineOffer, Mapping, PROVIDERS, TENANTS, TaskRequest};
pub use window::{Played, Window};

use crate::Error;

/// A market to be played: who offers what, and who asks for what when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// All machines of the trace.
    pub machines: Vec<MachineOffer>,
    /// The window's tasks in the trace's order.
    pub tasks: Vec<TaskRequest>,
}

impl Script {
    /// Reads the trace and maps a window of it. The same arguments give the same records.
    ///
    /// # Errors
    /// When the trace is not as published.
    pub fn new(window: Window, mapping: Mapping) -> Result<Self, Error> {
        let machines = rows::nodes()?
            .iter()
            .map(|node| mapping.machine(node))
            .collect::<Result<_, _>>()?;
        let pods: Vec<_> = rows::gpu_pods()?
            .into_iter()
            .skip(window.first)
            .take(window.count)
            .collect();
        let played = window::play(&pods, window.seconds);
        let tasks = pods
            .iter()
            .zip(played)
            .map(|(pod, played)| mapping.task(pod, played));
        Ok(Self {
            machines,
            tasks: tasks.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn script(seed: u64, window: Window) -> Script {
        Script::new(
            window,
            Mapping {
                seed: TraceSeed(seed),
                start: 1_800_000_000,
            },
        )
        .expect("trace")
    }

    #[test]
    fn every_machine_and_every_gpu_task_becomes_a_valid_record() {
        let script = script(1, Window::FULL);
        assert_eq!(script.machines.len(), 1_213);
        assert_eq!(
            script
                .machines
                .iter()
                .map(|m| u32::from(m.offer.gpus.get()))
                .sum::<u32>(),
            6_212
        );
        assert_eq!(script.tasks.len(), 7_064);
        assert!(script.machines.iter().all(|m| m.offer.validate().is_ok()));
        assert!(script.tasks.iter().all(|t| t.request.validate().is_ok()));
    }

    #[test]
    fn the_same_seed_gives_the_same_records() {
        assert_eq!(script(1, Window::DENSE), script(1, Window::DENSE));
        assert_ne!(script(1, Window::DENSE), script(2, Window::DENSE));
    }

    #[test]
    fn a_task_is_the_same_whatever_the_window() {
        let (dense, full) = (script(1, Window::DENSE), script(1, Window::FULL));
        let (a, b) = (&dense.tasks[10], &full.tasks[Window::DENSE.first + 10]);
        assert_eq!(
            (&a.task, a.tenant, a.request.budget),
            (&b.task, b.tenant, b.request.budget)
        );
    }

    #[test]
    fn asks_stay_within_the_declared_spread() {
        for machine in script(1, Window::DENSE).machines {
            let model = quorate_matching::policy::models::MODELS
                .iter()
                .find(|m| m.index == machine.offer.model);
            let price = model.expect("known").reference_price;
            let ask = machine.offer.ask.get();
            assert!(
                ask >= price * 80 / 100 && ask <= price * 120 / 100,
                "{ask} of {price}"
            );
        }
    }

    #[test]
    fn everybody_has_something() {
        let script = script(1, Window::DENSE);
        let providers: BTreeSet<_> = script.machines.iter().map(|m| m.provider).collect();
        let tenants: BTreeSet<_> = script.tasks.iter().map(|t| t.tenant).collect();
        assert_eq!((providers.len(), tenants.len()), (PROVIDERS, TENANTS));
    }
}
