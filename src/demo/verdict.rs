//! Whether anything was lost.

use std::time::Duration;

use super::script::Checksum;
use super::watcher::Watched;
use crate::api::types::{Exit, SessionView, Stream};

/// One stream: what arrived, and what was to arrive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) arrived: Option<Checksum>,
    pub(super) wanted: Checksum,
}

impl Arrival {
    /// Whether it is complete and in order.
    pub(super) fn is_right(&self) -> bool {
        self.arrived == Some(self.wanted)
    }
}

/// What became of one session.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) name: String,
    /// Standard output and standard error.
    pub(super) streams: [Arrival; 2],
    pub(super) starts: usize,
    /// How it ended by longhaul's word; in its place the failure's code or the
    /// state, where there is no exit status.
    pub(super) exit: Result<Exit, String>,
    pub(super) wanted_exit: Exit,
}

impl Finding {
    /// Compares a session with what is known of its command.
    pub(super) fn new(watched: &Watched, view: &SessionView) -> Self {
        let [out, err] = watched.sums;
        let arrival =
            |arrived, stream| Arrival { arrived, wanted: watched.script.checksum(stream) };
        let why = || match &view.failure {
            Some(failure) => failure.code.clone(),
            None => view.state.as_str().to_owned(),
        };
        Self {
            name: watched.script.name.clone(),
            streams: [arrival(out, Stream::Stdout), arrival(err, Stream::Stderr)],
            starts: watched.starts(),
            exit: view.exit.ok_or_else(why),
            wanted_exit: watched.script.exit(),
        }
    }

    /// Whether the exit status is the command's own.
    pub(super) fn exit_is_right(&self) -> bool {
        self.exit == Ok(self.wanted_exit)
    }
}

/// What became of all of them.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// The remote whose link was cut.
    pub(super) remote: &'static str,
    pub(super) findings: Vec<Finding>,
    /// How long its link was away, and how many lines were printed meanwhile;
    /// `None` if it never was.
    pub(super) outage: Option<(Duration, u32)>,
}

impl Verdict {
    /// Streams that arrived complete and in order, and all streams.
    pub(super) fn streams(&self) -> (usize, usize) {
        let all = || self.findings.iter().flat_map(|finding| &finding.streams);
        (all().filter(|stream| stream.is_right()).count(), all().count())
    }

    /// Commands that were started exactly once.
    pub(super) fn started_once(&self) -> usize {
        self.findings.iter().filter(|finding| finding.starts == 1).count()
    }

    /// Exit statuses that are the commands' own.
    pub(super) fn exits(&self) -> usize {
        self.findings.iter().filter(|finding| finding.exit_is_right()).count()
    }

    /// Whether a link was cut while commands printed, and nothing was lost.
    pub(super) fn is_good(&self) -> bool {
        let sessions = self.findings.len();
        let (right, streams) = self.streams();
        sessions > 0
            && right == streams
            && self.started_once() == sessions
            && self.exits() == sessions
            && self.outage.is_some_and(|(_, meanwhile)| meanwhile > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Checksum = Checksum([1; 32]);

    fn good() -> Verdict {
        let stream = Arrival { arrived: Some(GOOD), wanted: GOOD };
        let finding = Finding {
            name: "a".to_owned(),
            streams: [stream, stream],
            starts: 1,
            exit: Ok(Exit::Code(3)),
            wanted_exit: Exit::Code(3),
        };
        Verdict {
            remote: "r",
            findings: vec![finding.clone(), finding],
            outage: Some((Duration::from_secs(1), 5)),
        }
    }

    #[test]
    fn one_thing_that_is_wrong_is_enough() {
        assert!(good().is_good());
        let spoilt: [fn(&mut Verdict); 8] = [
            |v| v.findings[1].streams[0].arrived = Some(Checksum([2; 32])),
            |v| v.findings[1].streams[1].arrived = None,
            |v| v.findings[0].starts = 2,
            |v| v.findings[0].starts = 0,
            |v| v.findings[1].exit = Ok(Exit::Code(0)),
            |v| v.findings[1].exit = Err("lost".to_owned()),
            |v| v.outage = None,
            |v| v.findings.clear(),
        ];
        for (number, spoil) in spoilt.iter().enumerate() {
            let mut verdict = good();
            spoil(&mut verdict);
            assert!(!verdict.is_good(), "{number}");
        }
    }
}
