//! What `ssh_config`(5) decides about a dial besides who and where.

use std::path::PathBuf;
use std::time::Duration;

/// How the first byte gets to a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reach {
    /// `AddressFamily`: which addresses count.
    pub family: AddressFamily,
    /// `BindAddress`, `BindInterface`: where the connection comes from.
    pub bind: Option<Bind>,
    /// `ConnectionAttempts`: rounds through the addresses; at least one.
    pub attempts: u32,
    /// `TCPKeepAlive`.
    pub tcp_keep_alive: bool,
    /// `ProxyCommand`, in place of a TCP connection.
    pub proxy: Option<ProxyCommand>,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            family: AddressFamily::Any,
            bind: None,
            attempts: 1,
            tcp_keep_alive: true,
            proxy: None,
        }
    }
}

/// Which kinds of address count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AddressFamily {
    /// Both.
    #[default]
    Any,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bind {
    /// This address, or the one of this name.
    Address(String),
    /// An address of this interface.
    Interface(String),
}

/// A command that is, or brings, the way to a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProxyCommand {
    /// For the user's shell, with its tokens expanded.
    pub command: String,
    /// `ProxyUseFdpass`: it hands a descriptor over, and then is not needed.
    pub passes_descriptor: bool,
}

/// What is offered in the key exchange; `None` for what is usual here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Offer {
    /// `KexAlgorithms`, in order, as far as there are any here.
    pub kex: Option<Vec<String>>,
    /// `Ciphers`.
    pub ciphers: Option<Vec<String>>,
    /// `MACs`.
    pub macs: Option<Vec<String>>,
    /// `HostKeyAlgorithms`.
    pub host_keys: Option<HostKeyAlgorithms>,
    /// `Compression`.
    pub compression: bool,
    /// `RekeyLimit`: new keys after so many bytes.
    pub rekey_bytes: Option<u64>,
    /// `RekeyLimit`: new keys after so long.
    pub rekey_after: Option<Duration>,
}

/// `HostKeyAlgorithms`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostKeyAlgorithms {
    /// The names, in order.
    pub names: Vec<String>,
    /// Whether the types that are known for a host go first all the same: a
    /// list that only adds and removes says nothing about the order.
    pub known_first: bool,
}

/// How we prove who we are, besides with which keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Login {
    /// What is tried, in order: `PreferredAuthentications`, without what
    /// `PubkeyAuthentication`, `KbdInteractiveAuthentication` or
    /// `PasswordAuthentication` turn off.
    pub methods: Vec<LoginMethod>,
    /// `CertificateFile`; where none is set, those beside the key files.
    pub certificate_files: Vec<PathBuf>,
    /// `PubkeyAcceptedAlgorithms`, where it is set.
    pub accepted: Option<Vec<String>>,
    /// `BatchMode`: nobody is asked anything.
    pub batch: bool,
    /// `NumberOfPasswordPrompts`: how often somebody may be wrong.
    pub prompts: u32,
    /// `AddKeysToAgent`.
    pub add_keys: AddKeys,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            methods: LoginMethod::USUAL.to_vec(),
            certificate_files: Vec::new(),
            accepted: None,
            batch: false,
            prompts: 3,
            add_keys: AddKeys::No,
        }
    }
}

/// A way to prove who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginMethod {
    /// `publickey`.
    PublicKey,
    /// `keyboard-interactive`: the server asks, and a person answers.
    KeyboardInteractive,
    /// `password`.
    Password,
}

impl LoginMethod {
    /// All that there are here, in the order of `ssh`.
    pub const USUAL: [Self; 3] = [Self::PublicKey, Self::KeyboardInteractive, Self::Password];

    /// Its name in the protocol (RFC 4252, RFC 4256).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::KeyboardInteractive => "keyboard-interactive",
            Self::Password => "password",
        }
    }

    /// Whether it cannot be done with nobody there to be asked.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::KeyboardInteractive | Self::Password)
    }
}

/// Whether a key that was read from its file is handed to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AddKeys {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes {
        /// A person is asked first.
        asks: bool,
        /// The agent asks before each use.
        confirm: bool,
        /// The agent forgets it after so long.
        lifetime: Option<Duration>,
    },
}
