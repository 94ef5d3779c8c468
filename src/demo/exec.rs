//! One exec channel: a command as a child process.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use bytes::BytesMut;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};

/// The data type of standard error (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// Starts `/bin/sh -c COMMAND` with `home` as its home.
///
/// By way of [`lead`], as sshd gives a command without a terminal a session of
/// its own: an interactive shell would stop itself for want of the terminal that
/// the demonstration was started from, and that terminal's Ctrl-C would reach
/// what runs on the remote.
pub(super) fn start(command: &[u8], home: &Path) -> io::Result<Child> {
    use std::os::unix::ffi::OsStrExt as _;
    Command::new(std::env::current_exe()?)
        .args(["demo", "--exec"])
        .arg(OsStr::from_bytes(command))
        .env_clear()
        .env("HOME", home)
        .env("USER", "demo")
        .env("LOGNAME", "demo")
        .env("SHELL", "/bin/sh")
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Leaves the terminal's session and becomes `/bin/sh -c COMMAND`; comes back
/// only where that fails.
#[must_use]
pub fn lead(command: &OsStr) -> ExitCode {
    // Refused for a process group's leader, which `start` does not make.
    if rustix::process::setsid().is_err() {
        return ExitCode::from(126);
    }
    let _ = std::process::Command::new("/bin/sh").arg("-c").arg(command).exec();
    ExitCode::from(127)
}

/// Connects a channel with a child until the child has ended.
///
/// When the client is gone the child is not ended, as sshd does not: its input
/// ends, and its output goes nowhere.
pub(super) async fn serve(channel: Channel<Msg>, mut child: Child) {
    let (reader, writer) = channel.split();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let work = async {
        tokio::join!(send(stdout, &writer, None), send(stderr, &writer, Some(STDERR)));
        child.wait().await
    };
    tokio::pin!(work);
    let ended = tokio::select! {
        ended = &mut work => ended,
        () = feed(reader, stdin) => work.await,
    };
    // A client that is gone gets none of this.
    let _ = writer.eof().await;
    // The status that ssh shows for a command that a signal ended.
    let code = ended.ok().and_then(|status| status.code()).and_then(|code| code.try_into().ok());
    let _ = writer.exit_status(code.unwrap_or(255)).await;
    let _ = writer.close().await;
}

/// The client's input, until it ends or the client is gone.
async fn feed(mut reader: ChannelReadHalf, mut stdin: Option<ChildStdin>) {
    while let Some(message) = reader.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                // What the child does not want is read and dropped: the channel
                // shares its connection with others.
                if let Some(pipe) = &mut stdin
                    && pipe.write_all(&data).await.is_err()
                {
                    stdin = None;
                }
            }
            ChannelMsg::Eof => stdin = None,
            ChannelMsg::Close => break,
            _ => {}
        }
    }
}

/// One of the child's outputs, until it ends or the client is gone.
async fn send(
    pipe: Option<impl AsyncRead + Unpin>,
    writer: &ChannelWriteHalf<Msg>,
    kind: Option<u32>,
) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(32 * 1024);
        let Ok(1..) = pipe.read_buf(&mut buffer).await else { return };
        let data = buffer.split().freeze();
        let sent = match kind {
            None => writer.data_bytes(data).await,
            Some(kind) => writer.extended_data_bytes(kind, data).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
