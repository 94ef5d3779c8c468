//! What is settled once all lines are read: what contradicts itself, what
//! depends on something else, and the values that are expanded by then.

use std::fmt::Write as _;
use std::path::Path;

use sha1::{Digest as _, Sha1};

use super::effective::Effective;
use super::expand::{self, ExpandFault, Tokens};
use super::fault::{Complaint, Fault};
use super::jump;
use super::keyword::Keyword;
use super::settings::{Setting, Settings};
use super::value::Value;
use super::world::{Machine, World};

/// What is known besides the settings.
pub(super) struct Given {
    pub(super) destination: String,
    pub(super) host: String,
    pub(super) user_was_given: bool,
    pub(super) is_shell: bool,
}

/// What the tokens are made of, all but the user.
pub(super) struct Names<'a> {
    pub(super) machine: &'a Machine,
    pub(super) host: &'a str,
    pub(super) original_host: &'a str,
    pub(super) key_alias: &'a str,
    pub(super) port: u64,
    pub(super) jump: &'a str,
}

/// Tokens without the user, and without the hash, which the user is part of.
pub(super) struct UserlessTokens {
    pub(super) tokens: Tokens,
    hashed: Sha1,
    jump: String,
}

pub(super) fn tokens(names: &Names<'_>) -> UserlessTokens {
    let machine = names.machine;
    let port = names.port.to_string();
    let short = machine.host_name.split('.').next().unwrap_or_default();
    let tokens = Tokens::new([
        ('L', short.to_owned()),
        ('d', machine.home.clone()),
        ('h', names.host.to_owned()),
        ('i', machine.uid.to_string()),
        ('j', names.jump.to_owned()),
        ('k', names.key_alias.to_owned()),
        ('l', machine.host_name.clone()),
        ('n', names.original_host.to_owned()),
        ('p', port.clone()),
        ('u', machine.user.clone()),
    ]);
    let hashed =
        Sha1::new().chain_update(&machine.host_name).chain_update(names.host).chain_update(port);
    UserlessTokens { tokens, hashed, jump: names.jump.to_owned() }
}

impl UserlessTokens {
    pub(super) fn with_user(self, user: &str) -> Tokens {
        let hash = self.hashed.chain_update(user).chain_update(self.jump).finalize();
        let hash = hash.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        self.tokens.with('r', user).with('C', hash)
    }
}

/// Settles the settings.
pub(super) fn finish(
    given: Given,
    settings: Settings,
    machine: &Machine,
    world: &dyn World,
) -> Result<Effective, Complaint> {
    let port = settings.number(Keyword::Port).unwrap_or(22);
    let mut finisher = Finisher { settings, machine, world };
    finisher.clear();
    finisher.check_jump(&given.host, port)?;
    finisher.check_rest(&given)?;
    let user = finisher.expand_user(&given, port)?;
    let tokens = finisher.names(&given, port).with_user(&user);
    finisher.expand(&tokens)?;
    Ok(Effective {
        destination: given.destination,
        host: given.host,
        user,
        // Nothing that does not fit is taken.
        port: u16::try_from(port).unwrap_or(u16::MAX),
        settings: finisher.settings,
        files: Vec::new(),
        warnings: Vec::new(),
        tokens,
    })
}

struct Finisher<'a> {
    settings: Settings,
    machine: &'a Machine,
    world: &'a dyn World,
}

