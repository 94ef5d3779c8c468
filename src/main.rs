//! The program: see the library's tour.

use std::process::ExitCode;

fn main() -> ExitCode {
    longhaul::cli::main()
}
