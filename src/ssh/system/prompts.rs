//! What `ssh` asks through `SSH_ASKPASS`, as a question. Pure.

use crate::domain::attention::{Matter, Question};

/// The question that these words of `ssh` are, in a login at `host` as `user`.
/// What has no shape of its own is taken for a secret.
pub(super) fn question(prompt: &str, user: &str, host: &str) -> Question {
    let words = prompt.trim();
    passphrase(words)
        .or_else(|| host_key(words))
        .or_else(|| password(words))
        .or_else(|| confirm(words, host))
        .unwrap_or_else(|| other(words, user, host))
}

/// `Enter passphrase for key '/home/me/.ssh/id':`
fn passphrase(words: &str) -> Option<Question> {
    let file = words.strip_prefix("Enter passphrase for key '")?.strip_suffix("':")?;
    Some(Question::Passphrase { file: file.into() })
}

/// `me@box's password:`
fn password(words: &str) -> Option<Question> {
    let (user, host) = words.strip_suffix("'s password:")?.split_once('@')?;
    let plain = !words.contains(['\n', ' ', '(']) || words.split(' ').count() == 2;
    plain.then(|| Question::Password { user: user.to_owned(), host: host.to_owned() })
}

/// `The authenticity of host 'box (10.0.0.1)' can't be established.` and more.
fn host_key(words: &str) -> Option<Question> {
    let rest = words.split_once("The authenticity of host '")?.1;
    let shown = rest.split_once("' can't be established")?.0;
    let name = shown.split_once(" (").map_or(shown, |(name, _)| name);
    let line = words.lines().find(|line| line.contains(" key fingerprint is "))?;
    let (key_type, fingerprint) = line.trim().split_once(" key fingerprint is ")?;
    Some(Question::HostKey {
        name: name.to_owned(),
        key_type: key_type.to_owned(),
        fingerprint: fingerprint.trim_end_matches('.').to_owned(),
    })
}

/// `Add key /home/me/.ssh/id (me@here) to agent?`, and `Accept updated hostkeys?
/// (yes/no):`, whose keys are in the log alone.
fn confirm(words: &str, host: &str) -> Option<Question> {
    let key = || words.strip_prefix("Add key ")?.strip_suffix(") to agent?")?.rsplit_once(" (");
    let about = match key() {
        Some((file, _comment)) => Matter::AddKey { file: file.into() },
        None if words.starts_with("Accept updated hostkeys?") => {
            Matter::UpdateHostKeys { name: host.to_owned(), new: Vec::new(), old: Vec::new() }
        }
        None => return None,
    };
    Some(Question::Confirm { about })
}

/// `(me@box) Verification code:`, or whatever else there is.
fn other(words: &str, user: &str, host: &str) -> Question {
    let asked = words.strip_prefix('(').and_then(|rest| {
        let (who, text) = rest.split_once(") ")?;
        let (user, host) = who.split_once('@')?;
        Some((user, host, text))
    });
    let (user, host, text) = asked.unwrap_or((user, host, words));
    Question::Prompt {
        user: user.to_owned(),
        host: host.to_owned(),
        instruction: String::new(),
        text: format!("{text} "),
        echo: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_asks_is_the_question_that_it_stands_for() {
        let prompt = |user: &str, host: &str, text: &str| Question::Prompt {
            user: user.to_owned(),
            host: host.to_owned(),
            instruction: String::new(),
            text: text.to_owned(),
            echo: false,
        };
        let cases = [
            (
                "Enter passphrase for key '/home/me/.ssh/i d': ",
                Question::Passphrase { file: "/home/me/.ssh/i d".into() },
            ),
            (
                "ann@box's password: ",
                Question::Password { user: "ann".to_owned(), host: "box".to_owned() },
            ),
            (
                "The authenticity of host '[box]:2222 ([10.0.0.1]:2222)' can't be established.\n\
                 ED25519 key fingerprint is SHA256:abc.\n\
                 This key is not known by any other names.\n\
                 Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
                Question::HostKey {
                    name: "[box]:2222".to_owned(),
                    key_type: "ED25519".to_owned(),
                    fingerprint: "SHA256:abc".to_owned(),
                },
            ),
            ("(ann@box) Verification code: ", prompt("ann", "box", "Verification code: ")),
            ("Enter PIN for 'card': ", prompt("me", "here", "Enter PIN for 'card': ")),
            ("(odd", prompt("me", "here", "(odd ")),
            (
                "Add key /home/me/.ssh/i d (me@here) to agent?",
                Question::Confirm { about: Matter::AddKey { file: "/home/me/.ssh/i d".into() } },
            ),
            (
                "Accept updated hostkeys? (yes/no): ",
                Question::Confirm {
                    about: Matter::UpdateHostKeys {
                        name: "here".to_owned(),
                        new: Vec::new(),
                        old: Vec::new(),
                    },
                },
            ),
        ];
        for (words, expected) in cases {
            assert_eq!(question(words, "me", "here"), expected, "{words}");
        }
    }
}
