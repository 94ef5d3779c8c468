//! The keywords, and what kind of value each takes.

/// What a word in a keyword's place means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Host,
    Match,
    Include,
    /// A setting, under this or an older name.
    Set(Keyword),
    /// Accepted and without effect: of old releases, or of one vendor's ssh.
    Ignored,
}

macro_rules! keywords {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $shape:expr,)*) => {
        /// A keyword that sets something.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the manual page has a paragraph on each, by this name")]
        pub enum Keyword { $($(#[$doc])* $variant,)* }

        impl Keyword {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The keyword in lower case, as `ssh -G` writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub(super) const fn shape(self) -> Shape {
                match self { $(Self::$variant => $shape,)* }
            }
        }
    };
}

/// The spellings of a choice, and the one that `ssh -G` prints for it.
pub(super) type Choices = &'static [(&'static str, &'static str)];

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// `yes` or `no`.
    Flag,
    /// One of some words, in any case.
    Choice(Choices),
    /// A time in seconds, or `none`.
    Time,
    /// A number that is not negative.
    Number,
    /// One word.
    Word,
    /// Some words, at most so many; `none` alone.
    Files(usize),
    /// The rest of the line as it is written.
    Command,
    /// A list of algorithms.
    Algorithms(Algorithms),
    /// A form of its own.
    Own,
}

/// What algorithms are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithms {
    Cipher,
    Mac,
    Kex,
    Key,
    /// Key types without certificates.
    Signature,
}

const ASK: Choices =
    &[("yes", "true"), ("no", "false"), ("true", "true"), ("false", "false"), ("ask", "ask")];
const STRICT: Choices = &[
    ("yes", "true"),
    ("true", "true"),
    ("no", "false"),
    ("false", "false"),
    ("off", "false"),
    ("ask", "ask"),
    ("accept-new", "accept-new"),
];
const FAMILY: Choices = &[("inet", "inet"), ("inet6", "inet6"), ("any", "any")];
const MASTER: Choices = &[
    ("yes", "true"),
    ("true", "true"),
    ("no", "false"),
    ("false", "false"),
    ("auto", "auto"),
    ("ask", "ask"),
    ("autoask", "autoask"),
];
const TUNNEL: Choices = &[
    ("ethernet", "ethernet"),
    ("point-to-point", "point-to-point"),
    ("yes", "true"),
    ("true", "true"),
    ("no", "false"),
    ("false", "false"),
];
const TTY: Choices = &[
    ("yes", "true"),
    ("true", "true"),
    ("no", "false"),
    ("false", "false"),
    ("force", "force"),
    ("auto", "auto"),
];
const SESSION: Choices = &[("none", "none"), ("subsystem", "subsystem"), ("default", "default")];
const CANONICALIZE: Choices =
    &[("yes", "true"), ("true", "true"), ("no", "false"), ("false", "false"), ("always", "always")];
const PUBKEY: Choices = &[
    ("yes", "true"),
    ("true", "true"),
    ("no", "false"),
    ("false", "false"),
    ("unbound", "unbound"),
    ("host-bound", "host-bound"),
];
const COMPRESSION: Choices = &[("yes", "yes"), ("no", "no")];
const WEAK: Choices =
    &[("yes", "yes"), ("true", "yes"), ("no", "no"), ("false", "no"), ("no-pq-kex", "no")];
const LOG_LEVEL: Choices = &[
    ("SILENT", "SILENT"),
    ("QUIET", "SILENT"),
    ("FATAL", "FATAL"),
    ("ERROR", "ERROR"),
    ("INFO", "INFO"),
    ("VERBOSE", "VERBOSE"),
    ("DEBUG", "DEBUG"),
    ("DEBUG1", "DEBUG"),
    ("DEBUG2", "DEBUG2"),
    ("DEBUG3", "DEBUG3"),
];
const FACILITY: Choices = &[
    ("DAEMON", "DAEMON"),
    ("USER", "USER"),
    ("AUTH", "AUTH"),
    ("AUTHPRIV", "AUTHPRIV"),
    ("LOCAL0", "LOCAL0"),
    ("LOCAL1", "LOCAL1"),
    ("LOCAL2", "LOCAL2"),
    ("LOCAL3", "LOCAL3"),
    ("LOCAL4", "LOCAL4"),
    ("LOCAL5", "LOCAL5"),
    ("LOCAL6", "LOCAL6"),
    ("LOCAL7", "LOCAL7"),
];
const DIGEST: Choices = &[
    ("MD5", "MD5"),
    ("SHA1", "SHA1"),
    ("SHA256", "SHA256"),
    ("SHA384", "SHA384"),
    ("SHA512", "SHA512"),
];

