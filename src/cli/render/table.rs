//! Tables: columns of text, two spaces apart, and nothing else.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

/// A table under `header`. With a `width`, the last column is cut to fit in it:
/// a row stays a line, for people and for grep.
pub(in crate::cli) fn table(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let rows = match width {
        Some(width) => cut_last(header, rows, usize::from(width)),
        None => rows,
    };
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cut_last(header: &[&str], mut rows: Vec<Vec<String>>, width: usize) -> Vec<Vec<String>> {
    let Some(last) = header.len().checked_sub(1) else { return rows };
    let before: usize = (0..last)
        .map(|column| {
            let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            widest.max(header[column].chars().count()) + 2
        })
        .sum();
    // A column that is all ellipsis says nothing; then the terminal wraps.
    let room = width.saturating_sub(before).max(16);
    for row in &mut rows {
        if row[last].chars().count() > room {
            let cut: String = row[last].chars().take(room - 1).collect();
            row[last] = format!("{cut}…");
        }
    }
    rows
}
