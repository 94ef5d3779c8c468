//! The exchange with the server, one key at a time, and the truth about its
//! end.

use std::time::Duration;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse, Prompt};
use russh::keys::agent::{AgentIdentity, AgentSessionBinding};
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use tokio::sync::watch;

use super::signer::{AgentSigner, FileSigner, SignError};
use super::{Tried, accepted};
use crate::domain::failure::trouble::{KeyOutcome, LinkTrouble, Phase, TriedKey};
use crate::domain::secret::Secret;
use crate::domain::target::SshSettings;
use crate::ssh::client::{Client, Ending};
use crate::ssh::persons_time::PersonsTime;

/// How long russh may take to tell why a session ended.
const LAST_WORDS: Duration = Duration::from_secs(2);
const PHASE: Phase = Phase::Authentication;

/// The authentication of one session.
pub(super) struct Attempts<'a> {
    handle: &'a mut Handle<Client>,
    settings: &'a SshSettings,
    ended: watch::Receiver<Option<Ending>>,
    /// What is left of the phase's bound; a person's time is not counted.
    left: Duration,
    offered: usize,
    methods: Option<MethodSet>,
    rsa_hash: Option<Option<HashAlg>>,
}

/// What the server said.
#[derive(Debug)]
pub(super) enum Answer {
    Accepted,
    Refused { partial: bool },
}

