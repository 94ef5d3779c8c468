use proptest::prelude::*;

use super::*;

macro_rules! transcripts {
    ($($profile:ident $folder:literal [$($mode:literal)*])*) => {
        &[$($((Profile::$profile, $mode, include_bytes!(concat!(
            "../../../tests/transcripts/", $folder, "/", $mode, ".jsonl"
        )))),*),*]
    };
}

/// What real programs printed: see the README beside them.
const TRANSCRIPTS: &[(Profile, &str, &[u8])] = transcripts! {
    Claude "claude" ["ok" "tool" "denied" "broken" "reset" "rate-limited" "unauthorized" "overloaded"
        "no-credit" "too-long" "no-conversation" "not-logged-in"]
    Codex "codex" ["ok" "tool" "broken" "rate-limited" "unauthorized" "overloaded" "no-credit"
        "too-long"]
    OpenCode "opencode" ["ok" "tool" "broken" "rate-limited" "unauthorized" "too-long"]
    Gemini "gemini" ["ok" "tool" "unauthorized" "no-model"]
    Copilot "copilot" ["tool" "broken" "rate-limited" "unauthorized" "overloaded" "too-long"]
    Droid "droid" ["ok"]
};

fn transcript(profile: Profile, mode: &str) -> &'static [u8] {
    let of = |row: &&(Profile, &str, &'static [u8])| row.0 == profile && row.1 == mode;
    TRANSCRIPTS.iter().find(of).expect("a transcript").2
}

/// The events and their offsets, and how many lines are none of the agent's.
fn events(profile: Profile, parts: &[&[u8]]) -> (Vec<(u64, AgentEvent)>, usize) {
    let (mut found, mut plain) = (Vec::new(), 0);
    let mut reader = EventReader::new(profile, 0);
    let mut told = |at, read: Read<'_>| match read {
        Read::Event(event) => found.push((at, event)),
        Read::Plain(_) => plain += 1,
    };
    for part in parts {
        reader.feed(part, &mut told);
    }
    reader.finish(&mut told);
    (found, plain)
}

fn run(profile: Profile, bytes: &[u8]) -> AgentRun {
    let mut run = AgentRun::new(profile);
    events(profile, &[bytes]).0.iter().for_each(|(_, event)| run.add(event));
    run
}

#[test]
fn why_each_run_stopped_is_told_by_what_the_program_printed() {
    use Trouble as T;
    let expected = |profile, mode: &str| match (profile, mode) {
        (_, "ok" | "tool" | "denied") => None,
        // It takes a broken answer for a whole one.
        (Profile::Claude, "broken") => None,
        // It says nothing of what broke.
        (Profile::OpenCode, "broken") => Some(T::Crashed),
        (_, "broken" | "reset") => Some(T::Unreachable),
        (_, "rate-limited") => Some(T::RateLimited),
        (_, "unauthorized") => Some(T::KeyInvalid),
        (_, "overloaded") => Some(T::Overloaded),
        (_, "no-credit") => Some(T::NoCredit),
        (_, "too-long") => Some(T::ContextTooLong),
        (_, "no-conversation") => Some(T::NoConversation),
        (_, "not-logged-in") => Some(T::NotLoggedIn),
        (_, "no-model") => Some(T::ModelUnknown),
        (profile, mode) => panic!("{profile:?} {mode}"),
    };
    for (profile, mode, bytes) in TRANSCRIPTS {
        let expected = expected(*profile, mode);
        let status = u8::from(expected.is_some());
        let complaint = verdict(&run(*profile, bytes), Some(status), "");
        let found = complaint.as_ref().map(|complaint| complaint.trouble);
        assert_eq!(found, expected, "{profile:?} {mode}: {complaint:?}");
    }
}

