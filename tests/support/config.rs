//! A configuration, built as a test needs it and written as RON.

use std::fmt::Write as _;
use std::path::Path;

use super::must::Must;
use super::sshd::account;

/// What goes into `longhaul.ron`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    default_remote: Option<String>,
    settings: Vec<(&'static str, String)>,
    remotes: Vec<Entry>,
    agents: Vec<Entry>,
}

/// A named struct: a remote or an agent.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    name: String,
    fields: Vec<(&'static str, String)>,
}

impl Entry {
    /// A struct without fields.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), fields: Vec::new() }
    }

    /// The account that runs the tests, behind a port of this machine.
    pub(crate) fn remote(name: &str, port: u16, identity: &Path) -> Self {
        Self::named(name)
            .text("host", "127.0.0.1")
            .raw("port", &port.to_string())
            .text("user", account())
            .text("identity_file", &identity.to_string_lossy())
    }

    /// Adds or replaces a field whose value is a string.
    pub(crate) fn text(self, field: &'static str, value: &str) -> Self {
        self.raw(field, &quoted(value))
    }

    /// Adds or replaces a field whose value is RON already.
    pub(crate) fn raw(mut self, field: &'static str, value: &str) -> Self {
        self.fields.retain(|(name, _)| *name != field);
        self.fields.push((field, value.to_owned()));
        self
    }

    fn ron(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {value}"));
        format!("{}: ({})", quoted(&self.name), fields.collect::<Vec<_>>().join(", "))
    }
}

impl Config {
    /// Adds a remote.
    pub(crate) fn with_remote(mut self, remote: Entry) -> Self {
        self.remotes.push(remote);
        self
    }

    /// Adds an agent.
    pub(crate) fn with_agent(mut self, agent: Entry) -> Self {
        self.agents.push(agent);
        self
    }

    /// Sets a field of the file whose value is RON already.
    pub(crate) fn with(mut self, field: &'static str, value: &str) -> Self {
        self.settings.push((field, value.to_owned()));
        self
    }

    /// Sets the global default.
    pub(crate) fn with_default(mut self, remote: &str) -> Self {
        self.default_remote = Some(remote.to_owned());
        self
    }

    /// The file's text.
    pub(crate) fn ron(&self) -> String {
        let mut text = String::from("#![enable(implicit_some)]\n(\n    version: 1,\n");
        if let Some(remote) = &self.default_remote {
            let _ = writeln!(text, "    default_remote: {},", quoted(remote));
        }
        for (field, value) in &self.settings {
            let _ = writeln!(text, "    {field}: {value},");
        }
        for (what, entries) in [("remotes", &self.remotes), ("agents", &self.agents)] {
            let _ = writeln!(text, "    {what}: {{");
            for entry in entries {
                let _ = writeln!(text, "        {},", entry.ron());
            }
            text.push_str("    },\n");
        }
        text.push_str(")\n");
        text
    }
}

/// A RON string.
pub(crate) fn quoted(text: &str) -> String {
    ron::to_string(text).must("write a string as RON")
}
