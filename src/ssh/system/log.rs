//! What `ssh` writes into its log while it logs in. Pure.
//!
//! The log is `ssh`'s own: banners of the server, and what a proxy command says,
//! go to standard error. Lines of its debug level tell how far it has come, and
//! all others what was wrong.

use std::path::PathBuf;

use crate::domain::doctor::stage::Stage;
use crate::domain::failure::trouble::{KeyOutcome, KeySource, Phase, TriedKey};

/// How many characters of the words are kept: the end of them.
const MOST_WORDS: usize = 16 * 1024;

/// A server takes a key, which has to sign now.
const SIGNS: &str = "Server accepts key: ";
/// Said after each refusal, and once before the first try.
const REFUSED: &str = "Authentications that can continue: ";
/// How the lines begin that tell of a step of the login.
const STEPS: [&str; 10] = [
    "Connecting to ",
    "Connection established",
    "Executing proxy command",
    "Remote protocol version ",
    "SSH2_MSG_KEXINIT received",
    "Server host key: ",
    "SSH2_MSG_NEWKEYS received",
    "Offering public key: ",
    SIGNS,
    REFUSED,
];

/// What the log has told so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    /// What is under way.
    pub(super) phase: Phase,
    /// Whether it has logged in.
    pub(super) logged_in: bool,
    /// The server's banner.
    pub(super) version: Option<String>,
    /// The fingerprint of the host key that the server has shown.
    pub(super) fingerprint: Option<String>,
    /// Keys that were offered.
    pub(super) offered: Vec<TriedKey>,
    /// Steps of the login so far: each is bounded.
    pub(super) steps: u64,
    /// Whether a key is about to sign.
    pub(super) signs: bool,
    /// How often the server has refused what it was shown.
    pub(super) refusals: u64,
    /// Everything that is not of the debug level.
    pub(super) words: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            phase: Phase::Resolve,
            logged_in: false,
            version: None,
            fingerprint: None,
            offered: Vec::new(),
            steps: 0,
            signs: false,
            refusals: 0,
            words: String::new(),
        }
    }
}

impl Log {
    /// Takes a line in.
    pub(super) fn hear(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(detail) = line.strip_prefix("debug1: ") {
            return self.hear_detail(detail);
        }
        if line.starts_with("Authenticated to ") {
            self.logged_in = true;
            self.steps += 1;
            return;
        }
        self.words.push_str(line);
        self.words.push('\n');
        while self.words.len() > MOST_WORDS {
            let first = self.words.find('\n').map_or(self.words.len(), |end| end + 1);
            self.words.drain(..first);
        }
    }

    fn hear_detail(&mut self, detail: &str) {
        if STEPS.iter().any(|step| detail.starts_with(step)) {
            self.steps += 1;
            self.signs = detail.starts_with(SIGNS);
        }
        if detail.starts_with(REFUSED) {
            self.refusals += 1;
        }
        if detail.starts_with("Connecting to ") {
            self.reach(Phase::Connect);
        } else if detail.starts_with("Connection established")
            || detail.starts_with("Executing proxy command")
        {
            self.reach(Phase::KeyExchange);
        } else if let Some((_, version)) = detail.split_once("remote software version ") {
            self.reach(Phase::KeyExchange);
            self.version = Some(format!("SSH-2.0-{}", printable(version)));
        } else if let Some(key) = detail.strip_prefix("Server host key: ") {
            self.fingerprint = key.split_whitespace().nth(1).map(str::to_owned);
        } else if detail.starts_with("SSH2_MSG_NEWKEYS received") {
            self.reach(Phase::Authentication);
        } else if let Some(key) = detail.strip_prefix("Offering public key: ") {
            self.offered.push(TriedKey { source: source(key), outcome: KeyOutcome::Refused });
        }
    }

    /// Whether this stage of bringing a link up is over.
    pub(super) fn is_past(&self, stage: &Stage) -> bool {
        let past = match stage {
            Stage::Resolve => self.phase > Phase::Resolve,
            Stage::Connect => self.phase > Phase::Connect,
            Stage::KeyExchange => self.fingerprint.is_some() || self.phase > Phase::KeyExchange,
            Stage::HostKey => self.phase > Phase::KeyExchange,
            _ => false,
        };
        past || self.logged_in
    }

    /// Another try, such as the next address of a name, begins anew.
    fn reach(&mut self, phase: Phase) {
        if !self.logged_in {
            self.phase = self.phase.max(phase);
        }
    }
}

