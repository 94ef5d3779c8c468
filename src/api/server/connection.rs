//! Serves what a listener takes in, within bounds.

use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::debug;

use super::bounds::{HEAD_TIME, MAX_FIELDS, MAX_HEAD};
use super::listener::Listener;
use super::serve::Stopping;

/// Serves connections, at most `most` at once, until the server stops and those
/// that are under way have ended. Dropping it ends them.
pub(super) async fn attend(
    mut listener: impl Listener,
    router: Router,
    most: usize,
    stopping: Stopping,
) {
    let room = Arc::new(Semaphore::new(most));
    let mut connections = JoinSet::new();
    let mut told = stopping.clone();
    loop {
        // Each arm is cancel-safe: a permit that was not used goes back.
        tokio::select! {
            biased;
            () = told.stopped() => break,
            // Before the next one: whoever keeps on knocking leaves nothing behind.
            Some(_) = connections.join_next() => {}
            (stream, place) = next(&mut listener, &room) => {
                connections.spawn(serve(stream, router.clone(), place, stopping.clone()));
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection, once there is a place for it.
async fn next<L: Listener>(
    listener: &mut L,
    room: &Arc<Semaphore>,
) -> (L::Stream, Option<OwnedSemaphorePermit>) {
    // It fails for a closed one, and nobody closes this.
    let place = room.clone().acquire_owned().await.ok();
    (listener.accept().await, place)
}

/// Answers one connection's requests, one after the other.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    place: Option<OwnedSemaphorePermit>,
    mut stopping: Stopping,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
    drop(place);
}
