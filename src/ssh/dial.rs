//! From settings to a link: name, TCP or jump hosts, key exchange,
//! authentication, each with its own bound.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use russh::client::connect_stream;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::auth::{self, Askpass};
use super::client::{Client, Refusals, key_exchange_trouble};
use super::host_key::HostKeyCheck;
use super::link::{ForwardError, Link, Parts};
use super::reach::Reached;
use super::wire::Wire;
use super::{algorithms, tcp};
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::target::SshSettings;

type Progress<'a> = &'a (dyn Fn(Phase, Duration) + Send + Sync);

/// Brings up a link to the destination of `settings`, once.
///
/// `progress` is called as each phase ends, with the time it took. Behind a jump
/// host there is no [`Phase::Resolve`] (the jump host looks the name up), and
/// [`Phase::Connect`] is the time that all hops took. Each phase is bounded by
/// the connect timeout of the host it is done with; the time in which a person
/// types a passphrase does not count. Cancelling it ends what it has opened.
///
/// # Errors
///
/// The first thing that went wrong; for a hop, wrapped in
/// [`LinkTrouble::Jump`].
pub async fn dial(
    settings: &SshSettings,
    progress: &(dyn Fn(Phase, Duration) + Send + Sync),
) -> Result<Link, LinkTrouble> {
    dial_with(settings, Askpass::from_env().as_ref(), progress).await
}

/// [`dial()`] on a connection to the first hop that is there already.
///
/// # Errors
///
/// As with [`dial()`].
pub async fn dial_reached(
    settings: &SshSettings,
    reached: Reached,
    progress: &(dyn Fn(Phase, Duration) + Send + Sync),
) -> Result<Link, LinkTrouble> {
    let askpass = Askpass::from_env();
    dial_through(settings, &settings.jumps, reached, askpass.as_ref(), progress).await
}

/// [`dial()`] with the askpass program as an argument.
pub(super) async fn dial_with(
    settings: &SshSettings,
    askpass: Option<&Askpass>,
    progress: Progress<'_>,
) -> Result<Link, LinkTrouble> {
    dial_through(settings, &settings.jumps, Reached::default(), askpass, progress).await
}

/// What one read of a link's socket takes at most, in bytes. russh reads each
/// packet in two pieces, and a packet has at most half of this.
const READ_AHEAD: usize = 64 * 1024;

/// Dials `settings` through `hops`, outermost first.
fn dial_through<'a>(
    settings: &'a SshSettings,
    hops: &'a [SshSettings],
    reached: Reached,
    askpass: Option<&'a Askpass>,
    progress: Progress<'a>,
) -> Pin<Box<dyn Future<Output = Result<Link, LinkTrouble>> + Send + 'a>> {
    Box::pin(async move {
        let bound = settings.connect_timeout;
        let Some((hop, before)) = hops.split_last() else {
            let stream = match reached.0 {
                Some(stream) => stream,
                None => connect(settings, progress).await?,
            };
            let stream = BufReader::with_capacity(READ_AHEAD, stream);
            return handshake(settings, stream, None, askpass, progress).await;
        };
        let clock = Instant::now();
        let name = hop_name(hop);
        let in_hop = |trouble: LinkTrouble| match trouble {
            // A hop further out has its name on it already.
            LinkTrouble::Jump { .. } | LinkTrouble::Forward { .. } => trouble,
            trouble => LinkTrouble::Jump { hop: name.clone(), trouble: Box::new(trouble) },
        };
        let outer =
            dial_through(hop, before, reached, askpass, &|_, _| {}).await.map_err(in_hop)?;
        let opened = timeout(bound, outer.forward(&settings.host_name, settings.port)).await;
        let channel = match opened {
            Ok(Ok(channel)) => channel,
            Ok(Err(ForwardError::Refused(detail))) => {
                let to = host_and_port(&settings.host_name, settings.port);
                return Err(LinkTrouble::Forward { hop: name, to, detail });
            }
            Ok(Err(ForwardError::Lost(trouble))) => return Err(in_hop(trouble)),
            // Not the hop's own address: that one has answered.
            Err(_) => {
                let to = host_and_port(&settings.host_name, settings.port);
                let detail = format!("no answer within {} s", bound.as_secs());
                return Err(LinkTrouble::Forward { hop: name, to, detail });
            }
        };
        progress(Phase::Connect, clock.elapsed());
        let stream = channel.into_stream();
        let inner = handshake(settings, stream, Some(outer.clone()), askpass, progress).await;
        // What looks like the inner server hanging up may be the hop.
        inner.map_err(|trouble| if outer.is_lost() { in_hop(outer.loss()) } else { trouble })
    })
}

/// A TCP connection to the host of `settings`.
async fn connect(settings: &SshSettings, progress: Progress<'_>) -> Result<TcpStream, LinkTrouble> {
    let bound = settings.connect_timeout;
    let clock = Instant::now();
    let addresses = tcp::resolve(&settings.host_name, settings.port, bound).await?;
    progress(Phase::Resolve, clock.elapsed());
    let clock = Instant::now();
    let stream = tcp::connect(&addresses, bound).await?;
    progress(Phase::Connect, clock.elapsed());
    Ok(stream)
}

/// Key exchange and authentication over `stream`.
pub(super) async fn handshake<S>(
    settings: &SshSettings,
    stream: S,
    outer: Option<Link>,
    askpass: Option<&Askpass>,
    progress: Progress<'_>,
) -> Result<Link, LinkTrouble>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let clock = Instant::now();
    let bound = settings.connect_timeout;
    let (host_key, known) = HostKeyCheck::load(settings).await?;
    let config = Arc::new(algorithms::config(settings.keep_alive, &known));
    let (ending, ended) = watch::channel(None);
    let refusals = Arc::<Refusals>::default();
    let client = Client { host_key, ending, refusals: refusals.clone() };
    let (stream, wire) = Wire::new(stream);
    // A handshake that is given up would go on in russh's task.
    let cut = wire.cut_on_drop();
    let mut handle = timeout(bound, connect_stream(config, stream, client))
        .await
        .map_err(|_| LinkTrouble::TimedOut { phase: Phase::KeyExchange })?
        .map_err(|error| key_exchange_trouble(error, &wire))?;
    progress(Phase::KeyExchange, clock.elapsed());

    let clock = Instant::now();
    auth::authenticate(&mut handle, settings, askpass, ended.clone()).await?;
    progress(Phase::Authentication, clock.elapsed());
    cut.disarm();
    Ok(Link::new(Parts {
        handle,
        ending: ended,
        refusals,
        wire,
        user: settings.user.clone(),
        open_timeout: bound,
        outer,
    }))
}

fn hop_name(hop: &SshSettings) -> String {
    format!("{}@{}", hop.user, host_and_port(&hop.host_name, hop.port))
}

fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
