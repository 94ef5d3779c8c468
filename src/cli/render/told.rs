//! What an agent tells: a line for a list, or its work for a person to read.

use super::words::{duration_ms, tame};
use crate::domain::agent::{AgentEvent, AgentRun, Awaited, Complaint, Profile, Usage};

/// The most of a tool's input or of a complaint that is shown in a line.
const LINE: usize = 160;

/// One event, in a line.
pub(in crate::cli) fn told_line(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Started { conversation, model } => {
            let parts: Vec<String> =
                [model, conversation].into_iter().flatten().map(|part| line(part)).collect();
            format!("agent started {}", parts.join(" ")).trim_end().to_owned()
        }
        AgentEvent::Text { text, .. } => format!("says: {}", line(text)),
        AgentEvent::Reasoning { text } => format!("thinks: {}", line(text)),
        AgentEvent::ToolCall { name, input, .. } => format!("uses {} {}", line(name), line(input)),
        AgentEvent::ToolResult { ok: true, output, .. } => format!("tool ok: {}", line(output)),
        AgentEvent::ToolResult { ok: false, output, .. } => {
            format!("tool failed: {}", line(output))
        }
        AgentEvent::Usage { usage, total } => {
            format!("{}: {}", if *total { "used in all" } else { "used" }, usage_words(usage))
        }
        AgentEvent::Waiting { what, detail } => waiting(*what, detail),
        AgentEvent::Retrying { wait_ms, complaint } => retrying(*wait_ms, complaint),
        AgentEvent::Result { ok: true, .. } => "agent done".to_owned(),
        AgentEvent::Result { ok: false, complaint } => {
            let said = complaint.as_ref().map(|complaint| line(&complaint.said));
            format!("agent failed: {}", said.unwrap_or_default())
        }
        AgentEvent::Error { complaint } => format!("agent error: {}", line(&complaint.said)),
    }
}

/// Tokens, and money where it is told.
pub(in crate::cli) fn usage_words(usage: &Usage) -> String {
    let cached = match usage.cached {
        0 => String::new(),
        cached => format!(" ({} cached)", tokens(cached)),
    };
    let cost = usage.cost_usd.map(|cost| format!(", {cost}")).unwrap_or_default();
    format!("{} tokens in{cached}, {} out{cost}", tokens(usage.input), tokens(usage.output))
}

/// The same where there is little room.
pub(in crate::cli) fn usage_short(usage: &Usage) -> String {
    let sum = tokens(usage.input.saturating_add(usage.output));
    match usage.cost_usd {
        Some(cost) => format!("{sum} {cost}"),
        None => sum,
    }
}

fn tokens(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}.{}k", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

fn waiting(what: Awaited, detail: &str) -> String {
    match what {
        Awaited::Permission => {
            format!("was not allowed, and nobody is there to ask: {}", line(detail))
        }
        Awaited::Input => format!("waits for an answer: {}", line(detail)),
    }
}

fn retrying(wait_ms: Option<u64>, complaint: &Complaint) -> String {
    let wait = wait_ms.map(|ms| format!(" in {}", duration_ms(ms))).unwrap_or_default();
    format!("tries again{wait}: {}", line(&complaint.said))
}

