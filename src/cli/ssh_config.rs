//! `ssh-config`: the effective settings of a destination, in `ssh -G`'s form.

use std::path::PathBuf;

use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print, say};
use super::parts;

/// `longhaul ssh-config`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  longhaul ssh-config gpu-box
  longhaul ssh-config gpu-box -F ./ssh_config --expanded")]
pub(super) struct Args {
    /// The host as it would be given to ssh: [USER@]HOST or an ssh:// URI.
    pub(super) host: String,
    /// Read this file in place of ~/.ssh/config, and the system's only if it is
    /// named as well.
    #[arg(short = 'F', value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// The user on the other side, as with ssh -l.
    #[arg(long, value_name = "USER")]
    pub(super) user: Option<String>,
    /// The port, as with ssh -p.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    /// Home directory that ~ and %d stand for.
    #[arg(long, value_name = "DIR")]
    pub(super) home: Option<PathBuf>,
    /// Local user that %u stands for.
    #[arg(long, value_name = "USER")]
    pub(super) local_user: Option<String>,
    /// Local host name that %l stands for.
    #[arg(long, value_name = "HOST")]
    pub(super) local_host: Option<String>,
    /// System file, read after the user's [default: /etc/ssh/ssh_config].
    #[arg(long, value_name = "FILE")]
    pub(super) sysfile: Option<PathBuf>,
    /// Expand key files, certificates and ProxyCommand too, as connecting does.
    #[arg(long)]
    pub(super) expanded: bool,
}

/// Runs the verb.
pub(super) fn ssh_config(args: Args) -> Result<Code, CliError> {
    match parts::ssh_settings(args) {
        Ok((text, warnings)) => {
            for warning in warnings {
                say(&warning);
            }
            print(&text)?;
            Ok(exit::OK)
        }
        Err(refusal) => {
            say(&refusal);
            Ok(exit::FAILED)
        }
    }
}
