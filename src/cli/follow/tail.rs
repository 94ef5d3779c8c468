//! Where the last lines of a stream begin.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::dropped::gaps;
use crate::api::client::{Client, OutputQuery};
use crate::api::types::{SessionView, Stream};
use crate::cli::error::CliError;

/// How much is read at a time, from the end.
const WINDOW: u64 = 64 << 10;

/// The offset at which the last `lines` lines of the first `length` bytes begin.
/// An unfinished line at the end counts as one.
pub(in crate::cli) async fn offset_of_last_lines(
    client: &Client,
    view: &SessionView,
    stream: Stream,
    length: u64,
    lines: u64,
) -> Result<u64, CliError> {
    if lines == 0 {
        return Ok(length);
    }
    let mirror = File::open(view.mirror.join(stream.file_name())).ok();
    let gaps = gaps(view, stream);
    let mut left = lines;
    let mut end = length;
    while end > 0 {
        let stretch = gaps.stretch_before(end);
        let mut stop = stretch.end;
        while stop > stretch.start {
            let start = stop.saturating_sub(WINDOW).max(stretch.start);
            let query =
                OutputQuery { stream, offset: start, limit: Some(stop - start), follow: false };
            let window = match &mirror {
                Some(file) => from_mirror(file, query)
                    .map_err(|source| CliError::Copy { id: view.id.to_string(), source })?,
                None => from_daemon(client, view.id.as_str(), query).await?,
            };
            match search(&window, stop == stretch.end, &mut left) {
                Some(at) => return Ok(start + at),
                None => stop = start,
            }
        }
        // What was dropped ends a line before it, and begins one behind it.
        if stretch.bytes() > 0 {
            left -= 1;
        }
        if left == 0 {
            return Ok(stretch.start);
        }
        end = stretch.start;
    }
    Ok(0)
}

/// Looks backwards for the line break before the `left`-th line from the end;
/// the offset behind it. Counts `left` down.
fn search(window: &[u8], at_the_end: bool, left: &mut u64) -> Option<u64> {
    // The last byte's line break ends the last line, and begins none.
    let search = match window.split_last() {
        Some((b'\n', before)) if at_the_end => before,
        _ => window,
    };
    for (at, byte) in search.iter().enumerate().rev() {
        if *byte == b'\n' {
            *left -= 1;
            if *left == 0 {
                return Some(at as u64 + 1);
            }
        }
    }
    None
}

fn from_mirror(file: &File, query: OutputQuery) -> io::Result<Vec<u8>> {
    // At most WINDOW, which fits any usize.
    let wanted = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
    let mut bytes = vec![0; wanted];
    file.read_exact_at(&mut bytes, query.offset)?;
    Ok(bytes)
}

async fn from_daemon(client: &Client, id: &str, query: OutputQuery) -> Result<Vec<u8>, CliError> {
    let mut reader = client.output(id, query).await?;
    let mut bytes = Vec::new();
    while let Some(more) = reader.next().await? {
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::search;

    /// The same, over windows of `size`.
    fn offset(text: &[u8], lines: u64, size: usize) -> u64 {
        let mut left = lines;
        let mut end = text.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            if let Some(at) = search(&text[start..end], end == text.len(), &mut left) {
                return start as u64 + at;
            }
            end = start;
        }
        0
    }

    #[test]
    fn the_last_lines_begin_where_tail_says() {
        for size in 1..8 {
            for (text, lines, expected) in [
                ("a\nb\nc\n", 1, 4),
                ("a\nb\nc\n", 2, 2),
                ("a\nb\nc\n", 3, 0),
                ("a\nb\nc\n", 9, 0),
                ("a\nb\nc", 1, 4),
                ("a\n\n\n", 2, 2),
                ("\n", 1, 0),
                ("", 1, 0),
                ("abc", 1, 0),
            ] {
                assert_eq!(offset(text.as_bytes(), lines, size), expected, "{text:?} {lines}");
            }
        }
    }
}
