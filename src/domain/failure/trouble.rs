//! What the layers below report, before it has a code and words.

use std::path::PathBuf;

use super::greeting::GreetingTrouble;
use crate::domain::agent::{Complaint, Profile};
use crate::domain::attention::Question;

/// Why a link to an SSH destination is not there.
///
/// One variant per thing that a person would mend in another way; the phase is
/// in the variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkTrouble {
    /// The name has no address.
    #[error("could not resolve {host}: {detail}")]
    Unresolved {
        /// The name that was looked up.
        host: String,
        /// The resolver's own words.
        detail: String,
    },
    /// The name has addresses, and none of the family that is set.
    #[error("{host} has no {family} address")]
    NoAddressOfFamily {
        /// The name that was looked up.
        host: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// What it has, comma separated.
        found: String,
    },
    /// Nothing listens on the port.
    #[error("connection refused")]
    Refused,
    /// A phase took longer than its bound.
    #[error("timed out in {phase}")]
    TimedOut {
        /// The phase that did not end.
        phase: Phase,
    },
    /// The network has no way to the host.
    #[error("no route to host")]
    NoRoute,
    /// This machine has no network to the host's.
    #[error("network is unreachable")]
    NetworkUnreachable,
    /// The host has IPv6 addresses alone, and this machine has no way to them.
    #[error("no way to IPv6 addresses: {addresses}")]
    NoIpv6 {
        /// Its addresses, comma separated.
        addresses: String,
    },
    /// Another error from the operating system while connecting.
    #[error("could not connect: {detail}")]
    ConnectFailed {
        /// The system's own words.
        detail: String,
    },
    /// `ProxyCommand` brought no way to the host.
    #[error("ProxyCommand brought nothing: {detail}")]
    Proxy {
        /// Why, how it ended, and its own words, as far as they are known.
        detail: String,
    },
    /// The peer took the connection, and did not greet as an SSH server.
    #[error("no greeting: {0}")]
    Greeting(GreetingTrouble),
    /// The peer closed before the link was up.
    #[error("closed by the peer in {phase}")]
    ClosedByPeer {
        /// The phase it happened in.
        phase: Phase,
        /// What the server said in place of, or before, its banner.
        said: Option<String>,
    },
    /// The peer reset the connection before the link was up.
    #[error("reset by the peer in {phase}")]
    ResetByPeer {
        /// The phase it happened in.
        phase: Phase,
    },
    /// The two sides have no algorithm in common.
    #[error("no common {kind}: the server offers {theirs}")]
    NoCommonAlgorithm {
        /// `key exchange`, `host key`, `cipher`, `MAC` or `compression`.
        kind: &'static str,
        /// What the server offers, comma separated.
        theirs: String,
    },
    /// The peer broke the protocol, or is no SSH server.
    #[error("protocol error in {phase}: {detail}")]
    Protocol {
        /// The phase it happened in.
        phase: Phase,
        /// The library's own words.
        detail: String,
    },
    /// The host is in no known_hosts file and new hosts are refused.
    #[error("host key of {name} is not known")]
    HostKeyUnknown {
        /// The name that was looked up, with the port where it is not 22.
        name: String,
        /// SHA-256 fingerprint of the key that was shown.
        fingerprint: String,
    },
    /// The host is known by other keys.
    #[error("host key of {name} has changed")]
    HostKeyChanged {
        /// The name that was looked up, with the port where it is not 22.
        name: String,
        /// SHA-256 fingerprint of the key that was shown.
        fingerprint: String,
        /// The file that knows another key.
        file: PathBuf,
        /// The line in it, from 1.
        line: usize,
    },
    /// The key is marked `@revoked`.
    #[error("host key of {name} is revoked")]
    HostKeyRevoked {
        /// The name that was looked up.
        name: String,
        /// The file that revokes it.
        file: PathBuf,
        /// The line in it, from 1.
        line: usize,
    },
    /// A known_hosts file could not be read, or the new key not be written.
    #[error("known_hosts file {}: {detail}", file.display())]
    KnownHostsFile {
        /// The file.
        file: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// The server took none of the keys.
    #[error("authentication denied for {user}")]
    AuthDenied {
        /// The user that was asked for.
        user: String,
        /// What was tried, in order.
        tried: Vec<TriedKey>,
        /// The methods that the server would still take.
        methods: Vec<String>,
    },
    /// There was no key to try.
    #[error("no key to offer for {user}")]
    NoKeys {
        /// The user that was asked for.
        user: String,
        /// The files that were looked for.
        looked_for: Vec<PathBuf>,
    },
    /// The server hung up after too many keys.
    #[error("too many authentication failures for {user}")]
    TooManyAuthFailures {
        /// The user that was asked for.
        user: String,
        /// How many keys had been offered.
        offered: usize,
    },
    /// A key file is encrypted, and nobody could say its passphrase.
    #[error("key {} needs its passphrase", file.display())]
    PassphraseNeeded {
        /// The key file.
        file: PathBuf,
    },
    /// A person was asked, and has not answered while the server waited.
    #[error("nobody answered: {} needed", question.kind().as_str())]
    Unanswered {
        /// What was asked.
        question: Question,
    },
    /// A key file that somebody named is not there.
    #[error("key {} does not exist", file.display())]
    IdentityMissing {
        /// The key file.
        file: PathBuf,
    },
    /// Others may read a key file.
    #[error("key {} is open to others (mode {mode:04o})", file.display())]
    IdentityExposed {
        /// The key file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file could not be read or understood.
    #[error("key {}: {detail}", file.display())]
    IdentityUnusable {
        /// The key file.
        file: PathBuf,
        /// Why.
        detail: String,
    },
    /// An established link went away.
    #[error("link lost: {detail}")]
    Lost {
        /// How it was noticed.
        how: LostHow,
        /// The library's own words.
        detail: String,
    },
    /// The server would open no (further) channel.
    #[error("channel refused: {detail}")]
    ChannelRefused {
        /// The server's reason.
        detail: String,
    },
    /// The server opened a channel, and would run no command on it.
    #[error("command refused: {detail}")]
    CommandRefused {
        /// What it did.
        detail: String,
    },
    /// A hop on the way failed; the trouble is the hop's.
    #[error("jump host {hop}: {trouble}")]
    Jump {
        /// The hop, as `user@host:port`.
        hop: String,
        /// What happened there.
        trouble: Box<LinkTrouble>,
    },
    /// The jump host would not pass us on.
    #[error("{hop} could not reach {to}: {detail}")]
    Forward {
        /// The hop that was asked.
        hop: String,
        /// Where it was to connect to.
        to: String,
        /// The server's reason.
        detail: String,
    },
    /// The jump host is not allowed to pass anybody on.
    #[error("{hop} may not connect to {to}")]
    ForwardProhibited {
        /// The hop that was asked.
        hop: String,
        /// Where it was to connect to.
        to: String,
    },
    /// `KnownHostsCommand` did not do what it should.
    #[error("KnownHostsCommand {}: {detail}", program.display())]
    KnownHostsCommand {
        /// The program.
        program: PathBuf,
        /// How it ended.
        detail: String,
    },
    /// `ssh_config`(5) could not be read or understood.
    #[error("{}: {detail}", file.display())]
    SshConfig {
        /// The file.
        file: PathBuf,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong there.
        detail: String,
    },
    /// The remote is to be reached by the system's `ssh`, which is not there.
    #[error("the system's ssh is not installed")]
    SshNotInstalled,
}

impl LinkTrouble {
    /// Whether the server is there and would not open a channel, or run a command
    /// on it. One that never answers is no better: asked again and again on the
    /// same link, it would keep a session waiting that is told of nothing.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::ChannelRefused { .. }
                | Self::CommandRefused { .. }
                | Self::TimedOut { phase: Phase::Channel, .. }
        )
    }

    /// Whether an answer to a question would have brought the link up.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        match self {
            Self::Unanswered { .. } => true,
            Self::Jump { trouble, .. } => trouble.is_unanswered(),
            _ => false,
        }
    }
}

