//! What changed between two configurations.

use std::collections::BTreeMap;

use super::schema::{Agent, Config, Remote};
use crate::domain::ids::{AgentName, RemoteName};

/// The difference of two configurations, as a reload acts on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigDiff {
    /// Remotes that are new.
    pub remotes_added: Vec<RemoteName>,
    /// Remotes that are gone.
    pub remotes_removed: Vec<RemoteName>,
    /// Remotes that are in both and differ.
    pub remotes_changed: BTreeMap<RemoteName, RemoteChange>,
    /// Agents that are new.
    pub agents_added: Vec<AgentName>,
    /// Agents that are gone.
    pub agents_removed: Vec<AgentName>,
    /// Agents that are in both and differ, with the fields that do.
    pub agents_changed: BTreeMap<AgentName, Vec<&'static str>>,
    /// The global default before and after, if they differ.
    pub default_remote: Option<(Option<RemoteName>, Option<RemoteName>)>,
    /// Other settings that differ.
    pub settings: Vec<&'static str>,
}

/// How a remote changed: the names of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteChange {
    /// Fields that say where a link goes and how it gets there: an open link
    /// is not what the configuration asks for any more.
    pub connection: Vec<&'static str>,
    /// Fields that only new sessions look at.
    pub launch: Vec<&'static str>,
}

impl RemoteChange {
    /// Whether links that are open have to be given up.
    #[must_use]
    pub fn needs_new_links(&self) -> bool {
        !self.connection.is_empty()
    }

    fn between(old: &Remote, new: &Remote) -> Self {
        // No `..`: a new field has to be put into one of the two.
        let Remote {
            label,
            host,
            port,
            user,
            identity_file,
            working_dir,
            env,
            enabled,
            ssh_config,
            transport,
            start_within,
            max_output,
            max_sessions,
            tags,
            slots,
        } = new;
        let connection = [
            ("host", old.host != *host),
            ("port", old.port != *port),
            ("user", old.user != *user),
            ("identity_file", old.identity_file != *identity_file),
            ("ssh_config", old.ssh_config != *ssh_config),
            ("transport", old.transport != *transport),
            ("enabled", old.enabled != *enabled),
        ];
        let launch = [
            ("label", old.label != *label),
            ("working_dir", old.working_dir != *working_dir),
            ("start_within", old.start_within != *start_within),
            ("max_output", old.max_output != *max_output),
            ("max_sessions", old.max_sessions != *max_sessions),
            ("tags", old.tags != *tags),
            ("slots", old.slots != *slots),
            ("env", old.env != *env),
        ];
        Self { connection: differing(&connection), launch: differing(&launch) }
    }

    fn is_empty(&self) -> bool {
        self.connection.is_empty() && self.launch.is_empty()
    }
}

fn differing(fields: &[(&'static str, bool)]) -> Vec<&'static str> {
    fields.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

fn agent_fields(old: &Agent, new: &Agent) -> Vec<&'static str> {
    let Agent {
        profile,
        command,
        args,
        arguments,
        model,
        permissions,
        extra_dirs,
        env,
        remote,
        working_dir,
        max_output,
        restart,
        max_sessions,
    } = new;
    differing(&[
        ("profile", old.profile != *profile),
        ("command", old.command != *command),
        ("args", old.args != *args),
        ("arguments", old.arguments != *arguments),
        ("model", old.model != *model),
        ("permissions", old.permissions != *permissions),
        ("extra_dirs", old.extra_dirs != *extra_dirs),
        ("env", old.env != *env),
        ("remote", old.remote != *remote),
        ("working_dir", old.working_dir != *working_dir),
        ("max_output", old.max_output != *max_output),
        ("restart", old.restart != *restart),
        ("max_sessions", old.max_sessions != *max_sessions),
    ])
}

impl ConfigDiff {
    /// What has to be done to get from `old` to `new`.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        let Config {
            default_remote,
            idle_link,
            kill_grace,
            retention,
            max_sessions,
            remotes,
            agents,
        } = new;
        let in_both = |name| Some((old.remotes.get(name)?, remotes.get(name)?));
        let remotes_changed = remotes
            .keys()
            .filter_map(|name| in_both(name).map(|(a, b)| (name, RemoteChange::between(a, b))))
            .filter(|(_, change)| !change.is_empty())
            .map(|(name, change)| (name.clone(), change))
            .collect();
        let agents_changed = agents
            .iter()
            .filter_map(|(name, new)| Some((name, agent_fields(old.agents.get(name)?, new))))
            .filter(|(_, fields)| !fields.is_empty())
            .map(|(name, fields)| (name.clone(), fields))
            .collect();
        Self {
            remotes_added: only_in(remotes, &old.remotes),
            remotes_removed: only_in(&old.remotes, remotes),
            remotes_changed,
            agents_added: only_in(agents, &old.agents),
            agents_removed: only_in(&old.agents, agents),
            agents_changed,
            default_remote: (old.default_remote != *default_remote)
                .then(|| (old.default_remote.clone(), default_remote.clone())),
            settings: differing(&[
                ("idle_link", old.idle_link != *idle_link),
                ("kill_grace", old.kill_grace != *kill_grace),
                ("retention", old.retention != *retention),
                ("max_sessions", old.max_sessions != *max_sessions),
            ]),
        }
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A line for each change, for people. Names of fields only, no values of
    /// environment variables.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((old, new)) = &self.default_remote {
            let show = |name: &Option<RemoteName>| {
                name.as_ref().map_or_else(|| "this machine".to_owned(), |name| name.to_string())
            };
            lines.push(format!("default remote: {} → {}", show(old), show(new)));
        }
        lines.extend(self.settings.iter().map(|name| format!("setting {name}: changed")));
        lines.extend(self.remotes_added.iter().map(|name| format!("remote {name}: added")));
        lines.extend(self.remotes_removed.iter().map(|name| format!("remote {name}: removed")));
        lines.extend(self.remotes_changed.iter().map(|(name, change)| {
            let fields = [change.connection.as_slice(), &change.launch].concat();
            format!("remote {name}: {} changed", fields.join(", "))
        }));
        lines.extend(self.agents_added.iter().map(|name| format!("agent {name}: added")));
        lines.extend(self.agents_removed.iter().map(|name| format!("agent {name}: removed")));
        lines.extend(
            self.agents_changed
                .iter()
                .map(|(name, fields)| format!("agent {name}: {} changed", fields.join(", "))),
        );
        lines
    }
}

