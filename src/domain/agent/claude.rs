//! Claude Code: `claude -p --output-format stream-json`.
//!
//! Its lines are `system`, `assistant`, `user` and `result`. What the program
//! says itself comes as a message of the model `<synthetic>` with an `error`
//! beside it.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::detect::LoginSigns;
use super::event::{AgentEvent, Awaited, Usage};
use super::json::{at, count, in_a_line, items, string, text, text_of_blocks};
use super::trouble::{Complaint, Passes, Trouble};
use super::usd::Usd;

/// Claude Code.
#[derive(Debug)]
pub(super) struct Claude;

const SPEC: Spec = Spec {
    name: "claude",
    program: "claude",
    install: Some("npm install -g @anthropic-ai/claude-code"),
    login: Some(&LoginSigns {
        variables: &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
        ],
        folder: "~/.claude",
        moved: Some("CLAUDE_CONFIG_DIR"),
        files: &[".credentials.json"],
        command: "claude auth login",
    }),
    arguments: Arguments {
        // Without --verbose, stream-json is refused.
        run: &["-p", "--output-format", "stream-json", "--verbose", "{options}"],
        resume: Some(&[
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--resume",
            "{session}",
            "{options}",
        ]),
        model: Some(&["--model", "{}"]),
        plan: Some(&["--permission-mode", "plan"]),
        mode: Some(&["--permission-mode", "{}"]),
        skip: Some(&["--dangerously-skip-permissions"]),
        dir: Some(&["--add-dir", "{}"]),
        // It takes them in messages on standard input only.
        version: &["--version"],
    },
    statuses: &[],
    refusals: &[("No conversation found with session ID: {session}", Trouble::NoConversation)],
    tells_result: true,
};

/// How its own words begin where the provider did not answer, or not to the end.
const BROKEN_LINE: [&str; 3] = [
    "API Error: Connection ",
    "API Error: Unable to connect to API",
    "API Error: Request timed out",
];

impl AgentCli for Claude {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>) {
        match text(line, &["type"]) {
            Some("system") => system(line, events),
            Some("assistant") => assistant(line, events),
            Some("user") => user(line, events),
            Some("rate_limit_event") => limit(line, events),
            Some("result") => result(line, events),
            _ => {}
        }
    }
}

fn system(line: &Value, events: &mut Vec<AgentEvent>) {
    match text(line, &["subtype"]) {
        Some("init") => events.push(AgentEvent::Started {
            conversation: text(line, &["session_id"]).map(str::to_owned),
            model: text(line, &["model"]).map(str::to_owned),
        }),
        Some("api_retry") => {
            let word = string(line, &["error"]);
            let trouble = Trouble::of_status(count(line, &["error_status"]))
                .unwrap_or_else(|| of_word(&word));
            let wait = at(line, &["retry_delay_ms"]).as_f64().filter(|wait| *wait >= 0.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float that does not fit becomes the nearest number that does"
            )]
            let wait_ms = wait.map(|wait| wait as u64);
            events.push(AgentEvent::Retrying { wait_ms, complaint: Complaint::new(trouble, word) });
        }
        _ => {}
    }
}

fn assistant(line: &Value, events: &mut Vec<AgentEvent>) {
    if let Some(word) = text(line, &["error"]) {
        let said = text_of_blocks(at(line, &["message", "content"]));
        // A line that broke and a server in trouble have the same word.
        let trouble = if BROKEN_LINE.iter().any(|words| said.starts_with(words)) {
            Trouble::Unreachable
        } else {
            of_word(word)
        };
        events.push(AgentEvent::Error { complaint: Complaint::new(trouble, said) });
        return;
    }
    for block in items(line, &["message", "content"]) {
        match text(block, &["type"]) {
            Some("text") => {
                events.push(AgentEvent::Text { text: string(block, &["text"]), partial: false });
            }
            Some("thinking") => {
                events.push(AgentEvent::Reasoning { text: string(block, &["thinking"]) });
            }
            Some("tool_use" | "server_tool_use") => events.push(AgentEvent::ToolCall {
                id: string(block, &["id"]),
                name: string(block, &["name"]),
                input: in_a_line(at(block, &["input"])),
            }),
            _ => {}
        }
    }
}

