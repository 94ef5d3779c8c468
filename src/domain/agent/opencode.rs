//! OpenCode: `opencode run --format json`.
//!
//! Each line has a `type`, the session's id, and a `part` or an `error`.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::detect::LoginSigns;
use super::event::{AgentEvent, Awaited, Usage};
use super::json::{at, count, in_a_line, string, text};
use super::trouble::{Complaint, Passes, Trouble};
use super::usd::Usd;

/// OpenCode.
#[derive(Debug)]
pub(super) struct OpenCode;

const SPEC: Spec = Spec {
    name: "opencode",
    program: "opencode",
    install: Some("npm install -g opencode-ai"),
    login: Some(&LoginSigns {
        variables: &["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"],
        folder: "~/.local/share/opencode",
        moved: None,
        files: &["auth.json"],
        command: "opencode auth login",
    }),
    arguments: Arguments {
        run: &["run", "--format", "json", "{options}"],
        resume: Some(&["run", "--format", "json", "--session", "{session}", "{options}"]),
        model: Some(&["--model", "{}"]),
        plan: Some(&["--agent", "plan"]),
        mode: None,
        skip: Some(&["--auto"]),
        dir: None,
        version: &["--version"],
    },
    statuses: &[],
    refusals: &[("Session not found", Trouble::NoConversation)],
    tells_result: true,
};

impl AgentCli for OpenCode {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>) {
        let part = at(line, &["part"]);
        match text(line, &["type"]) {
            // One for each step; it is the same conversation each time.
            Some("step_start") => events.push(started(line)),
            Some("text") => {
                events.push(AgentEvent::Text { text: string(part, &["text"]), partial: false });
            }
            Some("reasoning") => {
                events.push(AgentEvent::Reasoning { text: string(part, &["text"]) });
            }
            Some("tool_use") => tool(part, events),
            Some("permission.asked" | "permission") => events.push(AgentEvent::Waiting {
                what: Awaited::Permission,
                detail: string(part, &["title"]),
            }),
            Some("step_finish") => finished(part, events),
            Some("error") => {
                // It may have begun no step, and can be gone on with all the same.
                if at(line, &["sessionID"]).is_string() {
                    events.push(started(line));
                }
                let complaint = complaint(at(line, &["error"]));
                events.push(AgentEvent::Error { complaint });
            }
            _ => {}
        }
    }
}

fn started(line: &Value) -> AgentEvent {
    let conversation = text(line, &["sessionID"]).map(str::to_owned);
    AgentEvent::Started { conversation, model: None }
}

fn tool(part: &Value, events: &mut Vec<AgentEvent>) {
    let (id, state) = (string(part, &["callID"]), at(part, &["state"]));
    let status = text(state, &["status"]);
    // Calls are told once they have ended.
    events.push(AgentEvent::ToolCall {
        id: id.clone(),
        name: string(part, &["tool"]),
        input: in_a_line(at(state, &["input"])),
    });
    if let Some("completed" | "error") = status {
        let output = text(state, &["output"]).or_else(|| text(state, &["error"]));
        let ok = status == Some("completed")
            && at(state, &["metadata", "exit"]).as_i64().is_none_or(|code| code == 0);
        let output = output.unwrap_or_default().to_owned();
        events.push(AgentEvent::ToolResult { id, ok, output });
    }
}

fn finished(part: &Value, events: &mut Vec<AgentEvent>) {
    let tokens = at(part, &["tokens"]);
    let cached = count(tokens, &["cache", "read"]);
    let usage = Usage {
        input: count(tokens, &["input"]) + cached + count(tokens, &["cache", "write"]),
        cached,
        output: count(tokens, &["output"]) + count(tokens, &["reasoning"]),
        cost_usd: at(part, &["cost"]).as_f64().and_then(Usd::from_dollars),
    };
    events.push(AgentEvent::Usage { usage, total: false });
    // Another step follows the calls of tools.
    match text(part, &["reason"]) {
        Some("stop") => events.push(AgentEvent::Result { ok: true, complaint: None }),
        Some("length") => events.push(AgentEvent::Result {
            ok: false,
            complaint: Some(Complaint::new(Trouble::ContextTooLong, "the answer was cut short")),
        }),
        Some("content-filter") => events.push(AgentEvent::Result {
            ok: false,
            complaint: Some(Complaint::new(Trouble::Denied, "the provider refused the answer")),
        }),
        _ => {}
    }
}

fn complaint(error: &Value) -> Complaint {
    let data = at(error, &["data"]);
    let word = provider_word(data);
    let of_provider =
        || Trouble::of_word(&word).or_else(|| Trouble::of_status(count(data, &["statusCode"])));
    let trouble = match text(error, &["name"]) {
        Some("ContextOverflowError" | "MessageOutputLengthError") => Trouble::ContextTooLong,
        Some("ProviderAuthError") => Trouble::NotLoggedIn,
        Some("ProviderModelNotFoundError" | "ModelNotFoundError") => Trouble::ModelUnknown,
        Some("PermissionRejectedError" | "PermissionDeniedError") => Trouble::Denied,
        Some("APIError") => of_provider().unwrap_or_else(|| {
            // No status: nothing answered.
            let answered = at(data, &["statusCode"]).is_u64();
            if answered { Trouble::Other } else { Trouble::Unreachable }
        }),
        _ => of_provider().unwrap_or(Trouble::Other),
    };
    let after = text(data, &["responseHeaders", "retry-after"]);
    let passes = after.and_then(|after| after.parse().ok()).map(Passes::InS);
    let said = text(data, &["message"]).or_else(|| text(error, &["name"])).unwrap_or_default();
    Complaint::new(trouble, said).passing(passes)
}

/// The provider's own word, out of the body that it answered with.
fn provider_word(data: &Value) -> String {
    let body = text(data, &["responseBody"]).unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let code = text(&body, &["error", "code"]);
    code.or_else(|| text(&body, &["error", "type"])).unwrap_or_default().to_owned()
}
