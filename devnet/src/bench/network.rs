//! A whole devnet of honest nodes, as processes.

use std::path::Path;

use crate::{
    Error, World, WorldConfig,
    nodes::{NodeFiles, Nodes, Payers, tail},
};

/// A world and its nodes.
pub(super) struct Network {
    pub(super) world: World,
    pub(super) nodes: Nodes,
}

impl Network {
    /// Builds the world and starts its aggregator and all its operators.
    ///
    /// # Errors
    /// When a process does not start or a call reverts.
    pub(super) async fn start(config: WorldConfig) -> Result<Self, Error> {
        let dir = config.dir.clone();
        let world = World::start(config).await?;
        let nodes = start(&world, &dir).await?;
        Ok(Self { world, nodes })
    }

    /// That all nodes still run.
    ///
    /// # Errors
    /// When one has ended, with its last words.
    pub(super) fn require_alive(&mut self) -> Result<(), Error> {
        match self.nodes.fallen()?.first() {
            None => Ok(()),
            Some((name, log)) => Err(Error::program(name, format!("it ended:\n{}", tail(log)))),
        }
    }

    /// Ends the nodes, operators first; the chains go on.
    pub(super) fn end_nodes(self) -> World {
        self.nodes.end();
        self.world
    }
}

async fn start(world: &World, dir: &Path) -> Result<Nodes, Error> {
    let payers = Payers::create(world, &dir.join("keys")).await?;
    let files = NodeFiles::new(&dir.join("nodes"), world.operators.len())?;
    files.write(world, &payers)?;
    let mut nodes = Nodes::new(files);
    nodes.start_aggregator()?;
    for number in 0..world.operators.len() {
        nodes.start_operator(number)?;
    }
    Ok(nodes)
}
