//! What is known about the configuration, and how that follows from a look.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::config::{Config, Loaded, Place, Problem, ProblemKind, Report, SourceTrouble};
use crate::domain::retention::Retention;
use crate::store::config_files::Snapshot;

/// The configuration in force, and the edit that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigState {
    /// What is in force. With [`refusal`](Self::refusal) it is empty.
    pub config: Arc<Config>,
    /// Grows by one whenever `config` is replaced.
    pub generation: u64,
    /// When `config` was read.
    pub loaded_at: SystemTime,
    /// The main file.
    pub main_path: PathBuf,
    /// Whether the main file was there at the last look.
    pub exists: bool,
    /// Why what the files say now is not in force.
    pub rejected: Option<Arc<Report>>,
    /// What is odd about what is in force.
    pub warnings: Vec<Problem>,
    /// The files of the last look.
    pub sources: Vec<PathBuf>,
    /// What was edited of `ssh_config`.
    pub ssh: SshEdits,
    /// Whether any configuration was ever taken.
    has_config: bool,
}

/// Edits of the files that `ssh_config` is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshEdits {
    /// How many there were.
    pub count: u64,
    /// The files of the last one.
    pub files: Vec<PathBuf>,
}

/// What one look at the files brought.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) exists: bool,
    pub(super) sources: Vec<PathBuf>,
    pub(super) outcome: Result<Loaded, Report>,
}

impl Look {
    /// Blocks.
    pub(super) fn at(snapshot: &Snapshot, home: Option<&Path>) -> Self {
        Self {
            exists: snapshot.exists,
            sources: snapshot.files.iter().map(|file| file.path.clone()).collect(),
            outcome: snapshot.load(home),
        }
    }
}

impl ConfigState {
    /// Nothing has been looked at yet.
    pub(super) fn unknown(main_path: PathBuf, now: SystemTime) -> Self {
        Self {
            config: Arc::default(),
            generation: 0,
            loaded_at: now,
            main_path,
            exists: false,
            rejected: None,
            warnings: Vec::new(),
            sources: Vec::new(),
            ssh: SshEdits::default(),
            has_config: false,
        }
    }

    /// Why no session may start: what the files say cannot be taken, and
    /// nothing else ever was.
    #[must_use]
    pub fn refusal(&self) -> Option<&Report> {
        self.rejected.as_deref().filter(|_| !self.has_config)
    }

    /// What is kept of sessions that have ended: everything, as long as nobody
    /// could be understood about it. What a broken file says may be "never".
    #[must_use]
    pub fn retention(&self) -> Retention {
        if self.has_config { self.config.retention } else { Retention::FOR_EVER }
    }

    /// The state after a look.
    ///
    /// That there is no main file means an empty configuration at the start,
    /// and a mistake later: a file that is being replaced, a mount that is
    /// gone. Dropping every remote for it would be hard to take back.
    pub(super) fn after(&self, look: Look, now: SystemTime) -> Self {
        let Look { exists, sources, outcome } = look;
        let is_gone = self.has_config && self.had_main() && !exists;
        let outcome = match outcome {
            Ok(_) if is_gone => {
                Err(Report { problems: vec![gone(&self.main_path)], warnings: Vec::new() })
            }
            Err(mut report) if is_gone => {
                report.problems.insert(0, gone(&self.main_path));
                Err(report)
            }
            outcome => outcome,
        };
        let seen = Self { exists, ..self.clone() };
        match outcome {
            Err(report) => {
                let sources = if is_gone { self.sources.clone() } else { sources };
                Self { rejected: Some(Arc::new(report)), sources, ..seen }
            }
            Ok(loaded) => {
                let is_new = !self.has_config || *self.config != loaded.config;
                Self {
                    config: if is_new { Arc::new(loaded.config) } else { self.config.clone() },
                    generation: self.generation + u64::from(is_new),
                    loaded_at: now,
                    rejected: None,
                    warnings: loaded.warnings,
                    sources,
                    has_config: true,
                    ..seen
                }
            }
        }
    }

