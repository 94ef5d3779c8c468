//! A link's trouble in words.

use std::path::Path;

use super::code::{link_code, locked_file};
use super::told::Told;
use crate::domain::attention::{Matter, Question};
use crate::domain::failure::Failure;
use crate::domain::failure::greeting::GreetingTrouble;
use crate::domain::failure::quote::{one_line, shown_word};
use crate::domain::failure::trouble::{
    KeyOutcome, KeySource, LinkTrouble, LostHow, Phase, TriedKey,
};
use crate::domain::failure::whereabouts::Whereabouts;

/// The failure that `trouble` is at `at`.
#[must_use]
pub fn link_failure(trouble: &LinkTrouble, at: &Whereabouts) -> Failure {
    let (inner, at, prefix) = innermost(trouble, at);
    // A jump host is no remote of its own, and is named as it is dialled.
    let trusted = match &at.destination {
        Some(hop) if !prefix.is_empty() => hop.to_string(),
        _ => at.place.clone(),
    };
    let trust = format!("longhaul remote trust {}", shown_word(&trusted));
    tell(inner, &at).after(&prefix).with("trust", trust).failure(link_code(inner), &at)
}

/// The trouble itself and the hop it happened at, with the words for that.
fn innermost<'a>(
    trouble: &'a LinkTrouble,
    at: &Whereabouts,
) -> (&'a LinkTrouble, Whereabouts, String) {
    let (mut trouble, mut here, mut prefix) = (trouble, at.clone(), String::new());
    while let LinkTrouble::Jump { hop, trouble: inner } = trouble {
        here = at.at_hop(hop);
        prefix = format!("at the jump host {hop}: ");
        trouble = inner;
    }
    (trouble, here, prefix)
}

/// The sentence of a link's trouble, for a session that waited for it.
pub(super) fn sentence(trouble: &LinkTrouble, at: &Whereabouts) -> String {
    link_failure(trouble, at).message
}

fn tell(trouble: &LinkTrouble, at: &Whereabouts) -> Told {
    use LinkTrouble as T;
    let host = at.host();
    match trouble {
        T::Unresolved { host, detail } => {
            Told::new(format!("the host name {host} has no address")).by(detail).word("host", host)
        }
        T::NoAddressOfFamily { host, family, found } => {
            Told::new(format!("the host name {host} has no {family} address, and no other counts"))
                .by(found)
                .word("host", host)
        }
        T::NoIpv6 { addresses } => Told::new(format!(
            "{host} has IPv6 addresses alone, and this machine has no way to those"
        ))
        .by(addresses),
        T::Greeting(trouble) => greeting(trouble, &host),
        T::CommandRefused { detail } => {
            Told::new(format!("{host} lets us in, and runs no command for us")).by(detail)
        }
        T::Refused => Told::new(format!("{host} refused the connection: nothing listens there")),
        T::TimedOut { phase } => Told::new(silence(*phase, &host)),
        T::NoRoute => Told::new(format!("there is no route to {host}")),
        T::NetworkUnreachable => {
            Told::new(format!("this machine has no way to the network of {host}"))
        }
        T::ConnectFailed { detail } => Told::new(format!("could not connect to {host}")).by(detail),
        T::Proxy { detail } => {
            Told::new(format!("the ProxyCommand for {host} brought no connection")).by(detail)
        }
        T::ClosedByPeer { phase, said } => {
            Told::new(format!("{host} closed the connection during {phase}"))
                .by(said.as_deref().unwrap_or_default())
        }
        T::ResetByPeer { phase } => {
            Told::new(format!("the connection to {host} was reset during {phase}"))
        }
        T::NoCommonAlgorithm { kind, theirs } => {
            Told::new(format!("{host} and longhaul have no {kind} algorithm in common")).by(theirs)
        }
        T::Protocol { phase, detail } => {
            Told::new(format!("{host} broke the SSH protocol during {phase}")).by(detail)
        }
        T::ChannelRefused { detail } => {
            Told::new(format!("{host} opens no more channels")).by(detail)
        }
        T::Lost { how, detail } => lost(*how, &host).by(detail),
        T::Forward { hop, to, detail } => {
            Told::new(format!("the jump host {hop} could not reach {to}")).by(detail)
        }
        T::ForwardProhibited { hop, to } => {
            Told::new(format!("the jump host {hop} does not allow connections on to {to}"))
        }
        T::SshConfig { file, line, detail } => {
            let line = line.map(|line| format!(", line {line},")).unwrap_or_default();
            Told::new(format!("{}{line} cannot be understood", file.display()))
                .by(detail)
                .file("file", file)
        }
        T::SshNotInstalled => Told::new(format!(
            "{} is to be reached by the system's ssh, and there is none on the daemon's PATH",
            at.place
        )),
        // `innermost` has opened every jump; a sentence stays a sentence.
        T::Jump { hop, trouble } => tell(trouble, at).after(&format!("{hop}: ")),
        T::HostKeyUnknown { .. }
        | T::HostKeyChanged { .. }
        | T::HostKeyRevoked { .. }
        | T::KnownHostsFile { .. }
        | T::KnownHostsCommand { .. }
        | T::AuthDenied { .. }
        | T::NoKeys { .. }
        | T::TooManyAuthFailures { .. }
        | T::PassphraseNeeded { .. }
        | T::Unanswered { .. }
        | T::IdentityMissing { .. }
        | T::IdentityExposed { .. }
        | T::IdentityUnusable { .. } => tell_of_trust(trouble, at),
    }
}