use Shape::{Choice, Command, Files, Flag, Number, Own, Time, Word};

keywords! {
    AddKeysToAgent = "addkeystoagent": Own,
    AddressFamily = "addressfamily": Choice(FAMILY),
    BatchMode = "batchmode": Flag,
    BindAddress = "bindaddress": Word,
    BindInterface = "bindinterface": Word,
    CanonicalDomains = "canonicaldomains": Own,
    CanonicalizeFallbackLocal = "canonicalizefallbacklocal": Flag,
    CanonicalizeHostname = "canonicalizehostname": Choice(CANONICALIZE),
    CanonicalizeMaxDots = "canonicalizemaxdots": Number,
    CanonicalizePermittedCNAMEs = "canonicalizepermittedcnames": Own,
    CASignatureAlgorithms = "casignaturealgorithms": Shape::Algorithms(Algorithms::Signature),
    CertificateFile = "certificatefile": Word,
    ChannelTimeout = "channeltimeout": Own,
    CheckHostIP = "checkhostip": Flag,
    Ciphers = "ciphers": Shape::Algorithms(Algorithms::Cipher),
    ClearAllForwardings = "clearallforwardings": Flag,
    Compression = "compression": Choice(COMPRESSION),
    ConnectionAttempts = "connectionattempts": Number,
    ConnectTimeout = "connecttimeout": Time,
    ControlMaster = "controlmaster": Choice(MASTER),
    ControlPath = "controlpath": Word,
    ControlPersist = "controlpersist": Own,
    DynamicForward = "dynamicforward": Own,
    EnableEscapeCommandline = "enableescapecommandline": Flag,
    EnableSSHKeysign = "enablesshkeysign": Flag,
    EscapeChar = "escapechar": Own,
    ExitOnForwardFailure = "exitonforwardfailure": Flag,
    FingerprintHash = "fingerprinthash": Choice(DIGEST),
    ForkAfterAuthentication = "forkafterauthentication": Flag,
    ForwardAgent = "forwardagent": Own,
    /// The path of `ForwardAgent`: a slot of its own in OpenSSH.
    ForwardAgentSocket = "forwardagent socket": Own,
    ForwardX11 = "forwardx11": Flag,
    ForwardX11Timeout = "forwardx11timeout": Time,
    ForwardX11Trusted = "forwardx11trusted": Flag,
    GatewayPorts = "gatewayports": Flag,
    GlobalKnownHostsFile = "globalknownhostsfile": Files(32),
    GSSAPIAuthentication = "gssapiauthentication": Flag,
    GSSAPIDelegateCredentials = "gssapidelegatecredentials": Flag,
    HashKnownHosts = "hashknownhosts": Flag,
    HostbasedAcceptedAlgorithms = "hostbasedacceptedalgorithms": Shape::Algorithms(Algorithms::Key),
    HostbasedAuthentication = "hostbasedauthentication": Flag,
    HostKeyAlgorithms = "hostkeyalgorithms": Shape::Algorithms(Algorithms::Key),
    HostKeyAlias = "hostkeyalias": Word,
    HostName = "hostname": Word,
    IdentitiesOnly = "identitiesonly": Flag,
    IdentityAgent = "identityagent": Own,
    IdentityFile = "identityfile": Word,
    IgnoreUnknown = "ignoreunknown": Word,
    IPQoS = "ipqos": Own,
    KbdInteractiveAuthentication = "kbdinteractiveauthentication": Flag,
    KbdInteractiveDevices = "kbdinteractivedevices": Word,
    KexAlgorithms = "kexalgorithms": Shape::Algorithms(Algorithms::Kex),
    KnownHostsCommand = "knownhostscommand": Command,
    LocalCommand = "localcommand": Command,
    LocalForward = "localforward": Own,
    LogLevel = "loglevel": Choice(LOG_LEVEL),
    LogVerbose = "logverbose": Own,
    MACs = "macs": Shape::Algorithms(Algorithms::Mac),
    NoHostAuthenticationForLocalhost = "nohostauthenticationforlocalhost": Flag,
    NumberOfPasswordPrompts = "numberofpasswordprompts": Number,
    ObscureKeystrokeTiming = "obscurekeystroketiming": Own,
    PasswordAuthentication = "passwordauthentication": Flag,
    PermitLocalCommand = "permitlocalcommand": Flag,
    PermitRemoteOpen = "permitremoteopen": Own,
    PKCS11Provider = "pkcs11provider": Word,
    Port = "port": Own,
    PreferredAuthentications = "preferredauthentications": Word,
    ProxyCommand = "proxycommand": Command,
    ProxyJump = "proxyjump": Own,
    ProxyUseFdpass = "proxyusefdpass": Flag,
    PubkeyAcceptedAlgorithms = "pubkeyacceptedalgorithms": Shape::Algorithms(Algorithms::Key),
    PubkeyAuthentication = "pubkeyauthentication": Choice(PUBKEY),
    RefuseConnection = "refuseconnection": Word,
    RekeyLimit = "rekeylimit": Own,
    /// The time of `RekeyLimit`: a slot of its own in OpenSSH.
    RekeyInterval = "rekeylimit interval": Own,
    RemoteCommand = "remotecommand": Command,
    RemoteForward = "remoteforward": Own,
    RequestTTY = "requesttty": Choice(TTY),
    RequiredRSASize = "requiredrsasize": Number,
    RevokedHostKeys = "revokedhostkeys": Files(usize::MAX),
    SecurityKeyProvider = "securitykeyprovider": Word,
    SendEnv = "sendenv": Own,
    ServerAliveCountMax = "serveralivecountmax": Number,
    ServerAliveInterval = "serveraliveinterval": Time,
    SessionType = "sessiontype": Choice(SESSION),
    SetEnv = "setenv": Own,
    StdinNull = "stdinnull": Flag,
    StreamLocalBindMask = "streamlocalbindmask": Own,
    StreamLocalBindUnlink = "streamlocalbindunlink": Flag,
    StrictHostKeyChecking = "stricthostkeychecking": Choice(STRICT),
    SyslogFacility = "syslogfacility": Choice(FACILITY),
    Tag = "tag": Word,
    TCPKeepAlive = "tcpkeepalive": Flag,
    Tunnel = "tunnel": Choice(TUNNEL),
    TunnelDevice = "tunneldevice": Own,
    UpdateHostKeys = "updatehostkeys": Choice(ASK),
    User = "user": Word,
    UserKnownHostsFile = "userknownhostsfile": Files(32),
    VerifyHostKeyDNS = "verifyhostkeydns": Choice(ASK),
    VersionAddendum = "versionaddendum": Own,
    VisualHostKey = "visualhostkey": Flag,
    WarnWeakCrypto = "warnweakcrypto": Choice(WEAK),
    XAuthLocation = "xauthlocation": Word,
}

