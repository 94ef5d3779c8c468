//! Remedies with slots: one text for the manual and for the real thing.
//!
//! `{name}` is a slot. `{there COMMAND}` is a command that belongs on the
//! machine where the session runs, and may hold slots itself.

/// What goes into the slots.
pub trait Slots {
    /// The text for a slot, quoted for the shell where it is a value.
    fn slot(&self, name: &str) -> Option<String>;
    /// How `command` is run on the machine where the session runs.
    fn there(&self, command: &str) -> String;
}

/// `template` with its slots filled; a slot that nobody fills is shown as its
/// name in capitals, as in a manual.
#[must_use]
pub fn fill(template: &str, slots: &impl Slots) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, inner, after)) = next_slot(rest) {
        text.push_str(before);
        text.push_str(&match inner.strip_prefix("there ") {
            Some(command) => slots.there(&fill(command, slots)),
            None => slots.slot(inner).unwrap_or_else(|| inner.to_uppercase()),
        });
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The text before the first slot, what is inside it, and the text after it.
fn next_slot(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('{')?;
    let mut depth = 0;
    for (at, c) in text[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..open], &text[open + 1..open + at], &text[open + at + 1..]));
        }
    }
    None
}

/// The words of the manual in place of real hosts and files.
#[derive(Debug, Clone, Copy)]
pub struct Manual;

impl Slots for Manual {
    fn slot(&self, name: &str) -> Option<String> {
        let words = match name {
            "ssh" => "ssh USER@HOST",
            "ssh_v" => "ssh -v USER@HOST",
            "copy_id" => "ssh-copy-id -i KEY.pub USER@HOST",
            "trust" => "longhaul remote trust REMOTE",
            "reconnect" => "longhaul remote reconnect REMOTE",
            "place" => "REMOTE",
            "install" => "ssh USER@HOST -- npm install -g PACKAGE",
            "install_interpreter" => "ssh -t USER@HOST -- sudo apt-get install PACKAGE",
            _ => return None,
        };
        Some(words.to_owned())
    }

    fn there(&self, command: &str) -> String {
        format!("ssh USER@HOST -- {}", super::quote::sh_remote(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_from_the_inside() {
        for (template, text) in [
            ("", ""),
            ("chmod 600 {file}", "chmod 600 FILE"),
            ("{reconnect}", "longhaul remote reconnect REMOTE"),
            ("a {there ls {dir}} b", "a ssh USER@HOST -- ls DIR b"),
            ("{there ls '{dir}'}", r"ssh USER@HOST -- 'ls '\''DIR'\'''"),
            ("an open { stays", "an open { stays"),
        ] {
            assert_eq!(fill(template, &Manual), text);
        }
    }
}
