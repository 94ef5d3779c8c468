//! Which code a trouble has.

use std::path::Path;

use super::shell::{ShellHint, ends_in_prompt, shell_hint};
use crate::domain::agent::Trouble;
use crate::domain::attention::{Matter, Question};
use crate::domain::failure::catalogue::{Agent, Code, Link, Local, Reach, Session, Trust};
use crate::domain::failure::greeting::GreetingTrouble;
use crate::domain::failure::local_trouble::LocalTrouble;
use crate::domain::failure::trouble::{
    KeyOutcome, KeySource, LinkTrouble, LostHow, LostWhy, NoEntry, Phase, SessionTrouble, TriedKey,
};

/// Whether the connection tries again by itself; what does not heal waits for
/// a person, since a login that fails over and over gets an address banned.
#[must_use]
pub fn heals_by_itself(trouble: &LinkTrouble) -> bool {
    link_code(trouble).retries()
}

/// The code of a link's trouble; a hop's trouble keeps its own.
#[must_use]
pub fn link_code(trouble: &LinkTrouble) -> Code {
    use LinkTrouble as T;
    match trouble {
        T::Unresolved { .. } => Reach::UnknownHost.into(),
        T::NoAddressOfFamily { .. } => Reach::NoAddressOfFamily.into(),
        T::NoIpv6 { .. } => Reach::NoIpv6.into(),
        T::Greeting(trouble) => greeting(trouble),
        T::Refused => Reach::Refused.into(),
        T::TimedOut { phase } => timed_out(*phase),
        T::NoRoute => Reach::NoRoute.into(),
        T::NetworkUnreachable => Reach::NetworkUnreachable.into(),
        T::ConnectFailed { .. } => Reach::ConnectFailed.into(),
        T::Proxy { .. } => Reach::Proxy.into(),
        T::ClosedByPeer { phase, .. } => closed(*phase),
        T::ResetByPeer { phase } => reset(*phase),
        T::NoCommonAlgorithm { .. } => Reach::KexNoCommonAlgorithm.into(),
        T::Protocol { phase, .. } => protocol(*phase),
        T::SshConfig { .. } => Reach::SshConfigInvalid.into(),
        T::SshNotInstalled => Reach::SshNotInstalled.into(),
        T::HostKeyUnknown { .. } => Trust::HostKeyUnknown.into(),
        T::HostKeyChanged { .. } => Trust::HostKeyChanged.into(),
        T::HostKeyRevoked { .. } => Trust::HostKeyRevoked.into(),
        T::KnownHostsFile { .. } | T::KnownHostsCommand { .. } => Trust::KnownHostsFile.into(),
        T::AuthDenied { tried, methods, .. } => denied(tried, methods),
        T::NoKeys { .. } => Trust::AuthNoKeys.into(),
        T::TooManyAuthFailures { .. } => Trust::AuthTooMany.into(),
        T::PassphraseNeeded { .. } => Trust::AuthPassphrase.into(),
        T::Unanswered {
            question:
                Question::HostKey { .. } | Question::Confirm { about: Matter::AddressKey { .. } },
        } => Trust::HostKeyQuestion.into(),
        T::Unanswered { .. } => Trust::AuthQuestion.into(),
        T::IdentityMissing { .. } => Trust::IdentityMissing.into(),
        T::IdentityExposed { .. } => Trust::IdentityExposed.into(),
        T::IdentityUnusable { .. } => Trust::IdentityUnusable.into(),
        T::Lost { how: LostHow::Closed, .. } => Link::Lost.into(),
        T::Lost { how: LostHow::KeepAlive, .. } => Link::Silent.into(),
        T::ChannelRefused { .. } => Link::ChannelRefused.into(),
        T::CommandRefused { .. } => Link::CommandRefused.into(),
        T::Jump { trouble, .. } => link_code(trouble),
        T::Forward { .. } => Link::Forward.into(),
        T::ForwardProhibited { .. } => Link::ForwardProhibited.into(),
    }
}

