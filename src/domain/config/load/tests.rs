use std::path::Path;

use super::*;
use crate::domain::config::schema::{AgentRemote, EnvValue, Profile, SshConfigUse};

fn file(path: &str, role: Role, text: &str) -> SourceFile {
    SourceFile { path: path.into(), role, text: Ok(text.to_owned()) }
}

fn main_file(text: &str) -> SourceFile {
    file("longhaul.ron", Role::Main, text)
}

fn load_all(files: &[SourceFile], facts: &Facts) -> Result<Loaded, Report> {
    load(files, Some(Path::new("/home/me")), facts)
}

fn load_one(text: &str) -> Result<Loaded, Report> {
    load_all(&[main_file(text)], &Facts::default())
}

/// The body of a file that says its version.
fn load_body(body: &str) -> Result<Loaded, Report> {
    load_one(&format!("(version: 1, {body})"))
}

/// `path: message` of each problem.
fn complaints(loaded: Result<Loaded, Report>) -> Vec<String> {
    let report = loaded.expect_err("the configuration was taken");
    report.problems.iter().map(|p| format!("{}: {}", p.path, p.kind)).collect()
}

fn name(text: &str) -> RemoteName {
    text.parse().unwrap()
}

const FULL: &str = r#"#![enable(implicit_some)]
// comment
(
    version: 1,
    default_remote: "gpu-box",
    idle_link: "5m",
    kill_grace: "3s",
    retention: (spool_grace: "2m", mirror_age: "never", mirror_size: "5 GB"),
    remotes: {
        "dev-server": (
            label: "Dev Server",
            host: "192.168.1.100", /* block /* nested */ */
            port: 2_222,
            user: Some("developer"),
            identity_file: "~/.ssh/dev_key",
            working_dir: r"~/project",
            env: {
                "RUST_LOG": "in\"fo",
                "KEY": FromEnv("ANTHROPIC_API_KEY"),
                "FILE": FromFile("~/secret"),
                "CMD": FromCommand(["pass", "show", "x"]),
            },
            enabled: false,
            ssh_config: File("/etc/longhaul/ssh_config"),
            start_within: "1m 30s",
            max_output: "100 MB",
        ),
        "gpu-box": (),
        "named": Remote(host: "2001:db8::1", ssh_config: Off, port: None),
    },
    agents: {
        "claude": (profile: Claude, remote: Default),
        "codex-local": Agent(profile: Codex, remote: Local, args: ["-q"]),
        "nightly": (command: ["./nightly.sh"], remote: On("gpu-box"), working_dir: "~/n",
            max_output: "1 GiB"),
    },
) // the end, without a line break"#;

#[test]
fn reads_every_field() {
    let Loaded { config, warnings } = load_one(FULL).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(config.default_remote, Some(name("gpu-box")));
    assert_eq!((config.idle_link.as_secs(), config.kill_grace.as_secs()), (300, 3));
    let kept = config.retention;
    assert_eq!(kept.spool_grace.map(|d| d.as_secs()), Some(120));
    assert_eq!((kept.mirror_age, kept.mirror_size), (None, Some(5_000_000_000)));
    let dev = &config.remotes["dev-server"];
    assert_eq!(dev.label.as_deref(), Some("Dev Server"));
    assert_eq!((dev.host.as_str(), dev.port), ("192.168.1.100", Some(2_222)));
    assert_eq!(dev.user.as_deref(), Some("developer"));
    assert_eq!(dev.identity_file.as_deref(), Some(Path::new("/home/me/.ssh/dev_key")));
    assert_eq!(dev.working_dir.as_deref(), Some("~/project"));
    assert!(!dev.enabled);
    assert_eq!(dev.ssh_config, SshConfigUse::File("/etc/longhaul/ssh_config".into()));
    assert_eq!(dev.start_within.map(|d| d.as_secs()), Some(90));
    assert_eq!(dev.max_output.map(|cap| cap.bytes()), Some(100_000_000));
    let EnvValue::Plain(plain) = &dev.env["RUST_LOG"] else { panic!("not plain") };
    assert_eq!(plain.expose(), "in\"fo");
    assert_eq!(dev.env["KEY"], EnvValue::FromEnv("ANTHROPIC_API_KEY".parse().unwrap()));
    assert_eq!(dev.env["FILE"], EnvValue::FromFile("/home/me/secret".into()));
    let command = ["pass", "show", "x"].map(str::to_owned).to_vec();
    assert_eq!(dev.env["CMD"], EnvValue::FromCommand(command));
    assert_eq!(config.remotes["gpu-box"], super::super::Remote::new("gpu-box"));
    assert_eq!(config.remotes["named"].host, "2001:db8::1");
    assert_eq!(config.remotes["named"].ssh_config, SshConfigUse::Off);
    assert_eq!(config.agents["claude"].profile, Profile::Claude);
    assert_eq!(config.agents["codex-local"].args, ["-q"]);
    assert_eq!(config.agents["codex-local"].remote, AgentRemote::Local);
    assert_eq!(config.agents["nightly"].remote, AgentRemote::On(name("gpu-box")));
    assert_eq!(config.agents["nightly"].working_dir.as_deref(), Some("~/n"));
    assert_eq!(config.agents["nightly"].max_output.map(|cap| cap.bytes()), Some(1 << 30));
}