/// Older names.
const ALIASES: &[(&str, Keyword)] = &[
    ("challengeresponseauthentication", Keyword::KbdInteractiveAuthentication),
    ("dsaauthentication", Keyword::PubkeyAuthentication),
    ("hostbasedkeytypes", Keyword::HostbasedAcceptedAlgorithms),
    ("identityfile2", Keyword::IdentityFile),
    ("keepalive", Keyword::TCPKeepAlive),
    ("pubkeyacceptedkeytypes", Keyword::PubkeyAcceptedAlgorithms),
    ("skeyauthentication", Keyword::KbdInteractiveAuthentication),
    ("smartcarddevice", Keyword::PKCS11Provider),
    ("tisauthentication", Keyword::KbdInteractiveAuthentication),
];

/// Of old releases; then Debian's and Fedora's, for GSSAPI.
const IGNORED: &[&str] = &[
    "afstokenpassing",
    "cipher",
    "compressionlevel",
    "fallbacktorsh",
    "globalknownhostsfile2",
    "kerberosauthentication",
    "kerberostgtpassing",
    "protocol",
    "rhostsauthentication",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "useprivilegedport",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    "gssapiclientidentity",
    "gssapikexalgorithms",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapiserveridentity",
    "gssapitrustdns",
];

/// What the word (in lower case) means in a keyword's place.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    match word {
        "host" => return Some(Meaning::Host),
        "match" => return Some(Meaning::Match),
        "include" => return Some(Meaning::Include),
        _ => {}
    }
    // A keyword may be quoted, blanks and all: the slots that are no keywords
    // have a blank in their names and are not found.
    let is_named = |keyword: &Keyword| keyword.name() == word && !word.contains(' ');
    let named = Keyword::ALL.iter().copied().find(is_named);
    let aliased = || ALIASES.iter().find(|(name, _)| *name == word).map(|&(_, keyword)| keyword);
    match named.or_else(aliased) {
        Some(keyword) => Some(Meaning::Set(keyword)),
        None => IGNORED.contains(&word).then_some(Meaning::Ignored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_by_its_name() {
        for &keyword in Keyword::ALL {
            let expected = Some(Meaning::Set(keyword)).filter(|_| !keyword.name().contains(' '));
            assert_eq!(meaning(keyword.name()), expected);
        }
        assert_eq!(meaning("keepalive"), Some(Meaning::Set(Keyword::TCPKeepAlive)));
        assert_eq!(meaning("protocol"), Some(Meaning::Ignored));
        assert_eq!(meaning("usekeychain"), None);
    }
}
