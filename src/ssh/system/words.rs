//! What `ssh` says when it gives up. Pure.
//!
//! Its log and its status 255 are all there is: ssh(1) has no other way to tell. The last line that is known counts, since what comes before it
//! are notices and banners.

use std::path::PathBuf;

use super::log::Log;
use crate::domain::failure::greeting::GreetingTrouble;
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::target::SshSettings;

/// [`trouble`], where what leads to the host may be to blame: what a proxy command
/// or the `ssh` of a jump host has said is `aside`.
pub(super) fn trouble_on_the_way(log: &Log, aside: &Log, settings: &SshSettings) -> LinkTrouble {
    let trouble = trouble(log, &settings.host_name, &settings.user);
    // Once the server has spoken, the way is not to blame.
    let never_came = log.version.is_none() && log.phase >= Phase::KeyExchange;
    if !never_came {
        return trouble;
    }
    if let Some(refused) = refused_forward(&aside.words, settings) {
        return refused;
    }
    let said = aside.words.lines().map(str::trim).rfind(|line| !line.is_empty());
    match (settings.jumps.last(), said) {
        (Some(hop), Some(_)) => LinkTrouble::Jump {
            hop: format!("{}@{}:{}", hop.user, hop.host_name, hop.port),
            trouble: Box::new(self::trouble(aside, &hop.host_name, &hop.user)),
        },
        (None, _) if settings.reach.proxy.is_some() => {
            LinkTrouble::Proxy { detail: said.unwrap_or("it ended").to_owned() }
        }
        _ => trouble,
    }
}

/// What a hop says of the way from it: `channel 0: open failed: REASON: DETAIL`. Each
/// hop behind it tells that it has heard nothing, which is how they are told apart.
fn refused_forward(aside: &str, settings: &SshSettings) -> Option<LinkTrouble> {
    let mut lines = aside.lines().map(str::trim);
    let why =
        lines.find_map(|line| line.strip_prefix("channel ")?.split_once(": open failed: "))?.1;
    let behind = lines.filter(|line| line.starts_with("kex_exchange_identification: ")).count();
    let at = settings.jumps.len().checked_sub(behind + 1)?;
    let address = |host: &SshSettings| format!("{}@{}:{}", host.user, host.host_name, host.port);
    let hop = address(&settings.jumps[at]);
    let next = settings.jumps.get(at + 1).unwrap_or(settings);
    let host = &next.host_name;
    let to = match host.contains(':') {
        true => format!("[{host}]:{}", next.port),
        false => format!("{host}:{}", next.port),
    };
    let (reason, detail) = why.split_once(": ").unwrap_or((why, why));
    Some(match reason {
        "administratively prohibited" => LinkTrouble::ForwardProhibited { hop, to },
        _ => LinkTrouble::Forward { hop, to, detail: detail.to_owned() },
    })
}

/// The trouble that this log of `ssh` stands for, on the way to `host` as `user`.
pub(super) fn trouble(log: &Log, host: &str, user: &str) -> LinkTrouble {
    let changed = changed_key(&log.words, host);
    let lines = log.words.lines().rev();
    let told = || lines.clone().find_map(|line| line_trouble(line.trim(), log, host, user));
    changed.or_else(told).unwrap_or_else(|| {
        let detail = match log.words.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(last) => last.to_owned(),
            None => "ssh ended without a word".to_owned(),
        };
        match log.phase {
            Phase::Resolve | Phase::Connect => LinkTrouble::ConnectFailed { detail },
            phase => LinkTrouble::Protocol { phase, detail },
        }
    })
}

/// The block of `@` lines names the file, the line and the key.
fn changed_key(words: &str, host: &str) -> Option<LinkTrouble> {
    if !words.contains("REMOTE HOST IDENTIFICATION HAS CHANGED!") {
        return None;
    }
    let offending = words.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("Offending ")?;
        let (file, number) = rest.split_once(" key in ")?.1.rsplit_once(':')?;
        Some((PathBuf::from(file), number.trim().parse().ok()?))
    });
    let (file, line) = offending.unwrap_or_default();
    let fingerprint = words.lines().map(str::trim).find(|line| line.starts_with("SHA256:"));
    Some(LinkTrouble::HostKeyChanged {
        name: host.to_owned(),
        fingerprint: fingerprint.unwrap_or_default().trim_end_matches('.').to_owned(),
        file,
        line,
    })
}

