//! From one document to its settings, with every problem on the way.
//!
//! Nothing here stops at a problem: what is wrong is noted and left out, and
//! decoding goes on beside it. What needs other files or the file system is
//! left to `load`, with the places that it will have to name.

mod agent;
mod fields;
mod limits;
mod restart;
mod retention;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::fields::Value;
pub use self::fields::host_trouble;
use super::node::{self, Kind, Node, Variant};
use super::problem::ProblemKind;
use super::schema::{
    Agent, AgentRemote, EnvName, EnvValue, Profile, Remote, SshConfigUse, TransportChoice, VERSION,
};
use crate::domain::ids::{AgentName, RemoteName};
use crate::domain::nearest::nearest;
use crate::domain::retention::Retention;
use crate::domain::secret::Secret;

const FILE_FIELDS: &[&str] = &[
    "version",
    "default_remote",
    "idle_link",
    "kill_grace",
    "retention",
    "max_sessions",
    "remotes",
    "agents",
];
const REMOTE_FIELDS: &[&str] = &[
    "label",
    "host",
    "port",
    "user",
    "identity_file",
    "working_dir",
    "env",
    "enabled",
    "ssh_config",
    "transport",
    "start_within",
    "max_output",
    "max_sessions",
    "tags",
    "slots",
];
const AGENT_FIELDS: &[&str] = &[
    "profile",
    "command",
    "args",
    "arguments",
    "model",
    "permissions",
    "extra_dirs",
    "env",
    "remote",
    "working_dir",
    "max_output",
    "restart",
    "max_sessions",
];

/// How the first of two is pointed at.
pub(super) const FIRST: &str = "first here";
/// How a value of an environment variable is written that is looked up.
const LOOKUPS: &[&str] = &["FromEnv(\"NAME\")", "FromFile(\"path\")", "FromCommand([\"program\"])"];

/// A value, and the place that it was read at.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) path: String,
    pub(super) range: Range<usize>,
}

/// Something that is wrong at a place of the document.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) kind: ProblemKind,
    pub(super) path: String,
    pub(super) range: Range<usize>,
    pub(super) related: Option<(&'static str, Range<usize>)>,
}

/// What one document says.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) default_remote: Option<At<RemoteName>>,
    pub(super) idle_link: Option<At<Duration>>,
    pub(super) kill_grace: Option<At<Duration>>,
    pub(super) retention: Option<At<Retention>>,
    pub(super) max_sessions: Option<At<u32>>,
    pub(super) remotes: Vec<RemoteEntry>,
    pub(super) agents: Vec<AgentEntry>,
    pub(super) findings: Vec<Finding>,
    /// Parts that no report may show.
    pub(super) masked: Vec<Range<usize>>,
    /// Whether some of it could not be read at all.
    pub(super) is_broken: bool,
    /// Whether it may mean to have remotes that are not in here.
    pub(super) lacks_remotes: bool,
}

/// One entry of `remotes`.
#[derive(Debug)]
pub(super) struct RemoteEntry {
    pub(super) name: At<RemoteName>,
    pub(super) remote: Remote,
    pub(super) key_file: Option<At<PathBuf>>,
}

/// One entry of `agents`.
#[derive(Debug)]
pub(super) struct AgentEntry {
    pub(super) name: At<AgentName>,
    pub(super) agent: Agent,
    pub(super) on: Option<At<RemoteName>>,
}

/// Reads a document; only the main file has to say its version.
pub(super) fn decode(text: &str, is_main: bool, home: Option<&Path>) -> Document {
    let mut decoder = Decoder { home, out: Document::default() };
    match node::document(text) {
        Ok(root) => decoder.file(Value { node: root, path: String::new() }, is_main),
        Err(error) => decoder.syntax(text, &error),
    }
    decoder.out
}

struct Decoder<'h> {
    home: Option<&'h Path>,
    out: Document,
}

