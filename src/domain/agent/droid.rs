//! Factory's droid: `droid exec --output-format stream-json`.
//!
//! Not tried with the program itself: its flags and its output may differ from what
//! stands here. Without `--auto` it only reads.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::detect::LoginSigns;
use super::event::{AgentEvent, Usage};
use super::json::{at, count, in_a_line, string, text, text_of_blocks};
use super::trouble::{Complaint, Trouble};

/// Factory's droid.
#[derive(Debug)]
pub(super) struct Droid;

const SPEC: Spec = Spec {
    name: "droid",
    program: "droid",
    install: Some("npm install -g droid"),
    login: Some(&LoginSigns {
        variables: &["FACTORY_API_KEY"],
        folder: "~/.factory",
        moved: None,
        files: &["auth.json"],
        command: "droid",
    }),
    arguments: Arguments {
        run: &["exec", "--output-format", "stream-json", "{options}"],
        resume: Some(&[
            "exec",
            "--output-format",
            "stream-json",
            "--session-id",
            "{session}",
            "{options}",
        ]),
        model: Some(&["--model", "{}"]),
        // It is what it does without any argument.
        plan: Some(&[]),
        mode: Some(&["--auto", "{}"]),
        skip: Some(&["--skip-permissions-unsafe"]),
        dir: None,
        version: &["--version"],
    },
    statuses: &[],
    refusals: &[],
    tells_result: true,
};

impl AgentCli for Droid {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, line: &Value, events: &mut Vec<AgentEvent>) {
        match text(line, &["type"]) {
            Some("system") if text(line, &["subtype"]) == Some("init") => {
                events.push(AgentEvent::Started {
                    conversation: text(line, &["session_id"]).map(str::to_owned),
                    model: text(line, &["model"]).map(str::to_owned),
                });
            }
            Some("message") if text(line, &["role"]) == Some("assistant") => {
                events.push(AgentEvent::Text { text: string(line, &["text"]), partial: false });
            }
            Some("reasoning") => {
                events.push(AgentEvent::Reasoning { text: string(line, &["text"]) })
            }
            Some("tool_call") => events.push(AgentEvent::ToolCall {
                id: string(line, &["id"]),
                name: string(line, &["toolName"]),
                input: in_a_line(at(line, &["parameters"])),
            }),
            Some("tool_result") => events.push(AgentEvent::ToolResult {
                id: string(line, &["id"]),
                ok: at(line, &["isError"]) != &Value::Bool(true),
                output: text_of_blocks(at(line, &["value"])),
            }),
            Some("error") => {
                let said = string(line, &["message"]);
                let trouble = Trouble::of_status(count(line, &["statusCode"]));
                let complaint = Complaint::new(trouble.unwrap_or(Trouble::Other), said);
                events.push(AgentEvent::Error { complaint });
            }
            Some("completion") => {
                let usage = at(line, &["usage"]);
                let usage = Usage {
                    input: count(usage, &["input_tokens"]),
                    cached: count(usage, &["cache_read_input_tokens"]),
                    output: count(usage, &["output_tokens"]),
                    cost_usd: None,
                };
                if !usage.is_nothing() {
                    events.push(AgentEvent::Usage { usage, total: true });
                }
                events.push(AgentEvent::Result { ok: true, complaint: None });
            }
            _ => {}
        }
    }
}