#[test]
fn every_answer_is_told_with_its_conversation_and_its_tokens() {
    for (profile, mode, bytes) in TRANSCRIPTS {
        if !["ok", "tool"].contains(mode) {
            continue;
        }
        let run = run(*profile, bytes);
        let shown = format!("{profile:?} {mode}: {run:?}");
        assert_eq!(run.result, Some(true), "{shown}");
        assert!(run.conversation.is_some(), "{shown}");
        let calls = u64::from(*mode == "tool" || *profile == Profile::Droid);
        assert_eq!(run.tool_calls, calls, "{shown}");
        // The provider counts 11 tokens in and 5 out, and 7 out for a call.
        let (input, output) = match (*profile, *mode) {
            (Profile::Copilot | Profile::Droid, _) => (0, 0),
            (Profile::Gemini, "tool") => (22, 10),
            (_, "tool") => (22, 12),
            _ => (11, 5),
        };
        assert_eq!((run.usage.input, run.usage.output), (input, output), "{shown}");
        let (events, plain) = events(*profile, &[bytes]);
        let said: Vec<&str> = events
            .iter()
            .filter_map(|(_, event)| match event {
                AgentEvent::Text { text, .. } => Some(text.trim()),
                _ => None,
            })
            .collect();
        assert_eq!((said, plain), (vec!["Hello from the mock model."], 0), "{shown}");
    }
}

#[test]
fn a_turn_that_failed_before_its_first_step_can_be_gone_on_with() {
    for mode in ["rate-limited", "unauthorized", "too-long"] {
        let run = run(Profile::OpenCode, transcript(Profile::OpenCode, mode));
        assert!(run.conversation.is_some(), "{mode}: {run:?}");
    }
}

#[test]
fn a_tools_call_and_its_result_belong_together() {
    for profile in [
        Profile::Claude,
        Profile::Codex,
        Profile::OpenCode,
        Profile::Gemini,
        Profile::Copilot,
        Profile::Droid,
    ] {
        let mode = if profile == Profile::Droid { "ok" } else { "tool" };
        let (events, _) = events(profile, &[transcript(profile, mode)]);
        let call = events.iter().find_map(|(_, event)| match event {
            AgentEvent::ToolCall { id, name, input } if !name.is_empty() => {
                Some((id.clone(), input.clone()))
            }
            _ => None,
        });
        let result = events.iter().find_map(|(_, event)| match event {
            AgentEvent::ToolResult { id, ok: true, output } => Some((id.clone(), output.clone())),
            _ => None,
        });
        let ((call, input), (result, output)) = (call.expect("a call"), result.expect("a result"));
        assert_eq!(call, result, "{profile:?}");
        assert!(!call.is_empty() && !input.is_empty() && !output.is_empty(), "{profile:?}");
    }
}

#[test]
fn a_pause_before_a_retry_and_the_end_of_a_limit_are_told() {
    let waits = |profile| {
        let (events, _) = events(profile, &[transcript(profile, "rate-limited")]);
        let of = |event: &AgentEvent| match event {
            AgentEvent::Retrying { wait_ms, complaint } => Some((*wait_ms, complaint.trouble)),
            _ => None,
        };
        events.iter().find_map(|(_, event)| of(event))
    };
    assert_eq!(waits(Profile::Claude), Some((Some(2000), Trouble::RateLimited)));
    assert_eq!(waits(Profile::Codex), Some((None, Trouble::RateLimited)));
    let opencode = run(Profile::OpenCode, transcript(Profile::OpenCode, "rate-limited"));
    let passes = opencode.complaint.expect("a complaint").passes;
    assert_eq!(passes, Some(Passes::InS(2)));
    let line = br#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795400000,"rateLimitType":"five_hour"}}"#;
    let claude = run(Profile::Claude, line).complaint.expect("a complaint");
    assert_eq!(
        (claude.trouble, claude.passes),
        (Trouble::RateLimited, Some(Passes::AtS(1_795_400_000)))
    );
}

#[test]
fn what_was_refused_for_want_of_a_person_is_counted() {
    let line = br#"{"type":"result","subtype":"success","is_error":false,"permission_denials":[{"tool_name":"Bash","tool_use_id":"t","tool_input":{"command":"touch x"}}]}"#;
    let run = run(Profile::Claude, line);
    assert_eq!((run.denied, run.result, run.waiting), (1, Some(true), None));
}

