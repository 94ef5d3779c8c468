//! Where a failure happened, with all that a person needs to go there.

use std::fmt;
use std::path::PathBuf;

use super::quote::{one_line, sh_remote, shown_file, shown_path, shown_word};
use crate::domain::ids::SessionId;
use crate::domain::target::SshSettings;

/// The place of a failure, as people and their commands name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Whereabouts {
    /// The remote's name, the destination as it was given, or `local`.
    pub place: String,
    /// What was dialled; `None` for this machine, and where that could not be
    /// told yet.
    pub destination: Option<Endpoint>,
    /// The session that failed, where one did.
    pub session: Option<SessionId>,
}

/// One SSH server, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The user there.
    pub user: String,
    /// The host name or address that was dialled.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Key files that somebody set; empty where they are OpenSSH's defaults.
    pub key_files: Vec<PathBuf>,
    /// The hops on the way, outermost first.
    pub jumps: Vec<Endpoint>,
}

/// The name of the place that is this machine.
pub const LOCAL: &str = "local";

impl Whereabouts {
    /// This machine.
    #[must_use]
    pub fn local() -> Self {
        Self { place: LOCAL.to_owned(), destination: None, session: None }
    }

    /// A remote whose settings are known.
    #[must_use]
    pub fn remote(place: impl Into<String>, settings: &SshSettings) -> Self {
        Self { place: place.into(), destination: Some(Endpoint::from(settings)), session: None }
    }

    /// The same place, for a session there.
    #[must_use]
    pub fn session(self, id: SessionId) -> Self {
        Self { session: Some(id), ..self }
    }

    /// Whether this is the machine that longhaul runs on.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.destination.is_none() && self.place == LOCAL
    }

    /// The hop of a failing jump, as the same place's destination.
    #[must_use]
    pub fn at_hop(&self, hop: &str) -> Self {
        let known = self.destination.as_ref().and_then(|destination| destination.hop(hop));
        let destination = known.or_else(|| Endpoint::parse(hop));
        Self { destination, ..self.clone() }
    }

    /// Who is meant in a sentence: `user@host`, else the place.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.destination {
            Some(destination) => one_line(&destination.to_string()),
            None if self.is_local() => "this machine".to_owned(),
            None => one_line(&self.place),
        }
    }

    /// How `command` is run there.
    #[must_use]
    pub fn there(&self, command: &str) -> String {
        match &self.destination {
            Some(destination) => format!("{} -- {}", destination.ssh(""), sh_remote(command)),
            None if self.is_local() => command.to_owned(),
            None => format!("{command} # on {}", one_line(&self.place)),
        }
    }
}

impl Endpoint {
    /// `ssh`, its options, and the destination; `extra` goes before them.
    #[must_use]
    pub fn ssh(&self, extra: &str) -> String {
        let mut words = vec!["ssh".to_owned()];
        if !extra.is_empty() {
            words.push(extra.to_owned());
        }
        if self.port != 22 {
            words.push(format!("-p {}", self.port));
        }
        words.extend(self.key_files.first().map(|key| format!("-i {}", shown_file(key))));
        words.extend(self.jump_list().map(|jumps| format!("-J {jumps}")));
        words.push(self.login());
        words.join(" ")
    }

    /// The `ssh-copy-id` that lets `key` in, or all keys of the agent.
    #[must_use]
    pub fn copy_id(&self, key: Option<&std::path::Path>) -> String {
        let mut words = vec!["ssh-copy-id".to_owned()];
        words.extend(key.map(|key| {
            let public = format!("{}.pub", key.to_string_lossy());
            format!("-i {}", shown_path(&public))
        }));
        if self.port != 22 {
            words.push(format!("-p {}", self.port));
        }
        // ssh-copy-id has no -J of its own and hands -o on to ssh.
        words.extend(self.jump_list().map(|jumps| format!("-o ProxyJump={jumps}")));
        words.push(self.login());
        words.join(" ")
    }

    /// `user@host`; ssh takes a bare IPv6 address there, and the port by `-p`.
    fn login(&self) -> String {
        shown_word(&format!("{}@{}", self.user, self.host))
    }

