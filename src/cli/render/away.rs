//! How a link that is not up reads.

use std::time::SystemTime;

use super::words::{age, duration_ms, tame};
use crate::api::types::{LinkState, LinkView};

/// In a table: `unreachable 3m: ssh.connect.refused, next try 12 s`. `None` where
/// there is nothing to tell.
pub(super) fn link_words(link: &LinkView, now: SystemTime) -> Option<String> {
    if let Some(view) = &link.question {
        return Some(format!("{}: {}", link.state.as_str(), view.question.kind().as_str()));
    }
    let Some(since) = &link.unreachable_since else {
        return match (link.state, &link.failure) {
            (LinkState::Connected | LinkState::Idle, _) => None,
            // A daemon that is older than the client.
            (state, Some(failure)) => Some(format!("{}: {}", state.as_str(), failure.code)),
            (state, None) => Some(state.as_str().to_owned()),
        };
    };
    let code = link.failure.as_ref().map(|failure| format!(": {}", failure.code));
    let next = next_words(link, now);
    Some(format!("unreachable {}{}, {next}", age(since, now), code.unwrap_or_default()))
}

/// What comes next: `next try 12 s`, `connecting`, `waits for you`.
fn next_words(link: &LinkView, now: SystemTime) -> String {
    match (link.state, until(link, now)) {
        (LinkState::NeedsAttention, _) => "waits for you".to_owned(),
        (LinkState::BackingOff, Some(left)) => format!("next try {left}"),
        _ => "connecting".to_owned(),
    }
}

/// For one session: `unreachable since 2026-…Z (3m), next try 12 s`.
pub(super) fn link_line(link: &LinkView, now: SystemTime) -> Option<String> {
    let since = link.unreachable_since.as_ref()?;
    Some(format!("unreachable since {since} ({}), {}", age(since, now), next_words(link, now)))
}

/// The time until the next try, where it is not over.
fn until(link: &LinkView, now: SystemTime) -> Option<String> {
    let at = humantime::parse_rfc3339(link.next_try_at.as_ref()?).ok()?;
    let left = at.duration_since(now).ok()?.as_millis();
    (left > 0).then(|| duration_ms(u64::try_from(left).unwrap_or(u64::MAX)))
}

/// On a line of its own, for whoever follows a session, cut to `width`
/// characters. `way_out` goes first where there is no room.
pub(in crate::cli) fn away_line(
    place: &str,
    link: &LinkView,
    way_out: &str,
    now: SystemTime,
    width: usize,
) -> String {
    let since = link.unreachable_since.as_ref();
    let away = since.map(|since| format!("unreachable for {}; ", age(since, now)));
    let why = link.failure.as_ref().map(|failure| {
        let message = tame(&failure.message);
        message.lines().next().unwrap_or_default().to_owned()
    });
    let next = match (link.state, until(link, now)) {
        (LinkState::NeedsAttention, _) => "waits for you".to_owned(),
        (LinkState::BackingOff, Some(left)) => format!("next try in {left}"),
        (LinkState::BackingOff, None) => "trying again".to_owned(),
        _ => "connecting".to_owned(),
    };
    let why = why.map(|why| format!("; {why}")).unwrap_or_default();
    let what = format!("{place}: {}{next}{why}", away.unwrap_or_default());
    let whole = format!("{what} ({way_out})");
    if whole.chars().count() <= width { whole } else { cut(&what, width) }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::failure::{Disposition, Failure, Stage};

    const AT: &str = "2026-01-02T03:04:05.000Z";
    const NEXT: &str = "2026-01-02T03:07:20.500Z";

    fn now() -> SystemTime {
        humantime::parse_rfc3339(AT).unwrap() + Duration::from_secs(190)
    }

    fn link(state: LinkState, away: bool) -> LinkView {
        let failure = Failure {
            code: "ssh.connect.refused".to_owned(),
            stage: Stage::Connect,
            disposition: Disposition::Retries,
            place: "box".to_owned(),
            message: "connection refused\x1b[2J".to_owned(),
            evidence: None,
            remedy: None,
        };
        LinkView {
            state,
            failures: 1,
            next_try_ms: None,
            next_try_at: (state == LinkState::BackingOff).then(|| NEXT.to_owned()),
            failure: away.then_some(failure),
            question: None,
            transport: None,
            since: AT.to_owned(),
            unreachable_since: away.then(|| AT.to_owned()),
        }
    }

    #[test]
    fn a_table_tells_since_when_why_and_what_comes() {
        use LinkState::{BackingOff, Connected, Connecting, Draining, Idle, NeedsAttention};
        let away = |next| Some(format!("unreachable 3m: ssh.connect.refused, {next}"));
        for (state, is_away, expected) in [
            (BackingOff, true, away("next try 6 s")),
            (Connecting, true, away("connecting")),
            (NeedsAttention, true, away("waits for you")),
            (Connecting, false, Some("connecting".to_owned())),
            (Draining, false, Some("draining".to_owned())),
            (Connected, false, None),
            (Idle, false, None),
        ] {
            assert_eq!(link_words(&link(state, is_away), now()), expected);
        }
    }

    #[test]
    fn a_try_that_is_due_counts_down_to_nothing() {
        let late = now() + Duration::from_secs(60);
        let words = link_words(&link(LinkState::BackingOff, true), late).unwrap();
        assert!(words.ends_with(", connecting"), "{words}");
    }

    #[test]
    fn the_line_is_cut_to_the_terminal_and_cannot_drive_it() {
        let line = |width| {
            away_line("box", &link(LinkState::BackingOff, true), "Ctrl-C gives up", now(), width)
        };
        let what = "box: unreachable for 3m; next try in 6 s; connection refused\\u{1b}[2J";
        assert_eq!(line(200), format!("{what} (Ctrl-C gives up)"));
        assert_eq!(line(what.len()), what);
        assert_eq!(line(20), "box: unreachable fo…");
        for width in 0..100 {
            assert!(line(width).chars().count() <= width.max(1));
        }
    }
}
