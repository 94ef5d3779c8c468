//! From a place in a text to the line that shows it.

use std::ops::Range;

use super::problem::Spot;

/// What stands for a masked value, whatever its length.
const MASK: &str = "***";
/// The most characters of a line that are shown on either side of its spot.
const CONTEXT: usize = 100;

/// Where `range` of `text` starts, and its line with `masked` parts hidden.
///
/// A range over several lines is shown to the end of its first.
pub(super) fn spot(text: &str, range: &Range<usize>, masked: &[Range<usize>]) -> Spot {
    let start = range.start.min(text.len());
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].split(['\n', '\r']).next().unwrap_or_default();
    let line_end = line_start + line.len();
    let end = range.end.clamp(start, line_end.max(start));
    let shown = show(line, line_start, &(start..end), masked);
    Spot {
        line: text[..start].matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        text: shown.text,
        start: shown.span.start,
        width: shown.span.len().max(1),
    }
}

struct Shown {
    text: String,
    /// In characters of `text`.
    span: Range<usize>,
}

fn show(line: &str, line_start: usize, span: &Range<usize>, masked: &[Range<usize>]) -> Shown {
    let mut shown: Vec<char> = Vec::new();
    let (mut first, mut last) = (None, 0);
    let mut was_masked = false;
    let mut parts: Vec<_> = masked.iter().filter(|part| part.end > line_start).collect();
    parts.sort_by_key(|part| part.start);
    let mut parts = parts.into_iter().peekable();
    // Parts may hold one another, so what counts is how far any has reached.
    let mut masked_to = line_start;
    for (at, c) in line.char_indices() {
        let at = line_start + at;
        while let Some(part) = parts.next_if(|part| part.start <= at) {
            masked_to = masked_to.max(part.end);
        }
        let is_masked = at < masked_to;
        let before = shown.len();
        if !is_masked {
            // Nothing in a file gets to steer a terminal.
            match c {
                '\t' => shown.extend([' '; 4]),
                c if c.is_control() => shown.push('\u{fffd}'),
                c => shown.push(c),
            }
        } else if !was_masked {
            shown.extend(MASK.chars());
        }
        if span.contains(&at) {
            // Inside of a mask, the mask is what is pointed at.
            let here = if is_masked && was_masked { before - MASK.len() } else { before };
            first.get_or_insert(here);
            last = shown.len();
        } else if at < span.start && span.is_empty() {
            last = shown.len();
        }
        was_masked = is_masked;
    }
    let span = match first {
        Some(first) => first..last,
        None if span.start >= line_start + line.len() => shown.len()..shown.len(),
        None => last..last,
    };
    window(&shown, span)
}

/// The part of a long line that is around the span.
fn window(shown: &[char], span: Range<usize>) -> Shown {
    if shown.len() <= 2 * CONTEXT {
        return Shown { text: shown.iter().collect(), span };
    }
    let from = span.start.saturating_sub(CONTEXT);
    let to = (span.end.min(span.start + CONTEXT) + CONTEXT).min(shown.len());
    let before = if from > 0 { "…" } else { "" };
    let after = if to < shown.len() { "…" } else { "" };
    let middle: String = shown[from..to].iter().collect();
    let shift = |at: usize| at.min(to) - from + before.chars().count();
    Shown { text: format!("{before}{middle}{after}"), span: shift(span.start)..shift(span.end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(spot: &Spot) -> String {
        spot.text.chars().skip(spot.start).take(spot.width).collect()
    }

    #[test]
    fn counts_lines_and_characters_from_one() {
        let text = "(\r\n  é: 22,\n)";
        let at = text.find("22").unwrap();
        let spot = spot(text, &(at..at + 2), &[]);
        assert_eq!((spot.line, spot.column), (2, 6));
        assert_eq!(spot.text, "  é: 22,");
        assert_eq!(marked(&spot), "22");
    }

    #[test]
    fn a_mask_has_one_length_and_is_pointed_at_as_a_whole() {
        let text = r#"  "T": "hunter2", x"#;
        let secret = 7..16;
        let masked = spot(text, &secret, std::slice::from_ref(&secret));
        assert_eq!(masked.text, r#"  "T": ***, x"#);
        assert_eq!(marked(&masked), "***");
        let inside = spot(text, &(9..10), std::slice::from_ref(&secret));
        assert_eq!(marked(&inside), "***");
        let after = spot(text, &(18..19), std::slice::from_ref(&secret));
        assert_eq!(marked(&after), "x");
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        let spot = spot("(a", &(2..2), &[]);
        assert_eq!((spot.line, spot.column, spot.start, spot.width), (1, 3, 2, 1));
    }

    #[test]
    fn a_long_line_is_cut_around_its_spot() {
        let text = format!("{}X{}", "a".repeat(5_000), "b".repeat(5_000));
        let spot = spot(&text, &(5_000..5_001), &[]);
        assert_eq!(spot.column, 5_001);
        assert_eq!(marked(&spot), "X");
        assert!(spot.text.chars().count() < 250);
    }

    #[test]
    fn control_characters_and_tabs_cannot_move_the_cursor() {
        let spot = spot("\t\u{1b}[2Jx", &(5..6), &[]);
        assert_eq!(spot.text, "    \u{fffd}[2Jx");
        assert_eq!(marked(&spot), "x");
    }
}
