//! Why an agent stopped, told by what it told and by its status alone. What a
//! model wrote is never looked at.

use super::cli::Spec;
use super::run::AgentRun;
use super::trouble::{Complaint, Trouble};

/// What there is to tell it by.
///
/// `status` is the program's own; `None` where a signal ended it. `stderr` is the
/// end of its standard error, which counts only where the agent has said nothing
/// at all: then it is the program that speaks there, and no model has.
#[must_use]
pub fn verdict(run: &AgentRun, status: Option<u8>, stderr: &str) -> Option<Complaint> {
    let spec = run.profile.cli().spec();
    let complaint = || run.complaint.clone();
    match run.result {
        Some(true) => None,
        Some(false) => Some(complaint().unwrap_or_else(|| match run.denied {
            0 => Complaint::new(Trouble::Other, "it gave no reason"),
            _ => Complaint::new(Trouble::Denied, "what it needed was refused"),
        })),
        None => {
            if run.events == 0 {
                return unheard(spec, status?, run.resumed.as_deref(), stderr);
            }
            let known = status.and_then(|status| of_status(spec, status));
            let ended = match status {
                Some(0) if !spec.tells_result => return None,
                Some(status) => format!("it ended with status {status} and gave no result"),
                None => "a signal ended it before it gave a result".to_owned(),
            };
            complaint().or(known).or_else(|| Some(Complaint::new(Trouble::Crashed, ended)))
        }
    }
}

/// Of a program that has said nothing that an agent says.
fn unheard(spec: &Spec, status: u8, resumed: Option<&str>, stderr: &str) -> Option<Complaint> {
    if status == 0 {
        return None;
    }
    let refusal = spec.refusals.iter().find_map(|(words, trouble)| {
        let words = match (resumed, trouble) {
            (None, Trouble::NoConversation) => return None,
            (resumed, _) => words.replace("{session}", resumed.unwrap_or_default()),
        };
        let line = stderr.lines().find(|line| line.contains(&words))?;
        Some(Complaint::new(*trouble, line.trim()))
    });
    refusal.or_else(|| of_status(spec, status))
}

fn of_status(spec: &Spec, status: u8) -> Option<Complaint> {
    let (_, trouble) = spec.statuses.iter().find(|(known, _)| *known == status)?;
    Some(Complaint::new(*trouble, format!("it ended with status {status}")))
}

#[cfg(test)]
mod tests {
    use super::super::event::AgentEvent;
    use super::super::profile::Profile;
    use super::*;

    fn run(profile: Profile, events: &[AgentEvent]) -> AgentRun {
        let mut run = AgentRun::new(profile);
        events.iter().for_each(|event| run.add(event));
        run
    }

    fn told(run: &AgentRun, status: Option<u8>) -> Option<Trouble> {
        verdict(run, status, "").map(|complaint| complaint.trouble)
    }

    fn text(text: &str) -> AgentEvent {
        AgentEvent::Text { text: text.to_owned(), partial: false }
    }

    #[test]
    fn what_a_model_wrote_is_no_reason() {
        let said = text("429 rate limit, invalid API key, credit balance is too low");
        let done = AgentEvent::Result { ok: true, complaint: None };
        assert_eq!(told(&run(Profile::Claude, &[said.clone(), done]), Some(0)), None);
        assert_eq!(told(&run(Profile::Claude, &[said]), Some(1)), Some(Trouble::Crashed));
    }

    #[test]
    fn a_complaint_that_it_got_over_is_no_reason() {
        let limit = Complaint::new(Trouble::RateLimited, "429");
        let retry = AgentEvent::Retrying { wait_ms: None, complaint: limit };
        let crashed = run(Profile::Claude, &[retry.clone(), text("on")]);
        assert_eq!(told(&crashed, None), Some(Trouble::Crashed));
        assert_eq!(told(&run(Profile::Claude, &[retry]), Some(1)), Some(Trouble::RateLimited));
    }

    #[test]
    fn a_program_that_said_nothing_is_told_by_its_status() {
        let silent = run(Profile::Gemini, &[]);
        assert_eq!(told(&silent, Some(41)), Some(Trouble::NotLoggedIn));
        assert_eq!(told(&silent, Some(1)), None);
        assert_eq!(told(&silent, Some(0)), None);
    }

    #[test]
    fn a_conversation_that_is_not_there_is_told_by_the_programs_words_for_it() {
        let stderr = "Error: thread/resume failed: no rollout found for thread id t-1 (code 1)";
        let told = |resumed: Option<&str>| {
            let resumed = resumed.map(str::to_owned);
            let silent = AgentRun { resumed, ..AgentRun::new(Profile::Codex) };
            verdict(&silent, Some(1), stderr).map(|told| told.trouble)
        };
        assert_eq!(told(Some("t-1")), Some(Trouble::NoConversation));
        assert_eq!(told(Some("t-2")), None);
        assert_eq!(told(None), None);
    }

    #[test]
    fn a_program_that_does_not_even_begin_is_told_by_its_words_for_it() {
        let stderr = "WARNING: proceeding\nNot inside a trusted directory and \
                      --skip-git-repo-check was not specified.\n";
        let silent = run(Profile::Codex, &[]);
        let told = verdict(&silent, Some(1), stderr).expect("a reason");
        assert_eq!(told.trouble, Trouble::Denied);
        assert!(told.said.starts_with("Not inside"), "{told:?}");
        assert_eq!(verdict(&run(Profile::Claude, &[]), Some(1), stderr), None);
        let begun = run(Profile::Codex, &[text("Not inside a trusted directory")]);
        let told = verdict(&begun, Some(1), stderr).expect("a reason");
        assert_eq!(told.trouble, Trouble::Crashed);
    }
}
