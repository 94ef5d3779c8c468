//! An exec channel of a built-in link.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::watch;

use super::ExecEvent;
use crate::domain::failure::trouble::LinkTrouble;
use crate::ssh::link::BuiltIn;

/// SSH_EXTENDED_DATA_STDERR, RFC 4254 section 5.2.
const STDERR: u32 = 1;

/// A command that runs on the other side.
///
/// Dropping it, or both its halves, closes the channel on the server. The
/// server sends HUP to nobody then: a process that ignores the end of its
/// streams lives on, and OpenSSH counts it against `MaxSessions` until it ends.
#[derive(Debug)]
pub(in crate::ssh) struct Channel {
    reader: Reader,
    writer: Writer,
}

/// The reading half.
///
/// It has to be read without pause until it ends, or dropped: russh delivers
/// into a queue of bounded length and waits when that is full, so one channel
/// that is not read holds up all others of its link, and its keep-alives.
#[derive(Debug)]
pub(in crate::ssh) struct Reader {
    /// Empty only while being dropped.
    read: Option<ChannelReadHalf>,
    early: VecDeque<ExecEvent>,
    closed: bool,
    shared: Arc<Shared>,
}

/// The writing half: the command's standard input.
///
/// Dropping it alone leaves that open; [`Writer::eof`] ends it.
#[derive(Debug)]
pub(in crate::ssh) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Empty only while being dropped.
    write: Option<ChannelWriteHalf<Msg>>,
    /// Whether the channel is closed. russh wakes nobody who waits for window
    /// on a closed channel, and does not report a close of our own.
    closed: watch::Sender<bool>,
    link: BuiltIn,
}

/// Opens a session channel on `link` and starts `command`.
pub(in crate::ssh) async fn exec(link: BuiltIn, command: String) -> Result<Channel, LinkTrouble> {
    let (read, write) = link.open_session().await?.split();
    let shared = Arc::new(Shared {
        write: Some(write),
        closed: watch::Sender::new(false),
        link: link.clone(),
    });
    // From here on a drop closes the channel.
    let mut channel = Channel {
        reader: Reader {
            read: Some(read),
            early: VecDeque::new(),
            closed: false,
            shared: shared.clone(),
        },
        writer: Writer { shared },
    };
    let Some(write) = &channel.writer.shared.write else {
        return Err(link.loss());
    };
    // No answer is asked for, as with ssh: a server that refuses a variable does
    // so in silence.
    for (name, value) in link.env() {
        write.set_env(false, name.as_str(), value.expose()).await.map_err(|_| link.loss())?;
    }
    // Once for each link would do for OpenSSH, where the later ones are refused in
    // silence; dropbear has an agent for each channel.
    if link.forwards_agent() {
        write.agent_forward(false).await.map_err(|_| link.loss())?;
    }
    write.exec(true, command).await.map_err(|_| link.loss())?;
    channel.reader.until_started().await?;
    Ok(channel)
}

impl Channel {
    /// The two halves, which can be used from two tasks.
    #[must_use]
    pub(in crate::ssh) fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }
}

impl Reader {
    /// The next event.
    ///
    /// `None` after [`ExecEvent::Closed`] is the end. `None` without it means
    /// that the link was lost: nothing is then known about the command, and an
    /// exit status that was not seen is not to be guessed.
    pub(in crate::ssh) async fn next(&mut self) -> Option<ExecEvent> {
        if let Some(event) = self.early.pop_front() {
            return Some(event);
        }
        if self.closed {
            return None;
        }
        let mut closed_here = self.shared.closed.subscribe();
        let read = self.read.as_mut()?;
        loop {
            // What has arrived goes before a close of our own.
            let message = tokio::select! {
                biased;
                message = read.wait() => message?,
                _ = closed_here.wait_for(|closed| *closed) => ChannelMsg::Close,
            };
            if let Some(event) = event(message) {
                if event == ExecEvent::Closed {
                    self.closed = true;
                    self.shared.closed.send_replace(true);
                }
                return Some(event);
            }
        }
    }

