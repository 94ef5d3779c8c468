//! Questions to people.

use super::Look;
use super::table::table;
use super::words::{age, tame};
use crate::api::types::{QuestionState, QuestionView};

/// The table of open questions.
pub(in crate::cli) fn questions(questions: &[QuestionView], look: Look) -> String {
    let header = ["REMOTE", "KIND", "STATE", "SINCE", "QUESTION"];
    let rows = questions
        .iter()
        .map(|view| {
            let state = match view.state {
                QuestionState::Asked => "asked",
                QuestionState::Dormant => "dormant",
            };
            vec![
                view.remote.clone(),
                view.question.kind().as_str().to_owned(),
                state.to_owned(),
                age(&view.asked_at, look.now),
                tame(view.question.words().trim()).replace('\n', " "),
            ]
        })
        .collect();
    let mut text = table(&header, rows, look.width);
    text.push_str("\nto answer on a terminal: longhaul attention");
    if let [only] = questions {
        text.push_str(&format!(" {}", only.remote));
    }
    text.push('\n');
    text
}

/// A question as it is put to a person, whose answer comes behind it.
pub(in crate::cli) fn prompt(view: &QuestionView) -> String {
    let again = if view.again { "The last answer was refused.\n" } else { "" };
    format!("{}: {again}{}", view.remote, tame(&view.question.words()))
}

/// A question in one line, with what to type.
pub(in crate::cli) fn question_line(view: &QuestionView) -> String {
    let what = tame(view.question.words().trim_end_matches([':', ' ', '?'])).replace('\n', " ");
    format!("{0} needs you: {what}\n  try: longhaul attention {0}", view.remote)
}
