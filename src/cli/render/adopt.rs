//! What was found on a host.

use std::collections::BTreeMap;

use super::Look;
use super::sessions::exit_words;
use super::table::table;
use super::words::{age, command, size};
use crate::api::types::{AdoptReport, FoundSession};

/// The table of what was taken in, or would be.
pub(in crate::cli) fn adopted(report: &AdoptReport, look: Look) -> String {
    let header = ["ID", "NAME", "AGENT", "STATE", "AGE", "OUTPUT", "FROM", "COMMAND"];
    let taken = report.sessions.iter().filter(|found| found.taken);
    let rows: Vec<_> = taken.map(|found| row(found, look)).collect();
    if rows.is_empty() { String::new() } else { table(&header, rows, look.width) }
}

fn row(found: &FoundSession, look: Look) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let name = found.name.as_ref().filter(|_| !found.name_taken);
    vec![
        found.id.to_string(),
        or_dash(name.map(|name| name.as_str())),
        or_dash(found.agent.as_ref().map(|name| name.as_str())),
        found.exit.map_or_else(|| found.state.clone(), exit_words),
        found.created_at.as_ref().map_or_else(|| "-".to_owned(), |at| age(at, look.now)),
        size(found.stdout.saturating_add(found.stderr)),
        or_dash(found.origin.as_deref()),
        command(&found.command),
    ]
}

/// What is to be said besides the table, a line each.
pub(in crate::cli) fn adoption_words(report: &AdoptReport) -> Vec<String> {
    let mut words = Vec::new();
    let place = &report.remote;
    let taken = report.sessions.iter().filter(|found| found.taken).count();
    let would = if report.dry_run { "would be taken in" } else { "taken in" };
    words.push(match (taken, report.known) {
        (0, 0) => format!("no session to take in on {place}"),
        (0, known) => format!("no session to take in on {place}; {known} known already"),
        (taken, 0) => format!("{taken} {would} from {place}"),
        (taken, known) => format!("{taken} {would} from {place}; {known} known already"),
    });
    for found in report.sessions.iter().filter(|found| found.taken && found.name_taken) {
        if let Some(name) = &found.name {
            let (id, drops) = (&found.id, if report.dry_run { "would lose" } else { "lost" });
            words.push(format!("{id} {drops} its name {name}: a live session has it"));
        }
    }
    let mut others: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for found in report.sessions.iter().filter(|found| !found.taken) {
        *others.entry(found.origin.as_deref()).or_default() += 1;
    }
    for (origin, count) in others {
        let belong = if count == 1 { "belongs" } else { "belong" };
        let whose = match origin {
            Some(origin) => format!("{belong} to {origin}"),
            None => format!("{} not tell whose", if count == 1 { "does" } else { "do" }),
        };
        let them = if count == 1 { "it" } else { "them" };
        let all = if place == "local" { "--local" } else { place };
        words.push(format!("{count} more {whose}; longhaul adopt {all} --all takes {them} in"));
    }
    words
}
