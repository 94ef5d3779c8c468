//! `explain`: a failure's code, or a doctor's finding, at length.

use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, say};
use super::parts;

/// `longhaul explain`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  longhaul explain\n  longhaul explain ssh.auth.denied")]
pub(super) struct Args {
    /// The code; without it, all codes are listed.
    code: Option<String>,
}

/// Runs the verb.
pub(super) fn explain(args: &Args) -> Result<Code, CliError> {
    let Some(code) = &args.code else {
        print(&list())?;
        return Ok(exit::OK);
    };
    match parts::explain(code) {
        Some(page) => {
            print(&format!("{}\n", page.trim_end()))?;
            Ok(exit::OK)
        }
        None => {
            say(&unknown(code));
            Ok(exit::FAILED)
        }
    }
}

/// A code and what it means, line by line; the first word of a line is the code.
fn list() -> String {
    let codes = parts::codes();
    let widest = codes.iter().map(|(code, _)| code.len()).max().unwrap_or(0);
    codes.iter().map(|(code, title)| format!("{code:widest$}  {title}\n")).collect()
}

fn unknown(code: &str) -> String {
    let near = parts::nearest_codes(code);
    let mut text = format!("no failure and no finding has the code {code:?}");
    match near.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("; did you mean {one}?\n  try: longhaul explain {one}")),
        several => {
            text.push_str("; these are near:");
            several.iter().for_each(|code| text.push_str(&format!("\n    {code}")));
        }
    }
    text + "\n  all of them: longhaul explain"
}
