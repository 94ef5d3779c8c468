//! What comes in place of an SSH server's greeting.
//!
//! An SSH server greets with a line that starts with `SSH-2.0-`, and may put
//! other lines before it (RFC 4253 section 4.2). One that turns a client away
//! says why in such a line, in words that are its own: those of OpenSSH are
//! known. Nothing of an agent can be in them.

/// Why there was no greeting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GreetingTrouble {
    /// The connection was taken, and nothing came.
    #[error("nothing was said")]
    Silent,
    /// The connection was taken, and closed or reset without a word.
    #[error("closed without a word")]
    Closed,
    /// Something came that is none.
    #[error("no greeting of SSH: {said}")]
    NotSsh {
        /// The beginning of it.
        said: String,
    },
    /// More came before a greeting than anybody reads.
    #[error("too much before a greeting")]
    TooLong {
        /// The beginning of it.
        said: String,
    },
    /// The server speaks another version of the protocol.
    #[error("another version: {banner}")]
    OtherVersion {
        /// Its greeting.
        banner: String,
    },
    /// Too many logins were under way (`MaxStartups`).
    #[error("too many logins at once: {said}")]
    TooManyLogins {
        /// Its words.
        said: String,
    },
    /// The server shuts out our address for a while (`PerSourcePenalties`).
    #[error("shut out for a while: {said}")]
    Penalised {
        /// Its words.
        said: String,
    },
}

/// How the wait for a greeting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// The time was up.
    TimedOut,
    /// The peer closed or reset the connection.
    Closed,
    /// What came was not to be read any further.
    Unreadable,
}

/// What was heard until then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// The lines before a greeting, or in its place.
    pub said: Option<String>,
    /// A line that starts with `SSH-`, where one came.
    pub banner: Option<String>,
}

/// sshd.c, `drop_connection`.
const TOO_MANY: &str = "Exceeded MaxStartups";
/// sshd.c, `drop_connection`, with penalties (OpenSSH 9.8).
const PENALISED: &str = "Not allowed at this time";

impl Heard {
    /// Whether the server greeted as one of this protocol.
    #[must_use]
    pub fn is_greeting(&self) -> bool {
        let known = |banner: &str| ["SSH-2.0-", "SSH-1.99-"].iter().any(|v| banner.starts_with(v));
        self.banner.as_deref().is_some_and(known)
    }

    /// Why there was no greeting; `None` where there was one, and something
    /// else went wrong.
    #[must_use]
    pub fn trouble(&self, end: WaitEnd) -> Option<GreetingTrouble> {
        if self.is_greeting() {
            return None;
        }
        if let Some(banner) = &self.banner {
            return Some(GreetingTrouble::OtherVersion { banner: banner.clone() });
        }
        let Some(said) = self.said.clone() else {
            return Some(match end {
                WaitEnd::TimedOut => GreetingTrouble::Silent,
                WaitEnd::Closed => GreetingTrouble::Closed,
                WaitEnd::Unreadable => GreetingTrouble::NotSsh { said: String::new() },
            });
        };
        Some(if said.starts_with(TOO_MANY) {
            GreetingTrouble::TooManyLogins { said }
        } else if said.starts_with(PENALISED) {
            GreetingTrouble::Penalised { said }
        } else if end == WaitEnd::Unreadable && !of_the_web(&said) {
            GreetingTrouble::TooLong { said }
        } else {
            GreetingTrouble::NotSsh { said }
        })
    }
}

/// Whether a web server says it, whose pages are long and no preamble.
fn of_the_web(said: &str) -> bool {
    said.starts_with("HTTP/") || said.starts_with('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(said: &str, banner: &str) -> Heard {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Heard { said: some(said), banner: some(banner) }
    }

    #[test]
    fn what_comes_in_place_of_a_greeting_says_why_there_is_none() {
        use GreetingTrouble as T;
        use WaitEnd::{Closed, TimedOut, Unreadable};
        let said = str::to_owned;
        for (heard, end, trouble) in [
            (heard("", ""), TimedOut, Some(T::Silent)),
            (heard("", ""), Closed, Some(T::Closed)),
            (
                heard("Exceeded MaxStartups", ""),
                Closed,
                Some(T::TooManyLogins { said: said("Exceeded MaxStartups") }),
            ),
            (
                heard("Not allowed at this time", ""),
                Closed,
                Some(T::Penalised { said: said("Not allowed at this time") }),
            ),
            (
                heard("220 mail ESMTP", ""),
                TimedOut,
                Some(T::NotSsh { said: said("220 mail ESMTP") }),
            ),
            (heard("xxx", ""), Unreadable, Some(T::TooLong { said: said("xxx") })),
            (heard("xxx", ""), Closed, Some(T::NotSsh { said: said("xxx") })),
            (heard("HTTP/1.1 4", ""), Unreadable, Some(T::NotSsh { said: said("HTTP/1.1 4") })),
            (
                heard("", "SSH-1.5-old"),
                TimedOut,
                Some(T::OtherVersion { banner: said("SSH-1.5-old") }),
            ),
            (heard("hello", "SSH-2.0-x"), Closed, None),
            (heard("", "SSH-1.99-x"), TimedOut, None),
        ] {
            assert_eq!(heard.trouble(end), trouble, "{heard:?} {end:?}");
        }
    }
}
