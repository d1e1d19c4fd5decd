//! What a provider's agent takes while nobody rents and nobody probes: it reads its cards and follows
//! a chain that mines a block a second.

use std::{path::Path, time::Duration};

use super::{
    Row,
    ground::failed,
    process::{share_of_core, usage},
    row::as_f64,
};
use crate::{Error, World, WorldConfig, agents::Agents, trace::Window};

const RESIDENT_MB: u32 = 20;
const SHARE_PERCENT: f64 = 0.2;
/// How long the agent's share of a core is measured.
const SPAN: Duration = Duration::from_secs(60);
/// From its start on, until it has read what lies on the chain.
const SETTLING: Duration = Duration::from_secs(15);

/// All rows of this group.
///
/// # Errors
/// When a process does not start or the agent ends.
pub(super) async fn measure(dir: &Path, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let config = WorldConfig {
        operators: 1,
        window: Window {
            count: 0,
            ..Window::DENSE
        },
        ..WorldConfig::new(dir)
    };
    let world = Box::pin(World::start(config)).await?;
    tick();
    let mut agents = Agents::start(&world, &dir.join("agents"), 1).await?;
    tick();
    let process = agents.all.first().and_then(|agent| agent.process.as_ref());
    let agent = process.map(crate::chains::Process::id);
    let agent = agent.ok_or_else(|| failed("no agent runs"))?;
    tokio::time::sleep(SETTLING).await;
    let share = share_of_core(agent, SPAN).await?;
    let usage = usage(agent)?;
    if let Some((name, log)) = agents.fallen()?.first() {
        return Err(failed(format!("{name} has ended: {}", log.display())));
    }
    agents.end();
    tick();
    let what = "provider's agent, idle, simulated cards";
    Ok(vec![
        Row::at_most(
            format!("{what}: resident"),
            as_f64(usage.resident) / 1e6,
            "MB",
            RESIDENT_MB,
        ),
        Row::at_most(
            format!("{what}: share of a core"),
            share,
            "%",
            SHARE_PERCENT,
        ),
    ])
}
