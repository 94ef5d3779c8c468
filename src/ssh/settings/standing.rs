//! What becomes of every keyword that there is, so that none is passed over in
//! silence.

use super::Evaluation;
use crate::domain::ssh_config::{Effective, Keyword, Value};

/// What becomes of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is done as ssh does it; where parts of it are not, that is told where
    /// it is done.
    Honoured,
    /// It is about terminals, forwardings, masters or ssh's own output, of which
    /// there are none here.
    DoesNotApply,
    /// It is not done. These words say what is done instead.
    Told(&'static str),
}

/// What becomes of a keyword, under the name that the manual has for it.
pub(super) const fn standing(keyword: Keyword) -> (&'static str, Standing) {
    use Keyword as K;
    use Standing::{DoesNotApply, Honoured, Told};
    match keyword {
        K::CASignatureAlgorithms => {
            let instead = "certificates of hosts are taken with any signature but RSA with SHA-1";
            ("CASignatureAlgorithms", Told(instead))
        }
        K::ChannelTimeout => ("ChannelTimeout", Told("a channel may be idle as long as it likes")),
        K::GSSAPIAuthentication => {
            ("GSSAPIAuthentication", Told("the login is tried with the other methods"))
        }
        K::HostbasedAuthentication => {
            ("HostbasedAuthentication", Told("the login is tried with the other methods"))
        }
        K::IPQoS => ("IPQoS", Told("packets are not marked")),
        K::KbdInteractiveDevices => {
            ("KbdInteractiveDevices", Told("the server chooses the device"))
        }
        K::NoHostAuthenticationForLocalhost => (
            "NoHostAuthenticationForLocalhost",
            Told("the host key is checked for this machine as well"),
        ),
        K::PKCS11Provider => ("PKCS11Provider", Told("its keys are used through an agent only")),
        K::RequiredRSASize => ("RequiredRSASize", Told("RSA keys of any length are taken")),
        K::SecurityKeyProvider => {
            ("SecurityKeyProvider", Told("such keys are used through an agent only"))
        }
        K::VersionAddendum => ("VersionAddendum", Told("the banner says nothing more")),
        K::AddKeysToAgent
        | K::AddressFamily
        | K::BatchMode
        | K::BindAddress
        | K::BindInterface
        | K::CanonicalDomains
        | K::CanonicalizeFallbackLocal
        | K::CanonicalizeHostname
        | K::CanonicalizeMaxDots
        | K::CanonicalizePermittedCNAMEs
        | K::CertificateFile
        | K::CheckHostIP
        | K::Ciphers
        | K::Compression
        | K::ConnectionAttempts
        | K::ConnectTimeout
        | K::ForwardAgent
        | K::ForwardAgentSocket
        | K::GlobalKnownHostsFile
        | K::HashKnownHosts
        | K::HostKeyAlgorithms
        | K::HostKeyAlias
        | K::HostName
        | K::IdentitiesOnly
        | K::IdentityAgent
        | K::IdentityFile
        | K::IgnoreUnknown
        | K::KbdInteractiveAuthentication
        | K::KexAlgorithms
        | K::KnownHostsCommand
        | K::MACs
        | K::NumberOfPasswordPrompts
        | K::PasswordAuthentication
        | K::Port
        | K::PreferredAuthentications
        | K::ProxyCommand
        | K::ProxyJump
        | K::ProxyUseFdpass
        | K::PubkeyAcceptedAlgorithms
        | K::PubkeyAuthentication
        | K::RefuseConnection
        | K::RekeyInterval
        | K::RekeyLimit
        | K::RevokedHostKeys
        | K::SendEnv
        | K::ServerAliveCountMax
        | K::ServerAliveInterval
        | K::SetEnv
        | K::StrictHostKeyChecking
        | K::Tag
        | K::TCPKeepAlive
        | K::UpdateHostKeys
        | K::User
        | K::UserKnownHostsFile
        | K::VerifyHostKeyDNS => (keyword.name(), Honoured),
        K::ClearAllForwardings
        | K::ControlMaster
        | K::ControlPath
        | K::ControlPersist
        | K::DynamicForward
        | K::EnableEscapeCommandline
        | K::EnableSSHKeysign
        | K::EscapeChar
        | K::ExitOnForwardFailure
        | K::FingerprintHash
        | K::ForkAfterAuthentication
        | K::ForwardX11
        | K::ForwardX11Timeout
        | K::ForwardX11Trusted
        | K::GatewayPorts
        | K::GSSAPIDelegateCredentials
        | K::HostbasedAcceptedAlgorithms
        | K::LocalCommand
        | K::LocalForward
        | K::LogLevel
        | K::LogVerbose
        | K::ObscureKeystrokeTiming
        | K::PermitLocalCommand
        | K::PermitRemoteOpen
        | K::RemoteCommand
        | K::RemoteForward
        | K::RequestTTY
        | K::SessionType
        | K::StdinNull
        | K::StreamLocalBindMask
        | K::StreamLocalBindUnlink
        | K::SyslogFacility
        | K::Tunnel
        | K::TunnelDevice
        | K::VisualHostKey
        | K::WarnWeakCrypto
        | K::XAuthLocation => (keyword.name(), DoesNotApply),
    }
}

impl Evaluation<'_> {
    /// Tells of everything that is set and not done.
    pub(super) fn tell_what_is_not_done(&mut self, effective: &Effective) {
        for &keyword in Keyword::ALL {
            let (name, Standing::Told(instead)) = standing(keyword) else { continue };
            let Some(setting) = effective.settings.get(keyword) else { continue };
            // What a distribution sets for everybody is nobody's wish.
            let is_wish = setting.origin.as_ref().is_some_and(|origin| origin.is_users());
            if is_wish && let Some(value) = asks_for(&setting.value) {
                self.warn(effective, keyword, name, &value, instead);
            }
        }
    }
}

/// The value as it is written, unless it asks for what is done anyway: nothing.
fn asks_for(value: &Value) -> Option<String> {
    match value {
        Value::Flag(false) => None,
        Value::Flag(true) => Some("yes".to_owned()),
        Value::Choice("no" | "false") => None,
        Value::Choice(word) => Some((*word).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::List(words) => Some(words.join(" ")),
        Value::Pair(..) => Some(String::new()),
        Value::Forward(_) | Value::Jump(_) | Value::For(..) => None,
    }
}
