//! Putting in, replacing and taking out, in the manner of what is around.

use std::ops::Range;

use super::entry::{Entry, Style, WIDTH};
use super::tree::{Group, Item};
use crate::domain::config::scan::{Kind, comments};

/// A text in place of a range.
pub(super) type Splice = (Range<usize>, String);

/// The text with all splices made; they are in order and do not overlap.
pub(super) fn applied(text: &str, splices: Vec<Splice>) -> String {
    let mut done = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for (range, new) in splices {
        done.push_str(&text[at..range.start]);
        done.push_str(&new);
        at = range.end;
    }
    done.push_str(&text[at..]);
    done
}

impl Style {
    /// That of a text whose outermost group is `root`.
    pub(super) fn of(text: &str, root: &Group) -> Self {
        let first = text.find('\n').filter(|at| *at > 0);
        let is_crlf = first.is_some_and(|at| text[..at].ends_with('\r'));
        let unit = own_line_indents(text, root).next().filter(|indent| !indent.is_empty());
        Self {
            newline: if is_crlf { "\r\n" } else { "\n" },
            unit: unit.unwrap_or("    ").to_owned(),
        }
    }
}

/// Where the line starts that `at` is on.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// The blanks that the line of `at` starts with.
fn indent_of_line(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    let end = line.find(|c| !matches!(c, ' ' | '\t')).unwrap_or(line.len());
    &line[..end]
}

/// What is before `at` on its line, if that is nothing but blanks.
fn own_indent(text: &str, at: usize) -> Option<&str> {
    let before = &text[line_start(text, at)..at];
    before.chars().all(|c| matches!(c, ' ' | '\t')).then_some(before)
}

/// The indentations of the items that begin a line.
fn own_line_indents<'a>(text: &'a str, group: &'a Group) -> impl Iterator<Item = &'a str> {
    group.items.iter().filter_map(|item| own_indent(text, item.start))
}

/// How the items of a group are indented, or would be.
fn item_indent(text: &str, group: &Group, style: &Style) -> String {
    let known = own_line_indents(text, group).next().map(str::to_owned);
    let line_of = if own_indent(text, group.close).is_some() { group.close } else { group.open };
    known.unwrap_or_else(|| format!("{}{}", indent_of_line(text, line_of), style.unit))
}

/// Puts entries behind the last one of a group. An empty group on one line is
/// opened up if `breaks`.
pub(super) fn append(
    text: &str,
    group: &Group,
    new: &[Entry],
    style: &Style,
    breaks: bool,
) -> Vec<Splice> {
    let inside = &text[group.open..group.close];
    let mut splices = Vec::new();
    let last = group.items.last();
    if let Some(Item { end, comma: None, .. }) = last {
        splices.push((*end..*end, ",".to_owned()));
    }
    let had_comma = last.is_none_or(|item| item.comma.is_some());
    let at_end = group.open + inside.trim_end_matches([' ', '\t']).len();
    if inside.contains('\n') {
        let indent = item_indent(text, group, style);
        splices.push(match own_indent(text, group.close) {
            Some(_) => {
                let start = line_start(text, group.close);
                (start..start, lines(new, &indent, style))
            }
            None => {
                let mut items = joined_lines(new, &indent, style);
                if last.is_some() && had_comma {
                    items.push(',');
                }
                (at_end..at_end, format!("{}{items}", style.newline))
            }
        });
        return splices;
    }
    let inline: Vec<_> = new.iter().map(Entry::inline).collect();
    let inline = inline.join(", ");
    let line = indent_of_line(text, group.open);
    let width = text[line_start(text, group.open)..].lines().next().unwrap_or_default();
    let is_long = width.chars().count() + inline.chars().count() > WIDTH;
    if is_long || (breaks && inside.trim().is_empty()) {
        let indent = format!("{line}{}", style.unit);
        let items = lines(new, &indent, style);
        splices.push((at_end..group.close, format!("{}{items}{line}", style.newline)));
    } else if inside.trim().is_empty() {
        let blank = if text[..group.open].ends_with('{') { " " } else { "" };
        splices.push((group.open..group.close, format!("{blank}{inline}{blank}")));
    } else {
        let comma = if last.is_some() && had_comma { "," } else { "" };
        splices.push((at_end..at_end, format!(" {inline}{comma}")));
    }
    splices
}

