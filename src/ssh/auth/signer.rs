//! Signatures, by a key file or by the agent, made when the server asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::{Signature, private::KeypairData};
use russh::keys::{Algorithm, HashAlg, PrivateKey};
use russh::{SendError, Signer};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::agent;
use super::key_file::{KeyFile, Private};
use crate::domain::attention::{Matter, Question, Reply};
use crate::domain::ssh_options::AddKeys;
use crate::domain::target::SshSettings;
use crate::ssh::client::printable;
use crate::ssh::people::{Answered, Asker};
use crate::ssh::persons_time::PersonsTime;

/// How long the agent may take for a signature: it may ask a person, or wait
/// for a finger on a token.
const AGENT: Duration = Duration::from_secs(60);

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    /// The session ended.
    #[error("the session ended")]
    Ended,
    /// The agent did not sign.
    #[error("the agent did not sign")]
    Agent,
    /// The key is encrypted and nobody knew the passphrase.
    #[error("the key is locked")]
    Locked,
    /// A person was asked, and has not answered in time.
    #[error("nobody answered")]
    Unanswered(Question),
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Unusable,
}

impl From<SendError> for SignError {
    fn from(_: SendError) -> Self {
        Self::Ended
    }
}

/// How a locked key is opened, and what else is done with it then.
#[derive(Debug, Clone)]
pub(super) struct Unlock {
    asker: Asker,
    /// How often a passphrase may be wrong.
    prompts: u32,
    /// The agent that is handed the key.
    agent: Option<(PathBuf, AddKeys)>,
    logged_in: watch::Receiver<bool>,
}

impl Unlock {
    /// `logged_in` becomes true with the login; without one nobody is asked about the
    /// agent.
    pub(super) fn new(
        settings: &SshSettings,
        asker: &Asker,
        logged_in: watch::Receiver<bool>,
    ) -> Self {
        let add = settings.login.add_keys;
        let agent = settings.agent_socket.clone().filter(|_| add != AddKeys::No);
        Self {
            asker: asker.clone(),
            prompts: settings.login.prompts,
            agent: agent.map(|socket| (socket, add)),
            logged_in,
        }
    }

    /// Asks whether the agent is to have the key. The login does not wait for it, nor
    /// do its own questions.
    fn add_after_a_yes(&self, file: &Path, key: &Arc<PrivateKey>) {
        let Some((socket, AddKeys::Yes { confirm, lifetime, .. })) = self.agent.clone() else {
            return;
        };
        let question = Question::Confirm { about: Matter::AddKey { file: file.to_owned() } };
        let (asker, mut logged_in, key) = (self.asker.clone(), self.logged_in.clone(), key.clone());
        tokio::spawn(async move {
            if logged_in.wait_for(|it| *it).await.is_err() {
                return;
            }
            if let Answered::Reply(Reply::Given(_)) = asker.ask(&question, false).await {
                agent::add(&socket, &key, confirm, lifetime).await;
            }
        });
    }
}

/// Signs with a key file, which it unlocks when it comes to that.
#[derive(Debug)]
pub(super) struct FileSigner {
    file: Arc<KeyFile>,
    unlock: Unlock,
    unlocked: Option<Arc<PrivateKey>>,
    time: PersonsTime,
}

impl FileSigner {
    pub(super) fn new(file: Arc<KeyFile>, unlock: Unlock) -> Self {
        Self { file, unlock, unlocked: None, time: PersonsTime::default() }
    }

    /// The time that signing takes.
    pub(super) fn time(&self) -> PersonsTime {
        self.time.clone()
    }

    /// The private key, with somebody's help if it is encrypted.
    pub(super) async fn unlock(&mut self) -> Result<Arc<PrivateKey>, SignError> {
        if let Some(key) = &self.unlocked {
            return Ok(key.clone());
        }
        let key = match &self.file.private {
            Private::Open(key) => key.clone(),
            Private::Missing | Private::Exposed(_) | Private::Unusable(_) => {
                return Err(SignError::Unusable);
            }
            Private::Locked => self.ask().await?,
        };
        if let Some((socket, AddKeys::Yes { asks, confirm, lifetime })) = &self.unlock.agent {
            if *asks {
                self.unlock.add_after_a_yes(&self.file.path, &key);
            } else {
                agent::add(socket, &key, *confirm, *lifetime).await;
            }
        }
        self.unlocked = Some(key.clone());
        Ok(key)
    }

