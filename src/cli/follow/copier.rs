//! Copies one stream of a session to one of ours.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::OFlags;
use tokio::task::{JoinError, JoinHandle};

use crate::api::client::{Client, OutputQuery};
use crate::api::types::{SessionView, Stream};
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
    /// Bytes before this have been written.
    at: u64,
    /// The mirror's file.
    path: PathBuf,
    /// It, opened, with its position at `at`; `None` before the first copy, while
    /// one has it, and where it is not to be seen from here.
    file: Option<File>,
    /// Who is asked then.
    client: Client,
    task: Option<JoinHandle<Copied>>,
}

/// What came of a copy.
#[derive(Debug)]
struct Copied {
    file: Option<File>,
    bytes: u64,
    error: Option<CliError>,
}

impl Copier {
    /// A copier of `stream` from byte `at`.
    pub(super) fn new(client: &Client, view: &SessionView, stream: Stream, at: u64) -> Self {
        Self {
            stream,
            id: view.id.to_string(),
            at,
            path: view.mirror.join(stream.file_name()),
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

    /// Starts to copy what is there up to `length`, unless a copy is under way
    /// or there is nothing to copy.
    pub(super) fn start(&mut self, length: u64) -> Result<(), CliError> {
        if self.task.is_some() || self.at >= length {
            return Ok(());
        }
        let (wanted, sink) = (length - self.at, sink(self.stream)?);
        let (id, path) = (self.id.clone(), self.path.clone());
        // Opened as late as this, since a session that waits has no mirror yet.
        let file = self.file.take().or_else(|| opened(&path, self.at).ok());
        self.task = Some(match file {
            Some(file) => {
                tokio::task::spawn_blocking(move || from_mirror(path, file, wanted, sink, id))
            }
            // The daemon may be in a container, and its files elsewhere.
            None => {
                let client = self.client.clone();
                let query = OutputQuery {
                    stream: self.stream,
                    offset: self.at,
                    limit: Some(wanted),
                    follow: false,
                };
                tokio::spawn(async move { from_daemon(&client, &id, query, sink).await })
            }
        });
        Ok(())
    }

    /// Waits for the copy under way, for ever if there is none. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<(), CliError> {
        let Some(task) = &mut self.task else { return std::future::pending().await };
        let copied = task.await;
        self.task = None;
        let copied = copied.map_err(|error| self.crashed(error))?;
        self.at += copied.bytes;
        self.file = copied.file;
        copied.error.map_or(Ok(()), Err)
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
) -> Result<(), CliError> {
    let mut copier = Copier::new(client, view, stream, at);
    copier.start(length)?;
    if copier.is_busy() { copier.finished().await } else { Ok(()) }
}

fn opened(path: &std::path::Path, at: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(file)
}

/// Copies from the mirror's file, from where its position is.
fn from_mirror(path: PathBuf, file: File, wanted: u64, mut sink: File, id: String) -> Copied {
    let mut part = (&file).take(wanted);
    let copied = if is_non_blocking(&sink) {
        copy_patiently(&mut part, &mut sink)
    } else {
        // copy_file_range(2), sendfile(2) or splice(2), whichever can.
        io::copy(&mut part, &mut sink)
    };
    match copied {
        Ok(bytes) => {
            let error = (bytes < wanted).then_some(CliError::MirrorShort { path });
            Copied { file: Some(file), bytes, error }
        }
        Err(source) => Copied { file: None, bytes: 0, error: Some(CliError::Copy { id, source }) },
    }
}

/// Whether somebody who shares our standard output has set it to fail instead
/// of to wait, as Node.js does with pipes. It stays so: it is not ours to change.
fn is_non_blocking(sink: &File) -> bool {
    rustix::fs::fcntl_getfl(sink).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
}

fn copy_patiently(source: &mut impl Read, sink: &mut File) -> io::Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let mut copied = 0;
    loop {
        let got = source.read(&mut buffer)?;
        if got == 0 {
            return Ok(copied);
        }
        write_patiently(sink, &buffer[..got])?;
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

/// Copies what the daemon sends; also says how much was written when it fails.
async fn from_daemon(client: &Client, id: &str, query: OutputQuery, sink: File) -> Copied {
    let mut bytes = 0;
    let copy = async || -> Result<(), CliError> {
        let mut sink = sink;
        let mut chunks = client.output(id, query).await?;
        while let Some(chunk) = chunks.next().await? {
            let length = chunk.len() as u64;
            let write = move || write_patiently(&mut sink, &chunk).map(|()| sink);
            let written = tokio::task::spawn_blocking(write).await;
            sink = written
                .unwrap_or_else(|crash| Err(io::Error::other(crash)))
                .map_err(|source| CliError::Copy { id: id.to_owned(), source })?;
            bytes += length;
        }
        Ok(())
    };
    let error = copy().await.err();
    Copied { file: None, bytes, error }
}
