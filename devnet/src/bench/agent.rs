//! What a provider's agent takes while nobody rents and nobody probes: it reads its cards and follows
//! a chain that mines a block a second, as often as `provider-agent init` sets it up, and thirty times
//! as often, as on the devnet.

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
/// How often the devnet's agents look at the chain.
const DEVNET_MS: u32 = 500;
/// What `provider-agent init` writes.
const SET_UP_MS: u32 = 15_000;
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
    let often = Idle::of(&mut agents).await?;
    tick();
    follow_as_set_up(&mut agents)?;
    let seldom = Idle::of(&mut agents).await?;
    agents.end();
    tick();
    Ok(vec![
        Row::at_most(
            "provider's agent, idle, simulated cards, as set up: resident",
            seldom.resident,
            "MB",
            RESIDENT_MB,
        ),
        Row::at_most(
            "provider's agent, idle, simulated cards, as set up: share of a core",
            seldom.share,
            "%",
            SHARE_PERCENT,
        ),
        Row::info(
            "the same agent, looking at the chain twice a second: resident",
            often.resident,
            "MB",
        ),
        Row::info(
            "the same agent, looking at the chain twice a second: share of a core",
            often.share,
            "%",
        ),
    ])
}

/// What an idle agent takes.
struct Idle {
    resident: f64,
    share: f64,
}

impl Idle {
    async fn of(agents: &mut Agents) -> Result<Self, Error> {
        let process = agents.all.first().and_then(|agent| agent.process.as_ref());
        let process = process.map(crate::chains::Process::id);
        let process = process.ok_or_else(|| failed("no agent runs"))?;
        tokio::time::sleep(SETTLING).await;
        let share = share_of_core(process, SPAN).await?;
        let resident = as_f64(usage(process)?.resident) / 1e6;
        if let Some((name, log)) = agents.fallen()?.first() {
            return Err(failed(format!("{name} has ended: {}", log.display())));
        }
        Ok(Self { resident, share })
    }
}

/// Starts the agent again with the pace that `provider-agent init` writes.
fn follow_as_set_up(agents: &mut Agents) -> Result<(), Error> {
    let agent = agents
        .all
        .first_mut()
        .ok_or_else(|| failed("no agent runs"))?;
    agent.kill()?;
    let config = &agent.files.config;
    let text = std::fs::read_to_string(config).map_err(Error::file(config))?;
    let (devnet, set_up) = (
        format!("poll_ms = {DEVNET_MS}"),
        format!("poll_ms = {SET_UP_MS}"),
    );
    if !text.contains(&devnet) {
        return Err(failed(format!("{}: no {devnet}", config.display())));
    }
    std::fs::write(config, text.replace(&devnet, &set_up)).map_err(Error::file(config))?;
    agent.start()
}
