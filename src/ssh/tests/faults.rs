//! What no honest sshd would do, over an in-memory stream.

use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet};
use tokio::io::{AsyncWriteExt as _, DuplexStream};

use crate::domain::failure::greeting::GreetingTrouble;
use crate::domain::failure::trouble::{LinkTrouble, LostHow, Phase};
use crate::domain::ssh_options::{Login, Offer, Reach};
use crate::domain::target::{HostKeyRules, KeepAlive, SshSettings, UnknownHost};
use crate::domain::transport::Chosen;
use crate::ssh::Link;
use crate::ssh::dial::{Way, handshake};

fn settings() -> SshSettings {
    SshSettings {
        host_name: "test".to_owned(),
        host_key_name: "test".to_owned(),
        host_key_alias: None,
        port: 22,
        user: "me".to_owned(),
        identity_files: Vec::new(),
        identities_explicit: true,
        identities_only: false,
        jumps: Vec::new(),
        keep_alive: KeepAlive { interval: Some(Duration::from_secs(15)), count: 3 },
        connect_timeout: Duration::from_secs(10),
        unknown_host: UnknownHost::AcceptNew,
        host_key_rules: HostKeyRules::default(),
        user_known_hosts: Vec::new(),
        global_known_hosts: Vec::new(),
        agent_socket: None,
        forward_agent: None,
        reach: Reach::default(),
        login: Login::default(),
        offer: Offer::default(),
        env: Vec::new(),
        transport: Chosen::default(),
        system_ssh: None,
    }
}

async fn over(stream: DuplexStream) -> Result<Link, LinkTrouble> {
    handshake(&settings(), stream, None, Way::plain()).await.map(Link::from)
}

/// A server that lets everybody in without a key.
#[derive(Default)]
struct Server {
    auth: Option<Auth>,
    silent_auth: bool,
    broken_auth: bool,
    refuses_channels: bool,
    refuses_exec: bool,
    silent_exec: bool,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        if self.silent_auth {
            std::future::pending::<()>().await;
        }
        if self.broken_auth {
            return Err(russh::Error::Disconnect);
        }
        Ok(self.auth.take().unwrap_or(Auth::Accept))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.refuses_channels {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
        } else {
            reply.accept().await;
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.silent_exec {
            return Ok(());
        }
        if self.refuses_exec {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)
    }
}

/// The client's end of a connection to `server`.
fn served_by(server: Server) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let config = russh::server::Config {
        keys: vec![PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()],
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..Default::default()
    };
    tokio::spawn(async move {
        if let Ok(session) = russh::server::run_stream(Arc::new(config), theirs, server).await {
            let _ = session.await;
        }
    });
    ours
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_silent() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let trouble = over(ours).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::Greeting(GreetingTrouble::Silent));
    drop(theirs);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_given_up_closes_the_stream() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    theirs.write_all(b"SSH-2.0-mute\r\n").await.unwrap();
    let trouble = over(ours).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::TimedOut { phase: Phase::KeyExchange });
    // The banner and the key exchange, and then the end.
    let mut sent = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut theirs, &mut sent);
    tokio::time::timeout(Duration::from_secs(5), read).await.unwrap().unwrap();
    assert!(sent.starts_with(b"SSH-2.0-"));
}

#[tokio::test]
async fn words_before_the_banner_are_handed_on() {
    for words in ["Exceeded MaxStartups", "Not allowed at this time"] {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(format!("{words}\r\n").as_bytes()).await.unwrap();
        drop(theirs);
        let said = words.to_owned();
        let greeting = match words {
            "Exceeded MaxStartups" => GreetingTrouble::TooManyLogins { said },
            _ => GreetingTrouble::Penalised { said },
        };
        assert_eq!(over(ours).await.unwrap_err(), LinkTrouble::Greeting(greeting));
    }
}

