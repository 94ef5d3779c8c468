//! The Codex CLI: `codex exec --json`.
//!
//! Its lines are `thread.started`, `turn.*`, `item.*` and `error`. Errors are
//! sentences of its own, so they are told by how they begin; what follows may
//! be a provider's words.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::detect::LoginSigns;
use super::event::{AgentEvent, Awaited, Usage};
use super::json::{at, count, in_a_line, string, text};
use super::trouble::{Complaint, Trouble};

/// The Codex CLI.
#[derive(Debug)]
pub(super) struct Codex;

const SPEC: Spec = Spec {
    name: "codex",
    program: "codex",
    install: Some("npm install -g @openai/codex"),
    login: Some(&LoginSigns {
        variables: &["CODEX_API_KEY", "OPENAI_API_KEY"],
        folder: "~/.codex",
        moved: Some("CODEX_HOME"),
        files: &["auth.json"],
        command: "codex login --device-auth",
    }),
    arguments: Arguments {
        // `-` says that the prompt is on standard input.
        run: &["exec", "--json", "{options}", "-"],
        // Some options are known to `exec` alone.
        resume: Some(&["exec", "{options}", "resume", "--json", "{session}", "-"]),
        model: Some(&["--model", "{}"]),
        plan: Some(&["--sandbox", "read-only"]),
        mode: Some(&["--sandbox", "{}"]),
        skip: Some(&["--dangerously-bypass-approvals-and-sandbox"]),
        dir: Some(&["--add-dir", "{}"]),
        version: &["--version"],
    },
    statuses: &[],
    refusals: &[
        ("no rollout found for thread id {session}", Trouble::NoConversation),
        // The folder is no repository, and --skip-git-repo-check is the user's to say.
        ("Not inside a trusted directory", Trouble::Denied),
    ],
    tells_result: true,
};

impl AgentCli for Codex {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>) {
        match text(line, &["type"]) {
            Some("thread.started") => events.push(AgentEvent::Started {
                conversation: text(line, &["thread_id"]).map(str::to_owned),
                model: text(line, &["model"]).map(str::to_owned),
            }),
            Some("item.started") => started(at(line, &["item"]), events),
            Some("item.completed") => completed(at(line, &["item"]), events),
            Some("turn.completed") => {
                let usage = at(line, &["usage"]);
                let usage = Usage {
                    input: count(usage, &["input_tokens"]),
                    cached: count(usage, &["cached_input_tokens"]),
                    output: count(usage, &["output_tokens"]),
                    cost_usd: None,
                };
                events.push(AgentEvent::Usage { usage, total: false });
                events.push(AgentEvent::Result { ok: true, complaint: None });
            }
            Some("turn.failed") => events.push(AgentEvent::Result {
                ok: false,
                complaint: Some(complaint(&string(line, &["error", "message"]))),
            }),
            Some("error") => error(&string(line, &["message"]), events),
            _ => {}
        }
    }
}

fn error(said: &str, events: &mut Vec<AgentEvent>) {
    events.push(match said.strip_prefix("Reconnecting... ") {
        // "Reconnecting... 1/5 (why)"
        Some(rest) => {
            let why = rest.split_once('(').map_or(rest, |(_, why)| why.trim_end_matches(')'));
            AgentEvent::Retrying { wait_ms: None, complaint: complaint(why) }
        }
        None => AgentEvent::Error { complaint: complaint(said) },
    });
}

/// The name and the input of a tool's item.
fn tool(item: &Value) -> Option<(String, String)> {
    let kind = text(item, &["type"])?;
    let input = match kind {
        "command_execution" => string(item, &["command"]),
        "mcp_tool_call" => {
            let name = format!("{}.{}", string(item, &["server"]), string(item, &["tool"]));
            return Some((name, in_a_line(at(item, &["arguments"]))));
        }
        "web_search" => string(item, &["query"]),
        "file_change" => {
            let changes = at(item, &["changes"]).as_array().map_or(&[][..], Vec::as_slice);
            let words: Vec<String> = changes
                .iter()
                .map(|change| {
                    format!("{} {}", string(change, &["kind"]), string(change, &["path"]))
                })
                .collect();
            words.join(", ")
        }
        "collab_tool_call" => string(item, &["prompt"]),
        _ => return None,
    };
    Some((kind.to_owned(), input))
}

fn started(item: &Value, events: &mut Vec<AgentEvent>) {
    if let Some((name, input)) = tool(item) {
        events.push(AgentEvent::ToolCall { id: string(item, &["id"]), name, input });
    }
}

fn completed(item: &Value, events: &mut Vec<AgentEvent>) {
    match text(item, &["type"]) {
        Some("agent_message") => {
            events.push(AgentEvent::Text { text: string(item, &["text"]), partial: false });
        }
        Some("reasoning") => {
            events.push(AgentEvent::Reasoning { text: string(item, &["text"]) });
        }
        // A warning: what ends a turn comes as `error` and `turn.failed`.
        Some("error") => {
            let complaint = Complaint::new(Trouble::Other, string(item, &["message"]));
            events.push(AgentEvent::Error { complaint });
        }
        _ => {
            let Some((name, input)) = tool(item) else { return };
            let id = string(item, &["id"]);
            // A change of files comes in one piece.
            if text(item, &["type"]) == Some("file_change") {
                events.push(AgentEvent::ToolCall { id: id.clone(), name: name.clone(), input });
            }
            let status = text(item, &["status"]).unwrap_or("completed");
            if status == "declined" {
                events.push(AgentEvent::Waiting { what: Awaited::Permission, detail: name });
            }
            let ok = status == "completed"
                && at(item, &["exit_code"]).as_i64().is_none_or(|code| code == 0);
            let output = text(item, &["aggregated_output"])
                .or_else(|| text(item, &["error", "message"]))
                .unwrap_or_default()
                .to_owned();
            events.push(AgentEvent::ToolResult { id, ok, output });
        }
    }
}

fn complaint(said: &str) -> Complaint {
    Complaint::new(trouble(said), said)
}

fn trouble(said: &str) -> Trouble {
    let begins = |words: &[&str]| words.iter().any(|word| said.starts_with(word));
    for prefix in ["unexpected status ", "exceeded retry limit, last status: "] {
        if let Some(rest) = said.strip_prefix(prefix) {
            let status = rest.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
            // What it sends without a key; the API's words are fixed.
            let without_key = rest.contains("Missing bearer or basic authentication");
            return match Trouble::of_status(status) {
                Some(Trouble::KeyInvalid) if without_key => Trouble::NotLoggedIn,
                other => other.unwrap_or(Trouble::Other),
            };
        }
    }
    if begins(&["Quota exceeded"]) {
        Trouble::NoCredit
    } else if begins(&["You've hit your usage limit", "Rate limit reached", "You have reached"]) {
        Trouble::RateLimited
    } else if begins(&["Codex ran out of room", "Your input exceeds the context window"]) {
        Trouble::ContextTooLong
    } else if begins(&["Selected model is at capacity", "We're currently experiencing high demand"])
    {
        Trouble::Overloaded
    } else if begins(&["Not logged in", "Your access token could not be refreshed"]) {
        Trouble::NotLoggedIn
    } else if begins(&["stream disconnected", "Connection failed", "waiting for network"]) {
        Trouble::Unreachable
    } else {
        Trouble::Other
    }
}