fn greeting(trouble: &GreetingTrouble) -> Code {
    use GreetingTrouble as T;
    let code = match trouble {
        T::Silent => Reach::BannerSilent,
        T::Closed => Reach::BannerClosed,
        T::NotSsh { .. } => Reach::BannerNotSsh,
        T::TooLong { .. } => Reach::BannerTooLong,
        T::OtherVersion { .. } => Reach::BannerVersion,
        T::TooManyLogins { .. } => Reach::MaxStartups,
        T::Penalised { .. } => Reach::Penalised,
    };
    code.into()
}

fn timed_out(phase: Phase) -> Code {
    match phase {
        Phase::Resolve => Reach::ResolveTimeout.into(),
        Phase::Connect => Reach::ConnectTimeout.into(),
        Phase::KeyExchange => Reach::KexTimeout.into(),
        Phase::Authentication => Trust::AuthTimeout.into(),
        Phase::Channel => Link::ChannelTimeout.into(),
    }
}

fn closed(phase: Phase) -> Code {
    match phase {
        Phase::Resolve | Phase::Connect => Reach::ConnectClosed.into(),
        Phase::KeyExchange => Reach::KexClosed.into(),
        Phase::Authentication => Trust::AuthClosed.into(),
        Phase::Channel => Link::ChannelClosed.into(),
    }
}

fn reset(phase: Phase) -> Code {
    match phase {
        Phase::Resolve | Phase::Connect => Reach::ConnectReset.into(),
        Phase::KeyExchange => Reach::KexReset.into(),
        Phase::Authentication => Trust::AuthReset.into(),
        Phase::Channel => Link::ChannelReset.into(),
    }
}

fn protocol(phase: Phase) -> Code {
    match phase {
        Phase::Resolve | Phase::Connect | Phase::KeyExchange => Reach::KexProtocol.into(),
        Phase::Authentication => Trust::AuthProtocol.into(),
        Phase::Channel => Link::ChannelProtocol.into(),
    }
}

/// The key file that nobody could unlock, where no key file was refused: it
/// is likelier the right one than whatever an agent had to offer.
pub(super) fn locked_file(tried: &[TriedKey]) -> Option<&Path> {
    let file = |outcome| {
        tried.iter().find_map(move |key| match &key.source {
            KeySource::File(file) if key.outcome == outcome => Some(file.as_path()),
            _ => None,
        })
    };
    if file(KeyOutcome::Refused).is_some() { None } else { file(KeyOutcome::Locked) }
}

/// A server that names its methods and leaves `publickey` out takes no key at
/// all; one that names none has said nothing.
fn denied(tried: &[TriedKey], methods: &[String]) -> Code {
    if tried.iter().any(|key| key.outcome == KeyOutcome::Partial) {
        Trust::AuthMoreFactors.into()
    } else if tried.iter().any(|key| matches!(key.source, KeySource::Person(_))) {
        Trust::AuthDenied.into()
    } else if !methods.is_empty() && !methods.iter().any(|method| method == "publickey") {
        Trust::AuthNoPublicKey.into()
    } else if locked_file(tried).is_some() {
        Trust::AuthPassphrase.into()
    } else {
        Trust::AuthDenied.into()
    }
}

