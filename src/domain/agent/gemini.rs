//! The Gemini CLI: `gemini --output-format stream-json`.
//!
//! Its answers come in pieces. It repeats the prompt as a message of the user,
//! which is not shown.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::detect::LoginSigns;
use super::event::{AgentEvent, Usage};
use super::json::{at, count, in_a_line, string, text};
use super::trouble::{Complaint, Trouble};

/// The Gemini CLI.
#[derive(Debug)]
pub(super) struct Gemini;

const SPEC: Spec = Spec {
    name: "gemini",
    program: "gemini",
    install: Some("npm install -g @google/gemini-cli"),
    login: Some(&LoginSigns {
        variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"],
        folder: "~/.gemini",
        moved: None,
        files: &["oauth_creds.json"],
        command: "gemini",
    }),
    arguments: Arguments {
        // Without a terminal it takes its prompt from standard input.
        run: &["--output-format", "stream-json", "{options}"],
        resume: Some(&["--output-format", "stream-json", "--resume", "{session}", "{options}"]),
        model: Some(&["--model", "{}"]),
        plan: Some(&["--approval-mode", "plan"]),
        mode: Some(&["--approval-mode", "{}"]),
        skip: Some(&["--approval-mode", "yolo"]),
        dir: Some(&["--include-directories", "{}"]),
        version: &["--version"],
    },
    // Its manual, under "headless mode": 42 is input that it cannot use.
    statuses: &[(41, Trouble::NotLoggedIn), (53, Trouble::Limit)],
    refusals: &[("Error resuming session: ", Trouble::NoConversation)],
    tells_result: true,
};

impl AgentCli for Gemini {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>) {
        match text(line, &["type"]) {
            Some("init") => events.push(AgentEvent::Started {
                conversation: text(line, &["session_id"]).map(str::to_owned),
                model: text(line, &["model"]).map(str::to_owned),
            }),
            Some("message") if text(line, &["role"]) == Some("assistant") => {
                events.push(AgentEvent::Text {
                    text: string(line, &["content"]),
                    partial: at(line, &["delta"]) == &Value::Bool(true),
                });
            }
            Some("tool_use") => events.push(AgentEvent::ToolCall {
                id: string(line, &["tool_id"]),
                name: string(line, &["tool_name"]),
                input: in_a_line(at(line, &["parameters"])),
            }),
            Some("tool_result") => {
                let output = text(line, &["output"]).or_else(|| text(line, &["error", "message"]));
                events.push(AgentEvent::ToolResult {
                    id: string(line, &["tool_id"]),
                    ok: text(line, &["status"]) == Some("success"),
                    output: output.unwrap_or_default().to_owned(),
                });
            }
            Some("error") => {
                let complaint = complaint(text(line, &["message"]).unwrap_or_default());
                events.push(AgentEvent::Error { complaint });
            }
            Some("result") => result(line, events),
            _ => {}
        }
    }
}

fn result(line: &Value, events: &mut Vec<AgentEvent>) {
    let stats = at(line, &["stats"]);
    let usage = Usage {
        input: count(stats, &["input_tokens"]),
        cached: count(stats, &["cached"]),
        output: count(stats, &["output_tokens"]),
        cost_usd: None,
    };
    if !usage.is_nothing() {
        events.push(AgentEvent::Usage { usage, total: true });
    }
    let ok = text(line, &["status"]) == Some("success");
    let complaint = (!ok).then(|| complaint(&string(line, &["error", "message"])));
    events.push(AgentEvent::Result { ok, complaint });
}

/// `[API Error: …]`, with the provider's answer inside, or a sentence that the
/// program has made of it.
fn complaint(said: &str) -> Complaint {
    let inner = said.strip_prefix("[API Error: ").map(|rest| rest.trim_end_matches(']'));
    let Some(inner) = inner else { return Complaint::new(Trouble::Other, said) };
    let body: Value = serde_json::from_str(inner).unwrap_or_default();
    let words = text(&body, &["error", "message"]).unwrap_or(inner);
    let trouble = match text(&body, &["error", "status"]) {
        Some("RESOURCE_EXHAUSTED") => Some(Trouble::RateLimited),
        Some("UNAVAILABLE") => Some(Trouble::Overloaded),
        Some("UNAUTHENTICATED" | "PERMISSION_DENIED") => Some(Trouble::KeyInvalid),
        Some("NOT_FOUND") => Some(Trouble::ModelUnknown),
        _ => Trouble::of_status(count(&body, &["error", "code"])),
    };
    // The API's own fixed words, where its status says too little.
    let trouble = trouble.unwrap_or_else(|| {
        if words.starts_with("API key not valid") {
            Trouble::KeyInvalid
        } else if words.starts_with("The input token count") {
            Trouble::ContextTooLong
        } else if words.starts_with("models/") && words.contains(" is not found") {
            Trouble::ModelUnknown
        } else {
            Trouble::Other
        }
    });
    Complaint::new(trouble, words)
}
