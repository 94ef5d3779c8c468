//! `ssh_config`(5) PATTERNS, which known_hosts uses as well. Pure.

/// Whether `text` matches `pattern`, in which `*` is any run of characters and
/// `?` is any one.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut t, mut p) = (0, 0);
    // Where to go back to: the last star, and what it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
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
    pattern[p..].iter().all(|&c| c == '*')
}

/// Whether `text` matches a list: one that matches, and no negated one (`!`)
/// that does.
pub(super) fn matches_list<'a>(text: &str, patterns: impl IntoIterator<Item = &'a str>) -> bool {
    let mut matched = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(text, negated) => return false,
            Some(_) => {}
            None => matched |= matches(text, pattern),
        }
    }
    matched
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
        ];
        for (text, list, expected) in cases {
            assert_eq!(matches_list(text, list.split(',')), expected, "{text} {list}");
        }
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
