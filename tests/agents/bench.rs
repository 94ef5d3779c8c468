//! Where a real agent runs: a world, a provider, and the agent's own settings
//! that lead it there.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::provider::{Mode, Provider};
use super::support::command::Finished;
use super::support::config::{Config, Entry, quoted};
use super::support::must::Must;
use super::support::sshd::program;
use super::support::world::World;

/// How long one turn may take. A few seconds are usual; some of these programs
/// take a while to begin where much else runs.
pub(crate) const TURN: Duration = Duration::from_secs(240);

/// A program under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cli {
    Claude,
    Codex,
    OpenCode,
}

impl Cli {
    /// What it is called, and its agent too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
        }
    }

    fn profile(self) -> &'static str {
        match self {
            Self::Claude => "Claude",
            Self::Codex => "Codex",
            Self::OpenCode => "OpenCode",
        }
    }
}

/// A world whose `box` has the agents on its PATH, and a provider for them.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) provider: Provider,
    cli: Cli,
}

impl Bench {
    /// `cli` on `box`, answered in `mode`.
    pub(crate) fn new(cli: Cli, mode: Mode) -> Self {
        let bench = Self { world: World::new(), provider: Provider::start(), cli };
        let remote = bench.world.remote();
        bench.settle(mode);
        bench.configure(remote, mode);
        bench
    }

    /// Takes the agent's further arguments away.
    pub(crate) fn without_arguments(&self, mode: Mode) {
        let agent = self.agent(mode).raw("args", "[]");
        let config = Config::default().with_remote(self.world.remote()).with_agent(agent);
        self.world.home.configure(&config);
    }

    /// Has longhaul reach `box` as `remote` says, from the next session on.
    pub(crate) fn configure(&self, remote: Entry, mode: Mode) {
        let config = Config::default().with_remote(remote).with_agent(self.agent(mode));
        self.world.home.configure(&config);
    }

    fn agent(&self, mode: Mode) -> Entry {
        let env = self.env(mode).into_iter();
        let env: Vec<String> =
            env.map(|(name, value)| format!("{}: {}", quoted(name), quoted(&value))).collect();
        // It works in repositories only, unless it is told otherwise.
        let args = if self.cli == Cli::Codex { "[\"--skip-git-repo-check\"]" } else { "[]" };
        Entry::named(self.cli.name())
            .raw("profile", self.cli.profile())
            .raw("remote", "On(\"box\")")
            .raw("args", args)
            .raw("env", &format!("{{ {} }}", env.join(", ")))
    }

    /// Runs a turn of it to its end.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        let args = [&["run", "--agent", self.cli.name()], args].concat();
        self.world.home.start(&args).finish_within(TURN)
    }

    /// What the agent of a session that has ended told.
    #[track_caller]
    pub(crate) fn told(&self, session: &str) -> Vec<Value> {
        self.world.home.longhaul(&["logs", "--json", session]).exited(0).json_lines()
    }

    /// The environment that the agent is to have.
    fn env(&self, mode: Mode) -> Vec<(&'static str, String)> {
        let set = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
        };
        match self.cli {
            Cli::Claude => {
                let mut env = set(&[
                    ("ANTHROPIC_API_KEY", "a-key"),
                    ("CLAUDE_CODE_MAX_RETRIES", "1"),
                    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
                    ("DISABLE_AUTOUPDATER", "1"),
                ]);
                env.push(("ANTHROPIC_BASE_URL", self.provider.url(mode)));
                env
            }
            Cli::Codex => set(&[("MOCK_KEY", "a-key")]),
            Cli::OpenCode => {
                set(&[("OPENCODE_DISABLE_AUTOUPDATE", "1"), ("OPENCODE_DISABLE_MODELS_FETCH", "1")])
            }
        }
    }

    /// Puts the agents on the account's PATH, as a login there has it, and the
    /// agent's own settings into its home.
    fn settle(&self, mode: Mode) {
        let sshd = &self.world.sshd;
        let agents = std::env::var_os("LONGHAUL_TEST_AGENTS").map(PathBuf::from);
        let agents = agents.must("find LONGHAUL_TEST_AGENTS, which tests/agents/run sets");
        let node = program("node");
        let node = node.parent().must("find node's folder").display();
        let bin = agents.join("node_modules/.bin");
        sshd.write(".profile", &format!("PATH='{}':'{node}':$PATH\n", bin.display()));
        let url = format!("{}/v1", self.provider.url(mode));
        match self.cli {
            Cli::Claude => {}
            Cli::Codex => {
                let settings = format!(
                    "model = \"mock\"\nmodel_provider = \"mock\"\n\
                     [model_providers.mock]\nname = \"mock\"\nbase_url = \"{url}\"\n\
                     env_key = \"MOCK_KEY\"\nwire_api = \"responses\"\n\
                     request_max_retries = 1\nstream_max_retries = 1\n"
                );
                sshd.write(".codex/config.toml", &settings);
            }
            Cli::OpenCode => {
                let mock = json!({"npm": "@ai-sdk/openai-compatible", "models": {"mock": {}},
                    "options": {"baseURL": url, "apiKey": "a-key"}});
                let settings = json!({"model": "mock/mock", "provider": {"mock": mock}});
                sshd.write(".config/opencode/opencode.json", &settings.to_string());
            }
        }
    }
}