fn greeting(trouble: &GreetingTrouble, host: &str) -> Told {
    use GreetingTrouble as T;
    match trouble {
        T::Silent => Told::new(format!("{host} took the connection and said nothing")),
        T::Closed => Told::new(format!("{host} took the connection and hung up without a word")),
        T::NotSsh { said } => {
            Told::new(format!("what answers at {host} does not greet as an SSH server")).by(said)
        }
        T::TooLong { said } => {
            Told::new(format!("{host} says so much before its greeting that nobody reads it"))
                .by(said)
        }
        T::OtherVersion { banner } => {
            Told::new(format!("{host} speaks another version of the SSH protocol")).by(banner)
        }
        T::TooManyLogins { said } => {
            Told::new(format!("{host} turns us away: too many logins are under way there")).by(said)
        }
        T::Penalised { said } => {
            Told::new(format!("{host} turns this machine's address away for a while")).by(said)
        }
    }
}

/// The troubles of host keys and of authentication.
fn tell_of_trust(trouble: &LinkTrouble, at: &Whereabouts) -> Told {
    use LinkTrouble as T;
    let host = at.host();
    match trouble {
        T::HostKeyUnknown { name, fingerprint } => {
            Told::new(format!("{name} is in no known_hosts file; it shows the key {fingerprint}"))
                .with("fingerprint", one_line(fingerprint))
        }
        T::HostKeyChanged { name, fingerprint, file, line } => Told::new(format!(
            "{name} shows the key {fingerprint}, and {} knows another one in line {line}",
            file.display()
        ))
        .with("fingerprint", one_line(fingerprint))
        .file("file", file),
        T::HostKeyRevoked { name, file, line } => {
            Told::new(format!("the key of {name} is revoked by {}, line {line}", file.display()))
                .file("file", file)
        }
        T::KnownHostsFile { file, detail } => {
            Told::new(format!("the known_hosts file {} cannot be used", file.display()))
                .by(detail)
                .file("file", file)
        }
        T::KnownHostsCommand { program, detail } => {
            Told::new(format!("the KnownHostsCommand {} failed", program.display()))
                .by(detail)
                .file("file", program)
        }
        T::AuthDenied { user, tried, methods } => denied(user, tried, methods, at),
        T::NoKeys { user, looked_for } => no_keys(user, looked_for, at),
        T::TooManyAuthFailures { user, offered } => Told::new(format!(
            "{host} hung up on {user} after {offered} keys, before the right one came"
        )),
        T::PassphraseNeeded { file } => about_key(file, "needs its passphrase"),
        T::Unanswered { question } => unanswered(question, &host),
        T::IdentityMissing { file } => about_key(file, "does not exist"),
        T::IdentityExposed { file, mode } => {
            about_key(file, &format!("may be read by others: its mode is {mode:04o}"))
        }
        T::IdentityUnusable { file, detail } => about_key(file, "cannot be used").by(detail),
        // Every other trouble has its words in `tell`.
        other => Told::new(other.to_string()),
    }
}