    /// Waits for the server's answer to the exec request.
    async fn until_started(&mut self) -> Result<(), LinkTrouble> {
        let Some(read) = self.read.as_mut() else {
            return Err(self.shared.link.loss());
        };
        let refused = |detail: &str| LinkTrouble::CommandRefused { detail: detail.to_owned() };
        loop {
            match read.wait().await {
                Some(ChannelMsg::Success) => return Ok(()),
                Some(ChannelMsg::Failure) => {
                    return Err(refused("the request to run a command failed"));
                }
                Some(ChannelMsg::Close) => {
                    self.shared.closed.send_replace(true);
                    return Err(refused("the channel was closed before the command ran"));
                }
                Some(other) => self.early.extend(event(other)),
                None => return Err(self.shared.link.lost().await),
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut read) = self.read.take() else { return };
        if self.closed || Arc::strong_count(&self.shared) == 1 {
            return;
        }
        // The writer stays and has to hear of the close; what comes until then
        // is thrown away.
        let closed = self.shared.closed.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let mut closed_here = closed.subscribe();
            let drain =
                async { while !matches!(read.wait().await, Some(ChannelMsg::Close) | None) {} };
            tokio::select! {
                () = drain => {}
                _ = closed_here.wait_for(|closed| *closed) => {}
            }
            closed.send_replace(true);
        });
    }
}

impl Writer {
    /// Writes all of `bytes` to the command's standard input.
    ///
    /// Waits while the other side does not read. Not to be cancelled in the
    /// middle if the rest matters: what was sent cannot be told.
    ///
    /// # Errors
    ///
    /// [`LinkTrouble::Lost`] when the link goes, [`LinkTrouble::ChannelRefused`]
    /// when the channel is closed.
    pub(in crate::ssh) async fn write_all(&self, bytes: &[u8]) -> Result<(), LinkTrouble> {
        let Some(write) = &self.shared.write else { return Err(self.shared.link.loss()) };
        let mut closed = self.shared.closed.subscribe();
        // russh waits for ever for window on a session or channel that is gone.
        tokio::select! {
            biased;
            lost = self.shared.link.lost() => Err(lost),
            _ = closed.wait_for(|closed| *closed) => {
                Err(LinkTrouble::ChannelRefused { detail: "the channel is closed".to_owned() })
            }
            sent = write.data_bytes(Bytes::copy_from_slice(bytes)) => {
                sent.map_err(|_| self.shared.link.loss())
            }
        }
    }

    /// Whether the command may use an agent here.
    pub(in crate::ssh) fn forwards_agent(&self) -> bool {
        self.shared.link.forwards_agent()
    }

    /// Ends the command's standard input.
    pub(in crate::ssh) async fn eof(&self) {
        if let Some(write) = self.shared.write.as_ref().filter(|_| !self.is_closed()) {
            tokio::select! {
                _ = self.shared.link.lost() => {}
                _ = write.eof() => {}
            }
        }
    }

    /// Closes the channel in both directions. What has arrived can still be
    /// read, and [`ExecEvent::Closed`] comes after it.
    pub(in crate::ssh) async fn close(&self) {
        if let Some(write) = self.shared.write.as_ref().filter(|_| !self.is_closed()) {
            tokio::select! {
                _ = self.shared.link.lost() => {}
                _ = write.close() => {}
            }
            self.shared.closed.send_replace(true);
        }
    }

    fn is_closed(&self) -> bool {
        *self.shared.closed.borrow()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(write) = self.write.take() else { return };
        if self.closed.send_replace(true) || self.link.is_lost() {
            return;
        }
        // Outside a runtime nothing can be sent, and the session is gone too.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let link = self.link.clone();
        runtime.spawn(async move {
            tokio::select! {
                _ = link.lost() => {}
                _ = write.close() => {}
            }
        });
    }
}

/// What a message means to the reader, where it means anything.
fn event(message: ChannelMsg) -> Option<ExecEvent> {
    match message {
        ChannelMsg::Data { data } => Some(ExecEvent::Stdout(data)),
        ChannelMsg::ExtendedData { data, ext: STDERR } => Some(ExecEvent::Stderr(data)),
        ChannelMsg::Eof => Some(ExecEvent::Eof),
        ChannelMsg::ExitStatus { exit_status } => Some(ExecEvent::ExitStatus(exit_status)),
        ChannelMsg::ExitSignal { signal_name, .. } => {
            Some(ExecEvent::ExitSignal(signal_text(&signal_name)))
        }
        ChannelMsg::Close => Some(ExecEvent::Closed),
        _ => None,
    }
}

fn signal_text(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => crate::ssh::client::printable(name),
        named => format!("{named:?}"),
    }
}
