//! `remote hosts`: what ssh_config offers.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::{print, print_json, say};
use crate::cli::parts::{self, Offered};
use crate::cli::render;
use crate::cli::status::look;
use crate::domain::config::Remote;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ids::RemoteName;
use crate::domain::import::configured;

/// `longhaul remote hosts`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Every name of every Host line, with the files that they include; wildcards and
negations are no hosts. What is shown of each is what ssh would use.

Examples:
  longhaul remote hosts
  longhaul remote hosts --json | jq -r '.[] | select(.remote == null).name'
  longhaul remote import --all --dry-run")]
pub(in crate::cli) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The hosts, and the remotes that there are.
pub(super) struct Known {
    pub(super) hosts: Vec<Offered>,
    pub(super) remotes: BTreeMap<RemoteName, Remote>,
}

impl Known {
    /// The remote that a host is.
    pub(super) fn remote(&self, host: &str) -> Option<&RemoteName> {
        configured(host, &self.remotes)
    }
}

/// Runs the verb.
pub(super) fn hosts(args: &Args, context: &Context) -> Result<Code, CliError> {
    let remotes = parts::remotes_in(&context.config).unwrap_or_else(|_| {
        say("the configuration has mistakes, so which are remotes is not known: longhaul config check");
        BTreeMap::new()
    });
    let known = Known { hosts: parts::offered_hosts(), remotes };
    if args.json {
        print_json(&known.hosts.iter().map(|host| as_json(host, &known)).collect::<Vec<_>>())?;
    } else if known.hosts.is_empty() {
        print("no hosts: no Host line of ~/.ssh/config names one\n")?;
    } else {
        print(&table(&known, false))?;
    }
    Ok(exit::OK)
}

/// The table of hosts, with a number before each if `numbered`.
pub(super) fn table(known: &Known, numbered: bool) -> String {
    let row = |(at, offered): (usize, &Offered)| {
        let number = numbered.then(|| (at + 1).to_string());
        let remote = known.remote(&offered.host.name);
        let remote = remote.map_or_else(|| "-".to_owned(), RemoteName::to_string);
        let name = render::tame(&offered.host.name);
        let way = match &offered.way {
            Ok(way) => {
                let through = match (&way.proxy_command, way.jumps.as_slice()) {
                    (Some(_), _) => "ProxyCommand".to_owned(),
                    (None, []) => "-".to_owned(),
                    (None, jumps) => jumps.join(","),
                };
                [way.host_name.clone(), way.user.clone(), way.port.to_string(), through]
            }
            Err(trouble) => [
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                format!("refused: {}", reason(trouble)),
            ],
        };
        let way = way.map(|cell| render::tame(&cell));
        number.into_iter().chain([name, remote]).chain(way).collect()
    };
    let header = ["", "HOST", "REMOTE", "HOSTNAME", "USER", "PORT", "JUMP"];
    let rows = known.hosts.iter().enumerate().map(row).collect();
    render::table(&header[usize::from(!numbered)..], rows, look().width)
}

fn as_json(offered: &Offered, known: &Known) -> serde_json::Value {
    let way = offered.way.as_ref().ok();
    json!({
        "name": offered.host.name,
        "remote": known.remote(&offered.host.name),
        "host": way.map(|way| &way.host_name),
        "user": way.map(|way| &way.user),
        "port": way.map(|way| way.port),
        "jump": way.map(|way| &way.jumps),
        "proxy_command": way.and_then(|way| way.proxy_command.as_ref()),
        "error": offered.way.as_ref().err().map(reason),
        "file": offered.host.file,
        "line": offered.host.line,
    })
}

/// Why ssh would not go there, with the line that says so.
pub(super) fn reason(trouble: &LinkTrouble) -> String {
    match trouble {
        LinkTrouble::SshConfig { file, line: Some(line), detail } => {
            format!("{}:{line}: {detail}", file.display())
        }
        other => other.to_string(),
    }
}
