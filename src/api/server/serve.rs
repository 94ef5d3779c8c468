//! Runs the server until it is told to stop.

use std::future::{Future, IntoFuture};
use std::io;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::watch;

use super::listener::OwnerOnly;
use super::routes;
use crate::api::backend::Backend;

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

/// Serves `backend` on `listener` until `shutdown` is done.
///
/// Then no further connection is taken, followers are ended, and requests under
/// way have two seconds. Connections of other users than our own and root are
/// closed unread.
///
/// # Errors
///
/// When the listener's own address cannot be told, which is before anything is
/// served.
pub async fn serve<B: Backend>(
    listener: UnixListener,
    backend: B,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let stopping = Stopping(stopping);
    let mut told = stopping.clone();
    let router = routes::router(Context { backend, stopping });
    let server = axum::serve(OwnerOnly::new(listener), router)
        .with_graceful_shutdown(async move { told.stopped().await });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        ended = &mut server => return ended,
        () = shutdown => {}
    }
    // The server holds receivers; were they gone, there is nobody to tell.
    let _ = stop.send(true);
    // Time running out is the bound doing its work.
    tokio::time::timeout(GRACE, server).await.unwrap_or(Ok(()))
}