    async fn ask(&self) -> Result<Arc<PrivateKey>, SignError> {
        let question = Question::Passphrase { file: self.file.path.clone() };
        for tries in 0..self.unlock.prompts {
            let passphrase = match self.unlock.asker.ask(&question, tries > 0).await {
                Answered::Reply(Reply::Given(passphrase)) => passphrase,
                Answered::Reply(Reply::Declined) | Answered::Alone => break,
                Answered::Nobody => return Err(SignError::Unanswered(question)),
            };
            let file = self.file.clone();
            // The key derivation of an encrypted key takes a while on purpose.
            let work = tokio::task::spawn_blocking(move || file.decrypt(passphrase.expose()));
            if let Ok(Some(key)) = work.await {
                return Ok(Arc::new(key));
            }
            self.unlock.asker.refuse(&question);
        }
        Err(SignError::Locked)
    }

    async fn sign(&mut self, hash: Option<HashAlg>, data: &mut Vec<u8>) -> Result<(), SignError> {
        let key = self.unlock().await?;
        let signature: Signature = match key.key_data() {
            // Without a hash this would be SHA-1, which is never asked for.
            KeypairData::Rsa(pair) => (pair, Some(hash.unwrap_or(HashAlg::Sha512))).try_sign(data),
            pair => pair.try_sign(data),
        }
        .map_err(|_| SignError::Unusable)?;
        signature.encode_prefixed(data).map_err(|_| SignError::Unusable)
    }
}

impl Signer for FileSigner {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        _key: &AgentIdentity,
        hash_alg: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let time = self.time.clone();
        time.count(self.sign(hash_alg, &mut to_sign)).await?;
        Ok(to_sign)
    }
}

/// Has the agent sign.
pub(super) struct AgentSigner {
    client: AgentClient<UnixStream>,
    asker: Asker,
    /// The key that is next, as the agent calls it.
    comment: String,
    time: PersonsTime,
    /// The key that signs in the place of a certificate.
    stand_in: Option<AgentIdentity>,
}

impl AgentSigner {
    pub(super) fn new(client: AgentClient<UnixStream>, asker: Asker) -> Self {
        let time = PersonsTime::default();
        Self { client, asker, comment: String::new(), time, stand_in: None }
    }

    /// Has `key` sign whatever is to be signed, or again what was asked for.
    pub(super) fn sign_as(&mut self, key: Option<AgentIdentity>) {
        self.stand_in = key;
    }

    /// The time that the next signature takes, which is with this key. russh
    /// hands it over without the agent's comment when it comes to that.
    pub(super) fn time_for(&mut self, key: &AgentIdentity) -> PersonsTime {
        self.comment = printable(key.comment());
        self.time = PersonsTime::default();
        self.time.clone()
    }
}

impl Signer for AgentSigner {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash_alg: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let key = self.stand_in.as_ref().unwrap_or(key);
        // The agent shows it only to those who sit before the machine.
        let _shown = wants_touch(key)
            .then(|| Question::Touch { key: self.comment.clone() })
            .and_then(|question| self.asker.show(question));
        let request = timeout(AGENT, self.client.sign_request(key, hash_alg, to_sign));
        match self.time.count(request).await {
            Ok(Ok(signed)) => Ok(signed),
            Ok(Err(_)) | Err(_) => Err(SignError::Agent),
        }
    }
}

/// Whether the key is in a token that waits for a finger. Some are made not to
/// want one, which only the token knows.
fn wants_touch(key: &AgentIdentity) -> bool {
    let algorithm = key.public_key().algorithm();
    matches!(algorithm, Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256)
}
