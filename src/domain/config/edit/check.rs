//! The proof that an edit did what was asked for, and nothing else.

use super::error::Unsafe;
use super::request::{Assignment, Field, Request};
use crate::domain::config::decode::{Document, RemoteEntry};
use crate::domain::config::scan::{Kind, comments};
use crate::domain::config::schema::{Remote, SshConfigUse};
use crate::domain::ids::RemoteName;

/// Compares a text before and after its edit, and what each of them says.
pub(super) fn check(
    (before, old): (&str, &Document),
    (after, new): (&str, &Document),
    request: &Request,
) -> Result<(), Unsafe> {
    if !told(before).eq(told(after)) {
        return Err(Unsafe::Comment);
    }
    if !new.is_broken && is_as_asked(old, new, request) { Ok(()) } else { Err(Unsafe::Result) }
}

/// Comments; where one was the end of a line, it still is.
fn told(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    comments(text).map(|piece| (piece.kind, text[piece.range].trim_end()))
}

fn is_as_asked(old: &Document, new: &Document, request: &Request) -> bool {
    let default = |document: &Document| document.default_remote.as_ref().map(|at| at.value.clone());
    let expected = match request {
        Request::Default(name) => name.clone(),
        _ => default(old),
    };
    default(new) == expected
        && old.idle_link.as_ref().map(|at| at.value) == new.idle_link.as_ref().map(|at| at.value)
        && old.kill_grace.as_ref().map(|at| at.value) == new.kill_grace.as_ref().map(|at| at.value)
        && old.retention.as_ref().map(|at| &at.value) == new.retention.as_ref().map(|at| &at.value)
        && old.max_sessions.as_ref().map(|at| at.value)
            == new.max_sessions.as_ref().map(|at| at.value)
        && agents_are_same(old, new)
        && remotes_are_as_asked(old, new, request)
}

fn agents_are_same(old: &Document, new: &Document) -> bool {
    let one = |entry: &crate::domain::config::decode::AgentEntry| {
        (entry.name.value.clone(), entry.agent.clone())
    };
    old.agents.iter().map(one).eq(new.agents.iter().map(one))
}

fn remotes_are_as_asked(old: &Document, new: &Document, request: &Request) -> bool {
    let found: Vec<_> = new.remotes.iter().map(named).collect();
    let known = old.remotes.iter().map(named);
    match request {
        Request::Default(_) => known.eq(found),
        Request::Remove(gone) => known.filter(|(name, _)| name != gone).eq(found),
        Request::Add(remotes) => {
            let kept = found.len().saturating_sub(remotes.len());
            let added = found[kept..].iter().map(|(name, _)| name);
            known.eq(found[..kept].iter().cloned())
                && added.eq(remotes.iter().map(|remote| &remote.name))
        }
        Request::Set { name, assignments } => {
            // Apart from what was assigned, which the load of the whole
            // configuration judges, all is as it was.
            let blank = |(known, remote): (RemoteName, Remote)| match known == *name {
                true => (known, without(remote, assignments)),
                false => (known, remote),
            };
            known.map(blank).eq(found.into_iter().map(blank))
        }
    }
}

fn named(entry: &RemoteEntry) -> (RemoteName, Remote) {
    (entry.name.value.clone(), entry.remote.clone())
}

/// A remote without what is assigned to it.
fn without(mut remote: Remote, assignments: &[Assignment]) -> Remote {
    for assignment in assignments {
        match assignment {
            Assignment::Env(name, _) => {
                remote.env.remove(name);
            }
            Assignment::Field(field, _) => match field {
                Field::Label => remote.label = None,
                Field::Host => remote.host.clear(),
                Field::Port => remote.port = None,
                Field::User => remote.user = None,
                Field::IdentityFile => remote.identity_file = None,
                Field::WorkingDir => remote.working_dir = None,
                Field::Enabled => remote.enabled = true,
                Field::SshConfig => remote.ssh_config = SshConfigUse::On,
                Field::StartWithin => remote.start_within = None,
                Field::MaxOutput => remote.max_output = None,
                Field::Tags => remote.tags.clear(),
                Field::MaxSessions => remote.max_sessions = None,
                Field::Slots => remote.slots = None,
            },
        }
    }
    remote
}
