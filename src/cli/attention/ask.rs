//! One question, put to the person at the terminal.

use super::terminal::Terminal;
use crate::api::client::Client;
use crate::api::types::{Question, QuestionId, QuestionView};
use crate::cli::error::CliError;
use crate::cli::render;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Put {
    /// The daemon has the answer.
    Answered,
    /// It was only to be shown.
    Shown,
    /// The person would not answer now; the question stays.
    Left,
    /// It was answered elsewhere, or is not needed any more.
    Gone,
}

/// Asks, and hands the answer over. Dropping the future leaves the terminal as
/// it was.
pub(in crate::cli) async fn put(
    client: &Client,
    mut terminal: Terminal,
    question: &QuestionView,
) -> Result<Put, CliError> {
    let prompt = render::prompt(question);
    if let Question::Touch { .. } = question.question {
        terminal.say(&format!("{prompt}\n")).map_err(CliError::Terminal)?;
        return Ok(Put::Shown);
    }
    loop {
        let line = terminal.line(&prompt, question.secret).await;
        let Some(answer) = line.map_err(CliError::Terminal)? else {
            terminal.say("\n").map_err(CliError::Terminal)?;
            return Ok(Put::Left);
        };
        match client.answer(question.id, answer).await {
            Ok(()) => return Ok(Put::Answered),
            Err(error) if error.word() == Some("no-such-question") => return Ok(Put::Gone),
            Err(error) if error.word() == Some("no-answer") => {
                terminal.say(&format!("{error}\n")).map_err(CliError::Terminal)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A question that is put while something else goes on.
pub(in crate::cli) struct Asking {
    id: QuestionId,
    under_way: Option<UnderWay>,
}

type UnderWay = std::pin::Pin<Box<dyn Future<Output = Result<Put, CliError>> + Send>>;

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Asking {
    /// Begins to ask, where there is a person.
    pub(in crate::cli) fn begin(client: &Client, question: &QuestionView) -> Option<Self> {
        let terminal = Terminal::open()?;
        let (client, question) = (client.clone(), question.clone());
        let id = question.id;
        let under_way = Box::pin(async move { put(&client, terminal, &question).await });
        Some(Self { id, under_way: Some(under_way) })
    }

    /// Which question it is.
    pub(in crate::cli) fn id(&self) -> QuestionId {
        self.id
    }

    /// Whether the person is still to answer.
    pub(in crate::cli) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Waits for what comes of it; for ever once that was told. Cancel safe.
    pub(in crate::cli) async fn done(&mut self) -> Result<Put, CliError> {
        match &mut self.under_way {
            Some(under_way) => {
                let put = under_way.await;
                self.under_way = None;
                put
            }
            None => std::future::pending().await,
        }
    }
}