/// `/home/me/.ssh/id RSA SHA256:… agent`, or `comment RSA SHA256:… agent`.
fn source(key: &str) -> KeySource {
    let words: Vec<&str> = key.split(' ').collect();
    let name = match words.iter().rposition(|word| word.starts_with("SHA256:")) {
        Some(at @ 2..) => words[..at - 1].join(" "),
        _ => key.to_owned(),
    };
    if words.last() == Some(&"agent") {
        KeySource::Agent(name)
    } else {
        KeySource::File(PathBuf::from(name))
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Log {
        let mut log = Log::default();
        text.lines().for_each(|line| log.hear(line));
        log
    }

    #[test]
    fn the_debug_level_tells_how_far_it_has_come_and_the_rest_what_was_wrong() {
        let steps = [
            ("debug1: Connecting to box [10.0.0.1] port 22.\n", Phase::Connect),
            ("debug1: Connection established.\n", Phase::KeyExchange),
            (
                "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2\r\n",
                Phase::KeyExchange,
            ),
            ("debug1: Server host key: ssh-ed25519 SHA256:abc\n", Phase::KeyExchange),
            ("debug1: SSH2_MSG_NEWKEYS received\n", Phase::Authentication),
            (
                "debug1: Offering public key: /k/a b ED25519 SHA256:x explicit\n",
                Phase::Authentication,
            ),
            ("debug1: Offering public key: me@box RSA SHA256:y agent\n", Phase::Authentication),
            ("me@box: Permission denied (publickey).\r\n", Phase::Authentication),
        ];
        let mut text = String::new();
        for (line, phase) in steps {
            text.push_str(line);
            assert_eq!(heard(&text).phase, phase, "{line}");
        }
        let log = heard(&text);
        assert_eq!(log.words, "me@box: Permission denied (publickey).\n");
        assert_eq!(log.version.as_deref(), Some("SSH-2.0-OpenSSH_9.2p1 Debian-2"));
        assert_eq!(log.fingerprint.as_deref(), Some("SHA256:abc"));
        let sources: Vec<_> = log.offered.into_iter().map(|key| key.source).collect();
        let expected = [KeySource::File("/k/a b".into()), KeySource::Agent("me@box".to_owned())];
        assert_eq!(sources, expected);
        assert!(!log.logged_in && heard("Authenticated to box ([1]:22) using \"x\".").logged_in);
    }

    #[test]
    fn a_stage_is_over_once_the_log_tells_of_the_next() {
        use Stage::{Authentication, Connect, HostKey, KeyExchange, Resolve};
        let all = [Resolve, Connect, KeyExchange, HostKey, Authentication];
        let steps = [
            ("debug1: Reading configuration data /etc/ssh/ssh_config\n", 0),
            ("debug1: Connecting to box [10.0.0.1] port 22.\n", 1),
            ("debug1: Connection established.\n", 2),
            ("debug1: Server host key: ssh-ed25519 SHA256:abc\n", 3),
            ("debug1: SSH2_MSG_NEWKEYS received\n", 4),
            ("Authenticated to box ([10.0.0.1]:22) using \"publickey\".\n", 5),
        ];
        let mut text = String::new();
        for (line, over) in steps {
            text.push_str(line);
            let log = heard(&text);
            let past: Vec<_> = all.iter().filter(|stage| log.is_past(stage)).collect();
            assert_eq!(past, all[..over].iter().collect::<Vec<_>>(), "{line}");
        }
    }

    #[test]
    fn each_step_counts_and_a_refusal_is_one() {
        let log = heard(
            "debug1: Connecting to box [10.0.0.1] port 22.\ndebug1: loaded 3 keys\n\
             debug1: Authentications that can continue: publickey\n\
             debug1: Server accepts key: /k ED25519 SHA256:x\n",
        );
        assert_eq!((log.steps, log.refusals, log.signs), (3, 1, true));
        let log = heard("debug1: Server accepts key: /k\nAuthenticated to box\n");
        assert_eq!((log.steps, log.refusals), (2, 0));
    }

    #[test]
    fn only_the_end_of_many_words_is_kept() {
        let mut log = Log::default();
        (0..10_000).for_each(|line| log.hear(&format!("line {line}")));
        assert!(log.words.len() <= MOST_WORDS && log.words.ends_with("line 9999\n"));
    }
}
