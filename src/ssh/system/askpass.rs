//! Answers what `ssh` asks: through a link to our own program, which asks on a
//! socket beside it.
//!
//! Socket and link are in the master's own folder, which is its owner's alone.
//! `ssh` starts the link with the question; the answer goes back over the socket
//! and the program's standard output, and is in no argument and no file.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::log::Log;
use super::prompts;
use crate::domain::attention::{Question, Reply};
use crate::domain::secret::Secret;
use crate::domain::target::{SshSettings, UnknownHost};
use crate::domain::transport::{ASKPASS, ASKPASS_SOCKET};
use crate::ssh::client::Ending;
use crate::ssh::people::{Answered, Asker, People};
use crate::ssh::persons_time::PersonsTime;

/// The longest question, in bytes.
const LONGEST: u64 = 64 * 1024;

/// How long after a question the log may tell of a refusal that came before it.
const HEARD: Duration = Duration::from_millis(300);

/// One who answers a login's questions; dropping it ends that.
#[derive(Debug)]
pub(super) struct Answerer {
    program: PathBuf,
    shared: Arc<Shared>,
    /// Those who wait for answers go with it.
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    asker: Asker,
    time: PersonsTime,
    user: String,
    host: String,
    /// Hops that are trusted at first sight: `ssh` does not hand that on to them.
    trusted: Vec<String>,
    asked: Mutex<Vec<Before>>,
    log: watch::Receiver<Log>,
    unanswered: watch::Sender<Option<Question>>,
    /// What the asker listens to; the end of the login ends the program instead.
    _ending: watch::Sender<Option<Ending>>,
}

/// What was asked before.
#[derive(Debug, Clone)]
struct Before {
    /// The number of the process that asked.
    by: String,
    question: Question,
    /// How often the server had refused by then.
    refusals: u64,
}

impl Answerer {
    /// Listens in `folder` for the login of `settings`, whose `log` is heard
    /// elsewhere; `None` where there is nobody to ask.
    pub(super) fn listen(
        folder: &Path,
        settings: &SshSettings,
        people: People,
        time: PersonsTime,
        log: watch::Receiver<Log>,
    ) -> io::Result<Option<Self>> {
        let ending = watch::Sender::new(None);
        let asker = Asker::new(people, ending.subscribe());
        if settings.login.batch || !asker.has_somebody() {
            return Ok(None);
        }
        let program = folder.join(ASKPASS);
        symlink(std::env::current_exe()?, &program)?;
        let listener = UnixListener::bind(folder.join(ASKPASS_SOCKET))?;
        let shared = Arc::new(Shared {
            asker,
            time,
            user: settings.user.clone(),
            host: settings.host_key_name.clone(),
            trusted: settings.jumps.iter().flat_map(trusted_names).collect(),
            asked: Mutex::default(),
            log,
            unanswered: watch::Sender::new(None),
            _ending: ending,
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, shared.clone()));
        Ok(Some(Self { program, shared, _serving: serving }))
    }

    /// What `SSH_ASKPASS` is set to.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Waits for a question that a person has not answered in time.
    pub(super) async fn unanswered(&self) -> Question {
        let mut unanswered = self.shared.unanswered.subscribe();
        loop {
            if let Some(question) = unanswered.borrow_and_update().clone() {
                return question;
            }
            if unanswered.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// The login was refused: so were the passwords that were given.
    pub(super) fn refuse_passwords(&self) {
        for Before { question, .. } in self.shared.lock().iter() {
            if matches!(question, Question::Password { .. } | Question::Prompt { .. }) {
                self.shared.asker.refuse(question);
            }
        }
    }
}

fn trusted_names(hop: &SshSettings) -> Vec<String> {
    if hop.unknown_host != UnknownHost::AcceptNew {
        return Vec::new();
    }
    let name = hop.host_key_alias.as_ref().unwrap_or(&hop.host_key_name);
    vec![name.clone(), format!("[{name}]:{}", hop.port)]
}

async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    let mut answering = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        answering.spawn(answer(stream, shared.clone()));
        while answering.try_join_next().is_some() {}
    }
}

/// The hint and the number of the process that asks, each with a line end, the
/// question and a NUL; back comes `+` and the answer, or `-`. Whoever hangs up
/// before that needs none.
async fn answer(stream: UnixStream, shared: Arc<Shared>) {
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from.take(LONGEST));
    let mut asked = Vec::new();
    if from.read_until(0, &mut asked).await.is_err() || asked.pop() != Some(0) {
        return;
    }
    let asked = String::from_utf8_lossy(&asked);
    let mut parts = asked.splitn(3, '\n');
    let (Some(hint), Some(by), Some(prompt)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let mut rest = Vec::new();
    let gone = from.read_to_end(&mut rest);
    if hint == "none" {
        let _notice = shared.asker.show(Question::Touch { key: touched(prompt) });
        // It is to be seen until ssh ends its program.
        let _ = shared.time.count(gone).await;
        return;
    }
    let question = prompts::question(prompt, &shared.user, &shared.host);
    let reply = tokio::select! {
        reply = shared.reply(by, question) => reply,
        _ = gone => return,
    };
    let text = match &reply {
        Some(Reply::Given(answer)) => Zeroizing::new(format!("+{}", answer.expose())),
        Some(Reply::Declined) | None => Zeroizing::new("-".to_owned()),
    };
    // A program that is gone needs no answer.
    let _ = to.write_all(text.as_bytes()).await;
}

/// `Confirm user presence for key ED25519-SK SHA256:…`
fn touched(prompt: &str) -> String {
    let key = prompt.trim().strip_prefix("Confirm user presence for key ");
    key.unwrap_or(prompt.trim()).to_owned()
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Before>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply(&self, by: &str, question: Question) -> Option<Reply> {
        if let Question::HostKey { name, .. } = &question
            && self.trusted.contains(name)
        {
            return Some(Reply::Given(Secret::new("yes")));
        }
        let again = self.was_refused(by, &question).await;
        if again {
            self.asker.refuse(&question);
        }
        let refusals = self.log.borrow().refusals;
        let before = Before { by: by.to_owned(), question: question.clone(), refusals };
        self.lock().push(before);
        match self.time.count(self.asker.ask(&question, again)).await {
            Answered::Reply(reply) => Some(reply),
            Answered::Alone => None,
            Answered::Nobody => {
                self.unanswered.send_replace(Some(question));
                None
            }
        }
    }

    /// Whether the answer that this process had before was wrong. It asks the same
    /// again then; but a conversation may have the same prompt twice, and there the
    /// server has to have refused since the last of them.
    async fn was_refused(&self, by: &str, question: &Question) -> bool {
        let last = {
            let asked = self.lock();
            let mut by_it = asked.iter().filter(|before| before.by == by);
            if !by_it.clone().any(|before| before.question == *question) {
                return false;
            }
            by_it.next_back().map_or(0, |before| before.refusals)
        };
        if !matches!(question, Question::Prompt { .. }) {
            return true;
        }
        let mut log = self.log.clone();
        let refused = log.wait_for(|log| log.refusals > last);
        matches!(timeout(HEARD, refused).await, Ok(Ok(_)))
    }
}
