//! Links to a server in memory, for tests with a clock of their own.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet};

use super::dial::{Way, handshake};
use super::link::Link;
use super::people::{People, Prompter};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::SshSettings;

/// What a server wants of those who log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Nothing.
    Open,
    /// This password.
    Password(&'static str),
    /// A password, and soon: it hangs up after this time.
    Impatient(Duration),
    /// The answer to a prompt of its own.
    Code(&'static str),
    /// Both answers, one after the other, in one conversation.
    Codes(&'static str, &'static str),
    /// The password, and then the code.
    Both(&'static str, &'static str),
}

impl Door {
    fn methods(self) -> MethodSet {
        MethodSet::from(match self {
            Self::Open => &[MethodKind::None][..],
            Self::Password(_) => &[MethodKind::Password],
            Self::Code(_) | Self::Codes(..) => &[MethodKind::KeyboardInteractive],
            Self::Both(..) | Self::Impatient(_) => &[MethodKind::Password],
        })
    }
}

/// A server that opens so many channels at a time, and runs commands that never
/// say anything.
#[derive(Debug)]
struct Server {
    door: Door,
    max_sessions: u32,
    open: Arc<AtomicU32>,
    /// Whether the password was right.
    half_way: bool,
    /// Whether the conversation has begun.
    asked: bool,
}

impl Server {
    fn refuse(&self) -> Auth {
        let left = match self.door {
            Door::Both(..) if self.half_way => [MethodKind::KeyboardInteractive][..].into(),
            door => door.methods(),
        };
        Auth::Reject { proceed_with_methods: Some(left), partial_success: false }
    }
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        Ok(if self.door == Door::Open { Auth::Accept } else { self.refuse() })
    }

    async fn auth_password(&mut self, _user: &str, given: &str) -> Result<Auth, russh::Error> {
        Ok(match self.door {
            Door::Password(right) if given == right => Auth::Accept,
            Door::Both(right, _) if given == right => {
                self.half_way = true;
                let left: MethodSet = [MethodKind::KeyboardInteractive][..].into();
                Auth::Reject { proceed_with_methods: Some(left), partial_success: true }
            }
            _ => self.refuse(),
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let right: Vec<&str> = match self.door {
            Door::Code(right) => vec![right],
            Door::Codes(first, second) => vec![first, second],
            Door::Both(_, right) if self.half_way => vec![right],
            _ => return Ok(self.refuse()),
        };
        let Some(response) = response.filter(|_| self.asked) else {
            self.asked = true;
            let prompts = ["Code: ", "Colour: "].map(|text| (Cow::from(text), false));
            return Ok(Auth::Partial {
                name: "a second look".into(),
                instructions: "Your phone has it.".into(),
                prompts: prompts.into_iter().take(right.len()).collect::<Vec<_>>().into(),
            });
        };
        self.asked = false;
        let given: Vec<String> =
            response.map(|given| String::from_utf8_lossy(&given).into_owned()).collect();
        Ok(if given == right { Auth::Accept } else { self.refuse() })
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
    reach(settings, max_sessions, Door::Open, People::default()).await
}

/// A link to a server of its own that wants something of a person.
pub(crate) async fn login(
    settings: &SshSettings,
    door: Door,
    prompter: Arc<dyn Prompter>,
) -> Result<Link, LinkTrouble> {
    reach(settings, 10, door, People { askpass: None, prompter: Some(prompter) }).await
}

pub(super) async fn reach(
    settings: &SshSettings,
    max_sessions: u32,
    door: Door,
    people: People,
) -> Result<Link, LinkTrouble> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let config = russh::server::Config {
        keys: vec![PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()],
        methods: door.methods(),
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        inactivity_timeout: match door {
            Door::Impatient(patience) => Some(patience),
            _ => None,
        },
        ..Default::default()
    };
    let server = Server { door, max_sessions, open: Arc::default(), half_way: false, asked: false };
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
    let way = Way { people, ..Way::plain() };
    handshake(&settings, ours, None, way).await.map(Link::from)
}