fn line_trouble(line: &str, log: &Log, host: &str, user: &str) -> Option<LinkTrouble> {
    let phase = log.phase.max(Phase::KeyExchange);
    if let Some(rest) = line.strip_prefix("ssh: Could not resolve hostname ") {
        let (name, detail) = rest.split_once(": ").unwrap_or((rest, ""));
        return Some(LinkTrouble::Unresolved { host: name.to_owned(), detail: detail.to_owned() });
    }
    if line.starts_with("ssh: connect to ") {
        return Some(connecting(line.rsplit(": ").next().unwrap_or_default()));
    }
    if let Some((_, methods)) = line.split_once(": Permission denied (") {
        let methods = methods.trim_end_matches(['.', ')']);
        return Some(LinkTrouble::AuthDenied {
            user: user.to_owned(),
            tried: log.offered.clone(),
            methods: methods.split(',').map(str::to_owned).collect(),
        });
    }
    if line.contains("Too many authentication failures") {
        return Some(LinkTrouble::TooManyAuthFailures {
            user: user.to_owned(),
            offered: log.offered.len(),
        });
    }
    if line == "Host key verification failed." {
        let fingerprint = log.fingerprint.clone().unwrap_or_default();
        return Some(LinkTrouble::HostKeyUnknown { name: host.to_owned(), fingerprint });
    }
    if let Some((_, rest)) = line.split_once("no matching ") {
        let (kind, theirs) = rest.split_once(" found. Their offer: ")?;
        return Some(LinkTrouble::NoCommonAlgorithm {
            kind: algorithm_kind(kind),
            theirs: theirs.to_owned(),
        });
    }
    if line.starts_with("kex_exchange_identification: ") {
        // It is said while the server's greeting is waited for, and by then alone.
        let said = || line.to_owned();
        return Some(LinkTrouble::Greeting(if line.contains("banner line contains invalid") {
            GreetingTrouble::NotSsh { said: said() }
        } else if line.contains("banner line too long") || line.contains("No banner received") {
            GreetingTrouble::TooLong { said: said() }
        } else {
            GreetingTrouble::Closed
        }));
    }
    if line.starts_with("Connection timed out during banner exchange") {
        return Some(LinkTrouble::Greeting(GreetingTrouble::Silent));
    }
    if line.starts_with("Connection to ") && line.ends_with(" timed out") {
        return Some(LinkTrouble::TimedOut { phase });
    }
    // Said after it, and of the same end.
    let greeting = log.words.lines().any(|said| said.starts_with("kex_exchange_identification: "));
    if line.starts_with("Connection closed by ") && !greeting {
        return Some(LinkTrouble::ClosedByPeer { phase, said: None });
    }
    if line.starts_with("Connection reset by ") && !greeting {
        return Some(LinkTrouble::ResetByPeer { phase });
    }
    // `FILE: line N: Bad configuration option: x`, or `FILE line N: ...`.
    config_line(line)
}

fn connecting(reason: &str) -> LinkTrouble {
    match reason.trim_end_matches('.') {
        "Connection refused" => LinkTrouble::Refused,
        "Connection timed out" | "Operation timed out" => {
            LinkTrouble::TimedOut { phase: Phase::Connect }
        }
        "No route to host" | "Host is unreachable" => LinkTrouble::NoRoute,
        "Network is unreachable" => LinkTrouble::NetworkUnreachable,
        other => LinkTrouble::ConnectFailed { detail: other.to_owned() },
    }
}

fn algorithm_kind(kind: &str) -> &'static str {
    match kind {
        "host key type" => "host key",
        "cipher" => "cipher",
        "MAC" => "MAC",
        "compression method" => "compression",
        _ => "key exchange",
    }
}