/// The code of a session's trouble.
#[must_use]
pub fn session_code(trouble: &SessionTrouble) -> Code {
    use SessionTrouble as T;
    let code = match trouble {
        T::WorkingDirectory { why: NoEntry::Missing, .. } => Session::CwdMissing,
        T::WorkingDirectory { why: NoEntry::NotADirectory, .. } => Session::CwdNotADirectory,
        T::WorkingDirectory { why: NoEntry::Denied, .. } => Session::CwdDenied,
        T::CommandNotFound { agent: Some(_), .. } => Session::AgentNotFound,
        T::CommandNotFound { agent: None, .. } => Session::CommandNotFound,
        T::NotExecutable { .. } => Session::NotExecutable,
        T::WrongFormat { .. } => Session::WrongFormat,
        T::LoaderMissing { .. } => Session::LoaderMissing,
        T::InterpreterMissing { .. } => Session::InterpreterMissing,
        T::ShellBroken { said, status } => shell_broken(said, *status),
        T::ShellSilent { said } => shell_silent(said),
        T::UserlandMissing { .. } => Session::UserlandMissing,
        T::Spool { detail, .. } if says_full(detail) => Session::SpoolFull,
        T::Spool { .. } => Session::SpoolUnusable,
        T::OutputCut { .. } => Session::SpoolFull,
        T::NoSetsid => Session::SetsidMissing,
        T::EndsAtLogout => Session::EndsAtLogout,
        T::Lost { why: LostWhy::Rebooted } => Session::LostRebooted,
        T::Lost { why: LostWhy::Killed } => Session::LostKilled,
        T::Lost { why: LostWhy::SpoolGone } => Session::LostSpoolGone,
        T::Lost { why: LostWhy::Unknown } => Session::LostUnknown,
        T::TimedOut { .. } => Session::TimedOut,
        T::NotStartedInTime { .. } => Session::StartTimeout,
        T::Cancelled => Session::Cancelled,
        T::EnvUnavailable { .. } => Session::EnvUnavailable,
        T::Unattended => Session::Unattended,
        T::Unkillable { .. } => Session::Survivors,
        T::Agent { complaint, .. } => return agent_code(complaint.trouble).into(),
    };
    code.into()
}

/// What was asked for begins with `exec`, so a shell that did it never ends
/// without a word of the runner's; one that ends well has done something else.
fn shell_broken(said: &str, status: Option<u32>) -> Session {
    match (shell_hint(said), status) {
        (Some(hint), _) => of_hint(hint),
        (None, Some(0)) => Session::ShellReplaced,
        (None, _) => Session::ShellBroken,
    }
}

fn shell_silent(said: &str) -> Session {
    match shell_hint(said) {
        Some(hint) => of_hint(hint),
        None if ends_in_prompt(said) => Session::ShellAppliance,
        None => Session::ShellSilent,
    }
}

fn of_hint(hint: ShellHint) -> Session {
    match hint {
        ShellHint::NoLogin => Session::ShellNoLogin,
        ShellHint::Denied => Session::ShellDenied,
        ShellHint::Profile => Session::ShellProfile,
        ShellHint::Windows => Session::ShellUnsupported,
        ShellHint::Restricted => Session::ShellRestricted,
        ShellHint::Appliance => Session::ShellAppliance,
    }
}

fn agent_code(trouble: Trouble) -> Agent {
    match trouble {
        Trouble::NotLoggedIn => Agent::NotLoggedIn,
        Trouble::KeyInvalid => Agent::KeyInvalid,
        Trouble::RateLimited => Agent::RateLimited,
        Trouble::Overloaded => Agent::Overloaded,
        Trouble::NoCredit => Agent::NoCredit,
        Trouble::ContextTooLong => Agent::ContextTooLong,
        Trouble::NoConversation => Agent::NoConversation,
        Trouble::Denied => Agent::Denied,
        Trouble::ModelUnknown => Agent::ModelUnknown,
        Trouble::Unreachable => Agent::Unreachable,
        Trouble::Limit => Agent::Limit,
        Trouble::Crashed => Agent::Crashed,
        Trouble::Other => Agent::Failed,
    }
}

/// `ENOSPC` and `EDQUOT` in the words of glibc, musl and the BSDs; the runner
/// speaks in the C locale.
fn says_full(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    ["no space left on device", "quota exceeded"].iter().any(|words| detail.contains(words))
}

/// The code of a trouble on this machine.
#[must_use]
pub fn local_code(trouble: &LocalTrouble) -> Code {
    use LocalTrouble as T;
    match trouble {
        T::ConfigInvalid { .. } => Reach::ConfigInvalid.into(),
        T::RemoteUnknown { .. } => Reach::RemoteUnknown.into(),
        T::RemoteDisabled { .. } => Reach::RemoteDisabled.into(),
        T::AgentUnknown { .. } => Reach::AgentUnknown.into(),
        T::StateUnwritable { .. } => Local::StateUnwritable.into(),
        T::DiskFull { .. } => Local::DiskFull.into(),
        T::SocketPathTooLong { .. } => Local::SocketPathTooLong.into(),
        T::DaemonUnreachable { .. } => Local::DaemonUnreachable.into(),
    }
}
