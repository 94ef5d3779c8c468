//! From settings to a link: name, TCP or jump hosts, key exchange,
//! authentication, each with its own bound.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use russh::client::connect_stream;
use russh::keys::PublicKey;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::auth;
#[cfg(test)]
use super::auth::Askpass;
use super::client::{Client, Refusals, key_exchange_trouble};
use super::forwarded_agent::ForwardedAgent;
use super::host_key::{Capture, HostKeyCheck};
use super::link::{BuiltIn, ForwardError, Link, Parts};
use super::people::{Asker, People, Prompter};
use super::persons_time::PersonsTime;
use super::reach::Reached;
use super::system;
use super::wire::Wire;
use super::{algorithms, proxy, tcp, update};
use crate::domain::doctor::stage::Stage;
use crate::domain::failure::greeting::WaitEnd;
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::host_key::{HostKeyShown, TrustError};
use crate::domain::ssh_options::ProxyCommand;
use crate::domain::target::SshSettings;

type Progress<'a> = &'a (dyn Fn(Stage) + Send + Sync);

/// Brings up a link to the destination of `settings`, once.
///
/// `progress` is called as each stage ends, in the order of
/// [`stage::of_link`](crate::domain::doctor::stage::of_link). Each phase is bounded by
/// the connect timeout of the host it is done with; the time in which a person
/// is waited for does not count, and has a bound of its own: 100 seconds for each
/// host, since that is what sshd has the patience for. Cancelling it ends what it has opened.
///
/// # Errors
///
/// The first thing that went wrong; for a hop, wrapped in
/// [`LinkTrouble::Jump`].
pub async fn dial(
    settings: &SshSettings,
    prompter: Option<Arc<dyn Prompter>>,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<Link, LinkTrouble> {
    dial_reached(settings, Reached::default(), prompter, progress).await
}

/// [`dial()`] on a connection to the first hop, where there is one already.
///
/// # Errors
///
/// As with [`dial()`].
pub async fn dial_reached(
    settings: &SshSettings,
    reached: Reached,
    prompter: Option<Arc<dyn Prompter>>,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<Link, LinkTrouble> {
    dial_on(settings, reached, People::with(prompter), progress).await
}

/// [`dial()`] with the askpass program as an argument, and nobody else to ask.
#[cfg(test)]
pub(super) async fn dial_with(
    settings: &SshSettings,
    askpass: Option<&Askpass>,
    progress: Progress<'_>,
) -> Result<Link, LinkTrouble> {
    let people = People { askpass: askpass.cloned(), prompter: None };
    dial_asking(settings, people, progress).await
}

/// [`dial()`] with those who can be asked.
#[cfg(test)]
pub(super) async fn dial_asking(
    settings: &SshSettings,
    people: People,
    progress: Progress<'_>,
) -> Result<Link, LinkTrouble> {
    dial_on(settings, Reached::default(), people, progress).await
}

/// [`dial_reached()`] with those who can be asked.
async fn dial_on(
    settings: &SshSettings,
    reached: Reached,
    people: People,
    progress: Progress<'_>,
) -> Result<Link, LinkTrouble> {
    if let Some(told) = &settings.system_ssh {
        return system::dial(settings, told, people, progress).await.map(Link::from);
    }
    let way = Way { people, progress, capture: None, address: None };
    dial_through(settings, &settings.jumps, reached, way).await.map(Link::from)
}

/// Has the destination of `settings` show its host key. Nobody is logged in to
/// it; its jump hosts are passed as usual.
///
/// # Errors
///
/// What kept it from showing one; and [`LinkTrouble::HostKeyRevoked`].
pub async fn host_key(
    settings: &SshSettings,
    prompter: Option<Arc<dyn Prompter>>,
) -> Result<HostKeyShown, LinkTrouble> {
    HostKeyCheck::describe(settings, shown_key(settings, prompter).await?).await
}

/// Trusts the host key of the destination of `settings`, in the place of those
/// that are known for it, if it is the one with this fingerprint.
///
/// # Errors
///
/// [`TrustError`]; nothing is changed then.
pub async fn trust_host_key(
    settings: &SshSettings,
    agreed: &str,
    prompter: Option<Arc<dyn Prompter>>,
) -> Result<HostKeyShown, TrustError> {
    let key = shown_key(settings, prompter).await?;
    let shown = HostKeyCheck::describe(settings, key.clone()).await?;
    if shown.fingerprint != agreed {
        return Err(TrustError::OtherKey { shown: shown.fingerprint });
    }
    HostKeyCheck::trust(settings, key.clone()).await?;
    Ok(HostKeyCheck::describe(settings, key).await?)
}

async fn shown_key(
    settings: &SshSettings,
    prompter: Option<Arc<dyn Prompter>>,
) -> Result<PublicKey, LinkTrouble> {
    let capture = Arc::<Capture>::default();
    let people = People::with(prompter);
    let way = Way { people, progress: &|_| {}, capture: Some(capture.clone()), address: None };
    let dialled = dial_through(settings, &settings.jumps, Reached::default(), way).await;
    // The key exchange was ended by us once the key was there.
    match (capture.key(), dialled) {
        (Some(key), _) => Ok(key),
        (None, Err(trouble)) => Err(trouble),
        (None, Ok(_)) => Err(LinkTrouble::Protocol {
            phase: Phase::KeyExchange,
            detail: "the server showed no host key".to_owned(),
        }),
    }
}

/// How a destination is dialled, besides its settings.
#[derive(Clone)]
pub(super) struct Way<'a> {
    pub(super) people: People,
    pub(super) progress: Progress<'a>,
    /// Where the host key goes instead of being checked.
    pub(super) capture: Option<Arc<Capture>>,
    /// Where the host was reached, if it was by a connection of ours.
    pub(super) address: Option<SocketAddr>,
}

impl<'a> Way<'a> {
    /// Nobody is asked, and nobody told.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { people: People::default(), progress: &|_| {}, capture: None, address: None }
    }

    /// The way to a jump host, which is a stage as a whole.
    fn to_hop<'b>(&self, progress: Progress<'b>) -> Way<'b> {
        Way { people: self.people.clone(), progress, capture: None, address: None }
    }
}

