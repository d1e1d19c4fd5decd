//! What every binary of the network shares, so that they behave alike: configuration that refuses
//! typos, one table of exit codes, a shutdown that ends, logs, metrics, health, EigenLayer's node API.

pub mod cli;
pub mod config;
pub mod crypto;
pub mod doctor;
pub mod eigen;
pub mod health;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod secret;
pub mod shutdown;
pub mod terminal;

pub use cli::Exit;
pub use config::{ConfigError, Network};
pub use crypto::install_crypto;
pub use health::Readiness;
pub use metrics::Metrics;
pub use secret::{Secret, SecretSource};
pub use shutdown::Shutdown;
