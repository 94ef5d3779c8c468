//! What was removed, or would be.

use super::table::table;
use super::words::{size, tame};
use crate::api::types::{GcFate, GcItem, GcView, GcWhat, Why};

/// The table of what goes, and what that comes to.
pub(in crate::cli) fn gc(view: &GcView) -> String {
    if view.items.is_empty() {
        return "nothing to remove\n".to_owned();
    }
    let header = ["SESSION", "NAME", "REMOTE", "WHAT", "SIZE", "WHY", "RESULT"];
    let mut text = table(&header, view.items.iter().map(row).collect(), None);
    let of = |fate| view.items.iter().filter(move |item| item.fate == fate);
    let (wanted, verb) =
        if view.dry_run { (GcFate::Due, "would be removed") } else { (GcFate::Removed, "removed") };
    let bytes = of(wanted).map(|item| item.size).sum();
    text.push_str(&format!("\n{} {verb}, {}", of(wanted).count(), size(bytes)));
    match of(GcFate::Waits).count() {
        0 => text.push('\n'),
        waiting => text.push_str(&format!("; {waiting} as soon as the host is reached\n")),
    }
    text
}

fn row(item: &GcItem) -> Vec<String> {
    vec![
        item.session.to_string(),
        item.name.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        item.place.clone(),
        match item.what {
            GcWhat::Spool => "spool",
            GcWhat::Session => "session",
        }
        .to_owned(),
        size(item.size),
        match item.why {
            Why::GraceOver => "all of it is here",
            Why::TooOld => "older than mirror_age",
            Why::TooMuch => "more than mirror_size",
            Why::Asked => "the session was removed",
        }
        .to_owned(),
        result(item),
    ]
}

fn result(item: &GcItem) -> String {
    match (item.fate, &item.detail) {
        (GcFate::Due, _) => "would be removed".to_owned(),
        (GcFate::Removed, _) => "removed".to_owned(),
        (GcFate::Waits, _) => format!("waits for {}", item.place),
        (GcFate::Stays, Some(detail)) => {
            format!("NOT removed: {}", tame(detail).replace('\n', " "))
        }
        (GcFate::Stays, None) => "NOT removed".to_owned(),
    }
}