impl Decoder<'_> {
    fn note(&mut self, at: &Value<'_>, kind: ProblemKind) {
        let (path, range) = (at.path.clone(), at.node.range());
        self.out.findings.push(Finding { kind, path, range, related: None });
    }

    fn wrong_kind(&mut self, at: &Value<'_>, expected: &'static str) {
        self.note(at, ProblemKind::WrongKind { expected, found: at.node.kind() });
    }

    fn syntax(&mut self, text: &str, error: &ron::error::SpannedError) {
        let end = position(text, error.span.end);
        let nothing = super::syntax::is_blank(text);
        let (kind, range) = if nothing {
            (ProblemKind::Empty, 0..0)
        } else {
            let what = super::syntax::what(&error.code);
            (ProblemKind::Syntax { what }, end..end + 1)
        };
        self.out.findings.push(Finding { kind, path: String::new(), range, related: None });
        self.out.is_broken = true;
    }

    fn file(&mut self, root: Value<'_>, is_main: bool) {
        let Some(mut fields) = self.fields(&root, "Config", "the file", FILE_FIELDS) else {
            self.out.is_broken = true;
            return;
        };
        // `renotes` may be `remotes`.
        self.out.lacks_remotes = fields.has_unknown;
        match fields.take("version") {
            Some(version) => {
                let is_known = self.version(&version);
                if !is_known {
                    // A file of another version has other fields: all that
                    // would be said about them is noise.
                    self.out.findings.retain(|finding| {
                        matches!(finding.kind, ProblemKind::VersionUnknown { .. })
                    });
                    self.out.is_broken = true;
                    return;
                }
            }
            None if is_main => {
                let start = root.node.range().start;
                self.out.findings.push(Finding {
                    kind: ProblemKind::VersionMissing,
                    path: "version".to_owned(),
                    range: start..start + 1,
                    related: None,
                });
            }
            None => {}
        }
        self.out.default_remote = fields.take("default_remote").and_then(|value| self.name(&value));
        self.out.idle_link = fields.take("idle_link").and_then(|value| self.duration(&value));
        self.out.kill_grace = fields.take("kill_grace").and_then(|value| self.duration(&value));
        self.out.retention = fields.take("retention").and_then(|value| self.retention(&value));
        self.out.max_sessions = fields.take("max_sessions").and_then(|value| self.count(&value));
        if let Some(remotes) = fields.take("remotes") {
            for (name, value) in self.named(&remotes, "the remote") {
                self.remote(name, &value);
            }
        }
        if let Some(agents) = fields.take("agents") {
            for (name, value) in self.named(&agents, "the agent") {
                self.agent(name, &value);
            }
        }
    }

    fn version(&mut self, value: &Value<'_>) -> bool {
        match value.node.scalar::<u64>() {
            Ok(found) if found == u64::from(VERSION) => true,
            Ok(found) => {
                self.note(value, ProblemKind::VersionUnknown { found });
                false
            }
            Err(_) => {
                self.wrong_kind(value, "a number");
                true
            }
        }
    }

    fn remote(&mut self, name: At<RemoteName>, value: &Value<'_>) {
        let mut remote = Remote::new(name.value.as_str());
        let mut key_file = None;
        if let Some(mut fields) = self.fields(value, "Remote", "a remote", REMOTE_FIELDS) {
            remote.label = fields.take("label").and_then(|value| self.text(&value));
            if let Some(host) = fields.take("host").and_then(|value| self.host(&value)) {
                remote.host = host;
            }
            remote.port = fields.take("port").and_then(|value| self.port(&value));
            remote.user = fields.take("user").and_then(|value| self.word(&value));
            key_file = fields.take("identity_file").and_then(|value| {
                Some(At { value: self.path(&value)?, range: value.node.range(), path: value.path })
            });
            remote.identity_file = key_file.as_ref().map(|at: &At<PathBuf>| at.value.clone());
            remote.working_dir = fields.take("working_dir").and_then(|value| self.text(&value));
            remote.env = fields.take("env").map(|value| self.env(&value)).unwrap_or_default();
            if let Some(enabled) = fields.take("enabled") {
                match enabled.node.scalar() {
                    Ok(enabled) => remote.enabled = enabled,
                    Err(_) => self.wrong_kind(&enabled, "true or false"),
                }
            }
            remote.ssh_config = fields
                .take("ssh_config")
                .and_then(|value| self.ssh_config(&value))
                .unwrap_or_default();
            remote.transport = fields
                .take("transport")
                .and_then(|value| self.transport(&value))
                .unwrap_or_default();
            remote.start_within = fields
                .take("start_within")
                .and_then(|value| self.duration(&value))
                .map(|at| at.value);
            remote.max_output = fields.take("max_output").and_then(|value| self.size(&value));
            remote.max_sessions = self.most(&mut fields, "max_sessions");
            remote.tags = fields.take("tags").map(|value| self.tags(&value)).unwrap_or_default();
            remote.slots = self.most(&mut fields, "slots");
        }
        self.out.remotes.push(RemoteEntry { name, remote, key_file });
    }

    fn agent(&mut self, name: At<AgentName>, value: &Value<'_>) {
        let mut agent = Agent::default();
        let mut on = None;
        if let Some(mut fields) = self.fields(value, "Agent", "an agent", AGENT_FIELDS) {
            let profile = fields.take("profile").map(|value| self.profile(&value));
            let command = fields.take("command").map(|value| self.command(&value));
            // Not where either is there and wrong: one problem, one complaint.
            let is_generic = matches!(profile, None | Some(Some(Profile::Generic)));
            if command.is_none() && is_generic && !fields.has_unknown {
                self.out.findings.push(Finding {
                    kind: ProblemKind::NoCommand,
                    path: value.path.clone(),
                    range: name.range.clone(),
                    related: None,
                });
            }
            agent.profile = profile.flatten().unwrap_or_default();
            agent.command = command.flatten();
            agent.args =
                fields.take("args").and_then(|value| self.strings(&value)).unwrap_or_default();
            agent.arguments =
                fields.take("arguments").map(|value| self.arguments(&value)).unwrap_or_default();
            agent.model = fields.take("model").and_then(|value| self.word(&value));
            agent.permissions = fields
                .take("permissions")
                .and_then(|value| self.permissions(&value))
                .unwrap_or_default();
            agent.extra_dirs = fields
                .take("extra_dirs")
                .and_then(|value| self.strings(&value))
                .unwrap_or_default();
            agent.env = fields.take("env").map(|value| self.env(&value)).unwrap_or_default();
            if let Some(remote) = fields.take("remote") {
                (agent.remote, on) = self.agent_remote(&remote);
            }
            agent.working_dir = fields.take("working_dir").and_then(|value| self.text(&value));
            agent.max_output = fields.take("max_output").and_then(|value| self.size(&value));
            agent.restart =
                fields.take("restart").and_then(|value| self.restart(&value)).unwrap_or_default();
            agent.max_sessions = self.most(&mut fields, "max_sessions");
        }
        self.out.agents.push(AgentEntry { name, agent, on });
    }

    fn agent_remote(&mut self, value: &Value<'_>) -> (AgentRemote, Option<At<RemoteName>>) {
        const CHOICES: &[&str] = &["Default", "Local", "On(\"…\")"];
        match self.choice(value, "`Default`, `Local` or `On(\"…\")`", CHOICES) {
            Some(("On", Some(payload))) => match self.name::<RemoteName>(&payload) {
                Some(name) => (AgentRemote::On(name.value.clone()), Some(name)),
                None => (AgentRemote::Default, None),
            },
            Some(("Local", None)) => (AgentRemote::Local, None),
            _ => (AgentRemote::Default, None),
        }
    }

    fn ssh_config(&mut self, value: &Value<'_>) -> Option<SshConfigUse> {
        const CHOICES: &[&str] = &["On", "Off", "File(\"…\")"];
        match self.choice(value, "`On`, `Off` or `File(\"…\")`", CHOICES)? {
            ("On", None) => Some(SshConfigUse::On),
            ("Off", None) => Some(SshConfigUse::Off),
            (_, payload) => self.path(&payload?).map(SshConfigUse::File),
        }
    }

    fn transport(&mut self, value: &Value<'_>) -> Option<TransportChoice> {
        const CHOICES: &[&str] = &["Auto", "BuiltIn", "OpenSsh"];
        let (name, _) = self.choice(value, "`Auto`, `BuiltIn` or `OpenSsh`", CHOICES)?;
        TransportChoice::ALL.into_iter().find(|choice| choice.as_str() == name)
    }

    /// One of `choices`, each `Name` or `Name("…")`, with its value.
    fn choice<'a>(
        &mut self,
        value: &Value<'a>,
        expected: &'static str,
        choices: &'static [&'static str],
    ) -> Option<(&'static str, Option<Value<'a>>)> {
        let Ok(variant) = value.node.variant() else {
            self.wrong_kind(value, expected);
            return None;
        };
        let Some(choice) = choices.iter().copied().find(|choice| bare(choice) == variant.name)
        else {
            self.out.findings.push(Finding {
                kind: ProblemKind::UnknownVariant {
                    name: variant.name.to_owned(),
                    nearest: nearest(variant.name, choices, |choice| bare(choice)).copied(),
                    known: choices,
                },
                path: value.path.clone(),
                range: variant.name_at,
                related: None,
            });
            return None;
        };
        if choice.contains('(') != variant.payload.is_some() {
            self.wrong_kind(value, expected);
            return None;
        }
        let payload = variant.payload.map(|node| Value { node, path: value.path.clone() });
        Some((bare(choice), payload))
    }

    fn env(&mut self, value: &Value<'_>) -> BTreeMap<EnvName, EnvValue> {
        let Ok(entries) = value.node.entries() else {
            self.out.masked.push(value.node.range());
            self.wrong_kind(value, "a map `{ \"NAME\": \"value\" }`");
            return BTreeMap::new();
        };
        let mut seen = BTreeMap::new();
        let mut env = BTreeMap::new();
        for (key, node) in entries {
            // Before anything can be said about this entry.
            self.mask_env_value(&node);
            let key = Value { node: key, path: value.path.clone() };
            let Ok(name) = key.node.scalar::<String>() else {
                self.wrong_kind(&key, "a string");
                continue;
            };
            let entry = Value { node, path: format!("{}.{name}", value.path) };
            self.check_new(&mut seen, &name, &key, "the variable");
            let content = self.env_value(&entry);
            match name.parse::<EnvName>() {
                Ok(name) => {
                    if let Some(content) = content {
                        env.insert(name, content);
                    }
                }
                Err(error) => self.note(&key, ProblemKind::BadEnvName(error)),
            }
        }
        env
    }

    /// All of a value that is not looked up elsewhere. Of one that is, only
    /// what is in it, if it is misspelt; and a name that is like none of them
    /// may be the value itself, without its quotes.
    fn mask_env_value(&mut self, node: &Node<'_>) {
        let masked = match node.variant() {
            Ok(variant) if LOOKUPS.iter().any(|choice| bare(choice) == variant.name) => return,
            Ok(Variant { name, payload: Some(payload), .. }) if is_like_a_lookup(name) => {
                payload.range()
            }
            _ => node.range(),
        };
        self.out.masked.push(masked);
    }

    fn env_value(&mut self, value: &Value<'_>) -> Option<EnvValue> {
        const EXPECTED: &str =
            "a string, `FromEnv(\"NAME\")`, `FromFile(\"path\")` or `FromCommand([\"program\"])`";
        if value.node.variant().is_ok_and(|variant| !is_like_a_lookup(variant.name)) {
            self.wrong_kind(value, EXPECTED);
            return None;
        }
        if value.node.kind() != Kind::Variant {
            let Ok(text) = value.node.scalar::<String>() else {
                self.wrong_kind(value, EXPECTED);
                return None;
            };
            if text.contains('\0') {
                self.note(value, ProblemKind::BadCharacter { found: '\0' });
                return None;
            }
            return Some(EnvValue::Plain(Secret::new(text)));
        }
        let (name, payload) = self.choice(value, EXPECTED, LOOKUPS)?;
        let payload = payload?;
        match name {
            "FromEnv" => {
                let name = self.text(&payload)?;
                match name.parse() {
                    Ok(name) => Some(EnvValue::FromEnv(name)),
                    Err(error) => {
                        // Perhaps the value itself, in the wrong place.
                        self.out.masked.push(payload.node.range());
                        self.note(&payload, ProblemKind::BadEnvName(error));
                        None
                    }
                }
            }
            "FromFile" => self.path(&payload).map(EnvValue::FromFile),
            _ => self.command(&payload).map(EnvValue::FromCommand),
        }
    }
}

/// A choice's name, without its value.
fn bare(choice: &'static str) -> &'static str {
    choice.split('(').next().unwrap_or(choice)
}

/// Whether the name is that of a look-up, or a slip away from one.
fn is_like_a_lookup(name: &str) -> bool {
    nearest(name, LOOKUPS, |choice| bare(choice)).is_some()
}

/// The byte that ron's line and character, both from 1, stand for.
fn position(text: &str, at: ron::error::Position) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
    let line = &text[line_start..];
    line.char_indices()
        .nth(at.col.saturating_sub(1))
        .map_or(text.len(), |(byte, _)| line_start + byte)
}

#[cfg(test)]
mod tests;
