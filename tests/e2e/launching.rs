//! What the command is given: arguments, environment, prompt, directory.

use std::collections::BTreeMap;

use crate::support::checksum;
use crate::support::command::{Input, Running};
use crate::support::config::{Config, Entry};
use crate::support::sshd::Setup;
use crate::support::world::{PLACES, World};

/// Everything that some shell on the way would like to have for itself.
const NASTY: [&str; 18] = [
    "",
    " ",
    "two words",
    "'single'",
    "\"double\"",
    "back\\slash\\",
    "line\nbreak",
    "trailing newline\n",
    "$HOME `id` $(id)",
    "!! !x",
    "*?[a]{b,c}~",
    "a;b&c|d<e>f(g)",
    "#comment",
    "-n",
    "--",
    "ünïcödé ✓ 猫",
    "\ttab\u{7}bell\u{1b}escape",
    "%s %b \\0101 \\n",
];

/// Prints each argument and a NUL after it.
const SHOW: &str = r#"for a; do printf '%s\0' "$a"; done"#;

fn split_nul(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}

#[test]
fn arguments_arrive_exactly() {
    let world = World::new();
    for place in PLACES {
        let args: Vec<_> = ["--", "sh", "-c", SHOW, "sh"].into_iter().chain(NASTY).collect();
        let said = world.run(place, &args).exited(0);
        assert_eq!(split_nul(&said.stdout), NASTY);
    }
}

#[test]
fn env_values_arrive_exactly() {
    let world = World::new();
    for place in PLACES {
        let settings: Vec<_> =
            NASTY.iter().enumerate().map(|(n, value)| format!("V{n}={value}")).collect();
        let mut args: Vec<&str> = settings.iter().flat_map(|s| ["-e", s.as_str()]).collect();
        args.extend(["--", "env", "-0"]);
        let said = world.run(place, &args).exited(0);
        let seen: BTreeMap<_, _> = split_nul(&said.stdout)
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for (n, value) in NASTY.iter().enumerate() {
            assert_eq!(seen.get(&format!("V{n}")).map(String::as_str), Some(*value), "V{n}");
        }
    }
}

#[test]
fn env_comes_from_the_configuration_and_the_run_overrides_it() {
    let world = World::new();
    let file = world.home.path().join("token");
    std::fs::write(&file, "from a file\n").unwrap();
    let env = format!(
        r#"{{ "PLAIN": "as it is", "TAKEN": FromEnv("CONTROL_SIDE"), "READ": FromFile({}),
            "ASKED": FromCommand(["printf", "from a command"]), "OVER": "configured" }}"#,
        crate::support::config::quoted(&file.to_string_lossy()),
    );
    world.home.configure(&Config::default().with_remote(world.remote().raw("env", &env)));
    let script = r#"printf '%s|' "$PLAIN" "$TAKEN" "$READ" "$ASKED" "$OVER""#;
    let args = ["run", "--on", "box", "-e", "OVER=given", "--", "sh", "-c", script];
    let mut command = world.home.command(&args);
    command.env("CONTROL_SIDE", "from the environment");
    let said = Running::start(command, Input::Nothing).finish().exited(0);
    let expected = "as it is|from the environment|from a file|from a command|given|";
    assert_eq!(said.out(), expected);
}

#[test]
fn an_env_name_alone_takes_the_callers_value() {
    let world = World::new();
    let args = ["run", "--on", "box", "-e", "MINE", "--", "sh", "-c", "printf %s \"$MINE\""];
    let mut command = world.home.command(&args);
    command.env("MINE", "the caller's");
    let said = Running::start(command, Input::Nothing).finish().exited(0);
    assert_eq!(said.out(), "the caller's");
}

/// An agent on the remote that says its prompt.
fn world_with_echo() -> World {
    let world = World::new();
    let agent = Entry::named("echo").raw("command", r#"["cat"]"#).raw("remote", r#"On("box")"#);
    world.home.configure(&Config::default().with_remote(world.remote()).with_agent(agent));
    world
}

#[test]
fn a_prompt_is_the_agents_standard_input_byte_for_byte() {
    let world = world_with_echo();
    let prompt = format!("{}no newline at the end", NASTY.join("\n"));
    let file = world.home.path().join("prompt");
    std::fs::write(&file, &prompt).unwrap();
    let file = file.to_string_lossy();
    let said = world.home.longhaul(&["run", "--agent", "echo", "--prompt-file", &file]).exited(0);
    assert_eq!(said.out(), prompt);
    let said = world.home.longhaul(&["run", "--agent", "echo", "--prompt", &prompt]).exited(0);
    assert_eq!(said.out(), prompt);
}

#[test]
fn a_large_prompt_arrives_whole() {
    let world = world_with_echo();
    let prompt: String = (0..200_000).map(|n| format!("line {n}\n")).collect();
    let args = ["run", "--agent", "echo", "--prompt-file", "-"];
    let said = world.home.longhaul_with_input(&args, prompt.as_bytes()).exited(0);
    assert_eq!(checksum::sha256(&said.stdout), checksum::sha256(prompt.as_bytes()));
}

#[test]
fn the_home_directory_is_where_a_session_starts_and_what_tilde_means() {
    let world = World::with(&Setup { home: "home of mine", ..Setup::default() });
    let home = world.sshd.home().to_path_buf();
    std::fs::create_dir_all(home.join("x y")).unwrap();
    let home = home.to_string_lossy();
    let inside = format!("{home}/x y");
    for (cwd, expected) in [
        (None, home.as_ref()),
        (Some("~"), home.as_ref()),
        (Some("~/"), home.as_ref()),
        (Some("~/x y"), inside.as_str()),
        (Some("x y"), inside.as_str()),
        (Some("/"), "/"),
    ] {
        let given: Vec<&str> = cwd.iter().flat_map(|cwd| ["--cwd", cwd]).collect();
        let args: Vec<&str> = given.iter().chain(&["--", "pwd"]).copied().collect();
        let said = world.on_box(&args).exited(0);
        assert_eq!(said.out(), format!("{expected}\n"), "{cwd:?}");
    }
}

#[test]
fn the_remotes_working_directory_holds_where_the_run_names_none() {
    let world = World::new();
    std::fs::create_dir_all(world.sshd.home().join("project")).unwrap();
    let remote = world.remote().text("working_dir", "~/project");
    world.home.configure(&Config::default().with_remote(remote));
    let project = world.sshd.home().join("project");
    let said = world.on_box(&["--", "pwd"]).exited(0);
    assert_eq!(said.out(), format!("{}\n", project.display()));
    let said = world.on_box(&["--cwd", "/", "--", "pwd"]).exited(0);
    assert_eq!(said.out(), "/\n");
}

#[test]
fn the_default_remote_takes_what_names_no_place() {
    let world = World::new();
    let home = |world: &World| world.run(&[], &["--", "sh", "-c", "echo $HOME"]).exited(0).out();
    assert_eq!(home(&world), format!("{}\n", world.home.path().display()));
    let config = Config::default().with_remote(world.remote()).with_default("box");
    world.home.configure(&config);
    world.home.longhaul(&["config", "reload"]).exited(0);
    assert_eq!(home(&world), format!("{}\n", world.sshd.home().display()));
    let here = world.run(&["--local"], &["--", "sh", "-c", "echo $HOME"]).exited(0);
    assert_eq!(here.out(), format!("{}\n", world.home.path().display()));
}
