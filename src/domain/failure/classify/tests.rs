use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::domain::agent::{Complaint, Profile, Trouble};
use crate::domain::attention::{Matter, Question};
use crate::domain::failure::catalogue::{Code, Remedy};
use crate::domain::failure::greeting::GreetingTrouble as G;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::failure::trouble::{
    KeyOutcome, KeySource, LinkTrouble, LostHow, LostWhy, NoEntry, Phase, SessionTrouble, TriedKey,
};
use crate::domain::failure::whereabouts::{Endpoint, Whereabouts};
use crate::domain::failure::{Disposition, Failure};

const PHASES: [Phase; 5] =
    [Phase::Resolve, Phase::Connect, Phase::KeyExchange, Phase::Authentication, Phase::Channel];
/// The one free text of each trouble below, so that evidence can be told from
/// words of our own.
const WORDS: &str = "words of \u{1b}[31mthe system\nin two lines";
const EVIDENCE: &str = "words of [31mthe system\nin two lines";

fn words() -> String {
    WORDS.to_owned()
}

fn at() -> Whereabouts {
    let jump = Endpoint {
        user: "me".to_owned(),
        host: "edge".to_owned(),
        port: 22,
        key_files: vec![PathBuf::from("/keys/edge")],
        jumps: Vec::new(),
    };
    let destination = Endpoint {
        user: "developer".to_owned(),
        host: "192.168.1.100".to_owned(),
        port: 2222,
        key_files: vec![PathBuf::from("/home/me/.ssh/dev_key")],
        jumps: Vec::new(),
    };
    let destination = Endpoint { jumps: vec![jump], ..destination };
    let place = "dev-server".to_owned();
    Whereabouts { place, destination: Some(destination), session: None }
        .session("0123456789".parse().expect("an id"))
}

fn direct() -> Whereabouts {
    let mut at = at();
    at.destination.as_mut().expect("a destination").jumps.clear();
    at
}

