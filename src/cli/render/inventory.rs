//! Which agents there are on machines.

use super::Look;
use super::table::table;
use super::words::tame;
use crate::api::types::Inventory;
use crate::cli::error::CliError;

/// The table of what was found; a machine that could not be asked, or that has
/// none, has a row as well.
pub(in crate::cli) fn inventories(
    found: &[(String, Result<Inventory, CliError>)],
    look: Look,
) -> String {
    let mut rows = Vec::new();
    for (name, found) in found {
        match found {
            Ok(inventory) => rows.extend(rows_of(inventory)),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default();
                let dash = || "-".to_owned();
                rows.push(vec![name.clone(), dash(), dash(), format!("not asked: {}", tame(why))]);
            }
        }
    }
    table(&["REMOTE", "AGENT", "LOGGED IN", "VERSION AND FILE"], rows, look.width)
}

fn rows_of(inventory: &Inventory) -> Vec<Vec<String>> {
    let place = || inventory.remote.clone();
    let rows: Vec<Vec<String>> = inventory
        .agents
        .iter()
        .filter_map(|found| {
            let file = tame(found.file.as_ref()?);
            let version = found.trouble.as_ref().or(found.version.as_ref());
            let what =
                version.map_or(file.clone(), |version| format!("{} ({file})", tame(version)));
            let logged_in = match found.logged_in {
                Some(true) => "yes",
                Some(false) => "no",
                None => "?",
            };
            Some(vec![place(), tame(&found.program), logged_in.to_owned(), what])
        })
        .collect();
    if rows.is_empty() {
        let looked: Vec<&str> = inventory.agents.iter().map(|one| one.program.as_str()).collect();
        let none = format!("none of {} is on its PATH", tame(&looked.join(", ")));
        return vec![vec![place(), "-".to_owned(), "-".to_owned(), none]];
    }
    rows
}