/// One turn of a conversation.
#[derive(Debug)]
pub(super) enum Turn {
    /// The server asks.
    Asks {
        /// What it calls the conversation; may be empty.
        name: String,
        /// What it says about it; may be empty.
        instructions: String,
        /// What it asks; there may be nothing.
        prompts: Vec<Prompt>,
    },
    /// It is over.
    Ends(Answer),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        handle: &'a mut Handle<Client>,
        settings: &'a SshSettings,
        ended: watch::Receiver<Option<Ending>>,
    ) -> Self {
        let left = settings.connect_timeout;
        Self { handle, settings, ended, left, offered: 0, methods: None, rsa_hash: None }
    }

    pub(super) fn session_binding(&self) -> Option<AgentSessionBinding> {
        self.handle.agent_session_binding().cloned()
    }

    /// What the server takes; `None` if it has not said.
    pub(super) fn methods(&self) -> Option<&MethodSet> {
        self.methods.as_ref()
    }

    /// Whether there is any use in offering another key.
    pub(super) fn takes_public_keys(&self) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&MethodKind::PublicKey))
    }

    pub(super) fn denied(&self, tried: Vec<TriedKey>) -> LinkTrouble {
        let methods = self.methods.iter().flat_map(|methods| methods.iter()).map(String::from);
        LinkTrouble::AuthDenied {
            user: self.settings.user.clone(),
            tried,
            methods: methods.collect(),
        }
    }

    /// The method `none`.
    pub(super) async fn none(&mut self) -> Result<Answer, LinkTrouble> {
        let request = self.handle.authenticate_none(&*self.settings.user);
        let result = PersonsTime::default().bound(&mut self.left, PHASE, request).await?;
        self.answer(result.ok()).await
    }

    /// A key whose private half `signer` has.
    pub(super) async fn with_key(
        &mut self,
        key: &PublicKey,
        signer: &mut FileSigner,
    ) -> Result<Tried, LinkTrouble> {
        let Some(hash) = self.hash_for(&key.algorithm()).await? else {
            return Ok(Tried::Outcome(KeyOutcome::Refused));
        };
        self.offered += 1;
        let signing = signer.time();
        let user = &*self.settings.user;
        let request = self.handle.authenticate_publickey_with(user, key.clone(), hash, signer);
        let result = signing.bound(&mut self.left, PHASE, request).await?;
        self.tried(result).await
    }

    /// A certificate for a key whose private half `signer` has.
    pub(super) async fn with_certificate(
        &mut self,
        certificate: &Certificate,
        signer: &mut FileSigner,
    ) -> Result<Tried, LinkTrouble> {
        let public = PublicKey::from(certificate.public_key().clone());
        let Some(hash) = self.hash_for(&public.algorithm()).await? else {
            return Ok(Tried::Outcome(KeyOutcome::Refused));
        };
        self.offered += 1;
        let signing = signer.time();
        let (user, certificate) = (&*self.settings.user, certificate.clone());
        let request = self.handle.authenticate_certificate_with(user, certificate, hash, signer);
        let result = signing.bound(&mut self.left, PHASE, request).await?;
        self.tried(result).await
    }

    /// A key or certificate of the agent.
    pub(super) async fn with_agent(
        &mut self,
        identity: &AgentIdentity,
        signer: &mut AgentSigner,
    ) -> Result<Tried, LinkTrouble> {
        let Some(hash) = self.hash_for(&identity.public_key().algorithm()).await? else {
            return Ok(Tried::Outcome(KeyOutcome::Refused));
        };
        self.offered += 1;
        let signing = signer.time_for(identity);
        let user = &*self.settings.user;
        let result = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                let request =
                    self.handle.authenticate_publickey_with(user, key.clone(), hash, signer);
                signing.bound(&mut self.left, PHASE, request).await?
            }
            AgentIdentity::Certificate { certificate, .. } => {
                let certificate = certificate.clone();
                let request =
                    self.handle.authenticate_certificate_with(user, certificate, hash, signer);
                signing.bound(&mut self.left, PHASE, request).await?
            }
        };
        self.tried(result).await
    }

    /// A certificate for a key that the agent holds without it.
    pub(super) async fn with_certificate_of_agent(
        &mut self,
        certificate: &Certificate,
        key: &AgentIdentity,
        signer: &mut AgentSigner,
    ) -> Result<Tried, LinkTrouble> {
        let Some(hash) = self.hash_for(&key.public_key().algorithm()).await? else {
            return Ok(Tried::Outcome(KeyOutcome::Refused));
        };
        self.offered += 1;
        let signing = signer.time_for(key);
        signer.sign_as(Some(key.clone()));
        let (user, certificate) = (&*self.settings.user, certificate.clone());
        let request =
            self.handle.authenticate_certificate_with(user, certificate, hash, &mut *signer);
        let result = signing.bound(&mut self.left, PHASE, request).await;
        signer.sign_as(None);
        self.tried(result?).await
    }

    /// A password.
    pub(super) async fn password(&mut self, password: &Secret) -> Result<Answer, LinkTrouble> {
        let user = &*self.settings.user;
        let request = self.handle.authenticate_password(user, password.expose());
        let result = PersonsTime::default().bound(&mut self.left, PHASE, request).await?;
        self.answer(result.ok()).await
    }

    /// Begins a conversation of the method keyboard-interactive.
    pub(super) async fn converse(&mut self) -> Result<Turn, LinkTrouble> {
        let user = &*self.settings.user;
        let request = self.handle.authenticate_keyboard_interactive_start(user, None);
        let result = PersonsTime::default().bound(&mut self.left, PHASE, request).await?;
        self.turn(result.ok()).await
    }

    /// Goes on with it.
    pub(super) async fn reply(&mut self, replies: &[Secret]) -> Result<Turn, LinkTrouble> {
        let replies = replies.iter().map(|reply| reply.expose().to_owned()).collect();
        let request = self.handle.authenticate_keyboard_interactive_respond(replies);
        let result = PersonsTime::default().bound(&mut self.left, PHASE, request).await?;
        self.turn(result.ok()).await
    }

    async fn turn(
        &mut self,
        response: Option<KeyboardInteractiveAuthResponse>,
    ) -> Result<Turn, LinkTrouble> {
        use KeyboardInteractiveAuthResponse as Response;
        let result = match response {
            Some(Response::InfoRequest { name, instructions, prompts }) => {
                return Ok(Turn::Asks { name, instructions, prompts });
            }
            Some(Response::Success) => Some(AuthResult::Success),
            Some(Response::Failure { remaining_methods, partial_success }) => {
                Some(AuthResult::Failure { remaining_methods, partial_success })
            }
            None => None,
        };
        self.answer(result).await.map(Turn::Ends)
    }

    async fn tried(&mut self, result: Result<AuthResult, SignError>) -> Result<Tried, LinkTrouble> {
        let answer = match result {
            Ok(result) => self.answer(Some(result)).await?,
            Err(SignError::Ended) => self.answer(None).await?,
            Err(SignError::Unanswered(question)) => {
                return Err(LinkTrouble::Unanswered { question });
            }
            Err(error) => return Ok(Tried::Outcome(error.outcome())),
        };
        Ok(match answer {
            Answer::Accepted => Tried::Accepted,
            Answer::Refused { partial: true } => Tried::Outcome(KeyOutcome::Partial),
            Answer::Refused { partial: false } => Tried::Outcome(KeyOutcome::Refused),
        })
    }

    /// The server's answer, told apart from the end of the session.
    ///
    /// russh reports a session that died as a refusal with no methods left, and
    /// a refusal with no methods left (that it knows) ends its session.
    async fn answer(&mut self, result: Option<AuthResult>) -> Result<Answer, LinkTrouble> {
        match result {
            Some(AuthResult::Success) => return Ok(Answer::Accepted),
            Some(AuthResult::Failure { remaining_methods, partial_success })
                if !remaining_methods.is_empty() =>
            {
                self.methods = Some(remaining_methods);
                return Ok(Answer::Refused { partial: partial_success });
            }
            Some(AuthResult::Failure { .. }) | None => {}
        }
        let ending = tokio::time::timeout(LAST_WORDS, self.ended.wait_for(Option::is_some)).await;
        let ending = match ending {
            Ok(Ok(ending)) => ending.clone(),
            // The session is gone without a word, or still there after a
            // refusal that leaves no method.
            Ok(Err(_)) => None,
            Err(_) => Some(Ending::NoMethods),
        };
        match ending {
            Some(Ending::NoMethods) => {
                self.methods = Some(MethodSet::empty());
                Ok(Answer::Refused { partial: false })
            }
            Some(Ending::Disconnected(words))
                if words.contains("Too many authentication failures") =>
            {
                Err(LinkTrouble::TooManyAuthFailures {
                    user: self.settings.user.clone(),
                    offered: self.offered,
                })
            }
            Some(ending) => Err(ending.before_up(Phase::Authentication)),
            None => Err(LinkTrouble::ClosedByPeer { phase: Phase::Authentication, said: None }),
        }
    }

    /// The hash to sign with; `None` for an RSA key on a server that knows only
    /// SHA-1. Without the server's list (RFC 8308) SHA-512 is tried.
    async fn hash_for(
        &mut self,
        algorithm: &Algorithm,
    ) -> Result<Option<Option<HashAlg>>, LinkTrouble> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(Some(None));
        }
        let hash = match self.rsa_hash {
            Some(hash) => hash,
            None => match self.handle.best_supported_rsa_hash().await {
                Ok(best) => best.unwrap_or(Some(HashAlg::Sha512)),
                Err(_) => {
                    // The session is gone; the request that follows says why.
                    Some(HashAlg::Sha512)
                }
            },
        };
        let accepted = self.settings.login.accepted.as_deref();
        let hash = hash.map(|best| accepted::rsa_hash(accepted, best));
        self.rsa_hash = Some(hash);
        Ok(hash.map(Some))
    }
}