fn link_troubles() -> Vec<LinkTrouble> {
    use LinkTrouble as T;
    let file = || PathBuf::from("/home/me/.ssh/dev_key");
    let known = || PathBuf::from("/home/me/.ssh/known_hosts");
    let name = || "[192.168.1.100]:2222".to_owned();
    let print = || "SHA256:abc".to_owned();
    let user = || "developer".to_owned();
    let hop = || "me@edge:22".to_owned();
    let to = || "192.168.1.100:2222".to_owned();
    let methods = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    let tried = vec![
        TriedKey { source: KeySource::Agent("me@laptop".to_owned()), outcome: KeyOutcome::Refused },
        TriedKey { source: KeySource::File(file()), outcome: KeyOutcome::Refused },
    ];
    let person = KeySource::Person("password".to_owned());
    let guessed = TriedKey { source: person, outcome: KeyOutcome::Refused };
    let locked = TriedKey { source: KeySource::File(file()), outcome: KeyOutcome::Locked };
    let partial = TriedKey { source: KeySource::File(file()), outcome: KeyOutcome::Partial };
    let mut all = vec![
        T::Unresolved { host: "dev.example".to_owned(), detail: words() },
        T::NoAddressOfFamily { host: "dev.example".to_owned(), family: "IPv4", found: words() },
        T::NoIpv6 { addresses: words() },
        T::Greeting(G::Silent),
        T::Greeting(G::Closed),
        T::Greeting(G::NotSsh { said: words() }),
        T::Greeting(G::TooLong { said: words() }),
        T::Greeting(G::OtherVersion { banner: words() }),
        T::Greeting(G::TooManyLogins { said: words() }),
        T::Greeting(G::Penalised { said: words() }),
        T::Refused,
        T::NoRoute,
        T::NetworkUnreachable,
        T::ConnectFailed { detail: words() },
        T::Proxy { detail: words() },
        T::NoCommonAlgorithm { kind: "host key", theirs: words() },
        T::HostKeyUnknown { name: name(), fingerprint: print() },
        T::HostKeyChanged { name: name(), fingerprint: print(), file: known(), line: 7 },
        T::HostKeyRevoked { name: name(), file: known(), line: 7 },
        T::KnownHostsFile { file: known(), detail: words() },
        T::KnownHostsCommand { program: known(), detail: words() },
        T::AuthDenied { user: user(), tried: tried.clone(), methods: methods(&["publickey"]) },
        T::AuthDenied { user: user(), tried, methods: methods(&["password"]) },
        T::AuthDenied { user: user(), tried: vec![guessed], methods: methods(&["password"]) },
        T::AuthDenied { user: user(), tried: vec![locked], methods: methods(&["publickey"]) },
        T::AuthDenied { user: user(), tried: vec![partial], methods: methods(&["password"]) },
        T::NoKeys { user: user(), looked_for: vec![file()] },
        T::TooManyAuthFailures { user: user(), offered: 6 },
        T::PassphraseNeeded { file: file() },
        T::Unanswered { question: Question::Passphrase { file: file() } },
        T::Unanswered { question: Question::Password { user: user(), host: name() } },
        T::Unanswered {
            question: Question::Prompt {
                user: user(),
                host: name(),
                instruction: String::new(),
                text: words(),
                echo: false,
            },
        },
        T::Unanswered {
            question: Question::HostKey {
                name: name(),
                key_type: "ssh-ed25519".to_owned(),
                fingerprint: "SHA256:abc".to_owned(),
            },
        },
        T::Unanswered { question: Question::Touch { key: "yubi".to_owned() } },
        T::Unanswered { question: Question::Confirm { about: Matter::AddKey { file: file() } } },
        T::Unanswered {
            question: Question::Confirm {
                about: Matter::AddressKey {
                    name: name(),
                    address: "192.0.2.7".to_owned(),
                    fingerprint: "SHA256:abc".to_owned(),
                    file: file(),
                    line: 3,
                },
            },
        },
        T::IdentityMissing { file: file() },
        T::IdentityExposed { file: file(), mode: 0o644 },
        T::IdentityUnusable { file: file(), detail: words() },
        T::Lost { how: LostHow::Closed, detail: words() },
        T::Lost { how: LostHow::KeepAlive, detail: words() },
        T::ChannelRefused { detail: words() },
        T::CommandRefused { detail: words() },
        T::Forward { hop: hop(), to: to(), detail: words() },
        T::ForwardProhibited { hop: hop(), to: to() },
        T::SshNotInstalled,
        T::SshConfig {
            file: PathBuf::from("/home/me/.ssh/config"),
            line: Some(3),
            detail: words(),
        },
    ];
    for phase in PHASES {
        all.push(T::TimedOut { phase });
        all.push(T::ClosedByPeer { phase, said: Some(words()) });
        all.push(T::ResetByPeer { phase });
        all.push(T::Protocol { phase, detail: words() });
    }
    let jumps: Vec<T> = all
        .iter()
        .cloned()
        .map(|trouble| T::Jump { hop: hop(), trouble: Box::new(trouble) })
        .collect();
    all.extend(jumps);
    all
}

fn session_troubles() -> Vec<SessionTrouble> {
    use SessionTrouble as T;
    let program = || "claude".to_owned();
    let path = || "/usr/bin:/bin".to_owned();
    let said = |text: &str| T::ShellBroken { said: text.to_owned(), status: Some(1) };
    let last = LinkTrouble::Refused;
    let mut all = vec![
        T::WorkingDirectory { dir: "~/my project".to_owned(), why: NoEntry::Missing },
        T::WorkingDirectory { dir: "/etc/passwd".to_owned(), why: NoEntry::NotADirectory },
        T::WorkingDirectory { dir: "/root".to_owned(), why: NoEntry::Denied },
        T::CommandNotFound {
            program: program(),
            agent: Some("reviewer".to_owned()),
            path: path(),
            instead: vec![],
        },
        T::CommandNotFound { program: program(), agent: None, path: path(), instead: vec![] },
        T::NotExecutable { program: "./run.sh".to_owned() },
        T::WrongFormat { program: "./run".to_owned() },
        T::LoaderMissing { program: "./run".to_owned() },
        T::InterpreterMissing { program: program(), interpreter: "node".to_owned() },
        T::ShellBroken { said: words(), status: None },
        T::ShellBroken { said: words(), status: Some(0) },
        T::ShellSilent { said: words() },
        T::ShellSilent { said: "core-1#".to_owned() },
        T::UserlandMissing { programs: vec!["mkfifo".to_owned(), "tail".to_owned()] },
        said("This service allows sftp connections only."),
        said("% Invalid input detected at '^' marker."),
        said("This account is currently not available."),
        said("bash: /home/me/.bashrc: Permission denied"),
        said("/home/me/.bashrc: line 3: syntax error: unexpected end of file"),
        said("'exec' is not recognized as an internal or external command,"),
        T::Spool { dir: "/home/me/.longhaul/x".to_owned(), detail: words() },
        T::Spool { dir: "/x".to_owned(), detail: "mkdir: No space left on device".to_owned() },
        T::OutputCut { dir: "/x".to_owned() },
        T::NoSetsid,
        T::EndsAtLogout,
        T::TimedOut { seconds: 60 },
        T::NotStartedInTime { seconds: 60, last: None },
        T::NotStartedInTime { seconds: 60, last: Some(last) },
        T::Cancelled,
        T::EnvUnavailable { name: "TOKEN".to_owned(), detail: words() },
        T::Unattended,
        T::Unkillable { pids: vec![7, 8] },
    ];
    for why in [LostWhy::Rebooted, LostWhy::Killed, LostWhy::SpoolGone, LostWhy::Unknown] {
        all.push(T::Lost { why });
    }
    use Trouble as A;
    for trouble in [
        A::NotLoggedIn,
        A::KeyInvalid,
        A::RateLimited,
        A::Overloaded,
        A::NoCredit,
        A::ContextTooLong,
        A::NoConversation,
        A::Denied,
        A::ModelUnknown,
        A::Unreachable,
        A::Limit,
        A::Crashed,
        A::Other,
    ] {
        let (agent, profile) = ("claude".to_owned(), Profile::Claude);
        let conversation = Some("8a538b5b".to_owned());
        let complaint = Complaint::new(trouble, words());
        all.push(T::Agent { agent, profile, conversation, complaint });
    }
    all
}

