//! What an evaluation comes to.

use std::path::PathBuf;

use super::expand::{self, ExpandFault, Tokens};
use super::fault::{Complaint, Fault, Warning};
use super::keyword::Keyword;
use super::lexer;
use super::settings::{Setting, Settings};
use super::world::{Machine, World};

/// The settings of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The host as it was asked for, without user and port.
    pub destination: String,
    /// What to connect to.
    pub host: String,
    /// The user on the other side.
    pub user: String,
    /// The port.
    pub port: u16,
    /// What is set, expanded where `ssh -G` expands it.
    pub settings: Settings,
    /// Every file that was looked for, there or not.
    pub files: Vec<PathBuf>,
    /// What was passed over.
    pub warnings: Vec<Warning>,
    pub(super) tokens: Tokens,
}

/// What `ssh -G` leaves as it is written, and connecting expands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The key files without `none`; `None` for OpenSSH's default list.
    pub identity_files: Option<Vec<String>>,
    /// The certificates.
    pub certificate_files: Vec<String>,
    /// The command, where there is one.
    pub proxy_command: Option<String>,
}

impl Effective {
    /// Expands what connecting needs.
    ///
    /// # Errors
    ///
    /// A token, a variable or a user that there is not.
    pub fn named(&self, machine: &Machine, world: &dyn World) -> Result<Named, Complaint> {
        let path = |setting: &Setting<String>, keyword: &'static str| {
            let expanded = expand::tilde(&setting.value, machine, world)
                .and_then(|path| self.tokens.expand_with_variables(&path, world));
            expanded.map_err(|fault| complaint(setting, keyword, fault))
        };
        let written = &self.settings.identity_files;
        let keys = written.iter().filter(|file| !file.value.eq_ignore_ascii_case("none"));
        let keys: Vec<_> = keys.map(|file| path(file, "IdentityFile")).collect::<Result<_, _>>()?;
        let certificates = self.settings.certificate_files.iter();
        let certificate_files =
            certificates.map(|file| path(file, "CertificateFile")).collect::<Result<_, _>>()?;
        self.way()?;
        Ok(Named {
            identity_files: (!written.is_empty()).then_some(keys),
            certificate_files,
            proxy_command: self.proxy_command()?,
        })
    }

    fn proxy_command(&self) -> Result<Option<String>, Complaint> {
        let Some(text) = self.settings.text_not_none(Keyword::ProxyCommand) else {
            return Ok(None);
        };
        let expanded = self.tokens.only("hknpr").expand(text);
        expanded
            .map(Some)
            .map_err(|fault| self.complaint(Keyword::ProxyCommand, "ProxyCommand", fault))
    }

    /// The hops of `ProxyJump`, the first to be dialled first. Since ssh makes
    /// a command of them, the tokens of `ProxyCommand` work in them.
    ///
    /// # Errors
    ///
    /// A token that there is not.
    pub fn way(&self) -> Result<Vec<String>, Complaint> {
        let Some(jump) = self.settings.jump() else { return Ok(Vec::new()) };
        let tokens = self.tokens.only("hknpr");
        let last = super::jump::Jump { before: Vec::new(), last: jump.last.clone() };
        let hops = jump.before.iter().cloned().chain([last.to_string()]);
        let expanded = hops.map(|hop| tokens.expand(&hop)).collect::<Result<_, _>>();
        expanded.map_err(|fault| self.complaint(Keyword::ProxyJump, "ProxyJump", fault))
    }

    /// `KnownHostsCommand` in words, expanded but for what only the key exchange
    /// knows: `%f`, `%H`, `%I`, `%K` and `%t`.
    ///
    /// # Errors
    ///
    /// A quote that is not closed, or a token that there is not.
    pub fn known_hosts_command(&self) -> Result<Option<Vec<String>>, Complaint> {
        let keyword = Keyword::KnownHostsCommand;
        let Some(text) = self.settings.text(keyword) else { return Ok(None) };
        let words = lexer::command(text).ok_or_else(|| self.at(keyword, Fault::InvalidQuotes))?;
        let expanded = words.iter().map(|word| self.tokens.expand_but(word, "fHIKt"));
        let expanded = expanded.collect::<Result<_, _>>();
        expanded.map(Some).map_err(|fault| self.complaint(keyword, "KnownHostsCommand", fault))
    }

    /// Expands a key file's name from elsewhere than the configuration.
    ///
    /// # Errors
    ///
    /// A token, a variable or a user that there is not.
    pub fn expand_path(
        &self,
        path: &str,
        machine: &Machine,
        world: &dyn World,
    ) -> Result<String, ExpandFault> {
        let path = expand::tilde(path, machine, world)?;
        self.tokens.expand_with_variables(&path, world)
    }

    fn complaint(&self, of: Keyword, keyword: &'static str, fault: ExpandFault) -> Complaint {
        self.at(of, Fault::Expand { keyword, fault })
    }

    fn at(&self, of: Keyword, fault: Fault) -> Complaint {
        let origin = self.settings.origin(of);
        Complaint {
            file: origin.map(|origin| origin.file.to_path_buf()),
            line: origin.map(|origin| origin.line),
            fault,
        }
    }
}

fn complaint<T>(setting: &Setting<T>, keyword: &'static str, fault: ExpandFault) -> Complaint {
    let origin = setting.origin.as_ref();
    Complaint {
        file: origin.map(|origin| origin.file.to_path_buf()),
        line: origin.map(|origin| origin.line),
        fault: Fault::Expand { keyword, fault },
    }
}