/// Over TCP, where what we write meets a closed socket and is answered by a
/// reset.
#[tokio::test(flavor = "multi_thread")]
async fn words_are_not_lost_to_the_reset_that_follows_them() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"Not allowed at this time\r\n");
        }
    });
    let host_name = "127.0.0.1".to_owned();
    let settings = SshSettings { host_name, port, ..settings() };
    for _ in 0..20 {
        let trouble = crate::ssh::dial(&settings, None, &|_, _| {}).await.unwrap_err();
        let said = "Not allowed at this time".to_owned();
        assert_eq!(trouble, LinkTrouble::Greeting(GreetingTrouble::Penalised { said }));
    }
}

#[tokio::test]
async fn a_close_without_a_word_is_a_close() {
    let closed = LinkTrouble::ClosedByPeer { phase: Phase::KeyExchange, said: None };
    for (banner, expected) in
        [("", LinkTrouble::Greeting(GreetingTrouble::Closed)), ("SSH-2.0-brief\r\n", closed)]
    {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(banner.as_bytes()).await.unwrap();
        theirs.shutdown().await.unwrap();
        let trouble = over(ours).await.unwrap_err();
        assert_eq!(trouble, expected, "{banner:?}");
    }
}

#[tokio::test]
async fn a_server_of_something_else_is_told_by_its_words() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let page = format!("HTTP/1.1 400 Bad Request\r\n{}", "x".repeat(4096));
    theirs.write_all(page.as_bytes()).await.unwrap();
    let trouble = over(ours).await.unwrap_err();
    let LinkTrouble::Greeting(GreetingTrouble::NotSsh { said }) = trouble else {
        panic!("{trouble:?}")
    };
    assert!(said.contains("HTTP/1.1 400 Bad Request"), "{said}");
}