/// Puts an entry behind the item at `position`.
pub(super) fn insert_after(
    text: &str,
    group: &Group,
    position: usize,
    new: &Entry,
    style: &Style,
) -> Vec<Splice> {
    let item = &group.items[position];
    if item.comma.is_none() {
        return append(text, group, std::slice::from_ref(new), style, false);
    }
    let end = item.full_end();
    let rest = text[end..group.close].split_inclusive('\n').next().unwrap_or_default();
    let ends_line =
        rest.ends_with('\n') && (rest.trim().is_empty() || rest.trim().starts_with("//"));
    match own_indent(text, item.start) {
        Some(indent) if ends_line => {
            let next = end + rest.len();
            let line = format!("{indent}{},{}", new.at(indent, style), style.newline);
            vec![(next..next, line)]
        }
        _ => vec![(end..end, format!(" {},", new.inline()))],
    }
}

/// Each entry on lines of its own, all of them with a comma and a line's end.
fn lines(new: &[Entry], indent: &str, style: &Style) -> String {
    let line = |entry: &Entry| format!("{indent}{},{}", entry.at(indent, style), style.newline);
    new.iter().map(line).collect()
}

/// Each entry on lines of its own, with a comma and a line's end between two.
fn joined_lines(new: &[Entry], indent: &str, style: &Style) -> String {
    let line = |entry: &Entry| format!("{indent}{}", entry.at(indent, style));
    new.iter().map(line).collect::<Vec<_>>().join(&format!(",{}", style.newline))
}

/// Takes an item out. Its comments stay, those inside of it as well: each is a
/// line then, where it stood.
pub(super) fn remove(text: &str, group: &Group, position: usize, style: &Style) -> Splice {
    let item = &group.items[position];
    let (start, end) = (item.start, item.full_end());
    let kept: Vec<_> = comments(&text[start..end])
        .map(|piece| (piece.kind, &text[start + piece.range.start..start + piece.range.end]))
        .collect();
    let indent = own_indent(text, start);
    let rest = &text[end..];
    let rest_of_line = rest.split('\n').next().unwrap_or_default();
    let is_last_of_line = rest_of_line.trim().is_empty();
    if let (Some(indent), true) = (indent, is_last_of_line && rest.contains('\n')) {
        let lines: String =
            kept.iter().map(|(_, comment)| format!("{indent}{comment}{}", style.newline)).collect();
        return (start - indent.len()..end + rest_of_line.len() + 1, lines);
    }
    if kept.is_empty() && item.comma.is_none() && indent.is_none() {
        // The last of a line: the comma before it goes with it.
        if let Some(before) = position.checked_sub(1).map(|at| &group.items[at])
            && text[before.end..start].trim() == ","
            && !text[before.end..start].contains('\n')
        {
            return (before.end..end, String::new());
        }
    }
    // A comment behind it on its line stays where it was.
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let more = if is_last_of_line || end + blanks >= group.close { 0 } else { blanks };
    let blank_before = text[..start].len() - text[..start].trim_end_matches([' ', '\t']).len();
    let start = match indent {
        None if is_last_of_line && kept.is_empty() => start - blank_before,
        _ => start,
    };
    let indent = indent.unwrap_or_else(|| indent_of_line(text, start));
    let kept = kept.iter().map(|(kind, comment)| match kind {
        Kind::LineComment => format!("{comment}{}{indent}", style.newline),
        _ => format!("{comment} "),
    });
    (start..end + more, kept.collect())
}
