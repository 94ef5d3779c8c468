//! `UpdateHostKeys`: what a known host says of its other keys.

use std::time::Duration;

use russh::keys::PublicKey;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::host_key::HostKeyCheck;
use super::link::BuiltIn;

/// How long after the login the announcement, and then the proof, may take.
/// OpenSSH's server announces at once.
const WITHIN: Duration = Duration::from_secs(10);

/// Waits for the server's announcement, has it prove the keys that are new, and
/// writes down what changed. Nothing of this matters to the link.
pub(super) async fn learn_announced(
    check: HostKeyCheck,
    announcement: oneshot::Receiver<Vec<PublicKey>>,
    link: BuiltIn,
) {
    let Ok(Ok(announced)) = timeout(WITHIN, announcement).await else { return };
    let news = match check.news(announced.clone()).await {
        Ok(Some(news)) => news,
        Ok(None) => return,
        Err(trouble) => return tracing::warn!(%trouble, "host keys were not brought up to date"),
    };
    if !news.new.is_empty() {
        match timeout(WITHIN, link.prove(news.new.clone())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                return tracing::warn!(%error, "the server did not prove its new host keys");
            }
            Err(_) => return tracing::warn!("the server did not prove its new host keys in time"),
        }
    }
    if !check.may_take_over(news).await {
        return;
    }
    if let Err(trouble) = check.take_over(announced).await {
        tracing::warn!(%trouble, "host keys were not brought up to date");
    }
}
