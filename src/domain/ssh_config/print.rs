//! The settings in the form of `ssh -G`: every keyword that has a value, or a
//! default, in ssh's order.

use std::fmt::Write as _;

use super::algorithms;
use super::effective::{Effective, Named};
use super::fault::Complaint;
use super::fault::Fault;
use super::keyword::Keyword as K;
use super::settings::{Setting, Settings};
use super::value::{QOS, Value};

/// Keywords with a flag or a choice, and their defaults.
const CHOICES: [(K, &str); 36] = [
    (K::AddressFamily, "any"),
    (K::BatchMode, "no"),
    (K::CanonicalizeFallbackLocal, "yes"),
    (K::CanonicalizeHostname, "false"),
    (K::CheckHostIP, "no"),
    (K::Compression, "no"),
    (K::ControlMaster, "false"),
    (K::EnableSSHKeysign, "no"),
    (K::ClearAllForwardings, "no"),
    (K::ExitOnForwardFailure, "no"),
    (K::FingerprintHash, "SHA256"),
    (K::ForwardX11, "no"),
    (K::ForwardX11Trusted, "no"),
    (K::GatewayPorts, "no"),
    (K::GSSAPIAuthentication, "no"),
    (K::GSSAPIDelegateCredentials, "no"),
    (K::HashKnownHosts, "no"),
    (K::HostbasedAuthentication, "no"),
    (K::IdentitiesOnly, "no"),
    (K::KbdInteractiveAuthentication, "yes"),
    (K::NoHostAuthenticationForLocalhost, "no"),
    (K::PasswordAuthentication, "yes"),
    (K::PermitLocalCommand, "no"),
    (K::ProxyUseFdpass, "no"),
    (K::PubkeyAuthentication, "true"),
    (K::RequestTTY, "auto"),
    (K::SessionType, "default"),
    (K::StdinNull, "no"),
    (K::ForkAfterAuthentication, "no"),
    (K::StreamLocalBindUnlink, "no"),
    (K::StrictHostKeyChecking, "ask"),
    (K::TCPKeepAlive, "yes"),
    (K::Tunnel, "false"),
    (K::VerifyHostKeyDNS, "false"),
    (K::VisualHostKey, "no"),
    (K::UpdateHostKeys, "true"),
];
const NUMBERS: [(K, u64); 7] = [
    (K::CanonicalizeMaxDots, 1),
    (K::ConnectionAttempts, 1),
    (K::ForwardX11Timeout, 1200),
    (K::NumberOfPasswordPrompts, 3),
    (K::ServerAliveCountMax, 3),
    (K::ServerAliveInterval, 0),
    (K::RequiredRSASize, 1024),
];
const LISTS_OF_ALGORITHMS: [K; 7] = [
    K::Ciphers,
    K::HostKeyAlgorithms,
    K::HostbasedAcceptedAlgorithms,
    K::KexAlgorithms,
    K::CASignatureAlgorithms,
    K::MACs,
    K::PubkeyAcceptedAlgorithms,
];
/// Shown only where they are set.
const TEXTS: [K; 14] = [
    K::BindAddress,
    K::BindInterface,
    K::ControlPath,
    K::HostKeyAlias,
    K::IdentityAgent,
    K::IgnoreUnknown,
    K::KbdInteractiveDevices,
    K::LocalCommand,
    K::RemoteCommand,
    K::PKCS11Provider,
    K::PreferredAuthentications,
    K::KnownHostsCommand,
    K::Tag,
    K::VersionAddendum,
];
const IDENTITY_FILES: [&str; 5] = [
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
];

impl Effective {
    /// The settings in `ssh -G`'s form; with `named`, its values in place of
    /// what is written.
    ///
    /// # Errors
    ///
    /// A list of algorithms of which nothing is left.
    pub fn print(&self, named: Option<&Named>) -> Result<String, Complaint> {
        let mut page = Page { text: String::new(), settings: &self.settings };
        page.line("host", &self.destination);
        page.line("user", &self.user);
        page.line("hostname", &self.host);
        page.line("port", self.port);
        page.choices();
        page.algorithms().map_err(|(keyword, fault)| self.complain(keyword, fault))?;
        page.texts();
        page.forwards();
        page.files(named);
        page.lists();
        page.special();
        page.proxy(named);
        Ok(page.text)
    }

