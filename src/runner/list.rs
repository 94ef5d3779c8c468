//! What sessions there are on a host.

use tokio::time::timeout;

use super::control::{ControlError, Talk, WITHIN};
use super::io::ProgramIo;
use super::program::Program;
use crate::domain::adopt::{Meta, Spool, spool};
use crate::domain::ids::SessionId;
use crate::domain::launch::{Nonce, Parameters};

/// Spools that one answer tells of; the program keeps to it.
pub const PAGE: u64 = 500;
/// The most that an answer may hold: a host that says more is not believed.
const MAX_ANSWER: usize = 24 << 20;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The spools, in the order of their ids.
    pub spools: Vec<Spool>,
    /// Whether there are others behind them.
    pub more: bool,
}

/// Asks for the spools of the account, without the first `skip`.
///
/// Lines that nobody can have written are left out, and so is a `meta` file
/// that cannot be read.
///
/// # Errors
///
/// The program could not be run to its end, or said too much.
pub async fn list(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
    skip: u64,
) -> Result<Listed, ControlError> {
    ask(io, nonce, Parameters::new(nonce).root(root).skip(skip)).await
}

/// Asks for the spool of one session; `None` if there is none.
///
/// # Errors
///
/// As with [`list`].
pub async fn list_one(
    io: ProgramIo,
    nonce: &Nonce,
    root: Option<&str>,
    id: &SessionId,
) -> Result<Option<Spool>, ControlError> {
    let listed = ask(io, nonce, Parameters::new(nonce).session(id, root)).await?;
    Ok(listed.spools.into_iter().find(|spool| spool.id == *id))
}

async fn ask(io: ProgramIo, nonce: &Nonce, parameters: Parameters) -> Result<Listed, ControlError> {
    let all = async {
        let mut talk = Talk::begin(io, nonce, Program::List, parameters).await?.up_to(MAX_ANSWER);
        talk.io.end_input().await;
        let mut answer = Answer::default();
        while let Some(line) = talk.line().await? {
            if answer.spools.len() as u64 > PAGE {
                let detail = "the list of sessions there is too long to be one".to_owned();
                return Err(ControlError::Failed { detail });
            }
            if let Some(more) = answer.take(&line) {
                return Ok(Listed { spools: answer.spools, more });
            }
        }
        // Without its last line it may be anything: a half, or nothing at all.
        Err(talk.not_reached())
    };
    timeout(WITHIN, all).await.unwrap_or(Err(ControlError::NoAnswer { within: WITHIN }))
}

/// An answer that is being taken in.
#[derive(Debug, Default)]
struct Answer {
    spools: Vec<Spool>,
}

impl Answer {
    /// Takes a line in; the last one says whether there is more.
    fn take(&mut self, line: &str) -> Option<bool> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "spool" => self.spools.extend(spool::parse(rest)),
            "meta" => {
                if let Some(last) = self.spools.last_mut() {
                    last.meta = Meta::parse(rest).ok();
                }
            }
            "listed" => return Some(rest == "more"),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::origin::Origin;
    use crate::domain::session::SessionRecord;
    use crate::domain::timestamp::Timestamp;

    #[test]
    fn a_meta_belongs_to_the_spool_before_it_and_garbage_to_nobody() {
        let record = SessionRecord::sample(8);
        let meta = Meta::of(&record, &Origin::sample(1, "ann"), Timestamp::from_millis(1));
        let line = meta.line();
        let mut answer = Answer::default();
        for line in [
            "spool 0000000007 0 0 0 open running",
            "meta {\"format\":",
            "spool not an id",
            "spool 0000000008 0 0 0 open code 0 run",
            &format!("meta {line}"),
            "what is this",
        ] {
            assert_eq!(answer.take(line), None);
        }
        let found: Vec<_> =
            answer.spools.iter().map(|spool| (spool.id.as_str(), spool.meta.as_ref())).collect();
        assert_eq!(found, [("0000000007", None), ("0000000008", Some(&meta))]);
        assert_eq!(answer.take("listed more"), Some(true));
        assert_eq!(answer.take("listed all"), Some(false));
    }
}
