//! Agents: what they tell, what they take, and why they stop.

use std::fs;

use serde_json::Value;

use crate::support::checksum;
use crate::support::config::{Config, Entry};
use crate::support::processes;
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// What a real program printed.
fn transcript(name: &str) -> Vec<u8> {
    let file = format!("{}/tests/transcripts/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    fs::read(file).expect("a transcript")
}

/// A world whose `box` has a program that does as `script` says in the place of
/// Claude Code.
fn world(script: &str) -> World {
    let world = World::new();
    let program = world.sshd.write("claude", &format!("#!/bin/sh\n{script}\n"));
    let made = std::process::Command::new("chmod").arg("755").arg(&program).status();
    assert!(made.expect("chmod runs").success());
    let agent = Entry::named("claude")
        .raw("profile", "Claude")
        .raw("remote", "On(\"box\")")
        .raw("command", &format!("[{:?}]", program.display().to_string()));
    world.home.configure(&Config::default().with_remote(world.remote()).with_agent(agent));
    world
}

/// The agent's events that were written down, oldest first.
fn written_down(world: &World) -> Vec<Value> {
    let said = world.home.longhaul(&["events", "--since", "0", "--json"]).exited(0);
    said.json_lines().into_iter().filter(|event| event["event"] == "agent").collect()
}

fn texts(told: &[Value], field: &str) -> Vec<String> {
    told.iter().map(|one| one[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_an_agent_tells_is_told_once_whoever_dies_meanwhile() {
    let world = world("head -n 3 all; until [ -e go ]; do sleep 0.1; done; tail -n +4 all");
    let all = transcript("claude/tool");
    world.sshd.write("all", &String::from_utf8(all.clone()).unwrap());
    let args = ["--agent", "claude", "--name", "job", "--prompt", "look"];
    let id = world.home.detached(&args);
    eventually_or(
        "the first events are written down",
        || written_down(&world).len() == 2,
        || world.logs(),
    );
    world.home.kill_daemon();
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", "job"]).exited(0);

    let told = world.home.longhaul(&["logs", "--json", "job"]).exited(0).json_lines();
    let expected = ["started", "reasoning", "tool-call", "tool-result", "text", "usage", "result"];
    assert_eq!(texts(&told, "type"), expected);
    let events = written_down(&world);
    let inner: Vec<Value> = events.iter().map(|event| event["told"].clone()).collect();
    assert_eq!(texts(&inner, "type"), expected, "{}", world.logs());
    for (event, told) in events.iter().zip(&told) {
        assert_eq!(event["offset"], told["offset"]);
        assert_eq!(event["session"], Value::from(id.as_str()));
        let at = usize::try_from(event["offset"].as_u64().unwrap()).unwrap();
        assert!(all[at] == b'{' && (at == 0 || all[at - 1] == b'\n'), "{event}");
    }

    let job = world.home.inspect("job");
    let run = &job["agent_run"];
    assert_eq!(run["conversation"], "85331333-2d2e-4449-851e-b7501b220101");
    assert_eq!((&run["usage"]["input"], &run["usage"]["output"]), (&22.into(), &12.into()));
    assert_eq!(run["usage"]["cost_usd"], 0.00041);
    assert_eq!((&run["tool_calls"], &run["result"]), (&1.into(), &true.into()));
    assert_eq!(texts(job["agent_events"].as_array().unwrap(), "type"), expected);
    let status = world.home.json(&["status"]);
    assert_eq!(status["used"][0]["usage"]["output"], 12);
    assert_eq!(status["used"][0]["place"], "box");
    let listed = world.home.longhaul(&["ps", "-a"]).exited(0);
    assert!(listed.out().contains("34 $0.0004"), "{listed}");
    // Into a pipe go the bytes.
    for args in [&["logs", "job"][..], &["logs", "--raw", "job"]] {
        assert_eq!(world.home.longhaul(args).exited(0).stdout, all);
    }
}

#[test]
fn why_an_agent_stopped_is_told_with_the_host_and_the_way_on() {
    let world = world("cat \"$(cat which)\"; exit 1");
    for (name, code) in [
        ("rate-limited", "agent.rate-limited"),
        ("unauthorized", "agent.key-invalid"),
        ("not-logged-in", "agent.not-logged-in"),
        ("overloaded", "agent.overloaded"),
        ("no-credit", "agent.no-credit"),
        ("too-long", "agent.context-too-long"),
        ("no-conversation", "agent.no-conversation"),
    ] {
        let text = String::from_utf8(transcript(&format!("claude/{name}"))).unwrap();
        world.sshd.write(name, &text);
        world.sshd.write("which", name);
        let said = world.home.longhaul(&["run", "--agent", "claude", "go"]).exited(1);
        assert_eq!(said.out(), text);
        assert!(said.err().contains(code) && said.err().contains("@127.0.0.1"), "{said}");
    }
    // A line that breaks off is no result.
    let all = String::from_utf8(transcript("claude/ok")).unwrap();
    world.sshd.write("torn", &all[..all.len() - 40]);
    world.sshd.write("which", "torn");
    let said = world.home.longhaul(&["run", "--agent", "claude", "go"]).exited(1);
    assert!(said.err().contains("agent.crashed"), "{said}");
}

#[test]
fn a_model_that_writes_of_errors_has_none() {
    let world = world("cat all; exit 3");
    let text = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"API Error: 429 rate limit; Invalid API key; Credit balance is too low"}]}}"#;
    let result = r#"{"type":"result","subtype":"success","is_error":false,"result":"done"}"#;
    world.sshd.write("all", &format!("{text}\n{result}\n"));
    let said = world.home.longhaul(&["run", "--agent", "claude", "go"]).exited(3);
    assert!(!said.err().contains("agent."), "{said}");
}

