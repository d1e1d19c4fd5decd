//! Logs go to standard error: standard output belongs to what a command answers.

use tracing_subscriber::{
    EnvFilter, filter::ParseError, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{ConfigError, cli::LogArgs};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal.
    Colours,
    /// For people, elsewhere.
    Plain,
    /// One JSON object a line.
    Json,
}

/// Starts logging for the process. Later calls change nothing.
///
/// # Errors
/// If the filter is not understood.
pub fn init(args: &LogArgs) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&args.log)
        .map_err(|error: ParseError| ConfigError::value("--log", error.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // An error means that a subscriber stands already, as in tests.
    let _ = match args.format() {
        Format::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        Format::Colours => registry.with(layer.with_ansi(true)).try_init(),
        Format::Plain => registry.with(layer.with_ansi(false)).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_filter_is_an_error_that_names_the_option() {
        let args = LogArgs {
            log: "info,=".into(),
            log_json: false,
        };
        assert!(init(&args).unwrap_err().to_string().starts_with("--log"));
    }
}