/// What one read of a link's socket takes at most, in bytes. russh reads each
/// packet in two pieces, and a packet has at most half of this.
const READ_AHEAD: usize = 64 * 1024;

/// Dials `settings` through `hops`, outermost first.
fn dial_through<'a>(
    settings: &'a SshSettings,
    hops: &'a [SshSettings],
    reached: Reached,
    way: Way<'a>,
) -> Pin<Box<dyn Future<Output = Result<BuiltIn, LinkTrouble>> + Send + 'a>> {
    Box::pin(async move {
        let progress = way.progress;
        let bound = settings.connect_timeout;
        let Some((hop, before)) = hops.split_last() else {
            if let Some(proxy) = &settings.reach.proxy {
                return dial_by_proxy(settings, proxy, way).await;
            }
            let stream = match reached.0 {
                Some(stream) => stream,
                None => connect(settings, progress).await?,
            };
            let way = Way { address: stream.peer_addr().ok(), ..way };
            let stream = BufReader::with_capacity(READ_AHEAD, stream);
            return handshake(settings, stream, None, way).await;
        };
        let name = hop.address();
        let in_hop = |trouble: LinkTrouble| match trouble {
            // A hop further out has its name on it already.
            LinkTrouble::Jump { .. }
            | LinkTrouble::Forward { .. }
            | LinkTrouble::ForwardProhibited { .. } => trouble,
            trouble => LinkTrouble::Jump { hop: name.clone(), trouble: Box::new(trouble) },
        };
        let hops_only = |stage: Stage| {
            if matches!(stage, Stage::Jump(_)) {
                progress(stage);
            }
        };
        let way_there = way.to_hop(&hops_only);
        let outer = dial_through(hop, before, reached, way_there).await.map_err(in_hop)?;
        progress(Stage::Jump(name.clone()));
        let opened = timeout(bound, outer.forward(&settings.host_name, settings.port)).await;
        let channel = match opened {
            Ok(Ok(channel)) => channel,
            Ok(Err(ForwardError::Refused(detail))) => {
                let to = host_and_port(&settings.host_name, settings.port);
                return Err(LinkTrouble::Forward { hop: name, to, detail });
            }
            Ok(Err(ForwardError::Prohibited)) => {
                let to = host_and_port(&settings.host_name, settings.port);
                return Err(LinkTrouble::ForwardProhibited { hop: name, to });
            }
            Ok(Err(ForwardError::Lost(trouble))) => return Err(in_hop(trouble)),
            // Not the hop's own address: that one has answered.
            Err(_) => {
                let to = host_and_port(&settings.host_name, settings.port);
                let detail = format!("no answer within {} s", bound.as_secs());
                return Err(LinkTrouble::Forward { hop: name, to, detail });
            }
        };
        progress(Stage::Connect);
        let stream = channel.into_stream();
        let inner = handshake(settings, stream, Some(outer.clone()), way).await;
        // What looks like the inner server hanging up may be the hop.
        inner.map_err(|trouble| if outer.is_lost() { in_hop(outer.loss()) } else { trouble })
    })
}

