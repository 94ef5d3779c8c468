//! Which hosts of `ssh_config`(5) become remotes, and under which names.

use std::collections::BTreeMap;

use super::config::edit::{Assignment, Field, Literal, NewRemote};
use super::config::{ProblemKind, Remote, SshConfigUse, host_trouble};
use super::ids::{MAX_NAME, RemoteName};
use super::ssh_config::pattern;

/// What becomes of a host that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is to be added.
    Add(NewRemote),
    /// A remote is this host already.
    Configured(RemoteName),
    /// It cannot be added, at least not by itself.
    Refused(Refusal),
}

/// Why a host is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A remote of that name is another host.
    #[error("the remote \"{name}\" is another host: {host}")]
    NameTaken {
        /// The name.
        name: RemoteName,
        /// What it is.
        host: String,
    },
    /// Another host that is to be imported has come to this name before.
    #[error("the name \"{name}\" goes to {other}")]
    SameName {
        /// The name.
        name: RemoteName,
        /// Whose it is.
        other: String,
    },
    /// The configuration does not take it as a host.
    #[error("it cannot be a remote's host: {0}")]
    NotAHost(ProblemKind),
    /// Nothing in it can be in a name.
    #[error("no name can be made of it")]
    NoName,
}

/// The name that a host gets as a remote: its own where that is one, else what
/// is nearest to it.
#[must_use]
pub fn name_for(host: &str) -> Option<RemoteName> {
    let letter = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let mapped: String = host.chars().map(letter).collect();
    let mapped = mapped.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let mapped = mapped.trim_end_matches('-');
    mapped.get(..mapped.len().min(MAX_NAME))?.parse().ok()
}

/// The remote that is this host of `ssh_config`, if one is.
#[must_use]
pub fn configured<'a>(
    host: &str,
    remotes: &'a BTreeMap<RemoteName, Remote>,
) -> Option<&'a RemoteName> {
    let is = |remote: &Remote| remote.host == host && remote.ssh_config == SshConfigUse::On;
    remotes.iter().find(|(_, remote)| is(remote)).map(|(name, _)| name)
}

/// Whether a host is asked for by one of the patterns.
#[must_use]
pub fn is_asked_for(host: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| pattern::matches(host, pattern))
}

/// What becomes of each of the hosts; `with` goes into every one that is added.
#[must_use]
pub fn fates<'a>(
    hosts: impl IntoIterator<Item = &'a str>,
    remotes: &BTreeMap<RemoteName, Remote>,
    with: &[Assignment],
) -> Vec<(&'a str, Fate)> {
    let mut given: BTreeMap<RemoteName, &str> = BTreeMap::new();
    let mut fate = |host: &'a str| {
        if let Some(known) = configured(host, remotes) {
            return Fate::Configured(known.clone());
        }
        if let Some(trouble) = host_trouble(host) {
            return Fate::Refused(Refusal::NotAHost(trouble));
        }
        let Some(name) = name_for(host) else { return Fate::Refused(Refusal::NoName) };
        if let Some(remote) = remotes.get(&name) {
            let host = remote.host.clone();
            return Fate::Refused(Refusal::NameTaken { name, host });
        }
        if let Some(other) = given.get(&name) {
            let other = (*other).to_owned();
            return Fate::Refused(Refusal::SameName { name, other });
        }
        given.insert(name.clone(), host);
        // A remote without a host is the host of its name.
        let own = (name.as_str() != host)
            .then(|| Assignment::Field(Field::Host, Some(Literal::Text(host.to_owned()))));
        Fate::Add(NewRemote { name, assignments: own.into_iter().chain(with.to_vec()).collect() })
    };
    hosts.into_iter().map(|host| (host, fate(host))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RemoteName {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_that_is_no_name_gets_the_nearest() {
        for (host, expected) in [
            ("gpu-box", Some("gpu-box")),
            ("git@forge", Some("git-forge")),
            ("_dmz", Some("dmz")),
            ("büro", Some("b-ro")),
            ("2001:db8::1", Some("2001-db8--1")),
            ("::", None),
            ("é", None),
        ] {
            assert_eq!(name_for(host), expected.map(name), "{host}");
        }
        assert_eq!(name_for(&"x".repeat(90)), Some(name(&"x".repeat(64))));
    }

    #[test]
    fn each_host_is_added_once_and_none_takes_anothers_name() {
        let mut remotes = BTreeMap::new();
        remotes.insert(name("work"), Remote::new("build.example"));
        remotes.insert(name("gpu"), Remote::new("10.0.0.7"));
        let off = Remote { ssh_config: SshConfigUse::Off, ..Remote::new("plain") };
        remotes.insert(name("elsewhere"), off);
        let user = Assignment::Field(Field::User, Some(Literal::Text("me".to_owned())));
        let host =
            |text: &str| Assignment::Field(Field::Host, Some(Literal::Text(text.to_owned())));
        let added = |remote: &str, assignments: &[Assignment]| {
            Fate::Add(NewRemote { name: name(remote), assignments: assignments.to_vec() })
        };
        let hosts = ["build.example", "gpu", "plain", "a%b", "a=b", "::", "a@b"];
        let fates = fates(hosts, &remotes, std::slice::from_ref(&user));
        let fates: Vec<_> = fates.into_iter().map(|(_, fate)| fate).collect();
        assert_eq!(
            fates,
            [
                Fate::Configured(name("work")),
                Fate::Refused(Refusal::NameTaken {
                    name: name("gpu"),
                    host: "10.0.0.7".to_owned()
                }),
                added("plain", std::slice::from_ref(&user)),
                added("a-b", &[host("a%b"), user]),
                Fate::Refused(Refusal::SameName { name: name("a-b"), other: "a%b".to_owned() }),
                Fate::Refused(Refusal::NoName),
                Fate::Refused(Refusal::NotAHost(ProblemKind::HostHoldsUser)),
            ]
        );
    }

    #[test]
    fn patterns_ask_as_those_of_ssh_config() {
        let asked = |host: &str| is_asked_for(host, &["gpu".to_owned(), "work-*".to_owned()]);
        assert!(asked("gpu") && asked("work-1") && !asked("gpu2") && !asked("Gpu"));
    }
}