/// The phases of bringing up a link, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Looking up the address.
    Resolve,
    /// Opening the TCP connection.
    Connect,
    /// Banner and key exchange, with the host key.
    KeyExchange,
    /// Proving who we are.
    Authentication,
    /// Opening a channel and starting the runner.
    Channel,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Resolve => "name resolution",
            Self::Connect => "connecting",
            Self::KeyExchange => "key exchange",
            Self::Authentication => "authentication",
            Self::Channel => "channel opening",
        })
    }
}

/// How the loss of an established link was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LostHow {
    /// The peer closed, reset or broke the connection.
    Closed,
    /// Keep-alives went unanswered.
    KeepAlive,
}

/// One key that was offered, or could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedKey {
    /// Where it came from.
    pub source: KeySource,
    /// What became of it.
    pub outcome: KeyOutcome,
}

/// Where a proof came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A key file.
    File(PathBuf),
    /// The agent, with the key's comment.
    Agent(String),
    /// No key, but what a person said to this method.
    Person(String),
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOutcome {
    /// Offered, and refused by the server.
    Refused,
    /// Accepted, but the server asks for another proof besides.
    Partial,
    /// Encrypted, and no passphrase to be had.
    Locked,
    /// Not there, or not readable, or no key.
    Unusable,
    /// The agent would not sign with it.
    NotSigned,
}