#[test]
fn the_prompt_is_in_no_event() {
    for profile in [Profile::Gemini, Profile::Copilot] {
        let (events, _) = events(profile, &[transcript(profile, "tool")]);
        let shown = format!("{events:?}");
        assert!(!shown.contains("\"hi"), "{shown}");
    }
}

#[test]
fn each_event_has_the_offset_of_its_line() {
    for (profile, mode, bytes) in TRANSCRIPTS {
        for (at, event) in events(*profile, &[bytes]).0 {
            let at = usize::try_from(at).expect("small");
            assert!(bytes[at] == b'{', "{profile:?} {mode} {event:?} at {at}");
            assert!(at == 0 || bytes[at - 1] == b'\n', "{profile:?} {mode} {event:?} at {at}");
        }
    }
}

#[test]
fn lines_of_others_and_lines_without_sense_pass() {
    let noise: &[u8] = b"npm warn\n{\"type\":\"result\"\n{}\n[1]\n\xff\xfe\n{\"type\":7}\n";
    for profile in PROFILES {
        let (events, plain) = events(profile, &[noise]);
        assert_eq!((events, plain), (vec![], 4), "{profile:?}");
    }
}

#[test]
fn a_line_of_ten_megabytes_is_read() {
    let text = "é".repeat(5 << 20);
    let line = format!(
        "{{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":\"{text}\"}}}}\n"
    );
    let parts: Vec<&[u8]> = line.as_bytes().chunks(65_537).collect();
    let (events, _) = events(Profile::Codex, &parts);
    assert_eq!(events, [(0, AgentEvent::Text { text, partial: false })]);
}

proptest! {
    #[test]
    fn events_do_not_depend_on_how_the_bytes_were_split(
        which in 0..TRANSCRIPTS.len(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let (profile, _, bytes) = TRANSCRIPTS[which];
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.push(0);
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(events(profile, &parts), events(profile, &[bytes]));
    }

    #[test]
    fn no_bytes_panic(
        profile in prop::sample::select(&PROFILES[..]),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
    ) {
        let split: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let whole = parts.concat();
        prop_assert_eq!(events(profile, &split), events(profile, &[&whole]));
    }

    /// Arbitrary bytes are hardly ever JSON, so a known line is damaged.
    #[test]
    fn no_damaged_line_panics(
        which in 0..TRANSCRIPTS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let (profile, _, bytes) = TRANSCRIPTS[which];
        let mut bytes = bytes.to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut sum = AgentRun::new(profile);
        events(profile, &[&bytes]).0.iter().for_each(|(_, event)| sum.add(event));
        let _ = verdict(&sum, Some(1), "");
    }

    /// Nor do other values in the places that are looked at.
    #[test]
    fn no_value_panics(
        profile in prop::sample::select(&PROFILES[..]),
        kind in prop::sample::select(&["system", "assistant", "user", "result", "error",
            "item.completed", "item.started", "turn.completed", "step_finish", "tool_use",
            "tool_result", "message", "session.error", "assistant.message", "completion"][..]),
        field in prop::sample::select(&["message", "item", "part", "error", "data", "usage",
            "permission_denials", "modelUsage", "content", "retry_delay_ms"][..]),
        value in prop::sample::select(&["null", "[]", "[null,1,{}]", "{}", "-1", "1e300", "\"x\"",
            "{\"type\":\"tool\",\"content\":[{\"type\":\"text\"}]}", "18446744073709551615"][..]),
    ) {
        let line = format!("{{\"type\":\"{kind}\",\"subtype\":\"api_retry\",\"{field}\":{value}}}\n");
        let mut sum = AgentRun::new(profile);
        events(profile, &[line.as_bytes()]).0.iter().for_each(|(_, event)| sum.add(event));
    }
}