/// One line of it, and not too long.
fn line(text: &str) -> String {
    let text = tame(text.trim()).replace('\n', " ");
    match text.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// An agent's work, shown as it comes.
#[derive(Debug)]
pub(in crate::cli) struct Story {
    run: AgentRun,
    /// Whether the last line has no end yet.
    open: bool,
}

impl Story {
    /// One that begins.
    pub(in crate::cli) fn new(profile: Profile) -> Self {
        Self { run: AgentRun::new(profile), open: false }
    }

    /// What is shown of one more event.
    pub(in crate::cli) fn add(&mut self, event: &AgentEvent) -> String {
        let before = (self.run.model.clone(), self.run.conversation.clone());
        self.run.add(event);
        if let AgentEvent::Text { text, partial: true } = event {
            self.open = true;
            return tame(text);
        }
        let shown = match event {
            AgentEvent::Text { text, .. } => tame(text.trim_end()),
            AgentEvent::Started { .. } => {
                if before == (self.run.model.clone(), self.run.conversation.clone()) {
                    return String::new();
                }
                format!("* {}", told_line(event))
            }
            AgentEvent::ToolResult { ok: true, .. } | AgentEvent::Usage { .. } => {
                return String::new();
            }
            AgentEvent::ToolCall { name, input, .. } => format!("> {} {}", line(name), line(input)),
            AgentEvent::Result { ok, .. } => format!("* {}", self.summary(*ok)),
            AgentEvent::Reasoning { .. } | AgentEvent::ToolResult { ok: false, .. } => {
                format!("  {}", told_line(event))
            }
            AgentEvent::Waiting { .. } | AgentEvent::Retrying { .. } | AgentEvent::Error { .. } => {
                format!("! {}", told_line(event))
            }
        };
        let end = if std::mem::take(&mut self.open) { "\n" } else { "" };
        format!("{end}{shown}\n")
    }

    /// What is shown of a line that is none of the agent's.
    pub(in crate::cli) fn plain(&mut self, text: &[u8]) -> String {
        let end = if std::mem::take(&mut self.open) { "\n" } else { "" };
        format!("{end}{}\n", tame(&String::from_utf8_lossy(text)))
    }

    fn summary(&self, ok: bool) -> String {
        let mut text = if ok { "done".to_owned() } else { "failed".to_owned() };
        if let Some(complaint) = &self.run.complaint {
            text = format!("{text}: {}", line(&complaint.said));
        }
        if !self.run.usage.is_nothing() {
            text = format!("{text}; {}", usage_words(&self.run.usage));
        }
        match self.run.tool_calls {
            0 => text,
            1 => format!("{text}; 1 tool call"),
            calls => format!("{text}; {calls} tool calls"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::{EventReader, Read};

    fn story(profile: Profile, transcript: &[u8]) -> String {
        let mut story = Story::new(profile);
        let mut shown = String::new();
        let mut reader = EventReader::new(profile, 0);
        reader.feed(transcript, |_, read| match read {
            Read::Event(event) => shown.push_str(&story.add(&event)),
            Read::Plain(text) => shown.push_str(&story.plain(text)),
        });
        shown
    }

    #[test]
    fn a_run_reads_as_a_story_with_a_summary_at_its_end() {
        let shown =
            story(Profile::Claude, include_bytes!("../../../tests/transcripts/claude/tool.jsonl"));
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("* agent started claude-opus-4-8[1m] "), "{shown}");
        assert_eq!(
            lines[1..],
            [
                "  thinks: I should look.",
                "> Read /home/dev/project/hello.txt",
                "Hello from the mock model.",
                "* done; 22 tokens in, 12 out, $0.0004; 1 tool call",
            ]
        );
    }

    #[test]
    fn an_answer_in_pieces_is_shown_in_one() {
        let shown =
            story(Profile::Gemini, include_bytes!("../../../tests/transcripts/gemini/ok.jsonl"));
        let told: Vec<&str> = shown.lines().skip(1).collect();
        assert_eq!(told, ["Hello from the mock model.", "* done; 11 tokens in, 5 out"]);
    }

    #[test]
    fn nothing_that_a_terminal_would_obey_is_shown() {
        let line =
            br#"{"type":"item.completed","item":{"type":"agent_message","text":"a\u001b[2Jb"}}"#;
        let shown = story(Profile::Codex, &[line, &b"\n\x1b]0;x\x07\n"[..]].concat());
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    }

    #[test]
    fn tokens_are_counted_in_thousands() {
        for (count, shown) in [(999, "999"), (1_250, "1.2k"), (3_400_000, "3.4M")] {
            assert_eq!(tokens(count), shown);
        }
    }
}
