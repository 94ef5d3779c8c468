//! Every way in which a provider answers, with every agent: the events, the
//! failure and the exit status that come of it.

use serde_json::Value;

use super::bench::{Bench, Cli};
use super::provider::{LONG_WORDS, Mode, SLOW_WORDS};

/// What comes of an answer.
#[derive(Debug, Clone, Copy)]
struct Expected {
    /// The events by their types; what comes several times in a row is there
    /// once.
    types: &'static [&'static str],
    /// The exit status.
    status: i32,
    /// The failure's code.
    code: Option<&'static str>,
}

const WELL: &[&str] = &["started", "text", "usage", "result"];
/// It does not know the mock model, and says so first.
const CODEX_WELL: &[&str] = &["started", "error", "text", "usage", "result"];
const FAILED: &[&str] = &["started", "error", "result"];
const FAILED_AGAIN: &[&str] = &["started", "retrying", "error", "result"];
const CODEX_FAILED_AGAIN: &[&str] = &["started", "error", "retrying", "error", "result"];
/// It tells of no retry, and gives no result.
const OPENCODE_FAILED: &[&str] = &["started", "error"];

fn expected(cli: Cli, mode: Mode) -> Expected {
    let code = match mode {
        Mode::Ok | Mode::Slow | Mode::Long => None,
        Mode::RateLimited => Some("agent.rate-limited"),
        Mode::Unauthorized => Some("agent.key-invalid"),
        Mode::Overloaded => Some("agent.overloaded"),
        Mode::NoCredit => Some("agent.no-credit"),
        Mode::TooLong => Some("agent.context-too-long"),
        Mode::Broken => Some("agent.provider-unreachable"),
    };
    let types = match (cli, mode) {
        (Cli::Codex, _) if code.is_none() => CODEX_WELL,
        (_, _) if code.is_none() => WELL,
        // It tries to make the conversation shorter.
        (Cli::OpenCode, Mode::TooLong) => &["started", "error", "started", "error"],
        (Cli::OpenCode, _) => OPENCODE_FAILED,
        (_, Mode::NoCredit | Mode::TooLong) | (Cli::Claude, Mode::Broken) => FAILED,
        (Cli::Claude, _) => FAILED_AGAIN,
        (Cli::Codex, _) => CODEX_FAILED_AGAIN,
    };
    Expected { types, status: i32::from(code.is_some()), code }
}

fn said(mode: Mode) -> String {
    let counted = |count| (0..count).map(|n| format!("word{n} ")).collect::<String>();
    match mode {
        Mode::Slow => counted(SLOW_WORDS),
        Mode::Long => counted(LONG_WORDS),
        _ => "This is turn 1.".to_owned(),
    }
}

/// A turn of `cli` that is answered in `mode`, and all that comes of it.
pub(crate) fn plays_out(cli: Cli, mode: Mode) {
    let bench = Bench::new(cli, mode);
    let turn = bench.run(&["--name", "job", "hello"]);
    let told = bench.told("job");
    let mut types: Vec<&str> = told.iter().filter_map(|one| one["type"].as_str()).collect();
    types.dedup();
    let job = bench.world.home.inspect("job");
    let shown = || format!("{turn}\n{told:#?}\n{job:#}\n{}", bench.world.logs());

    let expected = expected(cli, mode);
    assert_eq!(types, expected.types, "{}", shown());
    assert_eq!(turn.code(), Some(expected.status), "{}", shown());
    let failure = &job["failure"];
    assert_eq!(failure["code"].as_str(), expected.code, "{}", shown());
    let texts: String = told
        .iter()
        .filter(|one| one["type"] == "text")
        .filter_map(|one| one["text"].as_str())
        .collect();
    let run = &job["agent_run"];
    // What is needed to go on, however it ended.
    assert!(run["conversation"].is_string(), "{}", shown());
    if let Some(code) = expected.code {
        assert!(turn.err().contains(code), "{}", shown());
        assert!(turn.err().contains("@127.0.0.1"), "{}", shown());
        assert_ne!(failure["evidence"], Value::Null, "{}", shown());
    } else {
        assert_eq!(texts.trim(), said(mode).trim(), "{}", shown());
        assert_eq!(run["result"], true, "{}", shown());
        assert_eq!(run["usage"]["input"], 11, "{}", shown());
        assert_eq!(run["usage"]["output"], 5, "{}", shown());
    }
}

macro_rules! modes {
    ($($name:ident: $cli:ident $mode:ident;)*) => {
        $(
            #[test]
            fn $name() {
                plays_out(Cli::$cli, Mode::$mode);
            }
        )*
    };
}

modes! {
    claude_answers: Claude Ok;
    claude_answers_slowly: Claude Slow;
    claude_answers_at_length: Claude Long;
    claude_is_rate_limited: Claude RateLimited;
    claude_is_unauthorized: Claude Unauthorized;
    claude_is_overloaded: Claude Overloaded;
    claude_has_no_credit: Claude NoCredit;
    claude_is_told_too_much: Claude TooLong;
    codex_answers: Codex Ok;
    codex_answers_slowly: Codex Slow;
    codex_answers_at_length: Codex Long;
    codex_is_rate_limited: Codex RateLimited;
    codex_is_unauthorized: Codex Unauthorized;
    codex_is_overloaded: Codex Overloaded;
    codex_has_no_credit: Codex NoCredit;
    codex_is_told_too_much: Codex TooLong;
    opencode_answers: OpenCode Ok;
    opencode_answers_slowly: OpenCode Slow;
    opencode_answers_at_length: OpenCode Long;
    opencode_is_rate_limited: OpenCode RateLimited;
    opencode_is_unauthorized: OpenCode Unauthorized;
    opencode_is_overloaded: OpenCode Overloaded;
    opencode_has_no_credit: OpenCode NoCredit;
    opencode_is_told_too_much: OpenCode TooLong;
}

#[test]
fn codex_refuses_a_folder_that_nobody_has_called_trusted() {
    let bench = Bench::new(Cli::Codex, Mode::Ok);
    bench.without_arguments(Mode::Ok);
    let turn = bench.run(&["hello"]).exited(1);
    assert!(turn.err().contains("agent.permission-denied"), "{turn}");
    assert!(turn.err().contains("Not inside a trusted directory"), "{turn}");
}
