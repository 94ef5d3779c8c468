//! The system's `ssh` against a real sshd.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::domain::doctor::stage::of_link;
use crate::domain::failure::classify::heals_by_itself;
use crate::domain::failure::trouble::{LinkTrouble, LostHow, Phase};
use crate::domain::target::{SshSettings, UnknownHost};
use crate::ssh::dial::dial_with;
use crate::ssh::testing::{Sshd, dial, public, says};
use crate::ssh::{ExecEvent, ExecReader};

/// What a command printed, its exit status, and whether the channel was closed.
async fn all(reader: &mut ExecReader) -> (Vec<u8>, Vec<u8>, Option<u32>, bool) {
    let (mut out, mut err, mut status, mut closed) = (Vec::new(), Vec::new(), None, false);
    while let Some(event) = reader.next().await {
        assert!(!closed, "{event:?} after the end");
        match event {
            ExecEvent::Stdout(bytes) => out.extend(bytes),
            ExecEvent::Stderr(bytes) => err.extend(bytes),
            ExecEvent::ExitStatus(code) => status = Some(code),
            ExecEvent::Eof | ExecEvent::ExitSignal(_) => {}
            ExecEvent::Closed => closed = true,
        }
    }
    (out, err, status, closed)
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn output_and_exit_status_arrive_apart_and_whole() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    for status in [0, 3, 255] {
        let command = format!("echo out; echo err >&2; exit {status}");
        let (mut reader, _writer) = link.exec(&command).await.unwrap().split();
        let told = within(all(&mut reader)).await;
        assert_eq!(told, (b"out\n".to_vec(), b"err\n".to_vec(), Some(status), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_of_every_stage_as_it_ends() {
    let (sshd, settings) = Sshd::ready();
    let settings = sshd.by_system(settings);
    let stages = Mutex::new(Vec::new());
    let progress = |stage| stages.lock().unwrap().push(stage);
    dial_with(&settings, None, &progress).await.unwrap();
    assert_eq!(*stages.lock().unwrap(), of_link(&settings));
}

#[tokio::test(flavor = "multi_thread")]
async fn input_reaches_the_command_until_its_end() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let (mut reader, mut writer) = link.exec("cat; echo done").await.unwrap().split();
    let input: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let expected = [&input[..], b"done\n"].concat();
    let write = tokio::spawn(async move {
        writer.write_all(&input).await.unwrap();
        writer.eof().await;
    });
    let (out, _, status, _) = within(all(&mut reader)).await;
    assert!(out == expected, "{} bytes", out.len());
    assert_eq!(status, Some(0));
    write.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_alone_keeps_the_input_open() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let (mut reader, mut writer) =
        link.exec("read a; echo $a; cat; echo end").await.unwrap().split();
    writer.write_all(b"x\n").await.unwrap();
    drop(writer);
    assert_eq!(within(reader.next()).await, Some(ExecEvent::Stdout("x\n".into())));
    assert_eq!(reader.try_next(), None);
    let waited = tokio::time::timeout(Duration::from_millis(300), reader.next()).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_dropped_ends_its_command() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let mark = sshd.path("mark");
    let command = format!("cat > /dev/null; echo ended > '{}'", mark.display());
    drop(link.exec(&command).await.unwrap());
    let appeared = async {
        while fs::read_to_string(&mark).unwrap_or_default().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(appeared).await;
    assert!(!link.is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_of_our_own_ends_the_reader() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let (mut reader, mut writer) = link.exec("exec cat").await.unwrap().split();
    writer.close().await;
    assert!(within(all(&mut reader)).await.3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_more_than_max_sessions_is_refused_and_the_link_stays() {
    let (sshd, settings) = Sshd::ready_with("MaxSessions 1");
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let _first = link.exec("cat").await.unwrap();
    let refused = within(link.exec("true")).await;
    match refused {
        Err(trouble) => {
            assert!(matches!(trouble, LinkTrouble::ChannelRefused { .. }), "{trouble:?}")
        }
        // ssh may accept first and hear of the refusal after it.
        Ok(channel) => {
            let (mut reader, _writer) = channel.split();
            assert_eq!(within(all(&mut reader)).await.2, None);
        }
    }
    assert!(!link.is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sshd_is_a_lost_link_and_no_exit_status() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let (mut reader, _writer) = link.exec("echo ready; exec cat").await.unwrap().split();
    assert_eq!(within(reader.next()).await, Some(ExecEvent::Stdout("ready\n".into())));
    sshd.kill_sessions();
    let (_, _, status, closed) = within(all(&mut reader)).await;
    assert_eq!((status, closed), (None, false));
    let lost = within(link.lost()).await;
    assert!(matches!(lost, LinkTrouble::Lost { how: LostHow::Closed, .. }), "{lost:?}");
    assert!(link.is_lost());
    assert!(matches!(link.exec("true").await, Err(LinkTrouble::Lost { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_closed_leaves_no_process_and_no_folder() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    within(link.close()).await;
    assert!(link.is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_ssh_from_logging_in_has_the_same_name_as_with_our_own() {
    let (sshd, settings) = Sshd::ready();
    let mut settings = sshd.by_system(settings);
    // Not known, and not to be trusted.
    settings.unknown_host = UnknownHost::Refuse;
    let trouble = dial(&settings).await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::HostKeyUnknown { .. }), "{trouble:?}");
    settings.unknown_host = UnknownHost::AcceptNew;

    let other = sshd.key("other", "ed25519", "");
    let known = format!("[127.0.0.1]:{} {}", settings.port, public(&other));
    fs::write(sshd.path("known_hosts"), known).unwrap();
    let trouble = dial(&settings).await.unwrap_err();
    let LinkTrouble::HostKeyChanged { file, line, fingerprint, .. } = trouble else {
        panic!("{trouble:?}")
    };
    assert_eq!((file, line), (sshd.path("known_hosts"), 1));
    assert!(fingerprint.starts_with("SHA256:"), "{fingerprint}");
    fs::write(sshd.path("known_hosts"), "").unwrap();

    fs::write(sshd.path("authorized_keys"), "").unwrap();
    let trouble = dial(&settings).await.unwrap_err();
    assert!(matches!(trouble, LinkTrouble::AuthDenied { .. }), "{trouble:?}");

    // A port that nobody listens on: bound, and closed again.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let told = settings.system_ssh.as_mut().unwrap();
    told.port = Some(free);
    assert_eq!(dial(&settings).await.unwrap_err(), LinkTrouble::Refused);
}

/// A server that greets, and then says nothing more.
async fn mute(greeting: &'static [u8]) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(greeting).await;
            held.push(stream);
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_in_a_login_is_given_up() {
    for greeting in [&b""[..], b"SSH-2.0-Mute_1.0\r\n"] {
        let (sshd, settings) = Sshd::ready();
        let port = mute(greeting).await;
        let connect_timeout = Duration::from_secs(1);
        let settings = sshd.by_system(SshSettings { port, connect_timeout, ..settings });
        let trouble = within(dial(&settings)).await.unwrap_err();
        assert!(heals_by_itself(&trouble), "{trouble:?}");
        let phase = matches!(trouble, LinkTrouble::TimedOut { phase: Phase::KeyExchange });
        assert!(phase || greeting.is_empty(), "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_forwarded_where_the_settings_say_so() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let agent = sshd.agent(&[&key]);
    for forwarded in [false, true] {
        let socket = forwarded.then(|| agent.socket.clone());
        let settings =
            sshd.by_system(SshSettings { forward_agent: socket, ..sshd.settings(&[&key]) });
        let file = sshd.path("ssh_config");
        let line = match forwarded {
            true => format!("ForwardAgent {}\n", agent.socket.display()),
            false => "ForwardAgent no\n".to_owned(),
        };
        fs::write(&file, line + &fs::read_to_string(&file).unwrap()).unwrap();
        let link = dial(&settings).await.unwrap();
        let said = says(&link, "ssh-add -l 2>&1").await;
        assert_eq!(said.contains("ED25519"), forwarded, "{said}");
    }
}

/// A shell that ends at once has closed its input before it is written to: what it
/// has said is there all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_takes_no_input_is_heard_to_its_end() {
    let (sshd, settings) = Sshd::ready();
    let link = dial(&sshd.by_system(settings)).await.unwrap();
    let (mut reader, mut writer) = link.exec("echo closed; exit 3").await.unwrap().split();
    let first = within(reader.next()).await;
    assert_eq!(first, Some(ExecEvent::Stdout("closed\n".into())));
    // The master closes its end once the command has ended, which takes a moment.
    for _ in 0..200 {
        within(writer.write_all(b"nobody reads this\n")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (_, _, status, closed) = within(all(&mut reader)).await;
    assert_eq!((status, closed), (Some(3), true));
    assert!(!link.is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_that_forwards_nothing_says_so() {
    let (_gate, hop) = Sshd::ready_with("AllowTcpForwarding no");
    let (target, settings) = Sshd::ready();
    let mut settings = target.by_system(settings);
    let key = hop.identity_files[0].display();
    let (user, port) = (&hop.user, hop.port);
    let way = format!(
        "Host gate\n HostName 127.0.0.1\n Port {port}\n User {user}\n IdentityFile {key}\n\
         Host 127.0.0.1\n ProxyJump gate\nHost *\n StrictHostKeyChecking accept-new\n"
    );
    let file = target.path("ssh_config");
    fs::write(&file, way + &fs::read_to_string(&file).unwrap()).unwrap();
    let name = format!("{user}@127.0.0.1:{port}");
    let to = format!("127.0.0.1:{}", settings.port);
    settings.jumps = vec![hop];
    let trouble = within(dial(&settings)).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::ForwardProhibited { hop: name, to });
}

/// As with `ssh`, which waits for its agent; but not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_hangs_is_given_up_and_nobody_is_logged_in() {
    let (sshd, settings) = Sshd::ready();
    let connect_timeout = Duration::from_secs(1);
    let settings = sshd.by_system(SshSettings { connect_timeout, ..settings });
    let socket = sshd.path("silent");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let file = sshd.path("ssh_config");
    let line = format!("IdentityAgent {}\n", socket.display());
    fs::write(&file, line + &fs::read_to_string(&file).unwrap()).unwrap();
    let trouble = within(dial(&settings)).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::TimedOut { phase: Phase::Authentication });
    assert!(!sshd.log().contains("Accepted"), "{}", sshd.log());
}
