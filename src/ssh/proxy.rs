//! `ProxyCommand`: a command that is the way to a host, or that brings one.
//!
//! It runs in a process group of its own, which ends with the link. Its words,
//! and how it ended, are kept for when there is no link.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::pin::Pin;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt,
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, Interest, Join, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::client::printable;
use crate::domain::failure::greeting::GreetingTrouble;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_options::ProxyCommand;

/// The most that is kept of the command's words: the end of them, in bytes.
const KEPT: usize = 2048;
/// How long it gets to end by itself when it is told to.
const GRACE: Duration = Duration::from_millis(500);
const GLANCE: Duration = Duration::from_millis(10);
/// How long its end, and its last words, are waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A command that was started, and what it says beside the stream.
#[derive(Debug)]
pub(super) struct Proxy {
    said: Arc<Mutex<Vec<u8>>>,
    /// Its standard error is at its end, and the command too.
    over: watch::Receiver<Over>,
    group: Arc<Group>,
    brought: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Over {
    silent: bool,
    status: Option<Ended>,
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    ByItself(ExitStatus),
    /// It ran until the link was given up.
    ByUs,
}

/// The stream through the command, or the one that it handed over.
#[derive(Debug)]
pub(super) struct ProxyStream {
    way: Way,
    brought: Arc<AtomicBool>,
    _group: Arc<Group>,
}

#[derive(Debug)]
enum Way {
    Pipes(Join<ChildStdout, ChildStdin>),
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The command's process group, which ends when nobody needs it.
#[derive(Debug)]
struct Group {
    child: Mutex<Option<Child>>,
    over: watch::Sender<Over>,
}

impl Group {
    /// Waits a little for the command to end by itself: its pipes are closed a
    /// moment before there is a status.
    async fn ends_by_itself(&self) {
        let has_ended = || {
            let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let pid = child.as_ref().and_then(|child| i32::try_from(child.id()).ok());
            pid.and_then(Pid::from_raw).is_none_or(has_ended)
        };
        let mut waited = Duration::ZERO;
        while !has_ended() && waited < GRACE {
            sleep(GLANCE).await;
            waited += GLANCE;
        }
    }

