//! The aggregator; see the library.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    aggregator::Cli::parse().execute().await.into()
}