fn only_in<K: Ord + Clone, V>(these: &BTreeMap<K, V>, those: &BTreeMap<K, V>) -> Vec<K> {
    these.keys().filter(|key| !those.contains_key(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::schema::{AgentRemote, EnvValue, SshConfigUse, TransportChoice};
    use super::*;
    use crate::domain::secret::Secret;

    fn remote(edit: impl FnOnce(&mut Remote)) -> Remote {
        let mut remote = Remote::new("h");
        edit(&mut remote);
        remote
    }

    fn config(remotes: &[(&str, Remote)]) -> Config {
        let remotes = remotes.iter().map(|(name, remote)| (name.parse().unwrap(), remote.clone()));
        Config { remotes: remotes.collect(), ..Config::default() }
    }

    #[test]
    fn tells_a_changed_connection_from_a_changed_launch() {
        let secret = |r: &mut Remote| {
            r.env.insert("T".parse().unwrap(), EnvValue::Plain(Secret::new("hunter2")));
        };
        let rows: [(&str, bool, Remote); 15] = [
            ("host", true, remote(|r| r.host = "i".into())),
            ("port", true, remote(|r| r.port = Some(23))),
            ("user", true, remote(|r| r.user = Some("u".into()))),
            ("identity_file", true, remote(|r| r.identity_file = Some("/k".into()))),
            ("ssh_config", true, remote(|r| r.ssh_config = SshConfigUse::Off)),
            ("transport", true, remote(|r| r.transport = TransportChoice::OpenSsh)),
            ("enabled", true, remote(|r| r.enabled = false)),
            ("label", false, remote(|r| r.label = Some("l".into()))),
            ("working_dir", false, remote(|r| r.working_dir = Some("~".into()))),
            ("start_within", false, remote(|r| r.start_within = Some(Config::DEFAULT_IDLE_LINK))),
            ("max_output", false, remote(|r| r.max_output = "1 MB".parse().ok())),
            ("max_sessions", false, remote(|r| r.max_sessions = Some(2))),
            ("tags", false, remote(|r| r.tags.extend("gpu".parse().ok()))),
            ("slots", false, remote(|r| r.slots = Some(2))),
            ("env", false, remote(secret)),
        ];
        for (field, is_connection, changed) in rows {
            let old = config(&[("a", Remote::new("h")), ("b", Remote::new("h"))]);
            let new = config(&[("a", changed), ("b", Remote::new("h"))]);
            let diff = ConfigDiff::between(&old, &new);
            assert_eq!(diff.remotes_changed.len(), 1, "{field}");
            let change = &diff.remotes_changed["a"];
            assert_eq!(change.needs_new_links(), is_connection, "{field}");
            assert_eq!(diff.describe(), [format!("remote a: {field} changed")]);
        }
    }

    #[test]
    fn describes_each_change_in_a_line_without_values() {
        let mut old = config(&[("gone", Remote::new("h"))]);
        old.agents.insert("x".parse().unwrap(), Agent::default());
        old.agents.insert("same".parse().unwrap(), Agent::default());
        let mut new = config(&[("new", Remote::new("h"))]);
        new.default_remote = Some("new".parse().unwrap());
        new.kill_grace = Config::DEFAULT_IDLE_LINK;
        let changed = Agent { remote: AgentRemote::Local, ..Agent::default() };
        new.agents.insert("x".parse().unwrap(), changed);
        new.agents.insert("same".parse().unwrap(), Agent::default());
        let diff = ConfigDiff::between(&old, &new);
        assert_eq!(
            diff.describe(),
            [
                "default remote: this machine → new",
                "setting kill_grace: changed",
                "remote new: added",
                "remote gone: removed",
                "agent x: remote changed",
            ]
        );
    }

    fn any_config() -> impl Strategy<Value = Config> {
        let remote = (any::<bool>(), prop::option::of(1u16..4))
            .prop_map(|(enabled, port)| remote(|r| (r.enabled, r.port) = (enabled, port)));
        prop::collection::btree_map("[a-d]", remote, 0..4).prop_map(|remotes| {
            let remotes: Vec<_> = remotes.iter().map(|(n, r)| (n.as_str(), r.clone())).collect();
            config(&remotes)
        })
    }

    proptest! {
        #[test]
        fn is_empty_exactly_for_equal_configurations(a in any_config(), b in any_config()) {
            prop_assert_eq!(ConfigDiff::between(&a, &b).is_empty(), a == b);
            prop_assert!(ConfigDiff::between(&a, &a).is_empty());
        }

        #[test]
        fn the_way_back_swaps_added_and_removed(a in any_config(), b in any_config()) {
            let (there, back) = (ConfigDiff::between(&a, &b), ConfigDiff::between(&b, &a));
            prop_assert_eq!(there.remotes_added, back.remotes_removed);
            prop_assert_eq!(there.remotes_removed, back.remotes_added);
            prop_assert_eq!(there.remotes_changed, back.remotes_changed);
        }
    }
}
