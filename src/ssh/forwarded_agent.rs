//! The agent here, for those who are there: `ForwardAgent` in ssh_config(5).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Conversations at a time, of all commands on a link. Whoever is root there may
/// begin as many as he likes.
const MOST: usize = 64;
/// How long the agent may take none of what it is sent. The channel is not read
/// in that time, and one that nobody reads holds up its link in the end.
const STUCK: Duration = Duration::from_secs(10);
/// What is read at a time, in bytes. No message of an agent is much larger.
const PIECE: usize = 16 * 1024;

/// An agent that is forwarded.
#[derive(Debug, Clone)]
pub(super) struct ForwardedAgent {
    socket: PathBuf,
    conversations: Arc<Semaphore>,
}

impl ForwardedAgent {
    pub(super) fn at(socket: PathBuf) -> Self {
        Self { socket, conversations: Arc::new(Semaphore::new(MOST)) }
    }

    /// Has `channel` speak with the agent, in a task of its own. It is refused
    /// where there is no agent now.
    pub(super) fn serve(&self, channel: Channel<Msg>, reply: ChannelOpenHandle) {
        let Ok(permit) = self.conversations.clone().try_acquire_owned() else {
            tracing::warn!("too many conversations with the forwarded agent");
            return;
        };
        let socket = self.socket.clone();
        tokio::spawn(async move {
            let agent = match timeout(STUCK, UnixStream::connect(&socket)).await {
                Ok(Ok(agent)) => agent,
                Ok(Err(error)) => {
                    tracing::warn!(socket = %socket.display(), %error, "no agent to forward");
                    return reply.reject(ChannelOpenFailure::ConnectFailed).await;
                }
                Err(_) => return reply.reject(ChannelOpenFailure::ConnectFailed).await,
            };
            reply.accept().await;
            let (from_agent, to_agent) = agent.into_split();
            let (from_there, to_there) = tokio::io::split(channel.into_stream());
            // The end of either side is the end of the conversation.
            let ended = tokio::select! {
                ended = pass(from_there, to_agent) => ended,
                ended = pass(from_agent, to_there) => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "the forwarded agent's conversation broke off");
            }
            drop(permit);
        });
    }
}

/// Passes on what comes until it ends, or is not taken.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        timeout(STUCK, to.write_all(&piece[..length])).await??;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_side_that_takes_nothing_ends_the_conversation() {
        // Room for one byte, and nobody reads it.
        let (to, _kept) = tokio::io::duplex(1);
        let ended = pass(&b"two bytes"[..], to).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_comes_is_passed_on_up_to_its_end() {
        let (to, mut other) = tokio::io::duplex(64);
        pass(&b"a question"[..], to).await.unwrap();
        let mut got = String::new();
        other.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "a question");
    }
}
