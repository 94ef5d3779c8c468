//! SSH servers that do what no honest sshd does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::must::Must;

/// What a server does once keys are exchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Takes no key, and has no other method that a person could serve.
    NoKeys,
    /// Hangs up while the key is looked at.
    HangsUpAtLogin,
    /// Opens no channel.
    NoChannels,
    /// Opens channels and refuses every command.
    NoCommands,
    /// Opens channels and never answers a command.
    DeafToCommands,
    /// Says this in a command's place, and ends with this status.
    Says(&'static str, u32),
    /// Says this in a command's place, and waits.
    Prompts(&'static str),
}

/// A server. It serves until the test's process ends.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    /// How many connections it has taken.
    pub(crate) taken: Arc<AtomicUsize>,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().must("a runtime")
    })
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).must("a host key");
        let config = Arc::new(Config {
            keys: vec![key],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        });
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).must("listen");
        let port = listener.local_addr().must("the port").port();
        let taken = Arc::<AtomicUsize>::default();
        let count = taken.clone();
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let config = config.clone();
                tokio::spawn(async move {
                    // An error is the end of the connection, which the client sees.
                    let visit = Visit(manner);
                    if let Ok(session) = russh::server::run_stream(config, stream, visit).await {
                        _ = session.await;
                    }
                });
            }
        });
        Self { port, taken }
    }
}

struct Visit(Manner);

impl Handler for Visit {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        Ok(match self.0 {
            Manner::NoKeys => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::HostBased][..])),
                partial_success: false,
            },
            _ => Auth::reject(),
        })
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        match self.0 {
            Manner::HangsUpAtLogin => Err(russh::Error::Disconnect),
            _ => Ok(Auth::Accept),
        }
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        match self.0 {
            Manner::NoChannels => reply.reject(ChannelOpenFailure::ResourceShortage).await,
            _ => reply.accept().await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        match self.0 {
            Manner::NoCommands => session.channel_failure(channel),
            Manner::Says(words, status) => {
                session.channel_success(channel)?;
                session.data(channel, words.as_bytes())?;
                session.exit_status_request(channel, status)?;
                session.eof(channel)?;
                session.close(channel)
            }
            Manner::Prompts(words) => {
                session.channel_success(channel)?;
                session.data(channel, words.as_bytes())
            }
            _ => Ok(()),
        }
    }
}
