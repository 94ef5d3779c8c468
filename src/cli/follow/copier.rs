//! Copies one stream of a session to one of ours.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::OFlags;
use tokio::task::{JoinError, JoinHandle};

use super::dropped::{listed, tell};
use super::shown::{Form, Shown};
use crate::api::client::{Client, OutputQuery};
use crate::api::types::{Gap, SessionView, Stream};
use crate::cli::error::CliError;
use crate::cli::output::sink;

/// One stream, and how far it has been copied.
///
/// At most one copy is under way at a time, on a thread of its own: a standard
/// output that nobody reads blocks neither the other stream nor Ctrl-C. Where
/// there is nothing to copy, there is no thread.
#[derive(Debug)]
pub(super) struct Copier {
    stream: Stream,
    id: String,
    /// Bytes before this have been written, or told as dropped.
    at: u64,
    /// The session's cap, which is why something was dropped.
    max_output: Option<u64>,
    /// The folder of the mirror.
    mirror: PathBuf,
    /// It, opened, with its position at `at`; `None` before the first copy, while
    /// one has it, and where it is not to be seen from here.
    file: Option<File>,
    /// Who is asked then.
    client: Client,
    /// What it is turned into; `None` where it is written as it is, and while a
    /// copy has it.
    shown: Option<Shown>,
    task: Option<JoinHandle<Copied>>,
}

/// What came of a copy.
#[derive(Debug)]
struct Copied {
    file: Option<File>,
    shown: Option<Shown>,
    /// Where it ended.
    at: u64,
    error: Option<CliError>,
}

impl Copier {
    /// A copier of `stream` from byte `at`.
    pub(super) fn new(
        client: &Client,
        view: &SessionView,
        stream: Stream,
        at: u64,
        form: Form,
    ) -> Self {
        Self {
            shown: Shown::new(form, view, stream, at),
            stream,
            id: view.id.to_string(),
            at,
            max_output: view.max_output,
            mirror: view.mirror.clone(),
            file: None,
            client: client.clone(),
            task: None,
        }
    }

    /// The stream.
    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    /// How far it has come.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Whether a copy is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.task.is_some()
    }

    /// Starts to copy what is there up to `length`, or up to where something was
    /// dropped, unless a copy is under way or there is nothing to copy.
    pub(super) fn start(&mut self, length: u64) -> Result<(), CliError> {
        if self.task.is_some() || self.at >= length {
            return Ok(());
        }
        // Opened as late as this, since a session that waits has no mirror yet.
        let path = self.mirror.join(self.stream.file_name());
        let file = self.file.take().or_else(|| opened(&path, self.at).ok());
        let Some(mut file) = file else { return self.start_from_daemon(length) };
        let stretch =
            listed(&self.mirror, self.stream).unwrap_or_default().stretch(self.at, length);
        if stretch.start > self.at {
            tell(self.stream, Gap { from: self.at, to: stretch.start }, self.max_output);
            let moved = file.seek(SeekFrom::Start(stretch.start));
            moved.map_err(|source| CliError::Copy { id: self.id.clone(), source })?;
            self.at = stretch.start;
            if let Some(shown) = &mut self.shown {
                shown.skip_to(stretch.start);
            }
        }
        if stretch.bytes() == 0 {
            self.file = Some(file);
            return Ok(());
        }
        let (from, id) = (Source { path, file, at: stretch.start }, self.id.clone());
        let sink = sink(self.stream)?;
        let shown = self.shown.take();
        let copy = move || from_mirror(from, stretch.bytes(), sink, id, shown);
        self.task = Some(tokio::task::spawn_blocking(copy));
        Ok(())
    }

    /// The daemon may be in a container, and its files elsewhere.
    fn start_from_daemon(&mut self, length: u64) -> Result<(), CliError> {
        let (sink, id, client) = (sink(self.stream)?, self.id.clone(), self.client.clone());
        let query = OutputQuery {
            stream: self.stream,
            offset: self.at,
            limit: Some(length - self.at),
            follow: false,
        };
        let (max_output, shown) = (self.max_output, self.shown.take());
        let copy = async move { from_daemon(&client, &id, query, max_output, sink, shown).await };
        self.task = Some(tokio::spawn(copy));
        Ok(())
    }

    /// Waits for the copy under way, for ever if there is none. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<(), CliError> {
        let Some(task) = &mut self.task else { return std::future::pending().await };
        let copied = task.await;
        self.task = None;
        let copied = copied.map_err(|error| self.crashed(error))?;
        self.at = copied.at;
        self.file = copied.file;
        self.shown = copied.shown;
        copied.error.map_or(Ok(()), Err)
    }

    /// Writes what is left of a last line that nothing has ended.
    pub(super) fn close(&mut self) -> Result<(), CliError> {
        let Some(shown) = &mut self.shown else { return Ok(()) };
        let (text, id) = (shown.finish(), self.id.clone());
        let mut sink = sink(self.stream)?;
        write_patiently(&mut sink, &text).map_err(|source| CliError::Copy { id, source })
    }

    fn crashed(&self, error: JoinError) -> CliError {
        CliError::Copy { id: self.id.clone(), source: io::Error::other(error) }
    }
}

