//! What of a session's output never came here, and how that is said.

use std::path::Path;

use crate::api::types::{Dropped, Gap, SessionView, Stream};
use crate::cli::output::say;
use crate::domain::gaps::Gaps;
use crate::domain::max_output::MaxOutput;

/// The gaps of a stream: by the mirror's own list, which is always the newest,
/// or by what the view says where the mirror is not to be seen from here.
pub(super) fn gaps(view: &SessionView, stream: Stream) -> Gaps {
    listed(&view.mirror, stream).unwrap_or_else(|| {
        let mut gaps = Gaps::default();
        let own = view.dropped.iter().filter(|dropped| dropped.stream == stream);
        own.for_each(|Dropped { gap, .. }| gaps.add(*gap));
        gaps
    })
}

/// The gaps that the mirror lists; `None` where there is no list to be seen.
pub(super) fn listed(mirror: &Path, stream: Stream) -> Option<Gaps> {
    let list = std::fs::read(mirror.join(stream.gaps_file_name())).ok()?;
    Some(Gaps::parse(&list))
}

/// Says that a part of a stream is not among what is copied.
pub(super) fn tell(stream: Stream, gap: Gap, max_output: Option<u64>) {
    say(&words(stream, gap, max_output));
}

fn words(stream: Stream, gap: Gap, max_output: Option<u64>) -> String {
    let cap = max_output.and_then(|bytes| MaxOutput::of_bytes(bytes).ok());
    let why = cap.map_or_else(String::new, |cap| format!(" (max_output {cap})"));
    format!("bytes {gap} of {} were dropped{why}", stream.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_with_its_range_and_its_reason() {
        let gap = Gap { from: 1000, to: 2000 };
        assert_eq!(
            words(Stream::Stdout, gap, Some(100_000_000)),
            "bytes 1000–1999 of standard output were dropped (max_output 100 MB)"
        );
        assert_eq!(
            words(Stream::Stderr, gap, None),
            "bytes 1000–1999 of standard error were dropped"
        );
    }
}