    /// The state after an edit of `ssh_config`, which is no part of it.
    pub(super) fn after_ssh_edit(&self, files: Vec<PathBuf>) -> Self {
        Self { ssh: SshEdits { count: self.ssh.count + 1, files }, ..self.clone() }
    }

    fn had_main(&self) -> bool {
        self.sources.contains(&self.main_path)
    }
}

fn gone(main: &Path) -> Problem {
    Problem {
        kind: ProblemKind::Source(SourceTrouble::Gone),
        path: String::new(),
        place: Place { file: main.to_owned(), spot: None },
        related: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::domain::config::Remote;

    const MAIN: &str = "/c/longhaul.ron";

    fn start() -> ConfigState {
        ConfigState::unknown(MAIN.into(), SystemTime::UNIX_EPOCH)
    }

    fn config(remote: &str) -> Config {
        let remotes = BTreeMap::from([(remote.parse().unwrap(), Remote::new("h"))]);
        Config { remotes, ..Config::default() }
    }

    fn good(config: Config) -> Look {
        let outcome = Ok(Loaded { config, warnings: Vec::new() });
        Look { exists: true, sources: vec![MAIN.into()], outcome }
    }

    fn bad() -> Look {
        let problem = Problem { kind: ProblemKind::Empty, ..gone(Path::new(MAIN)) };
        let report = Report { problems: vec![problem], warnings: Vec::new() };
        Look { exists: true, sources: vec![MAIN.into()], outcome: Err(report) }
    }

    fn missing() -> Look {
        Look { exists: false, sources: Vec::new(), ..good(Config::default()) }
    }

    fn after(looks: &[fn() -> Look]) -> ConfigState {
        looks.iter().zip(1..).fold(start(), |state, (look, second)| {
            state.after(look(), SystemTime::UNIX_EPOCH + Duration::from_secs(second))
        })
    }

    fn a() -> Look {
        good(config("a"))
    }

    fn b() -> Look {
        good(config("b"))
    }

    #[test]
    fn nothing_is_removed_on_the_word_of_a_file_that_nobody_understands() {
        assert_eq!(start().retention(), Retention::FOR_EVER);
        assert_eq!(after(&[bad]).retention(), Retention::FOR_EVER);
        assert_eq!(after(&[a, bad]).retention(), Retention::default());
        assert_eq!(after(&[missing]).retention(), Retention::default());
    }

    #[test]
    fn each_way_through_edits_ends_where_it_should() {
        type Row = (&'static [fn() -> Look], &'static [&'static str], u64, bool, bool);
        // looks, remotes in force, generation, rejected, refused
        let rows: [Row; 13] = [
            (&[a], &["a"], 1, false, false),
            (&[a, a], &["a"], 1, false, false),
            (&[a, b], &["b"], 2, false, false),
            (&[a, bad], &["a"], 1, true, false),
            (&[a, bad, a], &["a"], 1, false, false),
            (&[a, bad, b], &["b"], 2, false, false),
            (&[bad], &[], 0, true, true),
            (&[bad, a], &["a"], 1, false, false),
            (&[missing], &[], 1, false, false),
            (&[missing, a], &["a"], 2, false, false),
            (&[a, missing], &["a"], 1, true, false),
            (&[a, missing, missing], &["a"], 1, true, false),
            (&[a, bad, missing, a], &["a"], 1, false, false),
        ];
        for (at, (looks, remotes, generation, is_rejected, is_refused)) in
            rows.into_iter().enumerate()
        {
            let state = after(looks);
            let names: Vec<_> = state.config.remotes.keys().map(|name| name.as_str()).collect();
            assert_eq!(names, remotes, "row {at}");
            assert_eq!(state.generation, generation, "row {at}");
            assert_eq!(state.rejected.is_some(), is_rejected, "row {at}");
            assert_eq!(state.refusal().is_some(), is_refused, "row {at}");
        }
    }

    #[test]
    fn a_bad_file_that_goes_away_before_any_was_taken_leaves_none() {
        let state = after(&[bad, missing]);
        assert!(state.rejected.is_none() && !state.exists);
    }

    #[test]
    fn a_rejected_edit_does_not_touch_when_it_was_loaded() {
        let state = after(&[a, bad]);
        assert_eq!(state.loaded_at, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    }
}
