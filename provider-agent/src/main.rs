//! The provider's agent; see the library.

fn main() -> std::process::ExitCode {
    provider_agent::cli::main()
}
