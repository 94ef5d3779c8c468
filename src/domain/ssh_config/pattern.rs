//! `ssh_config`(5) PATTERNS, which known_hosts uses as well.

/// Whether `text` matches `pattern`, in which `*` is any run of bytes and `?`
/// is any one.
#[must_use]
pub fn matches(text: &str, pattern: &str) -> bool {
    matches_bytes(text.as_bytes(), pattern.as_bytes())
}

fn matches_bytes(text: &[u8], pattern: &[u8]) -> bool {
    let (mut t, mut p) = (0, 0);
    // Where to go back to: the last star, and what it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                t += 1;
                p += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    t = swallowed + 1;
                    p = at + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Whether `text` matches some patterns: one that matches, and no negated one
/// (`!`) that does.
pub fn matches_any<'a>(text: &str, patterns: impl IntoIterator<Item = &'a str>) -> bool {
    verdict(text, patterns) == Verdict::Matched
}

/// What a list of patterns says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// One matches.
    Matched,
    /// A negated one matches.
    Refused,
    /// None does.
    Silent,
}

pub(super) fn verdict<'a>(text: &str, patterns: impl IntoIterator<Item = &'a str>) -> Verdict {
    let mut verdict = Verdict::Silent;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(text, negated) => return Verdict::Refused,
            Some(_) => {}
            None if matches(text, pattern) => verdict = Verdict::Matched,
            None => {}
        }
    }
    verdict
}

/// Whether `text` matches a list of patterns with commas between them. An empty
/// list is of no patterns.
#[must_use]
pub fn matches_list(text: &str, list: &str) -> bool {
    // A comma at the end ends the last pattern and begins none.
    !list.is_empty() && matches_any(text, list.strip_suffix(',').unwrap_or(list).split(','))
}

/// [`matches_list`] without regard to ASCII case.
#[must_use]
pub fn matches_list_ignoring_case(text: &str, list: &str) -> bool {
    matches_list(&text.to_ascii_lowercase(), &list.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_match_as_in_the_manual() {
        let cases = [
            ("host", "host", true),
            ("host", "Host", false),
            ("host", "h*", true),
            ("host", "*t", true),
            ("host", "h?st", true),
            ("host", "h?t", false),
            ("host", "*", true),
            ("", "*", true),
            ("", "?", false),
            ("", "", true),
            ("a.b.c", "*.c", true),
            ("a.b.c", "*b*", true),
            ("aaab", "*aab", true),
            ("aaab", "a*a*b", true),
            ("aaac", "a*a*b", false),
            ("host", "host*", true),
            ("host", "hos", false),
            ("a[b]{c}", "a[b]{c}", true),
            ("b", "[b]", false),
            ("ü", "?", false),
            ("ü", "??", true),
        ];
        for (text, pattern, expected) in cases {
            assert_eq!(matches(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn a_negated_match_settles_a_list() {
        let cases = [
            ("a.example", "*.example,!b.example", true),
            ("b.example", "*.example,!b.example", false),
            ("b.example", "!b.example,*.example", false),
            ("c.other", "!b.example", false),
            ("", "", false),
            ("", ",", true),
            ("a", "a,", true),
        ];
        for (text, list, expected) in cases {
            assert_eq!(matches_list(text, list), expected, "{text} {list}");
        }
        assert!(matches_list_ignoring_case("Box.Example", "*.EXAMPLE"));
    }

    proptest! {
        #[test]
        fn a_pattern_made_from_the_text_matches(text in "[a-z.]{0,12}", at in 0usize..13, len in 0usize..13) {
            let at = at.min(text.len());
            let end = (at + len).min(text.len());
            let star = format!("{}*{}", &text[..at], &text[end..]);
            prop_assert!(matches(&text, &star));
            let marks = format!("{}{}{}", &text[..at], "?".repeat(end - at), &text[end..]);
            prop_assert!(matches(&text, &marks));
        }
    }
}