fn local_troubles() -> Vec<LocalTrouble> {
    use LocalTrouble as T;
    let dir = || PathBuf::from("/home/me/.local/state/longhaul");
    vec![
        T::ConfigInvalid { detail: words() },
        T::RemoteUnknown { name: "dev".to_owned(), nearest: Some("dev-server".to_owned()) },
        T::RemoteDisabled { name: "dev-server".to_owned() },
        T::AgentUnknown { name: "cluade".to_owned(), nearest: None },
        T::StateUnwritable { dir: dir(), detail: words() },
        T::DiskFull { dir: dir(), detail: words() },
        T::SocketPathTooLong { socket: dir(), limit: 107 },
        T::DaemonUnreachable { socket: dir(), detail: words() },
    ]
}

/// Every failure there is, each with the code that it has to have.
fn failures() -> Vec<(Code, Failure)> {
    let places = [at(), direct()];
    let link = link_troubles();
    let session = session_troubles();
    let link = places.iter().flat_map(|at| {
        link.iter().map(move |trouble| (link_code(trouble), link_failure(trouble, at)))
    });
    let here = [at(), direct(), Whereabouts::local().session("0123456789".parse().expect("an id"))];
    let session = here.iter().flat_map(|at| {
        session.iter().map(move |trouble| (session_code(trouble), session_failure(trouble, at)))
    });
    let local = local_troubles();
    let local = local.iter().map(|trouble| (local_code(trouble), local_failure(trouble)));
    link.chain(session).chain(local).collect()
}

#[test]
fn every_code_of_the_catalogue_happens() {
    let seen: BTreeSet<Code> = failures().into_iter().map(|(code, _)| code).collect();
    let all: BTreeSet<Code> = Code::all().collect();
    assert_eq!(seen, all);
}

#[test]
fn a_failure_agrees_with_its_entry() {
    for (code, failure) in failures() {
        let entry = code.entry();
        assert_eq!(failure.code, entry.code);
        assert_eq!((failure.stage, failure.disposition), (entry.stage, entry.disposition));
        let typed = matches!(entry.remedy, Remedy::Type(_));
        assert_eq!(failure.remedy.is_some(), typed, "{failure:?}");
    }
}

#[test]
fn a_message_is_one_line_and_a_remedy_has_no_control_characters() {
    for (_, failure) in failures() {
        assert!(!failure.message.is_empty() && !failure.message.contains(char::is_control));
        let remedy = failure.remedy.unwrap_or_default();
        assert!(remedy.lines().all(|line| !line.is_empty() && !line.contains(char::is_control)));
    }
}