fn unanswered(question: &Question, host: &str) -> Told {
    match question {
        Question::Passphrase { file } => about_key(file, "needs its passphrase"),
        Question::Password { user, .. } => {
            Told::new(format!("{host} wants the password of {user}"))
        }
        Question::Prompt { user, text, .. } => {
            Told::new(format!("{host} asks {user} something")).by(text)
        }
        Question::HostKey { name, fingerprint, .. } => Told::new(format!(
            "{name} is in no known_hosts file, and a person has to say whether the key \
             {fingerprint} is its own"
        ))
        .with("fingerprint", one_line(fingerprint)),
        Question::Touch { key } => Told::new(format!("the security key {key} waits for a touch")),
        Question::Confirm {
            about: Matter::AddressKey { name, address, fingerprint, file, line },
        } => Told::new(format!(
            "{name} shows the host key {fingerprint}, and its address {address} has another one in \
             {}:{line}",
            file.display()
        ))
        .with("fingerprint", one_line(fingerprint)),
        Question::Confirm { .. } => Told::new(format!("{host} waits for a yes")),
    }
}

fn silence(phase: Phase, host: &str) -> String {
    match phase {
        Phase::Resolve => format!("no name server answered for {host}"),
        Phase::Connect => format!("{host} does not answer"),
        _ => format!("{host} stopped answering during {phase}"),
    }
}

fn lost(how: LostHow, host: &str) -> Told {
    Told::new(match how {
        LostHow::Closed => format!("the connection to {host} went away"),
        LostHow::KeepAlive => format!("{host} stopped answering keep-alives"),
    })
}

fn about_key(file: &Path, fact: &str) -> Told {
    Told::new(format!("the key {} {fact}", file.display())).file("file", file)
}

fn no_keys(user: &str, looked_for: &[std::path::PathBuf], at: &Whereabouts) -> Told {
    let files = looked_for.iter().map(|file| file.display().to_string());
    let files = list(files, "no file");
    let told = Told::new(format!(
        "there is no key to log in to {} as {user} with: no agent has one, and {files} was found",
        at.host()
    ));
    // Where nobody named a file these are OpenSSH's defaults, and ed25519 is
    // the one of them to make today.
    let modern = looked_for.iter().find(|file| file.ends_with("id_ed25519"));
    match modern.or(looked_for.first()) {
        Some(file) => copying(told.file("file", file), Some(file), at),
        None => told.with("file", "~/.ssh/id_ed25519"),
    }
}

fn denied(user: &str, tried: &[TriedKey], methods: &[String], at: &Whereabouts) -> Told {
    let takes = list(methods.iter().cloned(), "nothing that it names");
    let partly = tried.iter().any(|key| key.outcome == KeyOutcome::Partial);
    let person = tried.iter().any(|key| matches!(key.source, KeySource::Person(_)));
    let verdict = match (partly, person) {
        (true, true) => "refused what came after the key of",
        (true, false) => "wants more than a key of",
        (false, true) => "refused the login of",
        (false, false) => "took none of the keys of",
    };
    let told = Told::new(format!(
        "{} {verdict} {user}: tried {}; it takes {takes}",
        at.host(),
        list(tried.iter().map(key_and_outcome), "none"),
    ));
    // The agent's own keys go over without a file; only a refused file is
    // certain to be the one that is meant.
    let refused = tried.iter().find_map(|key| match (&key.source, key.outcome) {
        (KeySource::File(file), KeyOutcome::Refused) => Some(file.as_path()),
        _ => None,
    });
    let told = copying(told, refused, at);
    match locked_file(tried) {
        Some(file) => told.file("file", file),
        None => told,
    }
}

/// Has the remedy copy `key`, where there is one.
fn copying(told: Told, key: Option<&Path>, at: &Whereabouts) -> Told {
    match (&at.destination, key) {
        (Some(to), Some(key)) => told.with("copy_id", to.copy_id(Some(key))),
        _ => told,
    }
}

fn key_and_outcome(key: &TriedKey) -> String {
    let source = match &key.source {
        KeySource::File(file) => file.display().to_string(),
        KeySource::Agent(comment) => format!("the agent's {comment}"),
        KeySource::Person(method) => format!("what was answered by {method}"),
    };
    let outcome = match key.outcome {
        KeyOutcome::Refused => "refused",
        KeyOutcome::Partial => "taken",
        KeyOutcome::Locked => "locked by a passphrase",
        KeyOutcome::Unusable => "unusable",
        KeyOutcome::NotSigned => "not signed by the agent",
    };
    format!("{source} ({outcome})")
}

fn list(items: impl Iterator<Item = String>, none: &str) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}