/// A TCP connection to the host of `settings`.
async fn connect(settings: &SshSettings, progress: Progress<'_>) -> Result<TcpStream, LinkTrouble> {
    let SshSettings { host_name, port, reach, connect_timeout: bound, .. } = settings;
    let addresses = tcp::resolve(host_name, *port, reach.family, *bound).await?;
    progress(Stage::Resolve);
    let stream = tcp::connect(&addresses, reach, *bound).await?;
    progress(Stage::Connect);
    Ok(stream)
}

/// Dials through a command, which is to blame as long as nothing comes through.
async fn dial_by_proxy(
    settings: &SshSettings,
    command: &ProxyCommand,
    way: Way<'_>,
) -> Result<BuiltIn, LinkTrouble> {
    let bound = settings.connect_timeout;
    let (stream, told) = proxy::open(command, bound).await?;
    (way.progress)(Stage::Connect);
    let stream = BufReader::with_capacity(READ_AHEAD, stream);
    match handshake(settings, stream, None, way).await {
        Ok(link) => Ok(link),
        Err(trouble) => Err(told.judge(trouble, bound).await),
    }
}

/// Key exchange and authentication over `stream`.
pub(super) async fn handshake<S>(
    settings: &SshSettings,
    stream: S,
    outer: Option<BuiltIn>,
    way: Way<'_>,
) -> Result<BuiltIn, LinkTrouble>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Way { people, progress, capture, address } = way;
    let bound = settings.connect_timeout;
    let (host_key, known) = HostKeyCheck::load(settings).await?;
    let host_key = match capture {
        Some(capture) => host_key.capturing(capture),
        None => host_key,
    };
    let config = Arc::new(algorithms::config(settings.keep_alive, &settings.offer, &known));
    let (ending, ended) = watch::channel(None);
    // As with ssh, nobody is asked anything then, be it about the host key.
    let people = if settings.login.batch { People::default() } else { people };
    let asker = Asker::new(people, ended.clone());
    let time = PersonsTime::default();
    let host_key = host_key.reached_at(address).asking(asker.clone(), time.clone());
    let refusals = Arc::<Refusals>::default();
    let (announced, announcement) = oneshot::channel();
    let (shown, key_shown) = oneshot::channel();
    let client = Client {
        host_key: host_key.clone(),
        ending,
        refusals: refusals.clone(),
        announced: Some(announced),
        key_shown: Some(shown),
        agent: settings.forward_agent.clone().map(ForwardedAgent::at),
    };
    let (stream, wire) = Wire::new(stream);
    // A handshake that is given up would go on in russh's task.
    let cut = wire.cut_on_drop();
    let mut left = bound;
    let exchange = async {
        let mut exchange = pin!(connect_stream(config, stream, client));
        tokio::select! {
            biased;
            Ok(()) = key_shown => progress(Stage::KeyExchange),
            done = &mut exchange => return done,
        }
        let done = exchange.await;
        if done.is_ok() {
            progress(Stage::HostKey);
        }
        done
    };
    let mut handle = time
        .bound(&mut left, Phase::KeyExchange, exchange)
        .await
        .map_err(|late| match wire.heard().trouble(WaitEnd::TimedOut) {
            Some(greeting) => LinkTrouble::Greeting(greeting),
            None => late,
        })?
        .map_err(|error| key_exchange_trouble(error, &wire))?;
    auth::authenticate(&mut handle, settings, &asker, ended.clone()).await?;
    progress(Stage::Authentication);
    cut.disarm();
    let link = BuiltIn::new(Parts {
        handle,
        ending: ended,
        refusals,
        wire,
        user: settings.user.clone(),
        open_timeout: bound,
        env: settings.env.clone(),
        forwards_agent: settings.forward_agent.is_some(),
        outer,
    });
    if host_key.updates() {
        tokio::spawn(update::learn_announced(host_key, announcement, link.clone()));
    }
    Ok(link)
}

fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
