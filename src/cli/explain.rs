//! `explain`: a failure's code, at length.

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
        print(&parts::codes().iter().map(|code| format!("{code}\n")).collect::<String>())?;
        return Ok(exit::OK);
    };
    match parts::explain(code) {
        Some(page) => {
            print(&format!("{}\n", page.trim_end()))?;
            Ok(exit::OK)
        }
        None => {
            say(&format!(
                "no failure has the code {code:?}\n  try: longhaul explain   (lists all)"
            ));
            Ok(exit::FAILED)
        }
    }
}
