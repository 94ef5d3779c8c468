//! Writing to our own standard output and error.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use serde::Serialize;

use super::error::CliError;
use crate::api::types::Stream;

/// Writes to standard output, or says that it cannot be written to.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Stdout)
}

/// Writes a line to standard output.
pub(super) fn print_line(text: &str) -> Result<(), CliError> {
    print(&format!("{text}\n"))
}

/// Writes JSON for a program: indented, since people look at it too.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let json = serde_json::to_string_pretty(value).map_err(CliError::Encode)?;
    print_line(&json)
}

/// Writes one line of JSON.
pub(super) fn print_json_line(value: &impl Serialize) -> Result<(), CliError> {
    let json = serde_json::to_string(value).map_err(CliError::Encode)?;
    print_line(&json)
}

/// Says something on standard error. Where that is gone there is nobody to say
/// it to.
pub(super) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(format!("longhaul: {text}\n").as_bytes());
}

/// Writes to standard error as it is.
pub(super) fn say_raw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Our own end of a stream, as a plain file: without the line buffer of
/// [`io::Stdout`], and with a descriptor that the kernel can copy to.
pub(super) fn sink(stream: Stream) -> Result<File, CliError> {
    let owned = match stream {
        Stream::Stdout => io::stdout().as_fd().try_clone_to_owned(),
        Stream::Stderr => io::stderr().as_fd().try_clone_to_owned(),
    };
    owned.map(File::from).map_err(CliError::Stdout)
}