    fn complain(&self, keyword: K, fault: Fault) -> Complaint {
        let origin = self.settings.origin(keyword);
        Complaint {
            file: origin.map(|origin| origin.file.to_path_buf()),
            line: origin.map(|origin| origin.line),
            fault,
        }
    }
}

struct Page<'a> {
    text: String,
    settings: &'a Settings,
}

impl Page<'_> {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{name} {value}");
    }

    fn choices(&mut self) {
        for (keyword, default) in CHOICES {
            let set = match self.settings.get(keyword).map(|setting| &setting.value) {
                Some(Value::Flag(true)) => "yes",
                Some(Value::Flag(false)) => "no",
                Some(Value::Choice(choice)) => choice,
                _ => default,
            };
            self.line(keyword.name(), set);
        }
        for (keyword, default) in NUMBERS {
            self.line(keyword.name(), self.settings.number(keyword).unwrap_or(default));
        }
        let obscured = match self.settings.number(K::ObscureKeystrokeTiming) {
            None | Some(20) => "yes".to_owned(),
            Some(0) => "no".to_owned(),
            Some(milliseconds) => milliseconds.to_string(),
        };
        self.line(K::ObscureKeystrokeTiming.name(), obscured);
    }

    fn algorithms(&mut self) -> Result<(), (K, Fault)> {
        for keyword in LISTS_OF_ALGORITHMS {
            let list = algorithms::assemble(keyword, self.settings.text(keyword))
                .map_err(|fault| (keyword, fault))?;
            self.line(keyword.name(), list);
        }
        Ok(())
    }

    fn texts(&mut self) {
        for keyword in TEXTS {
            if let Some(text) = self.settings.text(keyword) {
                self.line(keyword.name(), text);
            }
        }
        let provider = self.settings.text(K::SecurityKeyProvider).unwrap_or("internal");
        self.line(K::SecurityKeyProvider.name(), provider);
        let xauth = self.settings.text(K::XAuthLocation).unwrap_or("/usr/bin/xauth");
        self.line(K::XAuthLocation.name(), xauth);
        self.line(K::LogLevel.name(), self.settings.choice(K::LogLevel).unwrap_or("INFO"));
    }

    fn forwards(&mut self) {
        let settings = self.settings;
        let local = || settings.local_forwards.iter().map(|setting| &setting.value);
        for forward in local().filter(|forward| forward.shows_as_dynamic()) {
            self.line(K::DynamicForward.name(), forward.listening());
        }
        for forward in local().filter(|forward| !forward.is_dynamic()) {
            self.line(K::LocalForward.name(), forward);
        }
        for forward in &settings.remote_forwards {
            self.line(K::RemoteForward.name(), &forward.value);
        }
    }

    fn files(&mut self, named: Option<&Named>) {
        let settings = self.settings;
        let written = |files: &[Setting<String>]| {
            files.iter().map(|file| file.value.clone()).collect::<Vec<_>>()
        };
        let keys = match named {
            Some(named) => named.identity_files.clone(),
            None => Some(written(&settings.identity_files)).filter(|files| !files.is_empty()),
        };
        for file in keys.unwrap_or_else(|| IDENTITY_FILES.map(str::to_owned).into()) {
            self.line(K::IdentityFile.name(), file);
        }
        let certificates = named.map_or_else(
            || written(&settings.certificate_files),
            |named| named.certificate_files.clone(),
        );
        for file in certificates {
            self.line(K::CertificateFile.name(), file);
        }
    }

    /// On one line, or `none`.
    fn joined(&mut self, keyword: K, default: &[&str]) {
        let words = match self.settings.list(keyword) {
            Some(list) => list.join(" "),
            None => default.join(" "),
        };
        self.line(keyword.name(), if words.is_empty() { "none" } else { &words });
    }

    fn lists(&mut self) {
        self.joined(K::CanonicalDomains, &[]);
        let global = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
        self.joined(K::GlobalKnownHostsFile, &global);
        let user = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"];
        self.joined(K::UserKnownHostsFile, &user);
        if self.settings.list(K::RevokedHostKeys).is_some() {
            self.joined(K::RevokedHostKeys, &[]);
        }
        for name in &self.settings.send_env {
            self.line(K::SendEnv.name(), &name.value);
        }
        for variable in self.settings.list(K::SetEnv).unwrap_or_default() {
            self.line(K::SetEnv.name(), variable);
        }
        self.joined(K::LogVerbose, &[]);
        self.joined(K::ChannelTimeout, &[]);
        self.joined(K::PermitRemoteOpen, &["any"]);
        self.joined(K::CanonicalizePermittedCNAMEs, &[]);
    }

    fn special(&mut self) {
        let settings = self.settings;
        let value = |keyword| settings.get(keyword).map(|setting| &setting.value);
        let add = match value(K::AddKeysToAgent) {
            Some(Value::For("confirm", seconds)) if *seconds > 0 => format!("confirm {seconds}"),
            Some(Value::For(_, seconds)) if *seconds > 0 => seconds.to_string(),
            Some(Value::For(mode, _)) => (*mode).to_owned(),
            _ => "false".to_owned(),
        };
        self.line(K::AddKeysToAgent.name(), add);
        let forward = match settings.text(K::ForwardAgentSocket) {
            Some(socket) => socket,
            None if settings.flag(K::ForwardAgent) == Some(true) => "yes",
            None => "no",
        };
        self.line(K::ForwardAgent.name(), forward);
        let timeout = settings.number(K::ConnectTimeout);
        let timeout = timeout.map_or_else(|| "none".to_owned(), |seconds| seconds.to_string());
        self.line(K::ConnectTimeout.name(), timeout);
        let persist = match value(K::ControlPersist) {
            Some(Value::For("yes", seconds)) if *seconds > 0 => seconds.to_string(),
            Some(Value::For(mode, _)) => (*mode).to_owned(),
            _ => "no".to_owned(),
        };
        self.line(K::ControlPersist.name(), persist);
        let device = |id: &Option<u32>| id.map_or_else(|| "any".to_owned(), |id| id.to_string());
        let tunnel = match value(K::TunnelDevice) {
            Some(Value::Pair(local, remote)) => format!("{}:{}", device(local), device(remote)),
            _ => "any:any".to_owned(),
        };
        self.line(K::TunnelDevice.name(), tunnel);
        let classes = match value(K::IPQoS) {
            Some(&Value::Pair(Some(interactive), Some(bulk))) => {
                format!("{} {}", class(interactive), class(bulk))
            }
            _ => "ef cs1".to_owned(),
        };
        self.line(K::IPQoS.name(), classes);
        self.line(K::EscapeChar.name(), settings.text(K::EscapeChar).unwrap_or("~"));
        let bytes = settings.number(K::RekeyLimit).unwrap_or(0);
        let seconds = settings.number(K::RekeyInterval).unwrap_or(0);
        self.line(K::RekeyLimit.name(), format_args!("{bytes} {seconds}"));
        let mask = settings.number(K::StreamLocalBindMask).unwrap_or(0o177);
        self.line(K::StreamLocalBindMask.name(), format_args!("0{mask:o}"));
        let facility = settings.choice(K::SyslogFacility).unwrap_or("USER");
        self.line(K::SyslogFacility.name(), facility);
    }

    fn proxy(&mut self, named: Option<&Named>) {
        let settings = self.settings;
        if let Some(jump) = settings.jump() {
            self.line(K::ProxyJump.name(), jump);
        } else if let Some(command) = named.and_then(|named| named.proxy_command.as_deref()) {
            self.line(K::ProxyCommand.name(), command);
        } else if let Some(command) = settings.text(K::ProxyCommand) {
            self.line(K::ProxyCommand.name(), command);
        }
    }
}

fn class(number: u32) -> String {
    let named = QOS.iter().find(|(_, class)| *class == number);
    named.map_or_else(|| format!("0x{number:02x}"), |(name, _)| (*name).to_owned())
}
