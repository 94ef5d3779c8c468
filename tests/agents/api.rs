//! The providers' APIs, as far as agents that run without a person use them.

use serde_json::{Value, json};

use super::provider::Mode;

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// Anthropic's messages.
    Messages,
    /// OpenAI's responses.
    Responses,
    /// OpenAI's chat completions, which many others have taken over.
    Completions,
}

/// One piece of a streamed answer: its name, where the API gives it one.
pub(crate) type Piece = (Option<&'static str>, String);

impl Api {
    /// The API that is behind this path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path.rsplit_once('/').map_or(path, |(_, last)| last) {
            "messages" => Some(Self::Messages),
            "responses" => Some(Self::Responses),
            "completions" => Some(Self::Completions),
            _ => None,
        }
    }

    /// The status and the body with which it refuses in this mode; `None` where
    /// it does not.
    pub(crate) fn refusal(self, mode: Mode) -> Option<(u16, Value)> {
        if self == Self::Messages {
            let (status, kind, said) = match mode {
                Mode::RateLimited => (429, "rate_limit_error", "too many requests"),
                Mode::Unauthorized => (401, "authentication_error", "invalid x-api-key"),
                Mode::Overloaded => (529, "overloaded_error", "Overloaded"),
                // Both are told in words only: the agents look for these.
                Mode::NoCredit => (
                    400,
                    "invalid_request_error",
                    "Your credit balance is too low to access the Anthropic API. \
                     Please go to Plans & Billing to upgrade or purchase credits.",
                ),
                Mode::TooLong => {
                    (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
                }
                Mode::Ok | Mode::Slow | Mode::Long | Mode::Broken => return None,
            };
            let error = json!({"type": kind, "message": said});
            return Some((status, json!({"type": "error", "error": error})));
        }
        let (status, kind, code, said) = match mode {
            Mode::RateLimited => (429, "requests", "rate_limit_exceeded", "Rate limit reached"),
            Mode::Unauthorized => {
                (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided")
            }
            Mode::Overloaded => (503, "server_error", "", "The engine is currently overloaded"),
            Mode::NoCredit => (
                429,
                "insufficient_quota",
                "insufficient_quota",
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            Mode::TooLong => (
                400,
                "invalid_request_error",
                "context_length_exceeded",
                "This model's maximum context length is 8 tokens.",
            ),
            Mode::Ok | Mode::Slow | Mode::Long | Mode::Broken => return None,
        };
        let code = if code.is_empty() { Value::Null } else { code.into() };
        Some((status, json!({"error": {"type": kind, "code": code, "message": said}})))
    }

    /// The how manieth turn of the conversation is asked for.
    pub(crate) fn turns(self, asked: &Value) -> usize {
        let list = if self == Self::Responses { "input" } else { "messages" };
        let said = asked[list].as_array().map_or(&[][..], Vec::as_slice);
        said.iter().filter(|one| one["role"] == "assistant").count() + 1
    }

    /// An answer in one piece.
    pub(crate) fn whole(self, words: &[String]) -> Value {
        let text = words.concat();
        match self {
            Self::Messages => json!({"id": "msg_1", "type": "message", "role": "assistant",
                "model": "mock", "stop_reason": "end_turn", "stop_sequence": null,
                "content": [{"type": "text", "text": text}],
                "usage": {"input_tokens": 11, "output_tokens": 5}}),
            Self::Responses => response("completed", json!([message("completed", &text)])),
            Self::Completions => json!({"id": "c1", "object": "chat.completion", "created": 1,
                "model": "mock", "usage": completion_usage(),
                "choices": [{"index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text}}]}),
        }
    }

    /// The pieces of a streamed answer: one for each word, and those around.
    pub(crate) fn events(self, words: &[String], asked: &Value) -> Vec<Piece> {
        match self {
            Self::Messages => messages(words, asked),
            Self::Responses => responses(words),
            Self::Completions => completions(words),
        }
    }
}

fn named(name: &'static str, mut data: Value) -> Piece {
    data["type"] = name.into();
    (Some(name), data.to_string())
}

fn messages(words: &[String], asked: &Value) -> Vec<Piece> {
    let head = json!({"id": "msg_1", "type": "message", "role": "assistant",
        "model": asked["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 11, "output_tokens": 1}});
    let mut pieces = vec![
        named("message_start", json!({"message": head})),
        named(
            "content_block_start",
            json!({"index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
    ];
    pieces.extend(words.iter().map(|word| {
        let delta = json!({"type": "text_delta", "text": word});
        named("content_block_delta", json!({"index": 0, "delta": delta}))
    }));
    let end = json!({"stop_reason": "end_turn", "stop_sequence": null});
    pieces.push(named("content_block_stop", json!({"index": 0})));
    pieces.push(named("message_delta", json!({"delta": end, "usage": {"output_tokens": 5}})));
    pieces.push(named("message_stop", json!({})));
    pieces
}

fn message(status: &str, text: &str) -> Value {
    let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": status,
        "content": if text.is_empty() { json!([]) } else { content }})
}

fn response(status: &str, output: Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": status, "model": "mock",
        "output": output, "usage": {"total_tokens": 16,
            "input_tokens": 11, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}}})
}

fn responses(words: &[String]) -> Vec<Piece> {
    let text = words.concat();
    let empty = message("in_progress", "");
    let mut pieces = vec![
        named("response.created", json!({"response": response("in_progress", json!([]))})),
        named("response.output_item.added", json!({"output_index": 0, "item": empty})),
    ];
    pieces.extend(words.iter().map(|word| {
        let at = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": word});
        named("response.output_text.delta", at)
    }));
    let done = message("completed", &text);
    pieces.push(named("response.output_item.done", json!({"output_index": 0, "item": done})));
    let whole = response("completed", json!([done]));
    pieces.push(named("response.completed", json!({"response": whole})));
    pieces
}

fn completion_usage() -> Value {
    json!({"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16})
}

fn completions(words: &[String]) -> Vec<Piece> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 1,
            "model": "mock", "choices": choices, "usage": usage});
        (None, chunk.to_string())
    };
    let mut pieces: Vec<Piece> = words
        .iter()
        .map(|word| {
            let delta = json!({"role": "assistant", "content": word});
            chunk(json!([{"index": 0, "finish_reason": null, "delta": delta}]), Value::Null)
        })
        .collect();
    let stop = json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]);
    pieces.push(chunk(stop, completion_usage()));
    pieces.push((None, "[DONE]".to_owned()));
    pieces
}