/// Copies what is there of a stream, from byte `at` to `length`.
pub(in crate::cli) async fn copy_once(
    client: &Client,
    view: &SessionView,
    stream: Stream,
    at: u64,
    length: u64,
    form: Form,
) -> Result<(), CliError> {
    let mut copier = Copier::new(client, view, stream, at, form);
    while copier.at() < length {
        copier.start(length)?;
        if copier.is_busy() {
            copier.finished().await?;
        }
    }
    copier.close()
}

fn opened(path: &std::path::Path, at: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(file)
}

/// The mirror's file, and where its position is.
struct Source {
    path: PathBuf,
    file: File,
    at: u64,
}

/// Copies from the mirror's file, from where its position is.
fn from_mirror(
    source: Source,
    wanted: u64,
    mut sink: File,
    id: String,
    mut shown: Option<Shown>,
) -> Copied {
    let Source { path, file, at } = source;
    let mut part = (&file).take(wanted);
    let copied = if shown.is_some() || is_non_blocking(&sink) {
        copy_patiently(&mut part, &mut sink, shown.as_mut())
    } else {
        // copy_file_range(2), sendfile(2) or splice(2), whichever can.
        io::copy(&mut part, &mut sink)
    };
    match copied {
        Ok(bytes) => {
            let error = (bytes < wanted).then_some(CliError::MirrorShort { path });
            Copied { file: Some(file), shown, at: at + bytes, error }
        }
        Err(source) => Copied { file: None, shown, at, error: Some(CliError::Copy { id, source }) },
    }
}

/// Whether somebody who shares our standard output has set it to fail instead
/// of to wait, as Node.js does with pipes. It stays so: it is not ours to change.
fn is_non_blocking(sink: &File) -> bool {
    rustix::fs::fcntl_getfl(sink).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
}

fn copy_patiently(
    source: &mut impl Read,
    sink: &mut File,
    mut shown: Option<&mut Shown>,
) -> io::Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let mut copied = 0;
    loop {
        let got = source.read(&mut buffer)?;
        if got == 0 {
            return Ok(copied);
        }
        match &mut shown {
            Some(shown) => write_patiently(sink, &shown.feed(&buffer[..got]))?,
            None => write_patiently(sink, &buffer[..got])?,
        }
        copied += got as u64;
    }
}

fn write_patiently(sink: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // On a thread of its own, so only this stream waits.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Copies what the daemon sends, which ends where something was dropped; also
/// says how far it came when it fails.
async fn from_daemon(
    client: &Client,
    id: &str,
    query: OutputQuery,
    max_output: Option<u64>,
    sink: File,
    mut shown: Option<Shown>,
) -> Copied {
    let mut at = query.offset;
    let copy = async || -> Result<(), CliError> {
        let mut sink = sink;
        let mut chunks = client.output(id, query).await?;
        if let Some(offset) = chunks.offset().filter(|offset| *offset > at) {
            tell(query.stream, Gap { from: at, to: offset }, max_output);
            at = offset;
            if let Some(shown) = &mut shown {
                shown.skip_to(offset);
            }
        }
        while let Some(chunk) = chunks.next().await? {
            let length = chunk.len() as u64;
            let chunk = match &mut shown {
                Some(shown) => shown.feed(&chunk).into(),
                None => chunk,
            };
            let write = move || write_patiently(&mut sink, &chunk).map(|()| sink);
            let written = tokio::task::spawn_blocking(write).await;
            sink = written
                .unwrap_or_else(|crash| Err(io::Error::other(crash)))
                .map_err(|source| CliError::Copy { id: id.to_owned(), source })?;
            at += length;
        }
        Ok(())
    };
    let error = copy().await.err();
    Copied { file: None, shown, at, error }
}
