//! Signatures, by a key file or by the agent, made when the server asks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::{Signature, private::KeypairData};
use russh::keys::{HashAlg, PrivateKey};
use russh::{SendError, Signer};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};

use super::agent;
use super::askpass::Askpass;
use super::key_file::{KeyFile, Private};
use crate::domain::ssh_options::AddKeys;
use crate::domain::target::SshSettings;

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
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Unusable,
}

impl From<SendError> for SignError {
    fn from(_: SendError) -> Self {
        Self::Ended
    }
}

/// The time that signing takes, which is not the server's.
#[derive(Debug, Clone, Default)]
pub(super) struct Signing(Arc<Clock>);

#[derive(Debug, Default)]
struct Clock {
    active: AtomicBool,
    spent_micros: AtomicU64,
    since: Mutex<Option<Instant>>,
}

impl Signing {
    pub(super) fn is_active(&self) -> bool {
        self.0.active.load(Ordering::SeqCst)
    }

    /// All the time spent on it so far.
    pub(super) fn spent(&self) -> Duration {
        let done = Duration::from_micros(self.0.spent_micros.load(Ordering::SeqCst));
        let since = *self.0.since.lock().unwrap_or_else(PoisonError::into_inner);
        done + since.map(|since| since.elapsed()).unwrap_or_default()
    }

    async fn time<T>(&self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        self.0.active.store(true, Ordering::SeqCst);
        let result = work.await;
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.spent_micros.fetch_add(micros, Ordering::SeqCst);
        self.0.active.store(false, Ordering::SeqCst);
        result
    }
}

/// How a locked key is opened, and what else is done with it then.
#[derive(Debug, Clone)]
pub(super) struct Unlock {
    askpass: Option<Askpass>,
    /// How often a passphrase may be wrong.
    prompts: u32,
    /// The agent that is handed the key.
    agent: Option<(PathBuf, AddKeys)>,
}

impl Unlock {
    pub(super) fn new(settings: &SshSettings, askpass: Option<&Askpass>) -> Self {
        let add = settings.login.add_keys;
        let agent = settings.agent_socket.clone().filter(|_| add != AddKeys::No);
        Self {
            askpass: askpass.cloned(),
            prompts: settings.login.prompts,
            agent: agent.map(|socket| (socket, add)),
        }
    }
}

/// Signs with a key file, which it unlocks when it comes to that.
#[derive(Debug)]
pub(super) struct FileSigner {
    file: Arc<KeyFile>,
    unlock: Unlock,
    unlocked: Option<Arc<PrivateKey>>,
    signing: Signing,
}

impl FileSigner {
    pub(super) fn new(file: Arc<KeyFile>, unlock: Unlock) -> Self {
        Self { file, unlock, unlocked: None, signing: Signing::default() }
    }

    pub(super) fn signing(&self) -> Signing {
        self.signing.clone()
    }

    /// The private key, with the help of askpass if it is encrypted.
    pub(super) async fn unlock(&mut self) -> Result<Arc<PrivateKey>, SignError> {
        if let Some(key) = &self.unlocked {
            return Ok(key.clone());
        }
        let key = match &self.file.private {
            Private::Open(key) => key.clone(),
            Private::Missing | Private::Unusable(_) => return Err(SignError::Unusable),
            Private::Locked => self.ask().await?,
        };
        if let Some((socket, AddKeys::Yes { confirm, lifetime })) = &self.unlock.agent {
            agent::add(socket, &key, *confirm, *lifetime).await;
        }
        self.unlocked = Some(key.clone());
        Ok(key)
    }

    async fn ask(&self) -> Result<Arc<PrivateKey>, SignError> {
        let askpass = self.unlock.askpass.as_ref().ok_or(SignError::Locked)?;
        for _ in 0..self.unlock.prompts {
            let passphrase = askpass.passphrase(&self.file.path).await.ok_or(SignError::Locked)?;
            let file = self.file.clone();
            // The key derivation of an encrypted key takes a while on purpose.
            let work = tokio::task::spawn_blocking(move || file.decrypt(&passphrase));
            if let Ok(Some(key)) = work.await {
                return Ok(Arc::new(key));
            }
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
        let signing = self.signing.clone();
        signing.time(self.sign(hash_alg, &mut to_sign)).await?;
        Ok(to_sign)
    }
}

/// Has the agent sign.
pub(super) struct AgentSigner {
    client: AgentClient<UnixStream>,
    signing: Signing,
    /// The key that signs in the place of a certificate.
    stand_in: Option<AgentIdentity>,
}

impl AgentSigner {
    pub(super) fn new(client: AgentClient<UnixStream>) -> Self {
        Self { client, signing: Signing::default(), stand_in: None }
    }

    /// Has `key` sign whatever is to be signed, or again what was asked for.
    pub(super) fn sign_as(&mut self, key: Option<AgentIdentity>) {
        self.stand_in = key;
    }

    /// The clock of the next signature.
    pub(super) fn signing(&mut self) -> Signing {
        self.signing = Signing::default();
        self.signing.clone()
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
        let request = timeout(AGENT, self.client.sign_request(key, hash_alg, to_sign));
        match self.signing.time(request).await {
            Ok(Ok(signed)) => Ok(signed),
            Ok(Err(_)) | Err(_) => Err(SignError::Agent),
        }
    }
}