#[test]
fn the_least_configuration_runs_everything_here() {
    assert_eq!(load_one("(version: 1)").unwrap().config, Config::default());
}

#[test]
fn names_each_problem_with_its_path() {
    for (body, wanted) in [
        ("remote: {}", ": there is no field `remote` in the file"),
        (r#"remotes: {"a": (prot: 22)}"#, ": there is no field `prot` in a remote"),
        (r#"remotes: {"a": (port: 0)}"#, "remotes.a.port: a port is a number from 1 to 65535"),
        (r#"remotes: {"a": (port: 70000)}"#, "remotes.a.port: a port is a number from 1 to 65535"),
        (r#"remotes: {"a": (port: -1)}"#, "remotes.a.port: a port is a number from 1 to 65535"),
        (r#"remotes: {"a": (port: "22")}"#, "remotes.a.port: expected a number, found a string"),
        (
            r#"remotes: {"a": (enabled: 1)}"#,
            "remotes.a.enabled: expected true or false, found a number",
        ),
        (r#"remotes: {"a": (host: "")}"#, "remotes.a.host: this cannot be empty"),
        (r#"remotes: {"a": (host: "me@b")}"#, "remotes.a.host: `host` holds a user as well"),
        (r#"remotes: {"a": (host: "b:22")}"#, "remotes.a.host: `host` holds a port as well"),
        (r#"remotes: {"a": (host: "-oX")}"#, "remotes.a.host: '-' cannot be part of this"),
        (r#"remotes: {"a": (user: "a b")}"#, "remotes.a.user: ' ' cannot be part of this"),
        (
            r#"remotes: {"a": (identity_file: "k")}"#,
            "remotes.a.identity_file: the path does not start with / or ~/",
        ),
        (
            r#"remotes: {"a": (ssh_config: No)}"#,
            "remotes.a.ssh_config: `No` is not one of the choices",
        ),
        (
            r#"remotes: {"a": (ssh_config: File)}"#,
            "remotes.a.ssh_config: expected `On`, `Off` or `File(\"…\")`, found a name",
        ),
        (
            r#"remotes: {"a": (start_within: "5 lightyears")}"#,
            "remotes.a.start_within: a time is written like \"30s\", \"2m\" or \"1h 30m\"",
        ),
        (
            r#"remotes: {"a": (start_within: 30)}"#,
            "remotes.a.start_within: expected a time such as \"30s\" or \"2m\", found a number",
        ),
        (
            r#"remotes: {"a": (max_output: "lots")}"#,
            "remotes.a.max_output: a size is written like \"100 MB\", \"512 KiB\" or \"2 GB\"",
        ),
        (
            r#"remotes: {"a": (max_output: 100)}"#,
            "remotes.a.max_output: expected a size such as \"100 MB\", found a number",
        ),
        (
            r#"agents: {"a": (profile: Codex, max_output: "1 KB")}"#,
            "agents.a.max_output: it has to be at least 64 KB",
        ),
        (
            r#"remotes: {"a": (env: {"1A": "x"})}"#,
            "remotes.a.env: the name of an environment variable does not start with a digit",
        ),
        (
            r#"remotes: {"a": (env: {"A": 1})}"#,
            "remotes.a.env.A: expected a string, `FromEnv(\"NAME\")`, `FromFile(\"path\")` or `FromCommand([\"program\"])`, found a number",
        ),
        (
            r#"remotes: {"a": (env: {"A": FromEvn("B")})}"#,
            "remotes.a.env.A: `FromEvn` is not one of the choices",
        ),
        (
            r#"remotes: {"a": (env: {"A": "x\0y"})}"#,
            "remotes.a.env.A: '\\0' cannot be part of this",
        ),
        (
            r#"remotes: {"a": (env: ["A=B"])}"#,
            "remotes.a.env: expected a map `{ \"NAME\": \"value\" }`, found a list `[…]`",
        ),
        (
            r#"remotes: {"-a": ()}"#,
            "remotes: a name has letters, digits, '.', '_' and '-' and starts with a letter or digit; '-' is not one",
        ),
        (r#"remotes: {a: ()}"#, "remotes: expected a string, found a name"),
        (r#"remotes: ["a"]"#, "remotes: expected a map `{ \"name\": (…) }`, found a list `[…]`"),
        (
            r#"remotes: {"a": "host"}"#,
            "remotes.a: expected fields `(name: value, …)`, found a string",
        ),
        (
            r#"remotes: {"a": (host: "b", host: "c")}"#,
            "remotes.a.host: the field `host` is given twice",
        ),
        (r#"remotes: {"a": (), "a": ()}"#, "remotes.a: the remote \"a\" is given twice"),
        (
            r#"agents: {"a": (profile: Claude), "a": ()}"#,
            "agents.a: the agent \"a\" is given twice",
        ),
        (
            r#"remotes: {"a": (env: {"A": "1", "A": "2"})}"#,
            "remotes.a.env.A: the variable \"A\" is given twice",
        ),
        (
            r#"agents: {"a": ()}"#,
            "agents.a: the agent has no `command`, and its profile brings none",
        ),
        (r#"agents: {"a": (command: [])}"#, "agents.a.command: this cannot be empty"),
        (
            r#"agents: {"a": (command: "x")}"#,
            "agents.a.command: expected a list of strings `[\"…\"]`, found a string",
        ),
        (
            r#"agents: {"a": (command: ["x", 1])}"#,
            "agents.a.command[1]: expected a string, found a number",
        ),
        (
            r#"agents: {"a": (profile: Cloude)}"#,
            "agents.a.profile: `Cloude` is not one of the choices",
        ),
        (
            r#"agents: {"a": (profile: Claude, remote: On("b"))}"#,
            "agents.a.remote: there is no remote \"b\"",
        ),
        (
            r#"agents: {"a": (profile: Claude, remote: "b")}"#,
            "agents.a.remote: expected `Default`, `Local` or `On(\"…\")`, found a string",
        ),
        (
            r#"default_remote: "a b""#,
            "default_remote: a name has letters, digits, '.', '_' and '-' and starts with a letter or digit; ' ' is not one",
        ),
        (r#"default_remote: "a", renotes: {"a": ()}"#, ": there is no field `renotes` in the file"),
        (r#"default_remote: "box""#, "default_remote: there is no remote \"box\""),
    ] {
        let found = complaints(load_body(body));
        assert_eq!(found.len(), 1, "{body}: {found:?}");
        assert!(found[0].ends_with(wanted), "{body}\n  {}\n  {wanted}", found[0]);
    }
}

#[test]
fn a_file_that_is_none_is_told_apart() {
    for (text, wanted) in [
        ("", "the file holds no configuration"),
        (" // all of it\n /* is */ ", "the file holds no configuration"),
        ("(version: 1", "expected a comma"),
        ("(version: 1, remotes: {", "the file ends in the middle"),
        ("(version: 1) (", "expected the end of the file"),
        ("(version: 1, default_remote: \"a", "a string is not closed"),
        ("(version: 1 /* x", "a comment is not closed"),
        ("#![enable(nonsense)] (version: 1)", "there is no RON extension of this name"),
        ("(remotes: {})", "the file does not say its version"),
        ("(version: 2, renotes: {})", "version 2 of the format is not known"),
        ("(version: \"1\")", "expected a number, found a string"),
        ("[1]", "expected fields `(name: value, …)`, found a list `[…]`"),
        ("Confg(version: 1)", "expected fields `(name: value, …)`, found a name"),
    ] {
        let found = complaints(load_one(text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].ends_with(wanted), "{text:?}: {}", found[0]);
    }
    for trouble in [SourceTrouble::Directory, SourceTrouble::NotText { at: 3 }] {
        let source = SourceFile { path: "x".into(), role: Role::Main, text: Err(trouble.clone()) };
        assert_eq!(complaints(load_all(&[source], &Facts::default())), [format!(": {trouble}")]);
    }
}

#[test]
fn tells_all_problems_of_all_files_at_once() {
    let first = "(\n    version: 1,\n    default_remote: \"gpu-bx\",\n    remotes: {\n        \"gpu-box\": (prot: 22, port: 99999),\n        \"gpu-box\": (),\n    },\n)\n";
    let second = "(\n    remotes: { \"gpu-box\": (env: { \"A-B\": \"hunter2\" }) },\n)\n";
    let files = [main_file(first), file("conf.d/x.ron", Role::Fragment, second)];
    let report = load_all(&files, &Facts::default()).unwrap_err();
    assert_eq!(
        report.to_string(),
        r#"error: there is no remote "gpu-bx"
 --> longhaul.ron:3:21 (default_remote)
  |
3 |     default_remote: "gpu-bx",
  |                     ^^^^^^^^
  = help: did you mean "gpu-box"?

error: there is no field `prot` in a remote
 --> longhaul.ron:5:21 (remotes.gpu-box.prot)
  |
5 |         "gpu-box": (prot: ***, port: 99999),
  |                     ^^^^
  = help: did you mean `port`?

error: a port is a number from 1 to 65535
 --> longhaul.ron:5:37 (remotes.gpu-box.port)
  |
5 |         "gpu-box": (prot: ***, port: 99999),
  |                                      ^^^^^

error: the remote "gpu-box" is given twice
 --> longhaul.ron:6:9 (remotes.gpu-box)
  |
6 |         "gpu-box": ***,
  |         ^^^^^^^^^
  ::: first here
 --> longhaul.ron:5:9
  |
5 |         "gpu-box": (prot: ***, port: 99999),
  |         ^^^^^^^^^
  = help: keep one of the two

error: the remote "gpu-box" is given twice
 --> conf.d/x.ron:2:16 (remotes.gpu-box)
  |
2 |     remotes: { "gpu-box": (env: { "A-B": *** }) },
  |                ^^^^^^^^^
  ::: first here
 --> longhaul.ron:5:9
  |
5 |         "gpu-box": (prot: ***, port: 99999),
  |         ^^^^^^^^^
  = help: keep one of the two

error: the name of an environment variable has letters, digits and '_'; '-' is not one
 --> conf.d/x.ron:2:35 (remotes.gpu-box.env)
  |
2 |     remotes: { "gpu-box": (env: { "A-B": *** }) },
  |                                   ^^^^^

6 problems; the configuration was not taken"#
    );
}

#[test]
fn no_report_shows_an_env_value() {
    for text in [
        r#"(version: 1, remotes: {"a": (port: 0, env: {"T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (port: 0, evn: {"T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": Plain("hunter2")})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": FromEnv("hunter2-")})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": FromEvn("hunter2")})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": hunter2})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": hunter2("x")})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": ["hunter2"]})})"#,
        r#"(version: 1, remotes: {"a": (env: ["T=hunter2"])})"#,
        r#"(version: 1, remotes: {"a": (env: {"1T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": "x", "T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (env: {"A": "b"}, env: {"T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (), "a": (env: {"T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a b": (env: {"T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": ("T": "hunter2")})"#,
        r#"(version: 1, remotes: [(env: {"T": "hunter2"})])"#,
        r#"(version: 2, remotes: {"a": (env: {"T": "hunter2"})})"#,
        r#"(remotes: {"a": (env: {"T": "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T": "hunter2})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T: "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (env: {"T" "hunter2"})})"#,
        r#"(version: 1, remotes: {"a": (env: {T: hunter2-})})"#,
        r#"[(env: {"T": "hunter2"})]"#,
        r#"(version: 1, default_remote: "b", remotes: {"a": (env: {"T": "hunter2"})})"#,
        "(version: 1, remotes: {\"a\": (env: {\"T\": \"x\nhunter2\", \"1\": \"y\"})})",
    ] {
        let report = load_one(text).expect_err(text);
        assert!(!report.to_string().contains("hunter2"), "{text}\n{report}");
        assert!(!format!("{report:?}").contains("hunter2"), "{text}\n{report:?}");
    }
}

#[test]
fn a_fragment_adds_and_does_not_override() {
    let first = main_file(r#"(version: 1, remotes: {"a": ()}, default_remote: "a")"#);
    let adds = file(
        "conf.d/b.ron",
        Role::Fragment,
        r#"(remotes: {"b": ()}, agents: {"c": (profile: Codex, remote: On("a"))})"#,
    );
    let both = load_all(&[first.clone(), adds], &Facts::default()).unwrap().config;
    assert_eq!(both.remotes.len(), 2);
    assert_eq!(both.agents["c"].remote, AgentRemote::On(name("a")));
    let again = file("conf.d/c.ron", Role::Fragment, r#"(default_remote: "a")"#);
    let report = load_all(&[first.clone(), again], &Facts::default()).unwrap_err();
    assert_eq!(report.problems[0].kind, ProblemKind::SetTwice { name: "default_remote" });
    let (_, earlier) = report.problems[0].related.as_ref().unwrap();
    assert_eq!(earlier.to_string(), "longhaul.ron:1:50");
    let newer = file("conf.d/d.ron", Role::Fragment, "(version: 2)");
    assert!(load_all(&[first, newer], &Facts::default()).is_err());
}

#[test]
fn a_broken_file_is_not_blamed_for_names_that_it_may_hold() {
    let first = main_file(r#"(version: 1, default_remote: "a")"#);
    let broken = file("conf.d/b.ron", Role::Fragment, r#"(remotes: {"a": (})"#);
    let report = load_all(&[first, broken], &Facts::default()).unwrap_err();
    assert_eq!(report.problems.len(), 1, "{report}");
}

#[test]
fn a_key_that_ssh_would_not_use_is_refused_where_it_would_be_used() {
    let key = PathBuf::from("/home/me/.ssh/k");
    for (state, wanted) in [
        (KeyFile::Missing, "the key file /home/me/.ssh/k does not exist"),
        (KeyFile::NotAFile, "/home/me/.ssh/k is not a file"),
        (
            KeyFile::Exposed { mode: 0o644 },
            "the key file /home/me/.ssh/k can be read by others (mode 0644)",
        ),
    ] {
        let facts = Facts { key_files: BTreeMap::from([(key.clone(), state)]) };
        for (enabled, taken) in [("true", false), ("false", true)] {
            let text = format!(
                r#"(version: 1, remotes: {{"a": (identity_file: "~/.ssh/k", enabled: {enabled})}})"#
            );
            let files = [main_file(&text)];
            assert_eq!(
                Draft::read(&files, Some(Path::new("/home/me"))).key_files(),
                BTreeSet::from([key.clone()])
            );
            let (problems, warnings) = match load_all(&files, &facts) {
                Ok(loaded) => (Vec::new(), loaded.warnings),
                Err(report) => (report.problems, report.warnings),
            };
            assert_eq!(problems.is_empty(), taken);
            let all: Vec<_> = problems.iter().chain(&warnings).collect();
            assert_eq!(all.len(), 1);
            assert_eq!(all[0].kind.to_string(), wanted);
            assert_eq!(all[0].path, "remotes.a.identity_file");
        }
    }
}

#[test]
fn a_disabled_remote_that_is_named_is_odd_but_no_error() {
    let loaded = load_body(
        r#"default_remote: "a", remotes: {"a": (enabled: false)}, agents: {"c": (profile: Codex, remote: On("a"))}"#,
    );
    let paths: Vec<_> = loaded.unwrap().warnings.into_iter().map(|w| w.path).collect();
    assert_eq!(paths, ["default_remote", "agents.c.remote"]);
}

#[test]
fn a_restart_policy_is_a_name_with_or_without_its_fields() {
    use crate::domain::session::{RestartPolicy, Retry};
    let read = |text: &str| {
        let body = format!("agents: {{\"a\": (command: [\"x\"], restart: {text})}}");
        load_body(&body).map(|loaded| loaded.config.agents["a"].restart)
    };
    let retry = |limit, backoff_s| Retry { limit, backoff_s };
    for (text, policy) in [
        ("Never", RestartPolicy::Never),
        ("OnFailure", RestartPolicy::OnFailure(Retry::default())),
        ("OnFailure()", RestartPolicy::OnFailure(Retry::default())),
        ("OnLost(limit: 5)", RestartPolicy::OnLost(retry(5, 10))),
        ("OnFailure(limit: 1, backoff: \"2m\")", RestartPolicy::OnFailure(retry(1, 120))),
        ("OnLost( // soon\n backoff: \"0s\")", RestartPolicy::OnLost(retry(3, 0))),
    ] {
        assert_eq!(read(text).unwrap(), policy, "{text}");
    }
    for (text, said) in [
        ("OnFailur", "OnFailure"),
        ("Always", "OnLost"),
        ("OnFailure(limit: 0)", "1 to 1000"),
        ("OnFailure(limits: 3)", "limits"),
        ("OnFailure(backoff: \"soon\")", "backoff"),
        ("Never(limit: 3)", "Never"),
        ("3", "OnFailure"),
        ("\"OnFailure\"", "OnFailure"),
    ] {
        let report = read(text).unwrap_err().to_string();
        assert!(report.contains(said), "{text}\n{report}");
    }
}