fn user(line: &Value, events: &mut Vec<AgentEvent>) {
    for block in items(line, &["message", "content"]) {
        if text(block, &["type"]) == Some("tool_result") {
            events.push(AgentEvent::ToolResult {
                id: string(block, &["tool_use_id"]),
                ok: at(block, &["is_error"]) != &Value::Bool(true),
                output: text_of_blocks(at(block, &["content"])),
            });
        }
    }
}

/// A plan's limit. One that is only near says `allowed` or `allowed_warning`.
fn limit(line: &Value, events: &mut Vec<AgentEvent>) {
    let info = at(line, &["rate_limit_info"]);
    if text(info, &["status"]) == Some("rejected") {
        let passes = at(info, &["resetsAt"]).as_u64().map(Passes::AtS);
        let said = format!("usage limit reached ({})", string(info, &["rateLimitType"]));
        let complaint = Complaint::new(Trouble::RateLimited, said).passing(passes);
        events.push(AgentEvent::Error { complaint });
    }
}

fn result(line: &Value, events: &mut Vec<AgentEvent>) {
    let denials = items(line, &["permission_denials"]);
    events.extend(denials.iter().map(|denial| AgentEvent::Waiting {
        what: Awaited::Permission,
        detail: format!(
            "{} {}",
            string(denial, &["tool_name"]),
            in_a_line(at(denial, &["tool_input"]))
        ),
    }));
    let usage = usage(line);
    if !usage.is_nothing() {
        events.push(AgentEvent::Usage { usage, total: true });
    }
    let failed = at(line, &["is_error"]) == &Value::Bool(true)
        || text(line, &["subtype"]).is_some_and(|subtype| subtype.starts_with("error"));
    let complaint = failed.then(|| complaint(line)).flatten();
    events.push(AgentEvent::Result { ok: !failed, complaint });
}

/// The line's own sum leaves out what an answer that broke off has taken; the
/// sums by model have it.
fn usage(line: &Value) -> Usage {
    let cost_usd = at(line, &["total_cost_usd"]).as_f64().and_then(Usd::from_dollars);
    let mut usage = Usage { cost_usd, ..Usage::default() };
    if let Some(models) = at(line, &["modelUsage"]).as_object().filter(|models| !models.is_empty())
    {
        for model in models.values() {
            let cached = count(model, &["cacheReadInputTokens"]);
            let written = count(model, &["cacheCreationInputTokens"]);
            usage.cached += cached;
            usage.input += count(model, &["inputTokens"]) + cached + written;
            usage.output += count(model, &["outputTokens"]);
        }
        return usage;
    }
    let sum = at(line, &["usage"]);
    usage.cached = count(sum, &["cache_read_input_tokens"]);
    usage.input =
        count(sum, &["input_tokens"]) + usage.cached + count(sum, &["cache_creation_input_tokens"]);
    usage.output = count(sum, &["output_tokens"]);
    usage
}

/// What a failed result says by itself; `None` where the error before it says
/// more.
fn complaint(line: &Value) -> Option<Complaint> {
    let errors: Vec<&str> =
        items(line, &["errors"]).iter().filter_map(|error| error.as_str()).collect();
    let said = text(line, &["result"]).map_or_else(|| errors.join("; "), str::to_owned);
    let unknown = |said: &str| said.starts_with("No conversation found with session ID");
    let trouble = match (text(line, &["terminal_reason"]), text(line, &["subtype"])) {
        (Some("prompt_too_long"), _) => Trouble::ContextTooLong,
        (_, Some("error_max_turns" | "error_max_budget_usd")) => Trouble::Limit,
        _ if errors.iter().any(|said| unknown(said)) => Trouble::NoConversation,
        _ => Trouble::of_status(count(line, &["api_error_status"]))?,
    };
    Some(Complaint::new(trouble, said))
}

fn of_word(word: &str) -> Trouble {
    match word {
        // With a key that is refused, the result has the status 401.
        "authentication_failed" => Trouble::NotLoggedIn,
        "server_error" => Trouble::Overloaded,
        "connection_error" | "network_error" => Trouble::Unreachable,
        word => Trouble::of_word(word).unwrap_or(Trouble::Other),
    }
}
