//! Our side of russh's handler, and its errors in our words.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{AlgorithmKind, Channel, ChannelId, ChannelOpenFailure, Error};
use tokio::sync::{Notify, oneshot, watch};

use super::forwarded_agent::ForwardedAgent;
use super::host_key::HostKeyCheck;
use super::wire::WireControl;
use crate::domain::failure::greeting::WaitEnd;
use crate::domain::failure::trouble::{LinkTrouble, LostHow, Phase};

/// Descriptions of refused channels that are kept for those who asked.
const REFUSALS: usize = 16;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// russh gave it up.
    #[error(transparent)]
    Ssh(#[from] Error),
    /// The host key was not accepted.
    #[error(transparent)]
    HostKey(LinkTrouble),
    /// The server said that it was over.
    #[error("{message}")]
    Disconnected {
        /// The server's words.
        message: String,
    },
}

/// How a session ended, for those who hold the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server hung up with these words.
    Disconnected(String),
    /// There was no authentication method left to try.
    NoMethods,
    /// Probes went unanswered.
    Silent(String),
    /// Anything else.
    Closed(String),
}

/// What the handler shares with its link.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    words: Mutex<VecDeque<String>>,
    more: Notify,
}

impl Refusals {
    fn push(&self, words: String) {
        let mut queue = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() == REFUSALS {
            queue.pop_front();
        }
        queue.push_back(words);
        drop(queue);
        self.more.notify_one();
    }

    /// The server's words on a refused channel.
    ///
    /// russh hands them to the handler just after it has told the one who
    /// asked, hence the wait. Two that are refused at once may get each
    /// other's.
    pub(super) async fn words(&self, reason: &ChannelOpenFailure) -> String {
        let wait = async {
            loop {
                let next = self.words.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                match next {
                    Some(words) => return words,
                    None => self.more.notified().await,
                }
            }
        };
        let words = tokio::time::timeout(Duration::from_secs(1), wait).await.unwrap_or_default();
        if words.is_empty() { reason.description().to_owned() } else { words }
    }
}

/// The handler of one session.
///
/// It is dropped when the session ends in whatever way, and with it the sender
/// of `ending`: whoever watches that learns of every end.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) host_key: HostKeyCheck,
    pub(super) ending: watch::Sender<Option<Ending>>,
    pub(super) refusals: Arc<Refusals>,
    /// Where the keys go that the server says it has.
    pub(super) announced: Option<oneshot::Sender<Vec<PublicKey>>>,
    /// The agent that the server may use.
    pub(super) agent: Option<ForwardedAgent>,
}

impl Handler for Client {
    type Error = ClientError;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, ClientError> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                self.host_key.check(key).await.map_err(ClientError::HostKey)?;
                Ok(true)
            }
            PublicKeyOrCertificate::Certificate(certificate) => {
                let checked = self.host_key.check_certificate(certificate).await;
                checked.map_err(ClientError::HostKey)?;
                Ok(true)
            }
        }
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        keys: Vec<PublicKey>,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        // Of several announcements the first is looked at.
        if let Some(announced) = self.announced.take() {
            let _ = announced.send(keys);
        }
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _channel: ChannelId,
        _reason: ChannelOpenFailure,
        description: &str,
        _language: &str,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        self.refusals.push(printable(description));
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<ClientError>,
    ) -> Result<(), ClientError> {
        let error = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                ClientError::Disconnected { message: printable(&info.message) }
            }
            DisconnectReason::Error(error) => error,
        };
        tracing::debug!(%error, "session ended");
        self.ending.send_replace(Some(ending(&error)));
        Err(error)
    }

    // The server has no business opening channels here but to the agent, where
    // that is forwarded. russh's defaults accept them all. A handle that is
    // dropped refuses.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        if let Some(agent) = &self.agent {
            agent.serve(channel, reply);
        }
        Ok(())
    }

    async fn server_channel_open_unknown(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), ClientError> {
        drop(reply);
        Ok(())
    }
}

