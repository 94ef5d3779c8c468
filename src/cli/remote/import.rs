//! `remote import`, and what `remote add` offers on a terminal.

use std::io::IsTerminal as _;

use serde_json::json;

use super::change::{How, make};
use super::fields::Common;
use super::hosts::{Known, reason, table};
use crate::cli::attention::Terminal;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::{print_json, print_line, say};
use crate::cli::parts::{self, Offered};
use crate::domain::config::edit::{Assignment, Field, Literal, Request};
use crate::domain::ids::RemoteName;
use crate::domain::import::{Fate, Refusal, fates, is_asked_for};
use crate::domain::nearest::nearest;

/// `longhaul remote import`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Each becomes a remote of its own name, and everything else stays in ssh_config:
a later edit there holds here. What is given as a flag goes over it.

Exits with 1 when one that was asked for could not be added; the others are.

Examples:
  longhaul remote import gpu-box 'work-*'
  longhaul remote import --all --dry-run
  longhaul remote import 'lab-*' --working-dir '~/project'")]
pub(in crate::cli) struct Args {
    /// Hosts of ssh_config, as `remote hosts` lists them; * and ? are wildcards.
    #[arg(value_name = "PATTERN", required_unless_present = "all", conflicts_with = "all")]
    patterns: Vec<String>,
    /// Every host that is no remote yet.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
    /// Let them take no sessions yet.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    how: How,
}

/// Runs the verb.
pub(super) async fn import(args: &Args, context: &Context) -> Result<Code, CliError> {
    let known = known(context)?;
    for pattern in &args.patterns {
        let one = std::slice::from_ref(pattern);
        if !known.hosts.iter().any(|offered| is_asked_for(&offered.host.name, one)) {
            return Err(no_such_host(pattern, &known));
        }
    }
    let wanted = |offered: &&Offered| args.all || is_asked_for(&offered.host.name, &args.patterns);
    let hosts: Vec<_> = known.hosts.iter().filter(wanted).collect();
    let mut with = args.common.assignments()?;
    if args.disabled {
        with.push(Assignment::Field(Field::Enabled, Some(Literal::Flag(false))));
    }
    take(&known, &hosts, &with, args.how, context).await
}

fn known(context: &Context) -> Result<Known, CliError> {
    let remotes = parts::remotes_in(&context.config).map_err(CliError::BadConfig)?;
    Ok(Known { hosts: parts::offered_hosts(), remotes })
}

fn no_such_host(pattern: &str, known: &Known) -> CliError {
    let names: Vec<&str> = known.hosts.iter().map(|offered| offered.host.name.as_str()).collect();
    let near = nearest(pattern, names, |name| name);
    CliError::Usage {
        what: format!("no Host line of ssh_config names {pattern:?}"),
        write: match near {
            Some(near) => format!("longhaul remote import {near}"),
            None => "longhaul remote hosts".to_owned(),
        },
    }
}

/// Adds those of the hosts that can be added, and tells of the others.
async fn take(
    known: &Known,
    hosts: &[&Offered],
    with: &[Assignment],
    how: How,
    context: &Context,
) -> Result<Code, CliError> {
    let (mut good, mut refused, mut there) = (Vec::new(), Vec::new(), Vec::new());
    for offered in hosts {
        match &offered.way {
            Ok(_) => good.push(offered.host.name.as_str()),
            Err(trouble) => refused.push((offered.host.name.clone(), reason(trouble), None)),
        }
    }
    let (mut new, mut done) = (Vec::new(), Vec::new());
    for (host, fate) in fates(good, &known.remotes, with) {
        match fate {
            Fate::Add(remote) => {
                done.push(match remote.name.as_str() == host {
                    true => format!("{host}: added"),
                    false => format!("{}: added, for the host {host}", remote.name),
                });
                new.push(remote);
            }
            Fate::Configured(name) => there.push((host, name)),
            Fate::Refused(why) => {
                let hint = hint(host, &why);
                refused.push((host.to_owned(), why.to_string(), hint));
            }
        }
    }
    if !how.json {
        tell_of_the_others(&there, &refused);
    }
    let code = if refused.is_empty() { exit::OK } else { exit::FAILED };
    let refusals = refused.iter().map(|(host, why, _)| json!({ "host": host, "why": why }));
    let extra = json!({
        "added": new.iter().map(|remote| &remote.name).collect::<Vec<_>>(),
        "already": there.iter().map(|(host, name)| json!({ "host": host, "remote": name })).collect::<Vec<_>>(),
        "refused": refusals.collect::<Vec<_>>(),
    });
    if new.is_empty() {
        if how.json {
            print_json(&extra)?;
        } else {
            print_line("nothing to add")?;
        }
        return Ok(code);
    }
    let edited = make(context, &Request::Add(new), how, &done, extra).await?;
    Ok(if edited == exit::OK { code } else { edited })
}

