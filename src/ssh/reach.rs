//! Finding out whether a destination's first hop can be reached, and no more.

use std::time::Duration;

use tokio::net::TcpStream;

use super::tcp;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_options::Reach;
use crate::domain::target::SshSettings;

/// How long one attempt may take: a host is looked out for with many, and only a
/// fresh one is answered at once when the network is back.
const WITHIN: Duration = Duration::from_secs(3);

/// A connection to the first hop on which nothing was said yet, for a dial to go
/// on with: a server that is connected to and left would count it as one more
/// client that never logged in.
#[derive(Debug, Default)]
pub struct Reached(pub(super) Option<TcpStream>);

/// Connects to the first hop of a destination.
///
/// # Errors
///
/// The name has no address, or no address takes a connection soon.
pub async fn reach(settings: &SshSettings) -> Result<Reached, LinkTrouble> {
    let Some(first) = settings.first_hop() else {
        let detail = "what leads there is no connection of ours".to_owned();
        return Err(LinkTrouble::ConnectFailed { detail });
    };
    let SshSettings { host_name, port, reach, .. } = first;
    let addresses = tcp::resolve(host_name, *port, reach.family, WITHIN).await?;
    let once = Reach { attempts: 1, ..reach.clone() };
    Ok(Reached(Some(tcp::connect(&addresses, &once, WITHIN).await?)))
}