/// A server's words without what would move a terminal's cursor.
pub(super) fn printable(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

fn ending(error: &ClientError) -> Ending {
    match error {
        ClientError::Disconnected { message } => Ending::Disconnected(message.clone()),
        ClientError::Ssh(Error::NoAuthMethod) => Ending::NoMethods,
        ClientError::Ssh(Error::KeepaliveTimeout | Error::InactivityTimeout) => {
            Ending::Silent(error.to_string())
        }
        ClientError::Ssh(_) | ClientError::HostKey(_) => Ending::Closed(error.to_string()),
    }
}

impl Ending {
    /// The end of a link that was up.
    pub(super) fn lost(&self) -> LinkTrouble {
        let (how, detail) = match self {
            Self::Silent(detail) => (LostHow::KeepAlive, detail.clone()),
            Self::Disconnected(words) | Self::Closed(words) => (LostHow::Closed, words.clone()),
            Self::NoMethods => (LostHow::Closed, "no authentication method left".to_owned()),
        };
        LinkTrouble::Lost { how, detail }
    }

    /// The end of a session that had not got past `phase`.
    pub(super) fn before_up(&self, phase: Phase) -> LinkTrouble {
        match self {
            Self::Disconnected(words) => {
                LinkTrouble::ClosedByPeer { phase, said: Some(words.clone()) }
            }
            Self::Silent(_) => LinkTrouble::TimedOut { phase },
            Self::NoMethods | Self::Closed(_) => LinkTrouble::ClosedByPeer { phase, said: None },
        }
    }
}

/// What a failed key exchange is called.
pub(super) fn key_exchange_trouble(error: ClientError, wire: &WireControl) -> LinkTrouble {
    let error = match error {
        ClientError::HostKey(trouble) => return trouble,
        ClientError::Disconnected { message } => {
            return LinkTrouble::ClosedByPeer { phase: Phase::KeyExchange, said: Some(message) };
        }
        ClientError::Ssh(error) => error,
    };
    match wire.heard().trouble(wait_end(&error)) {
        Some(greeting) => LinkTrouble::Greeting(greeting),
        None => after_the_greeting(error),
    }
}

/// How an error ended the wait for a greeting, if there was none.
fn wait_end(error: &Error) -> WaitEnd {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error {
        Error::Disconnect | Error::HUP => WaitEnd::Closed,
        // What is written to a server that has hung up is answered by a reset.
        Error::IO(error)
            if matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof) =>
        {
            WaitEnd::Closed
        }
        Error::KeepaliveTimeout | Error::InactivityTimeout => WaitEnd::TimedOut,
        _ => WaitEnd::Unreadable,
    }
}

fn after_the_greeting(error: Error) -> LinkTrouble {
    let phase = Phase::KeyExchange;
    match error {
        Error::NoCommonAlgo { kind, theirs, .. } => LinkTrouble::NoCommonAlgorithm {
            kind: kind_name(&kind),
            theirs: printable(&theirs.join(",")),
        },
        Error::Disconnect | Error::HUP => LinkTrouble::ClosedByPeer { phase, said: None },
        Error::IO(error) => match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                LinkTrouble::ResetByPeer { phase }
            }
            io::ErrorKind::UnexpectedEof => LinkTrouble::ClosedByPeer { phase, said: None },
            io::ErrorKind::TimedOut => LinkTrouble::TimedOut { phase },
            _ => LinkTrouble::Protocol { phase, detail: error.to_string() },
        },
        Error::KeepaliveTimeout | Error::InactivityTimeout => LinkTrouble::TimedOut { phase },
        error => LinkTrouble::Protocol { phase, detail: error.to_string() },
    }
}

fn kind_name(kind: &AlgorithmKind) -> &'static str {
    match kind {
        AlgorithmKind::Kex => "key exchange",
        AlgorithmKind::Key => "host key",
        AlgorithmKind::Cipher => "cipher",
        AlgorithmKind::Compression => "compression",
        AlgorithmKind::Mac => "MAC",
    }
}
