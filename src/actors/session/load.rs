//! How busy a host is.

use std::time::Duration;

use tokio::time::timeout;

use super::host::{Host, Want};
use crate::actors::nonce;
use crate::domain::placement::Load;
use crate::runner::control;

/// Somebody waits for a session to be placed: a host that takes longer tells
/// enough by that.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks a host how busy it is; `None` if it does not tell in time.
pub async fn sample_load(host: &Host) -> Option<Load> {
    let asked = async {
        let channel = host.channel(Want::Control).await.ok()?;
        let load = control::load(channel.io, &nonce()).await.ok().flatten();
        drop(channel.slot);
        load
    };
    timeout(WITHIN, asked).await.ok().flatten()
}
