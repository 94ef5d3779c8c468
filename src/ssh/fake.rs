//! Links to a server in memory, for tests with a clock of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session};
use russh::{Channel, ChannelId, ChannelOpenFailure};

use super::dial::{Way, handshake};
use super::link::Link;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;

/// A server that lets everybody in, opens so many channels at a time, and runs
/// commands that never say anything.
#[derive(Debug)]
struct Server {
    max_sessions: u32,
    open: Arc<AtomicU32>,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.open.load(Ordering::Relaxed) < self.max_sessions {
            self.open.fetch_add(1, Ordering::Relaxed);
            reply.accept().await;
        } else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(channel)
    }

    async fn channel_close(
        &mut self,
        _channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.open.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A link to a server of its own that opens so many channels at a time.
pub(crate) async fn link(settings: &SshSettings, max_sessions: u32) -> Result<Link, LinkTrouble> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let config = russh::server::Config {
        keys: vec![PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()],
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..Default::default()
    };
    let server = Server { max_sessions, open: Arc::default() };
    tokio::spawn(async move {
        if let Ok(session) = russh::server::run_stream(Arc::new(config), theirs, server).await {
            let _ = session.await;
        }
    });
    // It has another key each time, and no file to be known from.
    let settings = SshSettings {
        identity_files: Vec::new(),
        identities_explicit: true,
        user_known_hosts: Vec::new(),
        global_known_hosts: Vec::new(),
        ..settings.clone()
    };
    handshake(&settings, ours, None, Way::plain()).await.map(Link::from)
}
