//! Tests and examinations, line by line.

use std::fmt::Write;

use super::words::tame;
use crate::api::types::{Finding, FindingStatus, TestStage};

/// The width of the names of stages; that of a jump host may be longer.
const STAGES: usize = 17;
/// The width of the names of findings.
const FINDINGS: usize = 21;

/// One stage, in a line.
pub(in crate::cli) fn stage(stage: &TestStage) -> String {
    let word = if stage.ok { "ok" } else { "FAILED" };
    let name = tame(&stage.name);
    let mut text = format!("  {name:STAGES$}  {:>8.1} ms  {word}", stage.took_ms);
    if let Some(detail) = &stage.detail {
        // Writing to a string cannot fail.
        let _ = write!(text, "  {}", tame(detail).replace('\n', " "));
    }
    text.push('\n');
    text
}

/// One finding: a line, and where it is not all well what it means and what to
/// type.
pub(in crate::cli) fn finding(finding: &Finding) -> String {
    let Finding { id, status, what, why, command } = finding;
    let word = match status {
        FindingStatus::Fail => "FAIL",
        other => other.as_str(),
    };
    let one_line = |text: &str| tame(text).replace('\n', " ");
    let mut text = format!("  {:FINDINGS$}  {word:4}  {}\n", tame(id), one_line(what));
    if !why.is_empty() {
        let _ = writeln!(text, "      {}", one_line(why));
    }
    for (index, line) in command.iter().flat_map(|command| command.lines()).enumerate() {
        let before = if index == 0 { "try: " } else { "     " };
        let _ = writeln!(text, "      {before}{}", tame(line));
    }
    if *status != FindingStatus::Ok {
        let _ = writeln!(text, "      more: longhaul explain {}", tame(id));
    }
    text
}

/// What is under way, for a terminal: the next thing that is written takes its
/// place, and so does a question.
pub(in crate::cli) fn pending(what: Option<&str>) -> String {
    match what {
        Some(what) => format!("\x1b[K  {} …\r", tame(what)),
        None => "\x1b[K".to_owned(),
    }
}
