//! Runs the server until it is told to stop.

use std::future::Future;
use std::time::Duration;

use axum::middleware::from_fn_with_state;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

use super::bounds::{MAX_OWNERS, MAX_TCP};
use super::connection::attend;
use super::guard::{Guard, guard};
use super::listener::OwnerOnly;
use super::routes;
use crate::api::backend::Backend;
use crate::domain::secret::Secret;

/// How long requests may take to end once the server stops. Followers end at
/// once; what is left is an answer that a client does not read.
const GRACE: Duration = Duration::from_secs(2);

/// What every handler gets.
#[derive(Debug, Clone)]
pub(super) struct Context<B> {
    /// The daemon.
    pub(super) backend: B,
    /// Becomes true when the server stops.
    pub(super) stopping: Stopping,
}

/// Word that the server stops; followers end on it.
#[derive(Debug, Clone)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns once the server stops. Cancel safe.
    pub(super) async fn stopped(&mut self) {
        // The sender lives as long as the server: its end means the same.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// Where requests come in.
#[derive(Debug)]
pub struct Doors {
    /// The owner's socket.
    pub socket: UnixListener,
    /// A port of this machine, where one was asked for.
    pub tcp: Option<TcpDoor>,
}

/// A TCP listener, and what its clients have to know.
#[derive(Debug)]
pub struct TcpDoor {
    /// The listener.
    pub listener: TcpListener,
    /// The token of every request there.
    pub token: Secret,
}

impl From<UnixListener> for Doors {
    fn from(socket: UnixListener) -> Self {
        Self { socket, tcp: None }
    }
}

/// Serves `backend` at `doors` until `shutdown` is done.
///
/// Then no further connection is taken, followers are ended, and requests under
/// way have two seconds. Connections to the socket of other users than our own
/// and root are closed unread; requests by TCP need the token.
pub async fn serve<B: Backend>(
    doors: impl Into<Doors>,
    backend: B,
    shutdown: impl Future<Output = ()> + Send,
) {
    let Doors { socket, tcp } = doors.into();
    let (stop, stopping) = watch::channel(false);
    let router = routes::router(Context { backend, stopping: Stopping(stopping.clone()) });
    let stopping = Stopping(stopping);
    let strangers = async {
        if let Some(TcpDoor { listener, token }) = tcp {
            let guarded = from_fn_with_state(Guard::new(&token), guard);
            attend(listener, router.clone().layer(guarded), MAX_TCP, stopping.clone()).await;
        }
    };
    let owner = attend(OwnerOnly::new(socket), router.clone(), MAX_OWNERS, stopping.clone());
    let served = async { tokio::join!(owner, strangers) };
    let mut served = std::pin::pin!(served);
    tokio::select! {
        _ = &mut served => return,
        () = shutdown => {}
    }
    // The server holds receivers; were they gone, there is nobody to tell.
    let _ = stop.send(true);
    // Time running out is the bound doing its work.
    let _ = tokio::time::timeout(GRACE, served).await;
}
