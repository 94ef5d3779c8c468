//! The example in `config/` says what it claims to say.

use std::collections::BTreeMap;
use std::path::Path;

use longhaul::domain::config::{
    AgentRemote, Config, EnvValue, Facts, ProblemKind, Role, SourceFile, SshConfigUse, load,
};

const EXAMPLE: &str = include_str!("../config/longhaul.ron");

fn config(text: &str) -> Config {
    let file =
        SourceFile { path: "longhaul.ron".into(), role: Role::Main, text: Ok(text.to_owned()) };
    match load(&[file], Some(Path::new("/home/me")), &Facts::default()) {
        Ok(loaded) => {
            assert_eq!(loaded.warnings, []);
            loaded.config
        }
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn as_it_stands_it_sets_nothing() {
    assert_eq!(config(EXAMPLE), Config::default());
}

#[test]
fn every_line_that_is_commented_out_is_good() {
    let config = config(&EXAMPLE.replace("//~ ", ""));
    assert_eq!(config.default_remote.as_ref().map(|name| name.as_str()), Some("gpu-box"));
    let dev = &config.remotes["dev-server"];
    assert_eq!(dev.env.len(), 4);
    assert_eq!(
        dev.env["GITHUB_TOKEN"],
        EnvValue::FromCommand(["pass", "show", "github"].map(str::to_owned).to_vec(),)
    );
    assert_eq!(dev.ssh_config, SshConfigUse::On);
    let on = AgentRemote::On("dev-server".parse().unwrap());
    assert_eq!(config.agents["nightly"].remote, on);
}

#[test]
fn the_settings_that_it_shows_without_a_name_are_the_defaults() {
    let config = config(&EXAMPLE.replace("//~ ", ""));
    assert_eq!(config.idle_link, Config::DEFAULT_IDLE_LINK);
    assert_eq!(config.kill_grace, Config::DEFAULT_KILL_GRACE);
    assert_eq!(config.retention, Config::default().retention);
}

/// A field that does not exist is answered with all that do.
#[test]
fn it_shows_every_field() {
    let shown: BTreeMap<&str, &str> = EXAMPLE
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("//~ ").split_once(": "))
        .collect();
    let (remote, agent) = (r#"remotes: {"a": (no: 1)}"#, r#"agents: {"a": (no: 1)}"#);
    let arguments = r#"agents: {"a": (arguments: (no: 1))}"#;
    for body in ["no: 1", "retention: (no: 1)", remote, agent, arguments] {
        let file =
            SourceFile { path: "x".into(), role: Role::Fragment, text: Ok(format!("({body})")) };
        let report = load(&[file], None, &Facts::default()).unwrap_err();
        let fields = report.problems.iter().find_map(|problem| match &problem.kind {
            ProblemKind::UnknownField { known, .. } => Some(*known),
            _ => None,
        });
        let fields = fields.expect("an unknown field was taken");
        for field in fields {
            assert!(shown.contains_key(field), "{field} is not shown");
        }
    }
}
