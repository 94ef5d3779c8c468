//! `attention`: what longhaul needs a person for, and their answers.

mod ask;
mod terminal;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _, stderr, stdin, stdout};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Asked, Signals};
use super::output::{print, print_json, print_line, say};
use super::render::{self, failure_block};
use super::status::look;
use super::values::Input;
use crate::api::client::Client;
use crate::api::types::{LinkState, QuestionView};
use crate::domain::failure::Failure;
use crate::domain::secret::Secret;

pub(super) use ask::{Asking, Put, put};
pub(super) use terminal::Terminal;

/// How often it is looked what an answer has come to.
const LOOK: Duration = Duration::from_millis(200);
/// How long that is waited for.
const OUTCOME: Duration = Duration::from_secs(20);
/// The longest answer in a file, in bytes.
const LONGEST: u64 = 64 * 1024;

/// `longhaul attention`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A passphrase, a password, a one-time code, or the key of a host that is not known:
sessions wait until somebody answers. On a terminal each question is asked, and
what is secret is not shown. Answers are kept in the daemon's memory only; the
answer to a host key is yes, no, or its fingerprint.

Examples:
  longhaul attention
  longhaul attention box
  pass show box | longhaul attention box --answer-file -")]
pub(super) struct Args {
    /// Only this remote, or [user@]host[:port].
    #[arg(value_name = "REMOTE")]
    remote: Option<String>,
    /// Read the answer from a file, or from standard input (-): its first line.
    #[arg(long, value_name = "FILE", requires = "remote", conflicts_with = "json")]
    answer_file: Option<OsString>,
    /// Print the questions as JSON, and ask nothing.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) async fn attention(args: Args, context: &Context) -> Result<Code, CliError> {
    let questions = open(context, args.remote.as_deref()).await?;
    if args.json {
        print_json(&questions)?;
        return Ok(exit::OK);
    }
    if let (Some(remote), Some(file)) = (&args.remote, args.answer_file) {
        return answer(context, remote, &questions, &Input::from(file)).await;
    }
    let terminal = || stdin().is_terminal() && stdout().is_terminal();
    if questions.is_empty() {
        print_line("nobody is needed")?;
        return Ok(exit::OK);
    }
    if !terminal() || Terminal::open().is_none() {
        print(&render::questions(&questions, look()))?;
        return Ok(exit::OK);
    }
    // What hides the answer is to be undone, whatever ends us.
    let mut signals = Signals::catch()?;
    tokio::select! {
        asked = ask_all(context, questions) => asked,
        signal = signals.next() => Ok(signal.leave().code()),
    }
}

async fn open(context: &Context, remote: Option<&str>) -> Result<Vec<QuestionView>, CliError> {
    let mut questions = context.call(Client::attention).await?;
    questions.retain(|question| remote.is_none_or(|remote| question.remote == remote));
    Ok(questions)
}

/// Hands over the answer that a file holds.
async fn answer(
    context: &Context,
    remote: &str,
    questions: &[QuestionView],
    input: &Input,
) -> Result<Code, CliError> {
    let [question] = questions else {
        return Err(CliError::NoQuestion { remote: remote.to_owned() });
    };
    let answer = read_answer(input)?;
    context.client.answer(question.id, answer).await?;
    print_line(&format!("{remote}: answered"))?;
    Ok(exit::OK)
}

fn read_answer(input: &Input) -> Result<Secret, CliError> {
    let failed = |source| CliError::Read { path: input.path(), source };
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    match input {
        Input::Stdin => stdin().lock().take(LONGEST).read_to_end(&mut bytes),
        Input::File(path) => {
            std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        }
    }
    .map_err(failed)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(line)
        .map_err(|error| CliError::NotText { path: input.path(), at: error.valid_up_to() })?;
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

/// Asks one after the other, and what comes of the answers.
async fn ask_all(context: &Context, questions: Vec<QuestionView>) -> Result<Code, CliError> {
    let mut left = false;
    for mut question in questions {
        loop {
            let Some(terminal) = Terminal::open() else { break };
            match put(&context.client, terminal, &question).await? {
                Put::Answered => {}
                Put::Shown | Put::Gone => break,
                Put::Left => {
                    left = true;
                    break;
                }
            }
            match outcome(context, &question).await? {
                Some(next) => question = next,
                None => break,
            }
        }
    }
    Ok(if left { exit::FAILED } else { exit::OK })
}

/// Asks the person at the terminal what `remote` needs while `work` is under
/// way; where there is no terminal, only `work` is done.
pub(super) async fn meanwhile<T>(
    context: &Context,
    remote: &str,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let mut work = std::pin::pin!(work);
    if !stderr().is_terminal() {
        return work.await;
    }
    let mut signals = None;
    let mut asking: Option<Asking> = None;
    loop {
        tokio::select! {
            done = &mut work => return done,
            put = done(asking.as_mut()) => {
                put?;
            }
            // What hides the answer is to be undone before we end.
            asked = interrupted(signals.as_mut()) => {
                return Err(CliError::Interrupted(asked.leave().code()));
            }
            () = sleep(LOOK) => {
                // The work may be what starts the daemon.
                let open = context.client.attention().await.unwrap_or_default();
                let question = open.into_iter().find(|question| question.remote == remote);
                if asking.as_ref().map(Asking::id) != question.as_ref().map(|view| view.id) {
                    asking = question.and_then(|view| Asking::begin(&context.client, &view));
                    if asking.is_some() && signals.is_none() {
                        signals = Some(Signals::catch()?);
                    }
                }
            }
        }
    }
}

async fn done(asking: Option<&mut Asking>) -> Result<Put, CliError> {
    match asking {
        Some(asking) => asking.done().await,
        None => std::future::pending().await,
    }
}

async fn interrupted(signals: Option<&mut Signals>) -> Asked {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// Whether it is what the answer is to mend: the next dial is yet to begin.
fn is_of_before(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "ssh.auth.question" | "ssh.host-key.question")
}

/// What became of an answer: the next question, or none; the rest is said.
async fn outcome(
    context: &Context,
    answered: &QuestionView,
) -> Result<Option<QuestionView>, CliError> {
    let until = Instant::now() + OUTCOME;
    let name = &answered.remote;
    loop {
        let next = open(context, Some(name)).await?.pop();
        if next.as_ref().is_some_and(|next| next.id != answered.id) {
            return Ok(next);
        }
        let remotes = context.client.remotes().await?;
        // A test has no connection that could be looked at.
        let Some(remote) = remotes.into_iter().find(|remote| remote.name == *name) else {
            return Ok(None);
        };
        match (remote.link.state, &remote.link.failure) {
            (LinkState::Connected, _) => print_line(&format!("{name}: connected"))?,
            (LinkState::NeedsAttention | LinkState::BackingOff, Some(failure))
                if !is_of_before(failure) =>
            {
                say(&failure_block(failure));
            }
            (LinkState::Idle | LinkState::Draining, _) => {}
            (state, _) if Instant::now() > until => {
                print_line(&format!("{name}: {}", state.as_str()))?;
            }
            _ => {
                sleep(LOOK).await;
                continue;
            }
        }
        return Ok(None);
    }
}
