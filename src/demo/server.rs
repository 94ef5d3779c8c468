//! An SSH server on loopback whose connections can be cut.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::error::DemoError;
use super::exec;

/// Held by all that a server has started; see [`Server::close`].
type Alive = mpsc::Sender<()>;

/// A server that runs commands for whoever holds the one client key.
#[derive(Debug)]
pub(super) struct Server {
    /// Its port on 127.0.0.1.
    pub(super) port: u16,
    network: watch::Sender<bool>,
    acceptor: JoinHandle<()>,
    ended: mpsc::Receiver<()>,
}

/// What each connection needs to know.
#[derive(Debug)]
struct Account {
    config: Arc<Config>,
    client: PublicKey,
    home: PathBuf,
    alive: Alive,
}

impl Server {
    /// Starts it with `home` as the home of its one account.
    pub(super) async fn start(
        host_key: PrivateKey,
        client: PublicKey,
        home: PathBuf,
    ) -> Result<Self, DemoError> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(DemoError::Listen)?;
        let port = listener.local_addr().map_err(DemoError::Listen)?.port();
        let config = Config {
            keys: vec![host_key],
            // Nobody guesses keys here.
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        };
        let (alive, ended) = mpsc::channel(1);
        let (network, up) = watch::channel(true);
        let account = Arc::new(Account { config: Arc::new(config), client, home, alive });
        let acceptor = tokio::spawn(accept(listener, account, up));
        Ok(Self { port, network, acceptor, ended })
    }

    /// Resets all connections, and every new one from now on. What was on its
    /// way in either direction is lost.
    pub(super) fn cut(&self) {
        self.network.send_replace(false);
    }

    /// Lets connections in again.
    pub(super) fn mend(&self) {
        self.network.send_replace(true);
    }

    /// Ends all connections, and waits until all commands have ended; false if
    /// some have not `within` that time.
    pub(super) async fn close(mut self, within: Duration) -> bool {
        self.cut();
        self.acceptor.abort();
        // Nothing is ever sent: this ends when nobody is left who could.
        tokio::time::timeout(within, self.ended.recv()).await.is_ok()
    }
}

async fn accept(listener: TcpListener, account: Arc<Account>, up: watch::Receiver<bool>) {
    while let Ok((tcp, _)) = listener.accept().await {
        // Without it small packets would wait for each other.
        let _ = tcp.set_nodelay(true);
        if *up.borrow() {
            tokio::spawn(connection(tcp, account.clone(), up.clone()));
        } else {
            reset(tcp);
        }
    }
}

/// Ends a connection by RST, as a firewall or a crashed host does.
fn reset(tcp: TcpStream) {
    let _ = tcp.set_zero_linger();
}

/// Passes bytes between the client and the SSH server until one of them ends,
/// or the network is cut.
///
/// The server gets a pipe and not the socket: it runs as a task that nobody can
/// end, and would close the connection in good order.
async fn connection(mut tcp: TcpStream, account: Arc<Account>, mut up: watch::Receiver<bool>) {
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let visit = Visit { account: account.clone(), channels: HashMap::new() };
    let alive = account.alive.clone();
    tokio::spawn(async move {
        if let Ok(session) = russh::server::run_stream(account.config.clone(), theirs, visit).await
        {
            // An error is the end of the connection, which the client sees.
            let _ = session.await;
        }
        drop(alive);
    });
    let cut = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut tcp, &mut ours) => false,
        _ = up.wait_for(|up| !*up) => true,
    };
    if cut {
        reset(tcp);
    }
}

/// One connection's side of the protocol.
#[derive(Debug)]
struct Visit {
    account: Arc<Account>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Handler for Visit {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        // The comment is no part of a key.
        let known = key.public_key.key_data() == self.account.client.key_data();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Some(channel) = self.channels.remove(&id) else { return session.channel_failure(id) };
        match exec::start(command, &self.account.home) {
            Ok(child) => {
                session.channel_success(id)?;
                let alive = self.account.alive.clone();
                tokio::spawn(async move {
                    exec::serve(channel, child).await;
                    drop(alive);
                });
                Ok(())
            }
            Err(_) => session.channel_failure(id),
        }
    }
}
