//! The programs of service managers.

use std::process::{Command, Stdio};

use super::error::ServiceError;

/// Runs a program and waits for its end; what it says is kept for when it fails.
/// Blocks.
pub(super) fn run(program: &'static str, args: &[&str]) -> Result<(), ServiceError> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ServiceError::Tool { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(ServiceError::Failed {
        command: format!("{program} {}", args.join(" ")),
        status: output.status,
        words: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
