//! A conversation that is gone on with, and one whose link is cut meanwhile.

use serde_json::Value;

use super::bench::{Bench, Cli, TURN};
use super::provider::Mode;
use super::support::proxy::Proxy;
use super::support::wait::eventually_or;

fn text(told: &[Value]) -> String {
    let texts = told.iter().filter(|one| one["type"] == "text");
    texts.filter_map(|one| one["text"].as_str()).collect()
}

fn goes_on(cli: Cli) {
    let bench = Bench::new(cli, Mode::Ok);
    bench.run(&["--name", "one", "hello"]).exited(0);
    let resume = ["resume", "one", "--name", "two", "and now?"];
    bench.world.home.start(&resume).finish_within(TURN).exited(0);
    // The provider was sent the first turn along with the second.
    assert_eq!(text(&bench.told("two")).trim(), "This is turn 2.", "{}", bench.world.logs());
    let conversation =
        |session: &str| bench.world.home.inspect(session)["agent_run"]["conversation"].clone();
    assert_eq!(conversation("one"), conversation("two"));
}

/// What of an event is the same in another run of the same.
fn lasting(told: Vec<Value>) -> Vec<Value> {
    let mut told = told;
    for one in &mut told {
        let Some(fields) = one.as_object_mut() else { continue };
        fields.retain(|name, _| !["offset", "conversation"].contains(&name.as_str()));
    }
    told
}

fn does_not_mind_a_cut(cli: Cli) {
    let bench = Bench::new(cli, Mode::Slow);
    bench.run(&["--name", "whole", "hello"]).exited(0);

    let proxy = Proxy::to(bench.world.sshd.port());
    bench.configure(bench.world.remote_behind(proxy.port()), Mode::Slow);
    bench.world.home.longhaul(&["config", "reload"]).exited(0);
    let before = bench.provider.streamed();
    let args = ["run", "--agent", cli.name(), "--name", "cut", "hello"];
    let cut = bench.world.home.start(&args);
    for words in [4, 10, 16] {
        eventually_or(
            "the provider is in the middle of its answer",
            || bench.provider.streamed() >= before + words,
            || bench.world.logs(),
        );
        let connections = proxy.connections();
        assert!(connections > 0);
        proxy.cut();
        eventually_or(
            "the link is there again",
            || proxy.connections() > connections,
            || bench.world.logs(),
        );
    }
    let output = cut.finish_within(TURN).exited(0).stdout;
    assert_eq!(lasting(bench.told("cut")), lasting(bench.told("whole")));
    let kept = bench.world.home.longhaul(&["logs", "--raw", "cut"]).exited(0).stdout;
    assert_eq!(output, kept);
}

fn has_no_such(cli: Cli, conversation: &str) {
    let bench = Bench::new(cli, Mode::Ok);
    let turn = bench.run(&["--resume", conversation, "and now?"]).exited(1);
    assert!(turn.err().contains("agent.no-conversation"), "{turn}");
    assert_eq!(bench.provider.streamed(), 0);
}

#[test]
fn claude_has_no_such_conversation() {
    has_no_such(Cli::Claude, "2f0c1f0e-5f4f-4d0b-9d43-6b8c6a0f1d11");
}

#[test]
fn codex_has_no_such_conversation() {
    has_no_such(Cli::Codex, "2f0c1f0e-5f4f-4d0b-9d43-6b8c6a0f1d11");
}

#[test]
fn opencode_has_no_such_conversation() {
    has_no_such(Cli::OpenCode, "ses_000000000000000000000000");
}

#[test]
fn claude_goes_on_with_its_conversation() {
    goes_on(Cli::Claude);
}

#[test]
fn codex_goes_on_with_its_conversation() {
    goes_on(Cli::Codex);
}

#[test]
fn opencode_goes_on_with_its_conversation() {
    goes_on(Cli::OpenCode);
}

#[test]
fn claude_does_not_mind_a_cut() {
    does_not_mind_a_cut(Cli::Claude);
}

#[test]
fn codex_does_not_mind_a_cut() {
    does_not_mind_a_cut(Cli::Codex);
}

#[test]
fn opencode_does_not_mind_a_cut() {
    does_not_mind_a_cut(Cli::OpenCode);
}
