//! A failure, as a few lines.

use std::fmt::Write;

use super::words::tame;
use crate::domain::failure::{Disposition, Failure};

/// What happened, what it was told by, what to type, and where to read more.
/// The first line goes behind `longhaul: `; there is no line break at the end.
pub(in crate::cli) fn failure_block(failure: &Failure) -> String {
    let mut text = format!("{}: {}", failure.place, tame(&failure.message));
    if let Some(evidence) = &failure.evidence {
        for line in tame(evidence).lines() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  | {line}");
        }
    }
    if let Some(remedy) = &failure.remedy {
        for (index, line) in remedy.lines().enumerate() {
            let _ = write!(text, "\n  {} {line}", if index == 0 { "try: " } else { "     " });
        }
    }
    let next = match failure.disposition {
        Disposition::Retries => "it is tried again",
        Disposition::WaitsForYou => "it waits for you",
        Disposition::Final => "it is over",
    };
    let _ = write!(text, "\n  more: longhaul explain {}   ({next})", failure.code);
    text
}
