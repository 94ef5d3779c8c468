//! The methods in which a person is asked: keyboard-interactive and password.

use super::attempts::{Answer, Attempts, Turn};
use crate::domain::attention::{Question, Reply};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::secret::Secret;
use crate::domain::target::SshSettings;
use crate::ssh::client::printable;
use crate::ssh::people::{Answered, Asker};

/// Has a person give the password, as often as it may be wrong.
pub(super) async fn password(
    attempts: &mut Attempts<'_>,
    settings: &SshSettings,
    asker: &Asker,
) -> Result<Answer, LinkTrouble> {
    let question =
        Question::Password { user: settings.user.clone(), host: settings.host_key_name.clone() };
    for tries in 0..settings.login.prompts {
        let Some(password) = reply(asker, &question, tries > 0).await? else { break };
        match attempts.password(&password).await? {
            Answer::Refused { partial: false } => asker.refuse(&question),
            answer => return Ok(answer),
        }
        // It may have been the last time for this method.
        if attempts.methods().is_some_and(|left| !left.contains(&russh::MethodKind::Password)) {
            break;
        }
    }
    Ok(Answer::Refused { partial: false })
}

/// Has a person answer what the server asks.
pub(super) async fn keyboard_interactive(
    attempts: &mut Attempts<'_>,
    settings: &SshSettings,
    asker: &Asker,
) -> Result<Answer, LinkTrouble> {
    for tries in 0..settings.login.prompts {
        let mut turn = attempts.converse().await?;
        let mut asked = false;
        let answer = loop {
            let (name, instructions, prompts) = match turn {
                Turn::Ends(answer) => break answer,
                Turn::Asks { name, instructions, prompts } => (name, instructions, prompts),
            };
            let lead = [name, instructions].map(|words| printable(words.trim()));
            let lead: Vec<String> = lead.into_iter().filter(|words| !words.is_empty()).collect();
            let mut replies = Vec::with_capacity(prompts.len());
            for prompt in prompts {
                // Only what comes first follows upon a refusal: the server has said
                // nothing yet of the other answers of its conversation.
                let again = tries > 0 && !asked;
                asked = true;
                let question = Question::Prompt {
                    user: settings.user.clone(),
                    host: settings.host_key_name.clone(),
                    instruction: lead.join("\n"),
                    text: printable(&prompt.prompt),
                    echo: prompt.echo,
                };
                match reply(asker, &question, again).await? {
                    Some(reply) => replies.push(reply),
                    None => return Ok(Answer::Refused { partial: false }),
                }
            }
            turn = attempts.reply(&replies).await?;
        };
        match answer {
            // A server that asks nothing has no device for it.
            Answer::Refused { partial: false } if asked => {}
            answer => return Ok(answer),
        }
    }
    Ok(Answer::Refused { partial: false })
}

/// What a person says; `None` where there is nobody, or they will not.
async fn reply(
    asker: &Asker,
    question: &Question,
    again: bool,
) -> Result<Option<Secret>, LinkTrouble> {
    match asker.ask(question, again).await {
        Answered::Reply(Reply::Given(secret)) => Ok(Some(secret)),
        Answered::Reply(Reply::Declined) | Answered::Alone => Ok(None),
        Answered::Nobody => Err(LinkTrouble::Unanswered { question: question.clone() }),
    }
}
