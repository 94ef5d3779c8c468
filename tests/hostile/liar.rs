//! An SSH server that says whatever it likes in the runner's place.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::Response;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::must::Must;

/// What would clear a screen, set a title, turn text round, and ring.
pub(crate) const ESCAPES: &str = "\x1b[2J\x1b]0;pwned\x07\u{9b}31m\u{202e}\r\x08";

/// What it says to whatever program it is sent.
#[derive(Debug, Clone)]
pub(crate) enum Lie {
    /// These lines, as the program's own, and then the end.
    Says(Vec<String>),
    /// These lines first, and then one of these for ever.
    ForEver(Vec<String>, Vec<u8>),
    /// Noise for ever, of no program's.
    Noise,
    /// It asks a person this, and takes no answer.
    Asks(String),
}

/// A server. It serves until the test's process ends.
#[derive(Debug)]
pub(crate) struct Liar {
    pub(crate) port: u16,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().must("a runtime")
    })
}

impl Liar {
    pub(crate) fn start(lie: Lie) -> Self {
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).must("a host key");
        let config = Arc::new(Config {
            keys: vec![key],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        });
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).must("listen");
        let port = listener.local_addr().must("the port").port();
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, lie) = (config.clone(), lie.clone());
                tokio::spawn(async move {
                    let visit = Visit { lie, channels: HashMap::new() };
                    // An error is the end of the connection, which the client sees.
                    if let Ok(session) = russh::server::run_stream(config, stream, visit).await {
                        _ = session.await;
                    }
                });
            }
        });
        Self { port }
    }
}

struct Visit {
    lie: Lie,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Handler for Visit {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(match self.lie {
            Lie::Asks(_) => Auth::reject(),
            _ => Auth::Accept,
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Lie::Asks(words) = &self.lie else { return Ok(Auth::reject()) };
        if response.is_some() {
            return Ok(Auth::reject());
        }
        let words: Cow<'_, str> = Cow::Owned(words.clone());
        let prompts = Cow::Owned(vec![(words.clone(), false)]);
        Ok(Auth::Partial { name: words.clone(), instructions: words, prompts })
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
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.channels.remove(&id) {
            tokio::spawn(lie(channel, self.lie.clone()));
        }
        Ok(())
    }
}

/// Tells one. Whoever hangs up has heard enough.
async fn lie(mut channel: Channel<Msg>, lie: Lie) {
    if matches!(lie, Lie::Noise) {
        let noise = Bytes::from(format!("{ESCAPES}\n").repeat(1000));
        while channel.data_bytes(noise.clone()).await.is_ok() {}
        return;
    }
    let Some(nonce) = nonce(&mut channel).await else { return };
    let said = |line: &str| Bytes::from(format!("\x1e{nonce} {line}\n"));
    let (first, rest) = match lie {
        Lie::Says(lines) => (lines, None),
        Lie::ForEver(lines, rest) => (lines, Some(rest)),
        Lie::Noise | Lie::Asks(_) => return,
    };
    for line in first {
        if channel.data_bytes(said(&line)).await.is_err() {
            return;
        }
    }
    if let Some(rest) = rest {
        // What stands for the nonce is only known here.
        let rest = String::from_utf8_lossy(&rest).replace("NONCE", &nonce);
        let rest = Bytes::from(rest.repeat((64 << 10) / rest.len().max(1) + 1));
        while channel.data_bytes(rest.clone()).await.is_ok() {}
    }
    let _ = channel.extended_data_bytes(1, said("end no code 0 run")).await;
    let _ = channel.exit_status(0).await;
    let _ = channel.eof().await;
    let _ = channel.close().await;
}

/// The nonce of the program that was sent; `None` if the client goes first.
async fn nonce(channel: &mut Channel<Msg>) -> Option<String> {
    let mut heard = BytesMut::new();
    loop {
        let ChannelMsg::Data { data } = channel.wait().await? else { continue };
        heard.extend_from_slice(&data);
        let text = String::from_utf8_lossy(&heard);
        let Some((_, rest)) = text.split_once("\nnonce ") else { continue };
        // All of the parameters: what comes behind them is not waited for.
        if let Some((nonce, rest)) = rest.split_once('\n')
            && (rest.starts_with("go\n") || rest.contains("\ngo\n"))
        {
            return Some(nonce.to_owned());
        }
    }
}
