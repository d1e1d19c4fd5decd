//! EigenLayer's node API, v0.0.1, under `/eigen`: what an operator's monitoring asks any AVS's node.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The version of the API that is spoken here.
pub const SPEC_VERSION: &str = "v0.0.1";

/// Health of the node as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeHealth {
    /// Fully working: 200.
    Healthy,
    /// Working in part: 206.
    Partial,
    /// Not working: 503.
    Unhealthy,
}

impl NodeHealth {
    const fn code(self) -> StatusCode {
        match self {
            Self::Healthy => StatusCode::OK,
            Self::Partial => StatusCode::PARTIAL_CONTENT,
            Self::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// State of one service of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ServiceStatus {
    /// Working.
    Up,
    /// Not working.
    Down,
    /// Not working yet.
    Initializing,
}

/// One service of the node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeService {
    /// Its name in paths.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// How it is.
    pub status: ServiceStatus,
}

/// What a node tells; asked anew for every request.
pub trait Node: Send + Sync + 'static {
    /// The node's name.
    fn name(&self) -> &str;
    /// The node's version.
    fn version(&self) -> &str;
    /// How the node is.
    fn health(&self) -> NodeHealth;
    /// Its services.
    fn services(&self) -> Vec<NodeService>;
}

/// Asks for a version of the API; the only one, if none is named.
#[derive(Debug, Deserialize)]
struct Asked {
    version: Option<String>,
}

impl Asked {
    /// Whether the version asked for is spoken here.
    fn known(&self) -> bool {
        self.version
            .as_deref()
            .is_none_or(|version| version == SPEC_VERSION)
    }
}

/// The routes of the API.
pub fn router(node: Arc<dyn Node>) -> Router {
    Router::new()
        .route("/eigen/node", get(about))
        .route("/eigen/node/health", get(health))
        .route("/eigen/node/services", get(services))
        .route("/eigen/node/services/{id}/health", get(service_health))
        .with_state(node)
}

async fn about(State(node): State<Arc<dyn Node>>, Query(asked): Query<Asked>) -> Response {
    answer(&asked, || {
        Json(json!({ "node_name": node.name(), "node_version": node.version(), "spec_version": SPEC_VERSION })).into_response()
    })
}

async fn health(State(node): State<Arc<dyn Node>>, Query(asked): Query<Asked>) -> Response {
    answer(&asked, || node.health().code().into_response())
}

async fn services(State(node): State<Arc<dyn Node>>, Query(asked): Query<Asked>) -> Response {
    answer(&asked, || {
        Json(json!({ "services": node.services() })).into_response()
    })
}

async fn service_health(
    State(node): State<Arc<dyn Node>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    answer(&asked, || {
        let services: BTreeMap<_, _> = node
            .services()
            .into_iter()
            .map(|service| (service.id, service.status))
            .collect();
        match services.get(&id) {
            Some(ServiceStatus::Up) => StatusCode::OK,
            Some(ServiceStatus::Initializing) => StatusCode::PARTIAL_CONTENT,
            Some(ServiceStatus::Down) => StatusCode::SERVICE_UNAVAILABLE,
            None => StatusCode::NOT_FOUND,
        }
        .into_response()
    })
}

/// The answer, or 404 for a version that is not spoken here.
fn answer(asked: &Asked, make: impl FnOnce() -> Response) -> Response {
    if asked.known() {
        make()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shutdown, http};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    struct Sample(NodeHealth);

    impl Node for Sample {
        fn name(&self) -> &str {
            "sample"
        }
        fn version(&self) -> &str {
            "v1"
        }
        fn health(&self) -> NodeHealth {
            self.0
        }
        fn services(&self) -> Vec<NodeService> {
            let service = |id: &str, status| NodeService {
                id: id.into(),
                name: id.into(),
                description: String::new(),
                status,
            };
            vec![
                service("rounds", ServiceStatus::Up),
                service("probes", ServiceStatus::Down),
            ]
        }
    }

    async fn ask(health: NodeHealth, path: &str) -> String {
        let shutdown = Shutdown::new();
        let (listener, address) = http::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        tokio::spawn(http::serve(
            listener,
            router(Arc::new(Sample(health))),
            shutdown.clone(),
        ));
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream
            .write_all(
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        shutdown.ask();
        answer
    }

    #[tokio::test]
    async fn the_node_says_what_it_is() {
        let answer = ask(NodeHealth::Healthy, "/eigen/node").await;
        assert!(
            answer.contains(r#""node_name":"sample""#)
                && answer.contains(r#""spec_version":"v0.0.1""#),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn health_is_a_status_code() {
        for (health, code) in [
            (NodeHealth::Healthy, " 200 "),
            (NodeHealth::Partial, " 206 "),
            (NodeHealth::Unhealthy, " 503 "),
        ] {
            assert!(ask(health, "/eigen/node/health").await.contains(code));
        }
    }

    #[tokio::test]
    async fn services_are_listed_and_asked_one_by_one() {
        assert!(
            ask(NodeHealth::Healthy, "/eigen/node/services")
                .await
                .contains(r#""status":"Down""#)
        );
        assert!(
            ask(NodeHealth::Healthy, "/eigen/node/services/rounds/health")
                .await
                .contains(" 200 ")
        );
        assert!(
            ask(NodeHealth::Healthy, "/eigen/node/services/probes/health")
                .await
                .contains(" 503 ")
        );
        assert!(
            ask(NodeHealth::Healthy, "/eigen/node/services/else/health")
                .await
                .contains(" 404 ")
        );
    }

    #[tokio::test]
    async fn an_unknown_version_is_not_found() {
        assert!(
            ask(NodeHealth::Healthy, "/eigen/node?version=v9")
                .await
                .contains(" 404 ")
        );
        assert!(
            ask(NodeHealth::Healthy, "/eigen/node?version=v0.0.1")
                .await
                .contains(" 200 ")
        );
    }
}