/// Why a session did not start, or did not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionTrouble {
    /// The working directory cannot be entered.
    #[error("working directory {dir}: {why:?}")]
    WorkingDirectory {
        /// The directory as it was asked for.
        dir: String,
        /// Why not.
        why: NoEntry,
    },
    /// No such program on the PATH, or no such file.
    #[error("command not found: {program}")]
    CommandNotFound {
        /// The program.
        program: String,
        /// The agent whose program it is, where it is one's.
        agent: Option<String>,
        /// The PATH that was searched.
        path: String,
        /// Agents that are there, in a line each.
        instead: Vec<String>,
    },
    /// The program is there and may not be executed.
    #[error("not executable: {program}")]
    NotExecutable {
        /// The program.
        program: String,
    },
    /// The program is there, and the system cannot execute its format: another
    /// processor's, or none at all.
    #[error("wrong format: {program}")]
    WrongFormat {
        /// The program.
        program: String,
    },
    /// The program is there, and what it needs in order to start is not, and
    /// was not named: the interpreter of its `#!` line, or a dynamic loader.
    #[error("loader of {program} is missing")]
    LoaderMissing {
        /// The program.
        program: String,
    },
    /// The program is a script and what it is written for is missing.
    #[error("interpreter {interpreter} of {program} is missing")]
    InterpreterMissing {
        /// The program.
        program: String,
        /// `node`, `python3`, …
        interpreter: String,
    },
    /// The login shell did not let the runner through.
    #[error("the login shell did not reach the runner")]
    ShellBroken {
        /// The end of what it said instead.
        said: String,
        /// The status that sshd told, where it told one.
        status: Option<u32>,
    },
    /// The login shell neither let the runner through nor ended.
    #[error("the login shell waits, and did not reach the runner")]
    ShellSilent {
        /// The end of what it said.
        said: String,
    },
    /// The host lacks programs that the runner is made of.
    #[error("the host lacks {}", programs.join(", "))]
    UserlandMissing {
        /// Their names.
        programs: Vec<String>,
    },
    /// The runner could not make or fill the spool.
    #[error("spool {dir}: {detail}")]
    Spool {
        /// The spool's directory.
        dir: String,
        /// The system's own words.
        detail: String,
    },
    /// The host has nothing that gives a process a session or group of its own.
    #[error("nothing there gives a process a session of its own")]
    NoSetsid,
    /// The disk with the spool was full by the time the command ended.
    #[error("the disk with the spool {dir} was full")]
    OutputCut {
        /// The folder of spools.
        dir: String,
    },
    /// It is over at the user's next logout there.
    #[error("the session ends when the user logs out")]
    EndsAtLogout,
    /// No exit record and no process.
    #[error("the session's processes are gone and left no exit record")]
    Lost {
        /// Why, where it can be told.
        why: LostWhy,
    },
    /// The session ran past its limit and was stopped.
    #[error("stopped after {seconds} s")]
    TimedOut {
        /// The limit, in seconds.
        seconds: u64,
    },
    /// The session could not be started within its limit.
    #[error("not started within {seconds} s")]
    NotStartedInTime {
        /// The limit, in seconds.
        seconds: u64,
        /// What kept it, last.
        last: Option<LinkTrouble>,
    },
    /// Stopped by a person before it had started.
    #[error("cancelled before it started")]
    Cancelled,
    /// An env value of the configuration could not be had on this machine.
    #[error("env {name}: {detail}")]
    EnvUnavailable {
        /// The variable.
        name: String,
        /// Why; never the value.
        detail: String,
    },
    /// What follows the session here has failed again and again, and rests.
    #[error("nobody follows the session for now")]
    Unattended,
    /// The agent that ran there could not do its work.
    #[error("the agent {agent} failed: {}", complaint.said)]
    Agent {
        /// The agent, as it was asked for.
        agent: String,
        /// Which program it is.
        profile: Profile,
        /// Its own name for the conversation, once it has told it.
        conversation: Option<String>,
        /// What it complained of.
        complaint: Complaint,
    },
    /// `kill` left processes.
    #[error("{} processes survived KILL", pids.len())]
    Unkillable {
        /// The processes that are left.
        pids: Vec<u32>,
    },
}

/// Why a working directory cannot be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoEntry {
    /// It is not there.
    Missing,
    /// It is no directory.
    NotADirectory,
    /// The user may not enter it, or one above it.
    Denied,
}

/// Why a session is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LostWhy {
    /// The machine was restarted while it ran.
    Rebooted,
    /// The wrapper was killed, and the command is gone as well.
    Killed,
    /// Its spool is gone.
    SpoolGone,
    /// It cannot be told.
    Unknown,
}
