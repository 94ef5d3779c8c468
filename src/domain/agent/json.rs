//! Looking into a line that may hold anything.

use serde_json::Value;

/// What is under a path of keys; `Null` where there is nothing.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, key| &value[*key])
}

/// The text there, or none.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path).as_str()
}

/// The text there, as one's own; empty where there is none.
pub(super) fn string(value: &Value, path: &[&str]) -> String {
    text(value, path).unwrap_or_default().to_owned()
}

/// The number there; 0 where there is none.
pub(super) fn count(value: &Value, path: &[&str]) -> u64 {
    at(value, path).as_u64().unwrap_or(0)
}

/// The items there; none where there is no list.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// What a tool is given, in a line: the one thing that says most, else all.
pub(super) fn in_a_line(input: &Value) -> String {
    const SAYS_MOST: [&str; 10] = [
        "command",
        "cmd",
        "file_path",
        "filePath",
        "path",
        "pattern",
        "query",
        "url",
        "prompt",
        "description",
    ];
    let most = SAYS_MOST.iter().find_map(|key| input[*key].as_str());
    let line = match (most, input) {
        (Some(most), _) => most.to_owned(),
        (None, Value::Null) => String::new(),
        (None, Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    };
    line.replace(['\n', '\r'], " ")
}

/// Text that may be in one piece, or in a list of pieces with a `text` each.
pub(super) fn text_of_blocks(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<&str> =
                blocks.iter().filter_map(|block| text(block, &["text"])).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}
