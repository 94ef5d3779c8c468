//! The GitHub Copilot CLI: `copilot --output-format json`.
//!
//! Its lines have a `type` and `data`. Pieces of an answer are told and the
//! whole of it after them; only that counts here. It repeats the prompt as
//! `user.message`, which is not shown.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::detect::LoginSigns;
use super::event::{AgentEvent, Awaited, Usage};
use super::json::{at, count, in_a_line, items, string, text};
use super::trouble::{Complaint, Trouble};

/// The GitHub Copilot CLI.
#[derive(Debug)]
pub(super) struct Copilot;

const SPEC: Spec = Spec {
    name: "copilot",
    program: "copilot",
    install: Some("npm install -g @github/copilot"),
    login: Some(&LoginSigns {
        variables: &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
        folder: "~/.copilot",
        moved: Some("COPILOT_HOME"),
        files: &["config.json"],
        command: "copilot login",
    }),
    arguments: Arguments {
        // Without a terminal it takes its prompt from standard input. An update
        // of itself in the middle of many runs would be nobody's wish.
        run: &["--output-format", "json", "--no-auto-update", "{options}"],
        resume: Some(&[
            "--output-format",
            "json",
            "--no-auto-update",
            "--resume={session}",
            "{options}",
        ]),
        model: Some(&["--model", "{}"]),
        plan: Some(&["--mode", "plan"]),
        mode: Some(&["--mode", "{}"]),
        skip: Some(&["--allow-all"]),
        dir: Some(&["--add-dir", "{}"]),
        version: &["--version"],
    },
    statuses: &[],
    refusals: &[],
    tells_result: true,
};

impl AgentCli for Copilot {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>) {
        let data = at(line, &["data"]);
        match text(line, &["type"]) {
            Some("session.start" | "session.resume") => events.push(AgentEvent::Started {
                conversation: text(data, &["sessionId"]).map(str::to_owned),
                model: text(data, &["selectedModel"]).map(str::to_owned),
            }),
            Some("session.tools_updated") => events.push(AgentEvent::Started {
                conversation: None,
                model: text(data, &["model"]).map(str::to_owned),
            }),
            Some("assistant.message") => message(data, events),
            Some("assistant.reasoning") => {
                events.push(AgentEvent::Reasoning { text: string(data, &["content"]) });
            }
            Some("tool.execution_complete") => {
                let output = text(data, &["result", "content"])
                    .or_else(|| text(data, &["error", "message"]));
                events.push(AgentEvent::ToolResult {
                    id: string(data, &["toolCallId"]),
                    ok: at(data, &["success"]) == &Value::Bool(true),
                    output: output.unwrap_or_default().to_owned(),
                });
            }
            Some("assistant.usage") => {
                let usage = Usage {
                    input: count(data, &["inputTokens"]),
                    cached: count(data, &["cacheReadTokens"]),
                    output: count(data, &["outputTokens"]),
                    cost_usd: None,
                };
                events.push(AgentEvent::Usage { usage, total: false });
            }
            Some("permission.requested") => events.push(AgentEvent::Waiting {
                what: Awaited::Permission,
                detail: string(data, &["permissionRequest", "kind"]),
            }),
            Some("user_input.requested") => events.push(AgentEvent::Waiting {
                what: Awaited::Input,
                detail: string(data, &["question"]),
            }),
            Some("model.call_failure") => {
                let complaint = complaint(data, "errorMessage");
                events.push(AgentEvent::Retrying { wait_ms: None, complaint });
            }
            Some("session.error") => {
                events.push(AgentEvent::Error { complaint: complaint(data, "message") });
            }
            Some("result") => {
                events.push(AgentEvent::Started {
                    conversation: text(line, &["sessionId"]).map(str::to_owned),
                    model: None,
                });
                let ok = count(line, &["exitCode"]) == 0;
                events.push(AgentEvent::Result { ok, complaint: None });
            }
            _ => {}
        }
    }
}

fn message(data: &Value, events: &mut Vec<AgentEvent>) {
    if let Some(said) = text(data, &["content"]).filter(|said| !said.is_empty()) {
        events.push(AgentEvent::Text { text: said.to_owned(), partial: false });
    }
    events.extend(items(data, &["toolRequests"]).iter().map(|call| AgentEvent::ToolCall {
        id: string(call, &["toolCallId"]),
        name: string(call, &["name"]),
        input: in_a_line(at(call, &["arguments"])),
    }));
}

fn complaint(data: &Value, words: &str) -> Complaint {
    let said = string(data, &[words]);
    let transport = text(data, &["failureKind"]) == Some("transport");
    let answered = at(data, &["statusCode"]).is_u64();
    let trouble = match text(data, &["errorType"]) {
        Some("authentication" | "authorization") => Trouble::KeyInvalid,
        Some("rate_limit") => Trouble::RateLimited,
        Some("quota") => Trouble::NoCredit,
        Some("context_limit") => Trouble::ContextTooLong,
        _ if transport => Trouble::Unreachable,
        _ => match Trouble::of_status(count(data, &["statusCode"])) {
            Some(trouble) => trouble,
            // After its retries without an answer.
            None if !answered && said.starts_with("Failed to get response") => Trouble::Unreachable,
            // The API's own words follow the status.
            None if said.starts_with("400 This model's maximum context length") => {
                Trouble::ContextTooLong
            }
            None => Trouble::Other,
        },
    };
    Complaint::new(trouble, said)
}