/// A slot that nobody fills shows as its name in capitals.
#[test]
fn a_remedy_has_the_real_values() {
    let words = [
        "SSH_V",
        "SSH_ASK",
        "COPY_ID",
        "HOST",
        "FILE",
        "DIR",
        "PROGRAM",
        "PIDS",
        "SESSION",
        "INSTALL",
        "FINGERPRINT",
        "KNOWN_NAME",
        "INTERPRETER",
        "RECONNECT",
    ];
    for (code, failure) in failures() {
        let remedy = failure.remedy.unwrap_or_default();
        let invited = ["DIR or", "=DIR", "--cwd DIR"];
        let remedy = invited.iter().fold(remedy, |text, words| text.replace(words, ""));
        let left = remedy
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .find(|word| words.contains(word));
        // Nobody is asked for on this machine's own account.
        let named = code.as_str() == "session.shell.no-login" && failure.place == "local";
        assert!(!remedy.lines().any(|line| line.starts_with("SSH")), "{code}: {remedy}");
        assert!(left.is_none() || named, "{code}: {left:?} in {remedy}");
    }
}

#[test]
fn evidence_is_what_was_told_and_nothing_else() {
    for (code, failure) in failures() {
        let Some(evidence) = failure.evidence else { continue };
        let hinted = code.as_str().starts_with("session.s");
        assert!(hinted || evidence == EVIDENCE, "{code}: {evidence}");
        assert!(!failure.message.contains("the system\n"), "{code}");
    }
}

#[test]
fn what_heals_by_itself_is_what_retries() {
    for trouble in link_troubles() {
        let failure = link_failure(&trouble, &at());
        let heals = heals_by_itself(&trouble);
        assert_eq!(heals, failure.disposition == Disposition::Retries, "{trouble}");
        // A link is never over for good: it retries, or waits for a person.
        assert_ne!(failure.disposition, Disposition::Final, "{trouble}");
        let remedy = failure.remedy.unwrap_or_default();
        let answers = "longhaul attention dev-server";
        let last =
            if trouble.is_unanswered() { answers } else { "longhaul remote reconnect dev-server" };
        let reconnects = remedy.ends_with(last);
        assert_eq!(reconnects, !heals, "{trouble}: {remedy}");
    }
}

#[test]
fn who_we_are_and_who_they_are_is_never_retried() {
    for trouble in link_troubles() {
        let code = link_code(&trouble).as_str();
        let moot = ["ssh.auth.timeout", "ssh.auth.closed", "ssh.auth.reset", "ssh.auth.protocol"];
        if code.starts_with("ssh.host-key.") || code.starts_with("ssh.auth.") {
            assert_eq!(heals_by_itself(&trouble), moot.contains(&code), "{code}");
        }
    }
}

#[test]
fn a_hop_keeps_the_code_of_its_own_trouble_and_is_named() {
    let inner = LinkTrouble::PassphraseNeeded { file: PathBuf::from("/keys/edge") };
    let jump = LinkTrouble::Jump { hop: "me@edge:22".to_owned(), trouble: Box::new(inner) };
    let failure = link_failure(&jump, &at());
    assert_eq!(failure.code, "ssh.auth.passphrase");
    assert_eq!(failure.place, "dev-server");
    assert_eq!(
        failure.message,
        "at the jump host me@edge:22: the key /keys/edge needs its passphrase"
    );
    let lines = "ssh-add /keys/edge\nlonghaul remote reconnect dev-server";
    assert_eq!(failure.remedy.as_deref(), Some(lines));

    let refused =
        LinkTrouble::Jump { hop: "me@edge:22".to_owned(), trouble: Box::new(LinkTrouble::Refused) };
    let remedy = link_failure(&refused, &at()).remedy.expect("a remedy");
    assert!(remedy.ends_with("ssh -v -i /keys/edge me@edge"), "{remedy}");
}

/// The first command of a remedy, which is what a person types first.
fn first_command(failure: &Failure) -> String {
    let remedy = failure.remedy.clone().unwrap_or_default();
    remedy.lines().find(|line| !line.starts_with('#')).unwrap_or_default().to_owned()
}