#[test]
fn a_prompt_of_five_megabytes_arrives_and_is_in_no_process_list() {
    let world = world("sha256sum; until [ -e go ]; do sleep 0.1; done");
    // Every byte that a text can hold, and a mark to look for.
    let every: String = (1..0x11_0000)
        .step_by(37)
        .filter_map(char::from_u32)
        .chain((1..=0x800).filter_map(char::from_u32))
        .collect();
    let mut prompt = "a-prompt-nobody-sees ".to_owned();
    while prompt.len() < 5 << 20 {
        prompt.push_str(&every);
    }
    let args = ["run", "-d", "--agent", "claude", "--prompt-file", "-"];
    let said = world.home.longhaul_with_input(&args, prompt.as_bytes()).exited(0);
    let id = said.out().trim().to_owned();
    eventually_or(
        "the agent has read all of it",
        || world.home.inspect(&id)["stdout"].as_u64() > Some(64),
        || world.logs(),
    );
    let shown = |process: &processes::Process| process.arguments.contains("a-prompt-nobody-sees");
    assert_eq!(processes::all().into_iter().filter(shown).count(), 0);
    world.sshd.write("go", "");
    let logs = world.home.longhaul(&["logs", &id]).exited(0);
    assert_eq!(logs.out().split(' ').next(), Some(checksum::sha256(prompt.as_bytes()).as_str()));
    world.home.longhaul(&["wait", &id]).exited(0);
}

#[test]
fn what_an_agents_program_lacks_is_refused() {
    let world = world("cat");
    let mine = Entry::named("mine").raw("command", "[\"cat\"]").raw("remote", "On(\"box\")");
    let config = Config::default().with_remote(world.remote()).with_agent(mine);
    world.home.configure(&config);
    world.home.longhaul(&["config", "reload"]).exited(0);
    for flags in [&["--model", "m"][..], &["--resume", "c"], &["--plan"]] {
        let args = [&["run", "--agent", "mine"], flags, &["go"]].concat();
        let said = world.home.longhaul(&args).exited(125);
        assert!(said.err().contains("generic has no way to"), "{said}");
    }
}

#[test]
fn a_resumed_conversation_goes_on_where_it_was_and_says_from_which_session() {
    let world = world("echo \"$@\" >> said; cat >> said; cat all");
    world.sshd.write("all", &String::from_utf8(transcript("claude/ok")).unwrap());
    let dir = world.sshd.home().join("work");
    fs::create_dir(&dir).unwrap();
    world.sshd.write("work/all", &String::from_utf8(transcript("claude/ok")).unwrap());
    let cwd = dir.display().to_string();
    let args = ["run", "--agent", "claude", "--cwd", &cwd, "--name", "one", "first"];
    world.home.longhaul(&args).exited(0);
    let one = world.home.inspect("one");
    let conversation = one["agent_run"]["conversation"].as_str().unwrap().to_owned();
    world.home.longhaul(&["resume", "one", "--name", "two", "second"]).exited(0);
    let two = world.home.inspect("two");
    assert_eq!(
        (&two["continues"], &two["place"], &two["cwd"]),
        (&one["id"], &one["place"], &one["cwd"])
    );
    let usual = "-p --output-format stream-json --verbose";
    let said = world.sshd.read("work/said");
    assert_eq!(said, format!("{usual}\nfirst{usual} --resume {conversation}\nsecond"));
    // A session without an agent that tells has nothing to go on with.
    let plain = world.home.detached(&["--on", "box", "--", "true"]);
    world.home.longhaul(&["wait", &plain]).exited(0);
    let refused = world.home.longhaul(&["resume", &plain]).exited(125);
    assert!(refused.err().contains("no conversation"), "{refused}");
}

