//! The operator's node; see the library.

fn main() -> std::process::ExitCode {
    avs_operator::cli::main()
}
