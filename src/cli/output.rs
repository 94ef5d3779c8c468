//! Writing to our own standard output and error.
//!
//! Much of what is shown comes from other machines. Nothing of it reaches a
//! terminal that the terminal would obey, whoever forgot to see to it: all text
//! goes through [`harmless`] here, but for what is raw by its name.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use serde::Serialize;

use super::error::CliError;
use super::render::{harmless, is_obeyed};
use crate::api::types::Stream;

/// Writes to standard output, or says that it cannot be written to.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    print_raw(&harmless(text))
}

/// Writes to standard output what moves a cursor.
pub(super) fn print_raw(text: &str) -> Result<(), CliError> {
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
    print_raw(&format!("{}\n", harmless_json(&json)))
}

/// Writes one line of JSON.
pub(super) fn print_json_line(value: &impl Serialize) -> Result<(), CliError> {
    let json = serde_json::to_string(value).map_err(CliError::Encode)?;
    print_raw(&format!("{}\n", harmless_json(&json)))
}

/// Says something on standard error. Where that is gone there is nobody to say
/// it to.
pub(super) fn say(text: &str) {
    say_raw(&format!("longhaul: {}\n", harmless(text)));
}

/// Writes to standard error as it is, for what moves a cursor.
pub(super) fn say_raw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// JSON without what a terminal would obey: DEL, the C1 controls and what turns the
/// direction of writing may stand in a JSON string as they are (RFC 8259, section
/// 7). Outside of strings there is none of it.
fn harmless_json(json: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c != '\n' && is_obeyed(c);
    if !json.contains(obeyed) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if obeyed(c) {
            // All of them are in the basic plane. Writing to a string cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    Cow::Owned(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_what_it_says_and_moves_no_cursor() {
        let said = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}b \u{e9}\n";
        let json = serde_json::to_string(said).unwrap();
        let shown = harmless_json(&json);
        assert!(shown.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{shown:?}");
        assert!(shown.contains('\u{e9}'), "{shown:?}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), said);
    }
}