#[test]
fn a_conversation_is_not_gone_on_with_while_its_agent_runs() {
    let world = world("cat all; until [ -e go ]; do sleep 0.1; done");
    world.sshd.write("all", &String::from_utf8(transcript("claude/ok")).unwrap());
    let id = world.home.detached(&["--agent", "claude", "--prompt", "first"]);
    eventually_or(
        "the agent has told its conversation",
        || world.home.inspect(&id)["agent_run"]["conversation"].is_string(),
        || world.logs(),
    );
    let refused = world.home.longhaul(&["resume", &id, "second"]).exited(125);
    assert!(refused.err().contains("has not ended"), "{refused}");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
}

/// A world whose `box` has these programs on the PATH of its login shell.
fn world_with(programs: &[(&str, &str)]) -> World {
    let world = World::new();
    world.sshd.write(".profile", "PATH=$HOME/bin:/usr/bin:/bin\n");
    for (name, script) in programs {
        let file = world.sshd.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let made = std::process::Command::new("chmod").arg("755").arg(&file).status();
        assert!(made.expect("chmod runs").success());
    }
    let config = Config::default().with_remote(world.remote()).with_default("box");
    world.home.configure(&config);
    world
}

fn found<'a>(inventory: &'a Value, program: &str) -> &'a Value {
    let agents = inventory["agents"].as_array().expect("a list");
    agents.iter().find(|one| one["program"] == program).expect("the agent")
}

#[test]
fn which_agents_a_machine_has_is_told_and_known_as_long_as_the_link_is_up() {
    let world = world_with(&[("claude", "echo 9.8.7"), ("codex", "echo broken; exit 3")]);
    world.sshd.write(".claude/.credentials.json", "{\"token\": 1}");
    let known = || {
        let agents = world.home.json(&["agent", "ls"]);
        let agents = agents.as_array().expect("a list").clone();
        let claude = agents.into_iter().find(|agent| agent["name"] == "claude");
        claude.expect("claude")["found"].clone()
    };
    assert!(known().is_null());

    let inventory = world.home.json(&["agent", "detect"]);
    assert_eq!(inventory["remote"], "box");
    let claude = found(&inventory, "claude");
    assert_eq!((&claude["version"], &claude["logged_in"]), (&"9.8.7".into(), &true.into()));
    assert!(claude["file"].as_str().unwrap().ends_with("/bin/claude"), "{claude}");
    let codex = found(&inventory, "codex");
    assert!(codex["trouble"].as_str().unwrap().contains("ended with 3: broken"), "{codex}");
    assert!(found(&inventory, "opencode")["file"].is_null(), "{inventory}");
    assert_eq!(known()["version"], "9.8.7");
    let listed = world.home.longhaul(&["agent", "ls"]).exited(0);
    assert!(listed.out().contains("9.8.7, logged in"), "{listed}");

    // Another link may lead to another machine.
    world.sshd.kill_connections();
    eventually_or("it is not known any more", || known().is_null(), || world.logs());

    // A machine that cannot be asked is a row.
    let away = Entry::remote("away", 9, &world.home.identity());
    let config = Config::default().with_remote(world.remote()).with_remote(away);
    world.home.configure(&config);
    world.home.longhaul(&["config", "reload"]).exited(0);
    let all = world.home.json(&["agent", "detect", "--all"]);
    let all = all.as_array().expect("a list");
    let places: Vec<&str> = all.iter().filter_map(|one| one["remote"].as_str()).collect();
    assert_eq!(places, ["local", "away", "box"]);
    assert!(all[1]["error"].is_string(), "{all:#?}");
    assert_eq!(found(&all[2], "claude")["version"], "9.8.7");
    world.home.longhaul(&["agent", "detect", "away"]).exited(1);
}

#[test]
fn an_agent_that_is_not_there_is_told_with_where_it_was_looked_for_and_what_is_there() {
    let world = world_with(&[("codex", "echo codex-cli 7.8")]);
    let said = world.home.longhaul(&["run", "--agent", "opencode", "go"]).exited(127);
    assert!(said.err().contains("looked in "), "{said}");
    assert!(said.err().contains("found there instead: codex codex-cli 7.8 ("), "{said}");
}