fn hint(host: &str, why: &Refusal) -> Option<String> {
    match why {
        Refusal::NameTaken { .. } | Refusal::SameName { .. } | Refusal::NoName => {
            let host = host.replace('\'', r"'\''");
            Some(format!("longhaul remote add OTHER-NAME --host '{host}'"))
        }
        Refusal::NotAHost(_) => None,
    }
}

fn tell_of_the_others(there: &[(&str, RemoteName)], refused: &[(String, String, Option<String>)]) {
    match there {
        [] => {}
        [(host, name)] => say(&format!("{host} is the remote \"{name}\" already")),
        [(first, _), .., (last, _)] => {
            say(&format!("{} are remotes already, {first} to {last}", there.len()));
        }
    }
    // A line that ssh refuses is refused for every host.
    for same in refused.chunk_by(|(_, one, _), (_, other, _)| one == other) {
        let [(host, why, hint), more @ ..] = same else { continue };
        let hint = hint.as_ref().map(|hint| format!("\n  try: {hint}")).unwrap_or_default();
        match more.len() {
            0 => say(&format!("{host} is not added: {why}{hint}")),
            more => say(&format!("{host} and {more} more are not added: {why}{hint}")),
        }
    }
}

/// Shows the hosts to a person, who chooses.
pub(super) async fn offer(how: How, context: &Context) -> Result<Code, CliError> {
    let missing = || CliError::Usage {
        what: "the remote has no name, and there is nobody to ask".to_owned(),
        write: "longhaul remote add NAME [USER@]HOST[:PORT]\nlonghaul remote hosts".to_owned(),
    };
    if how.json || !std::io::stdin().is_terminal() {
        return Err(missing());
    }
    let mut terminal = Terminal::open().ok_or_else(missing)?;
    let mut known = known(context)?;
    let is_remote: Vec<bool> =
        known.hosts.iter().map(|it| known.remote(&it.host.name).is_some()).collect();
    let mut at = is_remote.iter();
    known.hosts.retain(|_| !at.next().copied().unwrap_or_default());
    if known.hosts.is_empty() {
        return Err(CliError::Usage {
            what: "ssh_config names no host that is no remote yet".to_owned(),
            write: "longhaul remote add NAME [USER@]HOST[:PORT]".to_owned(),
        });
    }
    terminal.say(&table(&known, true)).map_err(CliError::Terminal)?;
    loop {
        let line = terminal
            .line("Which? Numbers, names or patterns, or all; nothing for none: ", false)
            .await
            .map_err(CliError::Terminal)?;
        let Some(line) = line else {
            terminal.say("\n").map_err(CliError::Terminal)?;
            return Ok(exit::FAILED);
        };
        match chosen(line.expose(), &known.hosts) {
            Ok(hosts) if hosts.is_empty() => return Ok(exit::OK),
            Ok(hosts) => return take(&known, &hosts, &[], how, context).await,
            Err(word) => {
                let text = format!("{word:?} is none of them\n");
                terminal.say(&text).map_err(CliError::Terminal)?;
            }
        }
    }
}

/// What a person chose, or the word that means nothing.
fn chosen<'a>(line: &str, hosts: &'a [Offered]) -> Result<Vec<&'a Offered>, String> {
    let mut wanted = vec![false; hosts.len()];
    for word in line.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        let by_number = word.parse::<usize>().ok().filter(|at| (1..=hosts.len()).contains(at));
        let patterns = [word.to_owned()];
        let mut found = false;
        for (at, offered) in hosts.iter().enumerate() {
            let named = is_asked_for(&offered.host.name, &patterns);
            if named || word == "all" || by_number == Some(at + 1) {
                wanted[at] = true;
                found = true;
            }
        }
        if !found {
            return Err(word.to_owned());
        }
    }
    Ok(hosts.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(host, _)| host).collect())
}
