//! The node's HTTP page: metrics, readiness, and EigenLayer's node API.

use std::sync::Arc;

use quorate_service::{
    Metrics, Readiness, Shutdown,
    eigen::{self, Node, NodeHealth, NodeService, ServiceStatus},
    http,
    metrics::EigenMetrics,
};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::{Config, OperatorError};

/// What EigenLayer's node API tells of this node.
#[derive(Debug)]
struct About {
    readiness: Readiness,
}

impl Node for About {
    fn name(&self) -> &str {
        "quorate-operator"
    }

    fn version(&self) -> &str {
        concat!("v", env!("CARGO_PKG_VERSION"))
    }

    fn health(&self) -> NodeHealth {
        if self.readiness.is_ready() {
            NodeHealth::Healthy
        } else {
            NodeHealth::Unhealthy
        }
    }

    fn services(&self) -> Vec<NodeService> {
        let services = self
            .readiness
            .conditions()
            .into_iter()
            .map(|condition| NodeService {
                name: condition.name.clone(),
                description: condition.missing,
                status: if condition.ready {
                    ServiceStatus::Up
                } else {
                    ServiceStatus::Initializing
                },
                id: condition.name,
            });
        services.collect()
    }
}

/// The page while it is served.
#[derive(Debug)]
pub struct NodePage {
    server: JoinHandle<()>,
}

impl NodePage {
    /// Binds the configured address and serves until the end is asked for.
    ///
    /// # Errors
    /// [`OperatorError::Io`] if the address cannot be had.
    pub async fn serve(
        config: &Config,
        metrics: &Metrics,
        readiness: &Readiness,
        shutdown: &Shutdown,
    ) -> Result<Self, OperatorError> {
        let what = format!("http = \"{}\"", config.http);
        let (listener, address) = http::bind(config.http)
            .await
            .map_err(|source| OperatorError::Io { what, source })?;
        info!(%address, "metrics, readiness and node API");
        let _ = EigenMetrics::new(metrics);
        let about = About {
            readiness: readiness.clone(),
        };
        let router =
            http::router(metrics.clone(), readiness.clone()).merge(eigen::router(Arc::new(about)));
        let shutdown = shutdown.clone();
        let server = tokio::spawn(async move {
            if let Err(error) = http::serve(listener, router, shutdown).await {
                warn!(%error, "the HTTP page ended");
            }
        });
        Ok(Self { server })
    }

    /// Waits until the page has ended.
    pub async fn stopped(self) {
        let _ = self.server.await;
    }
}