#[tokio::test]
async fn a_server_that_needs_no_key_lets_us_in() {
    let link = over(served_by(Server::default())).await.unwrap();
    assert!(link.peer().version.starts_with("SSH-2.0-"), "{:?}", link.peer());
    link.exec("anything").await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_leaves_no_method_is_a_refusal() {
    let auth = Auth::Reject {
        proceed_with_methods: Some(MethodSet::from(&[MethodKind::Password][..])),
        partial_success: false,
    };
    let server = Server { auth: Some(auth), ..Server::default() };
    let trouble = over(served_by(server)).await.unwrap_err();
    let LinkTrouble::AuthDenied { tried, methods, .. } = trouble else { panic!("{trouble:?}") };
    assert_eq!(tried, []);
    assert_eq!(methods, ["password"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_times_out_in_authentication() {
    let server = Server { silent_auth: true, ..Server::default() };
    let trouble = over(served_by(server)).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::TimedOut { phase: Phase::Authentication });
}

#[tokio::test]
async fn a_connection_that_ends_in_authentication_is_no_refusal() {
    let server = Server { broken_auth: true, ..Server::default() };
    let trouble = over(served_by(server)).await.unwrap_err();
    let closed = LinkTrouble::ClosedByPeer { phase: Phase::Authentication, said: None };
    assert_eq!(trouble, closed);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_noticed_while_a_write_is_blocked() {
    let (freeze, frozen) = tokio::sync::oneshot::channel::<()>();
    let link = over(relayed(served_by(Server::default()), frozen, Then::HoldStill)).await.unwrap();
    let (_reader, mut writer) = link.exec("cat").await.unwrap().split();
    freeze.send(()).unwrap();
    // More than the stream holds, less than the window.
    writer.write_all(&vec![0; (1 << 20) + (1 << 19)]).await.unwrap();
    let started = tokio::time::Instant::now();
    let detail = "Inactivity timeout".to_owned();
    assert_eq!(link.lost().await, LinkTrouble::Lost { how: LostHow::KeepAlive, detail });
    assert!(started.elapsed() <= Duration::from_secs(121), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_a_peer_that_is_silent() {
    let (freeze, frozen) = tokio::sync::oneshot::channel::<()>();
    let link = over(relayed(served_by(Server::default()), frozen, Then::HoldStill)).await.unwrap();
    let (_reader, mut writer) = link.exec("cat").await.unwrap().split();
    freeze.send(()).unwrap();
    let write = tokio::spawn(async move { writer.write_all(&vec![0; 8 << 20]).await });
    tokio::task::yield_now().await;
    let started = tokio::time::Instant::now();
    link.close().await;
    assert!(link.is_lost());
    assert!(started.elapsed() <= Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(matches!(write.await.unwrap(), Err(LinkTrouble::Lost { .. })));
}

#[tokio::test]
async fn a_refused_channel_has_the_servers_reason() {
    let server = Server { refuses_channels: true, ..Server::default() };
    let link = over(served_by(server)).await.unwrap();
    let trouble = link.exec("true").await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::ChannelRefused { .. }), "{trouble:?}");
    assert!(!link.is_lost());
}

#[tokio::test]
async fn a_refused_command_is_no_refused_channel() {
    let server = Server { refuses_exec: true, ..Server::default() };
    let link = over(served_by(server)).await.unwrap();
    let trouble = link.exec("true").await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::CommandRefused { .. }), "{trouble:?}");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_never_answered_times_out() {
    let server = Server { silent_exec: true, ..Server::default() };
    let link = over(served_by(server)).await.unwrap();
    let trouble = link.exec("true").await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::TimedOut { phase: Phase::Channel });
    assert!(!link.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_silent_is_lost_by_keep_alive() {
    let (freeze, frozen) = tokio::sync::oneshot::channel::<()>();
    let link = over(relayed(served_by(Server::default()), frozen, Then::HoldStill)).await.unwrap();
    let started = tokio::time::Instant::now();
    freeze.send(()).unwrap();
    let lost = link.lost().await;
    assert!(matches!(lost, LinkTrouble::Lost { how: LostHow::KeepAlive, .. }), "{lost:?}");
    // ServerAliveInterval × ServerAliveCountMax, as ssh_config(5) has it.
    assert!(started.elapsed() <= Duration::from_secs(3 * 15 + 1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_asked_answers_or_is_gone_soon() {
    let (freeze, frozen) = tokio::sync::oneshot::channel::<()>();
    let link = over(relayed(served_by(Server::default()), frozen, Then::HoldStill)).await.unwrap();
    assert!(link.answers(Duration::from_secs(3)).await);
    freeze.send(()).unwrap();
    let started = tokio::time::Instant::now();
    assert!(!link.answers(Duration::from_secs(3)).await);
    assert!(started.elapsed() <= Duration::from_secs(6), "{:?}", started.elapsed());
    link.close().await;
    assert!(!link.answers(Duration::from_secs(3)).await, "what is gone does not answer");
}

enum Then {
    HoldStill,
    HangUp,
}

/// A stream to `server` that passes everything on until it is told to stop.
fn relayed(
    mut server: DuplexStream,
    stop: tokio::sync::oneshot::Receiver<()>,
    then: Then,
) -> DuplexStream {
    let (ours, mut middle) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut middle, &mut server) => {}
            _ = stop => {}
        }
        if matches!(then, Then::HoldStill) {
            std::future::pending::<()>().await;
        }
    });
    ours
}

#[tokio::test]
async fn a_link_that_nobody_holds_closes_its_stream() {
    let (ours, mut middle) = tokio::io::duplex(1 << 20);
    let mut server = served_by(Server::default());
    let relay = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut middle, &mut server).await;
    });
    let link = over(ours).await.unwrap();
    // An open channel that is dropped leaves nothing behind either.
    drop(link.exec("cat").await.unwrap());
    drop(link);
    tokio::time::timeout(Duration::from_secs(20), relay).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cut_stream_is_lost_as_closed() {
    let (cut, stop) = tokio::sync::oneshot::channel();
    let link = over(relayed(served_by(Server::default()), stop, Then::HangUp)).await.unwrap();
    cut.send(()).unwrap();
    let lost = link.lost().await;
    assert!(matches!(lost, LinkTrouble::Lost { how: LostHow::Closed, .. }), "{lost:?}");
}