fn config_line(line: &str) -> Option<LinkTrouble> {
    let (file, rest) = line.split_once(" line ").or_else(|| line.split_once(": line "))?;
    let (number, detail) = rest.split_once(": ")?;
    let number = number.parse().ok()?;
    let file = PathBuf::from(file.trim_end_matches(':'));
    Some(LinkTrouble::SshConfig { file, line: Some(number), detail: detail.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::testing::bare_settings;

    fn log(words: &str) -> Log {
        let mut log = Log::default();
        words.lines().for_each(|line| log.hear(line));
        log
    }

    #[test]
    fn a_hop_that_forwards_nothing_is_told_from_those_behind_it() {
        let hop = |host: &str| SshSettings { host_name: host.to_owned(), ..bare_settings() };
        let settings = SshSettings { jumps: vec![hop("a"), hop("b")], ..hop("box") };
        let log =
            log("debug1: Executing proxy command: exec ssh\nkex_exchange_identification: x\n");
        let prohibited = "channel 0: open failed: administratively prohibited: open failed\n";
        let refused = "channel 0: open failed: connect failed: Connection refused\n";
        let rest = "stdio forwarding failed\n";
        let behind = "kex_exchange_identification: Connection closed by remote host\n\
                      Connection closed by UNKNOWN port 65535\n";
        let named = |user: &str, host: &str| format!("{user}@{host}:22");
        let rows = [
            (
                format!("{prohibited}{rest}"),
                LinkTrouble::ForwardProhibited { hop: named("me", "b"), to: "box:22".to_owned() },
            ),
            (
                format!("{refused}{rest}{behind}"),
                LinkTrouble::Forward {
                    hop: named("me", "a"),
                    to: "b:22".to_owned(),
                    detail: "Connection refused".to_owned(),
                },
            ),
        ];
        for (said, expected) in rows {
            let aside = self::log(&said);
            assert_eq!(trouble_on_the_way(&log, &aside, &settings), expected, "{said}");
        }
    }

    #[test]
    fn what_ends_a_connection_is_told_with_the_phase_that_it_ended() {
        let kex = "debug1: Connection established.\n";
        let auth = format!("{kex}debug1: SSH2_MSG_NEWKEYS received\n");
        let closed = |phase| LinkTrouble::ClosedByPeer { phase, said: None };
        let cases = [
            (format!("{kex}Connection closed by 10.0.0.1 port 22\n"), closed(Phase::KeyExchange)),
            (
                format!("{auth}Connection closed by 10.0.0.1 port 22\n"),
                closed(Phase::Authentication),
            ),
            (
                format!("{auth}Connection reset by 10.0.0.1 port 22\n"),
                LinkTrouble::ResetByPeer { phase: Phase::Authentication },
            ),
            (
                format!("{kex}Connection timed out during banner exchange\n"),
                LinkTrouble::Greeting(GreetingTrouble::Silent),
            ),
            (
                format!("{auth}odd\n"),
                LinkTrouble::Protocol { phase: Phase::Authentication, detail: "odd".to_owned() },
            ),
        ];
        for (words, expected) in cases {
            assert_eq!(trouble(&log(&words), "box", "ann"), expected, "{words}");
        }
    }

    #[test]
    fn what_ssh_says_is_the_trouble_that_it_names() {
        let cases: &[(&str, LinkTrouble)] = &[
            (
                "ssh: Could not resolve hostname nope.invalid: Name or service not known\n",
                LinkTrouble::Unresolved {
                    host: "nope.invalid".to_owned(),
                    detail: "Name or service not known".to_owned(),
                },
            ),
            ("ssh: connect to host box port 1: Connection refused\r\n", LinkTrouble::Refused),
            (
                "ssh: connect to host box port 22: Connection timed out\n",
                LinkTrouble::TimedOut { phase: Phase::Connect },
            ),
            (
                "Welcome: no route to host\nann@box: Permission denied (publickey,password).\n",
                LinkTrouble::AuthDenied {
                    user: "ann".to_owned(),
                    tried: Vec::new(),
                    methods: vec!["publickey".to_owned(), "password".to_owned()],
                },
            ),
            (
                "Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. Their offer: 3des-cbc\n",
                LinkTrouble::NoCommonAlgorithm { kind: "cipher", theirs: "3des-cbc".to_owned() },
            ),
            (
                "kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22\n",
                LinkTrouble::Greeting(GreetingTrouble::Closed),
            ),
            (
                "/home/ann/.ssh/config: line 3: Bad configuration option: hots\n/home/ann/.ssh/config: terminating, 1 bad configuration options\n",
                LinkTrouble::SshConfig {
                    file: "/home/ann/.ssh/config".into(),
                    line: Some(3),
                    detail: "Bad configuration option: hots".to_owned(),
                },
            ),
            ("", LinkTrouble::ConnectFailed { detail: "ssh ended without a word".to_owned() }),
            ("odd\n", LinkTrouble::ConnectFailed { detail: "odd".to_owned() }),
        ];
        for (words, expected) in cases {
            assert_eq!(&trouble(&log(words), "box", "ann"), expected, "{words}");
        }
    }

    #[test]
    fn a_changed_key_is_told_with_file_line_and_fingerprint() {
        let words = "@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n\
            The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\n\
            Add correct host key in /home/ann/.ssh/known_hosts to get rid of this message.\n\
            Offending RSA key in /home/ann/.ssh/known_hosts:7\n\
            Host key verification failed.\n";
        let expected = LinkTrouble::HostKeyChanged {
            name: "box".to_owned(),
            fingerprint: "SHA256:abc".to_owned(),
            file: "/home/ann/.ssh/known_hosts".into(),
            line: 7,
        };
        assert_eq!(trouble(&log(words), "box", "ann"), expected);
    }
}