    fn end(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(child) = child else { return };
        let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
        let by_itself = has_ended(group);
        // As ssh does it; some clean up then.
        let _ = kill_process_group(group, Signal::HUP);
        let over = self.over.clone();
        // Whoever drops the stream is not to wait for it.
        let waiting = thread::Builder::new().spawn(move || {
            let ended = reap(child, group, by_itself);
            over.send_modify(|over| over.status = ended);
        });
        if waiting.is_err() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ends what is left of the group. The child stays a zombie until that is done:
/// its number, which is the group's, can be nobody else's meanwhile.
fn reap(mut child: Child, group: Pid, by_itself: bool) -> Option<Ended> {
    let mut waited = Duration::ZERO;
    while !has_ended(group) && waited < GRACE {
        thread::sleep(GLANCE);
        waited += GLANCE;
    }
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait().ok()?;
    Some(if by_itself { Ended::ByItself(status) } else { Ended::ByUs })
}

fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Starts the command, and has it hand the way over where it is to.
///
/// # Errors
///
/// It could not be started, or handed nothing over within `bound`.
pub(super) async fn open(
    proxy: &ProxyCommand,
    bound: Duration,
) -> Result<(ProxyStream, Proxy), LinkTrouble> {
    let failed = |error: io::Error| LinkTrouble::Proxy { detail: error.to_string() };
    if !proxy.passes_descriptor {
        let mut child = start(proxy, Stdio::piped(), Stdio::piped()).map_err(failed)?;
        let pipes = pipes(&mut child);
        let (group, told) = attend(child);
        let way = Way::Pipes(pipes.map_err(failed)?);
        return Ok((told.stream(way, group), told));
    }
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    let theirs = OwnedFd::from(theirs);
    let output = theirs.try_clone().map_err(failed)?;
    let child = start(proxy, theirs.into(), output.into()).map_err(failed)?;
    let (group, told) = attend(child);
    match timeout(bound, handed_over(ours)).await {
        Ok(Ok(way)) => Ok((told.stream(way, group), told)),
        Ok(Err(error)) => {
            group.ends_by_itself().await;
            drop(group);
            Err(told.trouble(Some(&error.to_string())).await)
        }
        Err(_) => {
            drop(group);
            Err(told.trouble(Some(&no_answer(bound))).await)
        }
    }
}

/// What is said of a command that brings nothing.
fn no_answer(bound: Duration) -> String {
    format!("no answer came through it within {} s", bound.as_secs())
}

/// In the user's shell, which it replaces: so it does with ssh.
fn start(proxy: &ProxyCommand, stdin: Stdio, stdout: Stdio) -> io::Result<Child> {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let text = match proxy.command.strip_prefix("exec") {
        Some(rest) if rest.starts_with([' ', '\t']) => proxy.command.clone(),
        _ => format!("exec {}", proxy.command),
    };
    Command::new(shell.unwrap_or_else(|| "/bin/sh".into()))
        .arg("-c")
        .arg(text)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

fn pipes(child: &mut Child) -> io::Result<Join<ChildStdout, ChildStdin>> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let stdout = ChildStdout::from_std(child.stdout.take().ok_or_else(gone)?)?;
    let stdin = ChildStdin::from_std(child.stdin.take().ok_or_else(gone)?)?;
    Ok(tokio::io::join(stdout, stdin))
}

/// Sees to the command's end, and to its words.
fn attend(mut child: Child) -> (Arc<Group>, Proxy) {
    let said = Arc::<Mutex<Vec<u8>>>::default();
    let (over, watched) = watch::channel(Over::default());
    let stderr = child.stderr.take().and_then(|stderr| ChildStderr::from_std(stderr).ok());
    let (kept, done) = (said.clone(), over.clone());
    tokio::spawn(async move {
        if let Some(stderr) = stderr {
            listen(stderr, &kept).await;
        }
        done.send_modify(|over| over.silent = true);
    });
    let group = Arc::new(Group { child: Mutex::new(Some(child)), over });
    let brought = Arc::default();
    (group.clone(), Proxy { said, over: watched, group, brought })
}

async fn listen(mut stderr: ChildStderr, said: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 512];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&chunk[..count]);
        let over = said.len().saturating_sub(KEPT);
        said.drain(..over);
    }
}

/// The socket that comes as `SCM_RIGHTS` with one byte: `mm_receive_fd`.
async fn handed_over(from: std::os::unix::net::UnixStream) -> io::Result<Way> {
    from.set_nonblocking(true)?;
    let from = UnixStream::from_std(from)?;
    let socket = from.async_io(Interest::READABLE, || receive(&from)).await?;
    match sockopt::socket_domain(&socket)? {
        AddressFamily::UNIX => {
            let stream = std::os::unix::net::UnixStream::from(socket);
            stream.set_nonblocking(true)?;
            Ok(Way::Unix(UnixStream::from_std(stream)?))
        }
        _ => {
            let stream = std::net::TcpStream::from(socket);
            stream.set_nonblocking(true)?;
            Ok(Way::Tcp(TcpStream::from_std(stream)?))
        }
    }
}

fn receive(from: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    let got = recvmsg(from.as_fd(), &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let none = if got.bytes == 0 {
        "it ended, and handed no descriptor over"
    } else {
        "it wrote something, and handed no descriptor over"
    };
    descriptor.ok_or_else(|| io::Error::other(none))
}

impl Proxy {
    fn stream(&self, way: Way, group: Arc<Group>) -> ProxyStream {
        ProxyStream { way, brought: self.brought.clone(), _group: group }
    }

    /// What `trouble` is in truth: where nothing came through, the command's.
    pub(super) async fn judge(self, trouble: LinkTrouble, bound: Duration) -> LinkTrouble {
        match trouble {
            _ if self.brought.load(Ordering::SeqCst) => trouble,
            LinkTrouble::TimedOut { .. } | LinkTrouble::Greeting(GreetingTrouble::Silent) => {
                self.trouble(Some(&no_answer(bound))).await
            }
            LinkTrouble::ClosedByPeer { .. }
            | LinkTrouble::ResetByPeer { .. }
            | LinkTrouble::Greeting(_)
            | LinkTrouble::Protocol { .. } => {
                self.group.ends_by_itself().await;
                self.trouble(None).await
            }
            trouble => trouble,
        }
    }

    /// The command's own account of why there is no link, after the stream is
    /// dropped; `why` is what is known without it.
    async fn trouble(mut self, why: Option<&str>) -> LinkTrouble {
        self.group.end();
        // A process that it left behind may keep its standard error open.
        let whole = self.over.wait_for(|over| over.silent && over.status.is_some());
        let _ = timeout(LAST_WORDS, whole).await;
        let status = self.over.borrow().status;
        let ended = match status {
            Some(Ended::ByItself(status)) => Some(format!("it ended with {status}")),
            Some(Ended::ByUs) | None => None,
        };
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        let said = printable(&said.trim().replace(['\r', '\n'], " / "));
        let parts = [why.map(str::to_owned), ended, Some(said).filter(|said| !said.is_empty())];
        let detail = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        LinkTrouble::Proxy { detail }
    }
}

impl AsyncRead for ProxyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = match &mut self.way {
            Way::Pipes(pipes) => Pin::new(pipes).poll_read(cx, buf),
            Way::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Way::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if buf.filled().len() > before {
            self.brought.store(true, Ordering::SeqCst);
        }
        polled
    }
}

impl AsyncWrite for ProxyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.way {
            Way::Pipes(pipes) => Pin::new(pipes).poll_write(cx, bytes),
            Way::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Way::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.way {
            Way::Pipes(pipes) => Pin::new(pipes).poll_flush(cx),
            Way::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Way::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.way {
            Way::Pipes(pipes) => Pin::new(pipes).poll_shutdown(cx),
            Way::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
