//! The auditor; see the library.

fn main() -> std::process::ExitCode {
    auditor::cli::main()
}