#[test]
fn the_command_that_mends_a_link_has_the_real_host_user_and_file() {
    let ssh = "-p 2222 -i /home/me/.ssh/dev_key developer@192.168.1.100";
    for (code, command) in [
        (
            "ssh.auth.denied",
            "ssh-copy-id -i /home/me/.ssh/dev_key.pub -p 2222 developer@192.168.1.100".to_owned(),
        ),
        ("ssh.auth.passphrase", "ssh-add /home/me/.ssh/dev_key".to_owned()),
        ("ssh.auth.identity-exposed", "chmod 600 /home/me/.ssh/dev_key".to_owned()),
        ("ssh.host-key.changed", "longhaul remote trust dev-server".to_owned()),
        ("ssh.host-key.unknown", "longhaul remote trust dev-server".to_owned()),
        ("ssh.connect.refused", format!("ssh -v {ssh}")),
        ("ssh.resolve.unknown-host", "getent hosts dev.example".to_owned()),
    ] {
        let trouble =
            link_troubles().into_iter().find(|trouble| link_code(trouble).as_str() == code);
        let failure = link_failure(&trouble.expect(code), &direct());
        assert_eq!(first_command(&failure), command, "{code}");
    }
}

#[test]
fn a_locked_key_file_is_the_cause_where_no_file_was_refused() {
    let key = |source, outcome| TriedKey { source, outcome };
    let file = |name: &str| KeySource::File(PathBuf::from(name));
    let agent = || KeySource::Agent("me@laptop".to_owned());
    for (tried, code, command) in [
        (vec![], "ssh.auth.denied", "ssh-copy-id -i /home/me/.ssh/dev_key.pub"),
        (
            vec![key(agent(), KeyOutcome::Refused), key(file("/b"), KeyOutcome::Locked)],
            "ssh.auth.passphrase",
            "ssh-add /b",
        ),
        (
            vec![key(file("/a"), KeyOutcome::Refused), key(file("/b"), KeyOutcome::Locked)],
            "ssh.auth.denied",
            "ssh-copy-id -i /a.pub",
        ),
    ] {
        let trouble = LinkTrouble::AuthDenied { user: "me".to_owned(), tried, methods: vec![] };
        let failure = link_failure(&trouble, &direct());
        assert_eq!(failure.code, code);
        assert!(first_command(&failure).starts_with(command), "{failure:?}");
    }
}

#[test]
fn a_changed_key_warns_before_it_says_how_to_forget_the_old_one() {
    let trouble =
        link_troubles().into_iter().find(|t| link_code(t).as_str() == "ssh.host-key.changed");
    let remedy = link_failure(&trouble.expect("it"), &at()).remedy.expect("a remedy");
    let at = |what: &str| remedy.find(what).unwrap_or_else(|| panic!("{what} in {remedy}"));
    assert!(at("SHA256:abc") < at("longhaul remote trust"));
}

#[test]
fn the_command_that_mends_a_session_runs_where_the_session_runs() {
    let ssh = "ssh -p 2222 -i /home/me/.ssh/dev_key developer@192.168.1.100 --";
    for (code, there, here) in [
        (
            "agent.not-found",
            "npm install -g @anthropic-ai/claude-code",
            "npm install -g @anthropic-ai/claude-code",
        ),
        ("session.cwd.missing", r"'mkdir -p ~/'\''my project'\'''", "mkdir -p ~/'my project'"),
        ("session.command.not-executable", "chmod +x ./run.sh", "chmod +x ./run.sh"),
    ] {
        let trouble = session_troubles().into_iter().find(|t| session_code(t).as_str() == code);
        let trouble = trouble.expect(code);
        assert_eq!(first_command(&session_failure(&trouble, &direct())), format!("{ssh} {there}"));
        assert_eq!(first_command(&session_failure(&trouble, &Whereabouts::local())), here);
    }
}

#[test]
fn a_session_that_never_started_says_what_kept_it_and_how_to_mend_that() {
    let last = Some(LinkTrouble::PassphraseNeeded { file: PathBuf::from("/k") });
    let trouble = SessionTrouble::NotStartedInTime { seconds: 60, last };
    let failure = session_failure(&trouble, &direct());
    assert_eq!(failure.code, "session.start.timeout");
    assert!(failure.message.ends_with("within 60 s: the key /k needs its passphrase"));
    assert_eq!(first_command(&failure), "ssh-add /k");
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let program = "evil\u{1b}]0;title\u{7}\nrm -rf ~".to_owned();
    let trouble = SessionTrouble::CommandNotFound {
        program,
        agent: None,
        path: String::new(),
        instead: vec![],
    };
    let failure = session_failure(&trouble, &at());
    assert!(!failure.message.contains(char::is_control));
    assert!(failure.remedy.unwrap_or_default().lines().all(|line| !line.starts_with("rm")));
}
