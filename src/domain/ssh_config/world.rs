//! What an evaluation depends on besides the configuration.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

/// This machine, and who asks on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The user's home directory by the user database: `~` and `%d`.
    pub home: String,
    /// The user's name: `%u`, and the default for the name on others.
    pub user: String,
    /// The user's number: `%i`.
    pub uid: u32,
    /// The machine's name: `%l`, and `%L` up to the first dot.
    pub host_name: String,
}

/// A file's contents. A folder reads as an empty file, as with ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether it belongs to the user or to root, and nobody else may write it.
    pub private: bool,
}

/// Which kinds of address count: `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// A name that has an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lookup {
    /// The name that the resolver has for it in the end, where it tells.
    pub canonical: Option<String>,
}

/// Everything that an evaluation asks for. No answer is kept.
pub trait World {
    /// A file; `None` where there is none.
    ///
    /// # Errors
    ///
    /// The system's words, for a file that is there and cannot be read.
    fn read(&self, path: &Path) -> Result<Option<FileText>, String>;

    /// Whether something is at the path; a link counts, wherever it leads.
    fn is_present(&self, path: &Path) -> bool;

    /// The names in a folder, in any order; none where it cannot be read.
    fn list(&self, folder: &Path) -> Vec<OsString>;

    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// Another user's home directory.
    fn home_of(&self, user: &str) -> Option<String>;

    /// Runs a command in the user's shell: whether its status is 0.
    ///
    /// # Errors
    ///
    /// The system's words, where there is no status.
    fn run(&self, command: &str) -> Result<bool, String>;

    /// The addresses of the interfaces that are up.
    fn addresses(&self) -> Vec<IpAddr>;

    /// A name that is one address in any of the ways to write one, as the
    /// system prints it (`127.1` is `127.0.0.1`); nothing is looked up.
    fn address(&self, name: &str, family: Family) -> Option<String>;

    /// Looks a host's name up; `None` where it has no address.
    fn resolve(&self, name: &str, family: Family) -> Option<Lookup>;

    /// The port of a TCP service.
    fn service(&self, name: &str) -> Option<u16>;
}