    fn jump_list(&self) -> Option<String> {
        let hops: Vec<String> = self.jumps.iter().map(ToString::to_string).collect();
        (!hops.is_empty()).then(|| shown_word(&hops.join(",")))
    }

    /// The hop that calls itself `name`, with the hops before it as its own.
    fn hop(&self, name: &str) -> Option<Self> {
        let named = Self::parse(name)?;
        let at = self.jumps.iter().position(|jump| jump.is_same_server(&named))?;
        let mut hop = self.jumps[at].clone();
        hop.jumps = self.jumps[..at].to_vec();
        Some(hop)
    }

    fn is_same_server(&self, other: &Self) -> bool {
        (&self.user, &self.host, self.port) == (&other.user, &other.host, other.port)
    }

    /// Reads `user@host[:port]`, an IPv6 address with a port in brackets.
    fn parse(text: &str) -> Option<Self> {
        let (user, rest) = text.rsplit_once('@')?;
        let (host, port) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (host, port) = inner.split_once(']')?;
                (host, port.strip_prefix(':'))
            }
            None if rest.matches(':').count() > 1 => (rest, None),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Some(22), |port| port.parse().ok())?;
        let (user, host) = (user.to_owned(), host.to_owned());
        Some(Self { user, host, port, key_files: Vec::new(), jumps: Vec::new() })
    }
}

impl From<&SshSettings> for Endpoint {
    fn from(settings: &SshSettings) -> Self {
        let explicit = settings.identities_explicit;
        Self {
            user: settings.user.clone(),
            host: settings.host_name.clone(),
            port: settings.port,
            key_files: if explicit { settings.identity_files.clone() } else { Vec::new() },
            jumps: settings.jumps.iter().map(Self::from).collect(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.host.contains(':')) {
            (22, _) => write!(f, "{}@{}", self.user, self.host),
            (port, true) => write!(f, "{}@[{}]:{port}", self.user, self.host),
            (port, false) => write!(f, "{}@{}:{port}", self.user, self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        Endpoint::parse(text).expect("a destination")
    }

    #[test]
    fn a_destination_reads_back() {
        for text in ["a@h", "a@h:2222", "a@::1", "a@[::1]:2222", "a@b@h"] {
            assert_eq!(endpoint(text).to_string(), text);
        }
        assert_eq!(endpoint("a@h:22").to_string(), "a@h");
        for bad in ["", "h", "a@h:x", "a@h:70000", "a@[::1"] {
            assert_eq!(Endpoint::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ssh_gets_only_the_options_it_needs() {
        let mut to = endpoint("developer@192.168.1.100");
        assert_eq!(to.ssh(""), "ssh developer@192.168.1.100");
        to.port = 2222;
        to.key_files = vec![PathBuf::from("~/.ssh/dev key"), PathBuf::from("~/.ssh/other")];
        to.jumps = vec![endpoint("me@edge"), endpoint("me@inner:2200")];
        assert_eq!(
            to.ssh("-v"),
            "ssh -v -p 2222 -i ~/'.ssh/dev key' -J me@edge,me@inner:2200 developer@192.168.1.100"
        );
    }

    #[test]
    fn a_hop_keeps_its_keys_and_the_hops_before_it() {
        let mut to = endpoint("a@far");
        to.jumps = vec![endpoint("me@edge"), endpoint("me@inner:2200")];
        to.jumps[1].key_files = vec![PathBuf::from("/k")];
        let at = Whereabouts { place: "far".to_owned(), destination: Some(to), session: None };
        for name in ["me@inner:2200", "me@edge:22", "me@edge"] {
            assert!(at.at_hop(name).destination.is_some());
        }
        let hop = at.at_hop("me@inner:2200").destination.expect("the hop");
        assert_eq!(hop.ssh(""), "ssh -p 2200 -i /k -J me@edge me@inner");
        assert_eq!(at.at_hop("x@elsewhere").destination, Some(endpoint("x@elsewhere")));
    }
}
