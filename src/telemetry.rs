//! Logging.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{DefaultFields, Format, Full, Writer};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::service::LogFile;

/// What is logged unless `LONGHAUL_LOG` says otherwise. russh logs each packet,
/// and its agent client what is to be signed.
const USUAL: &str = "info,russh=warn";

/// A log file of our own that has this many bytes is put aside.
const MOST: u64 = 8 << 20;

/// A log file that nobody else looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it is; standard error writes to it.
    pub path: PathBuf,
    /// The bytes after which it is put aside; 8 MiB unless said.
    pub most: Option<u64>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// For people.
    Lines {
        /// Whether colours are seen.
        ansi: bool,
    },
    /// A JSON object a line.
    Json,
    /// For journald, which knows the time and wants the priority in front.
    Journal,
}

impl Style {
    fn of_process() -> Self {
        let json = std::env::var("LONGHAUL_LOG_FORMAT").is_ok_and(|format| format == "json");
        if json {
            Self::Json
        } else if goes_to_journal() {
            Self::Journal
        } else {
            // See <https://no-color.org>.
            let colourless = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            Self::Lines { ansi: io::stderr().is_terminal() && !colourless }
        }
    }
}

/// Sends the log to standard error: a terminal, journald, or the file that the
/// daemon was started with. That `file`, where nobody else looks after it, is put
/// aside when it has grown enough.
///
/// `LONGHAUL_LOG` says what is logged (`debug`, `info,longhaul::ssh=trace`),
/// `LONGHAUL_LOG_FORMAT=json` that it is JSON.
pub fn start(file: Option<OwnFile>) {
    let filter = EnvFilter::try_from_env("LONGHAUL_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    let writer = match file {
        Some(file) => BoxMakeWriter::new(LogFile::new(file.path, file.most.unwrap_or(MOST))),
        None => BoxMakeWriter::new(io::stderr),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(writer)
        // Its word on a line that could not be written would go to standard error
        // as well, and a failure of that is a panic: a full disk ended the daemon.
        .log_internal_errors(false);
    // A second start in one process finds the first one's log in place.
    let _ = match Style::of_process() {
        Style::Lines { ansi } => log.with_ansi(ansi).try_init(),
        Style::Json => log.json().try_init(),
        Style::Journal => log.with_ansi(false).event_format(ForJournal::new()).try_init(),
    };
}

/// Whether standard error is the stream that journald gave us (`systemd.exec(5)`,
/// `JOURNAL_STREAM`): what we were started by may have sent it elsewhere since.
fn goes_to_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let stderr = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|stderr| std::fs::File::from(stderr).metadata());
    stderr.is_ok_and(|stderr| stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Lines with the priority in front, as `sd-daemon(3)` has them.
#[derive(Debug)]
struct ForJournal(Format<Full, ()>);

impl ForJournal {
    fn new() -> Self {
        Self(Format::default().without_time().with_level(false).with_target(false))
    }
}

/// The priority of `syslog(3)`.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

impl<S> FormatEvent<S, DefaultFields> for ForJournal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    DefaultFields: for<'w> FormatFields<'w>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journald_gets_the_priorities_of_syslog() {
        let all = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        assert_eq!(all.map(priority), [3, 4, 6, 7, 7]);
    }
}