impl Finisher<'_> {
    fn at(&self, keyword: Keyword, fault: Fault) -> Complaint {
        let origin = self.settings.origin(keyword);
        Complaint {
            file: origin.map(|origin| origin.file.to_path_buf()),
            line: origin.map(|origin| origin.line),
            fault,
        }
    }

    /// `none` is nothing, and lower case what is compared in it.
    fn clear(&mut self) {
        use Keyword as K;
        for keyword in [
            K::LocalCommand,
            K::RemoteCommand,
            K::ProxyCommand,
            K::ControlPath,
            K::PKCS11Provider,
            K::SecurityKeyProvider,
            K::KnownHostsCommand,
        ] {
            if self.settings.text(keyword).is_some()
                && self.settings.text_not_none(keyword).is_none()
            {
                self.settings.remove(keyword);
            }
        }
        let is_none = |list: &[String]| matches!(list, [only] if only.eq_ignore_ascii_case("none"));
        let lists = [K::ChannelTimeout, K::RevokedHostKeys, K::CanonicalizePermittedCNAMEs];
        for keyword in lists {
            if self.settings.list(keyword).is_some_and(is_none) {
                self.settings.remove(keyword);
            }
        }
        if let Some(alias) = self.settings.text(K::HostKeyAlias) {
            let alias = alias.to_ascii_lowercase();
            self.settings.put(K::HostKeyAlias, Value::Text(alias));
        }
        if self.settings.flag(K::ClearAllForwardings) == Some(true) {
            self.settings.local_forwards.clear();
            self.settings.remote_forwards.clear();
            self.settings.put(K::Tunnel, Value::Choice("false"));
        }
    }

    /// The name of the last hop is compared as it is written.
    fn check_jump(&mut self, host: &str, port: u64) -> Result<(), Complaint> {
        let Some(jump) = self.settings.jump() else { return Ok(()) };
        let user = self.settings.text(Keyword::User).unwrap_or(&self.machine.user);
        let last = &jump.last;
        let same_port = u64::from(last.port.unwrap_or(22)) == port;
        if last.host == host && same_port && last.user.as_deref().unwrap_or(user) == user {
            let fault = Fault::JumpLoop { host: last.host.clone() };
            return Err(self.at(Keyword::ProxyJump, fault));
        }
        self.settings.put(Keyword::ProxyUseFdpass, Value::Flag(false));
        Ok(())
    }

    fn check_rest(&mut self, given: &Given) -> Result<(), Complaint> {
        use Keyword as K;
        let settings = &self.settings;
        if settings.text(K::ProxyCommand) == Some("-")
            && settings.flag(K::ProxyUseFdpass) == Some(true)
        {
            return Err(self.at(K::ProxyCommand, Fault::ProxyIsSelf));
        }
        if settings.number(K::ConnectionAttempts) == Some(0) {
            return Err(self.at(K::ConnectionAttempts, Fault::ConnectionAttempts));
        }
        let has_command = !given.is_shell || settings.text(K::RemoteCommand).is_some();
        if settings.flag(K::ForkAfterAuthentication) == Some(true)
            && !has_command
            && settings.choice(K::SessionType) != Some("none")
        {
            return Err(self.at(K::ForkAfterAuthentication, Fault::NothingToFork));
        }
        let update = self.update_host_keys(has_command);
        self.settings.put(K::UpdateHostKeys, Value::Choice(update));
        Ok(())
    }

    /// Off where it would surprise, unless it is set; and nobody is asked where
    /// nobody could answer.
    fn update_host_keys(&self, has_command: bool) -> &'static str {
        use Keyword as K;
        let settings = &self.settings;
        match settings.choice(K::UpdateHostKeys) {
            None => {
                let by_dns = settings.choice(K::VerifyHostKeyDNS).unwrap_or("false") != "false";
                let files = settings.list(K::UserKnownHostsFile).unwrap_or_default();
                let usual = match files {
                    [] => true,
                    [only] => only == "~/.ssh/known_hosts",
                    _ => false,
                };
                if usual && !by_dns { "true" } else { "false" }
            }
            Some("ask") => {
                let persists = matches!(
                    settings.get(K::ControlPersist),
                    Some(Setting { value: Value::For("yes", _), .. })
                );
                let silent =
                    matches!(settings.choice(K::LogLevel), Some("SILENT" | "FATAL" | "ERROR"));
                let disabled = (persists && settings.text(K::ControlPath).is_some())
                    || has_command
                    || settings.choice(K::RequestTTY) == Some("false")
                    || silent;
                if disabled { "false" } else { "ask" }
            }
            Some(set) => set,
        }
    }

    fn names(&self, given: &Given, port: u64) -> UserlessTokens {
        tokens(&Names {
            machine: self.machine,
            host: &given.host,
            original_host: &given.destination,
            key_alias: self.settings.text(Keyword::HostKeyAlias).unwrap_or(&given.destination),
            port,
            jump: self.settings.jump().map_or("", |jump| jump.last.host.as_str()),
        })
    }

    /// A name that is the configuration's very own may be as odd as it likes.
    fn expand_user(&mut self, given: &Given, port: u64) -> Result<String, Complaint> {
        let Some(written) = self.settings.text(Keyword::User) else {
            return Ok(self.machine.user.clone());
        };
        let written = written.to_owned();
        let tokens = self.names(given, port).tokens;
        let user = tokens
            .expand_with_variables(&written, self.world)
            .map_err(|fault| self.at(Keyword::User, Fault::Expand { keyword: "User", fault }))?;
        if (given.user_was_given || user != written) && !jump::is_user_name(&user) {
            return Err(self.at(Keyword::User, Fault::UserName));
        }
        self.settings.put(Keyword::User, Value::Text(user.clone()));
        Ok(user)
    }

    fn expand(&mut self, tokens: &Tokens) -> Result<(), Complaint> {
        use Keyword as K;
        let (machine, world) = (self.machine, self.world);
        let full = |text: &str| tokens.expand_with_variables(text, world);
        let path = |text: &str| full(&expand::tilde(text, machine, world)?);
        for (keyword, name) in [
            (K::ControlPath, "ControlPath"),
            (K::IdentityAgent, "IdentityAgent"),
            (K::ForwardAgentSocket, "ForwardAgent"),
        ] {
            self.expand_text(keyword, name, path)?;
        }
        self.expand_text(K::VersionAddendum, "VersionAddendum", full)?;
        self.expand_text(K::RemoteCommand, "RemoteCommand", |text| tokens.expand(text))?;
        for (keyword, name) in [
            (K::GlobalKnownHostsFile, "GlobalKnownHostsFile"),
            (K::UserKnownHostsFile, "UserKnownHostsFile"),
        ] {
            self.drop_none(keyword, name)?;
        }
        self.expand_list(K::RevokedHostKeys, "RevokedHostKeys", path)?;
        self.expand_list(K::UserKnownHostsFile, "UserKnownHostsFile", path)?;
        self.expand_list(K::SetEnv, "SetEnv", |text| {
            // Only the value.
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Ok(format!("{name}={}", full(value)?))
        })?;
        self.expand_forwards(tokens)?;
        self.check_agent_socket()
    }

    fn expand_text(
        &mut self,
        keyword: Keyword,
        name: &'static str,
        expand: impl Fn(&str) -> Result<String, ExpandFault>,
    ) -> Result<(), Complaint> {
        let Some(text) = self.settings.text(keyword) else { return Ok(()) };
        let text = expand(text)
            .map_err(|fault| self.at(keyword, Fault::Expand { keyword: name, fault }))?;
        self.settings.put(keyword, Value::Text(text));
        Ok(())
    }

    fn expand_list(
        &mut self,
        keyword: Keyword,
        name: &'static str,
        expand: impl Fn(&str) -> Result<String, ExpandFault>,
    ) -> Result<(), Complaint> {
        let Some(list) = self.settings.list(keyword) else { return Ok(()) };
        let list = list
            .iter()
            .map(|text| expand(text))
            .collect::<Result<_, _>>()
            .map_err(|fault| self.at(keyword, Fault::Expand { keyword: name, fault }))?;
        self.settings.put(keyword, Value::List(list));
        Ok(())
    }

    /// A list of files that begins with `none` is empty.
    fn drop_none(&mut self, keyword: Keyword, name: &'static str) -> Result<(), Complaint> {
        match self.settings.list(keyword) {
            Some([first]) if first.eq_ignore_ascii_case("none") => {
                self.settings.put(keyword, Value::List(Vec::new()));
                Ok(())
            }
            Some([first, ..]) if first.eq_ignore_ascii_case("none") => {
                Err(self.at(keyword, Fault::NoneAndOthers { keyword: name }))
            }
            _ => Ok(()),
        }
    }

    fn expand_forwards(&mut self, tokens: &Tokens) -> Result<(), Complaint> {
        let settings = &mut self.settings;
        for forward in settings.local_forwards.iter_mut().chain(&mut settings.remote_forwards) {
            forward.value = forward.value.expand(tokens).map_err(|fault| Complaint {
                file: forward.origin.as_ref().map(|origin| origin.file.to_path_buf()),
                line: forward.origin.as_ref().map(|origin| origin.line),
                fault: Fault::Expand { keyword: "forwarding", fault },
            })?;
        }
        Ok(())
    }

    fn check_agent_socket(&self) -> Result<(), Complaint> {
        let Some(path) = self.settings.text(Keyword::ForwardAgentSocket) else { return Ok(()) };
        let strict = self.settings.flag(Keyword::ExitOnForwardFailure) == Some(true);
        if strict && !self.world.is_present(Path::new(path)) {
            let fault = Fault::NoAgentSocket { path: path.to_owned() };
            return Err(self.at(Keyword::ForwardAgentSocket, fault));
        }
        Ok(())
    }
}
