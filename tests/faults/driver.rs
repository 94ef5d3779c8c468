//! One session as its user has it: started, fed, stopped and waited for.
//!
//! What the user sees go wrong is not the end: he tries again, as long as the
//! trouble lasts, and every refusal is kept for whoever judges.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::role::{End, Place, Reads, Role};
use crate::stage::Stage;
use crate::support::command::{Finished, Input, Running};
use crate::support::wait::holds_within;

/// How long everything may take, trouble included, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What became of one session.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    pub(crate) id: Option<String>,
    /// What `run` has printed and exited with, where it followed the session.
    pub(crate) run: Option<Finished>,
    /// What `wait` has exited with.
    pub(crate) waited: Option<i32>,
    /// Commands that failed, which a user would have seen.
    pub(crate) refusals: Vec<String>,
    /// What was given up.
    pub(crate) troubles: Vec<String>,
}

/// Whoever drives one session.
struct Driver<'a> {
    stage: &'a Stage,
    role: &'a Role,
    started: Instant,
    driven: Driven,
}

/// Drives a session to its end.
pub(crate) fn drive(stage: &Stage, role: &Role, started: Instant) -> Driven {
    let mut driver = Driver { stage, role, started, driven: Driven::default() };
    if let Err(trouble) = driver.live() {
        driver.driven.troubles.push(trouble);
    }
    driver.driven
}

impl Driver<'_> {
    fn live(&mut self) -> Result<(), String> {
        self.sleep_until(self.role.starts_at_millis);
        let running = if self.role.followed { Some(self.run()?) } else { None };
        if running.is_none() {
            self.run_detached()?;
        }
        if let Reads::Sent { pieces } = self.role.reads {
            self.send(pieces)?;
        }
        if let End::Stopped { stubborn, at_millis } = self.role.end {
            self.sleep_until(at_millis);
            self.kill(if stubborn { "1s" } else { "5s" })?;
        }
        self.wait()?;
        if let Some(running) = running {
            self.driven.run = Some(self.finish(running)?);
        }
        Ok(())
    }

    /// The words of `run`, up to what is run.
    fn words(&self, first: &[&str]) -> Vec<String> {
        let place: &[&str] = match self.role.place {
            Place::Remote => &["--on", "box"],
            Place::Local => &["--local"],
        };
        let input: &[&str] = match self.role.reads {
            Reads::Nothing => &[],
            Reads::Sent { .. } => &["-i"],
            Reads::Piped => &["--stdin", "-"],
        };
        let name: &[&str] = &["--name", &self.role.name, "--cwd", "~"];
        [first, place, input, name, &["--"]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .chain(self.role.command())
            .collect()
    }

    /// Starts it with `run -d`, for as long as it takes.
    fn run_detached(&mut self) -> Result<(), String> {
        loop {
            let said = self.longhaul(&self.words(&["run", "-d"]))?;
            if said.code() == Some(0) {
                self.driven.id = Some(said.out().trim().to_owned());
                return Ok(());
            }
            self.refused(&said);
            // It may have been taken in all the same.
            if let Some(view) = self.inspect() {
                self.driven.id = view["id"].as_str().map(str::to_owned);
                return Ok(());
            }
            self.breathe()?;
        }
    }

    /// Starts it with a `run` that follows it, for as long as it takes.
    fn run(&mut self) -> Result<Running, String> {
        loop {
            let words = self.words(&["run"]);
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let input = match self.role.reads {
                Reads::Piped => Input::Bytes(self.role.input()),
                _ => Input::Nothing,
            };
            let mut running = Running::start(self.stage.home.command(&words), input);
            loop {
                if let Some(view) = self.inspect() {
                    self.driven.id = view["id"].as_str().map(str::to_owned);
                    return Ok(running);
                }
                if running.has_ended() {
                    break;
                }
                self.breathe()?;
            }
            // It may have been taken in between the two looks.
            if let Some(view) = self.inspect() {
                self.driven.id = view["id"].as_str().map(str::to_owned);
                return Ok(running);
            }
            let said = self.finish(running)?;
            self.refused(&said);
        }
    }

    /// Sends its input in pieces. How much was taken of a piece whose sending
    /// failed is asked for, and the rest is sent again.
    fn send(&mut self, pieces: u64) -> Result<(), String> {
        let input = self.role.input();
        let size = input.len().div_ceil(pieces as usize).max(1);
        let mut at = 0;
        loop {
            let upto = (at + size).min(input.len());
            let mut words = vec!["send", &self.role.name];
            if upto == input.len() {
                words.push("--eof");
            }
            let piece = Input::Bytes(input[at..upto].to_vec());
            let said = self.finish(Running::start(self.stage.home.command(&words), piece))?;
            if said.code() == Some(0) && upto == input.len() {
                return Ok(());
            }
            if said.code() == Some(0) {
                at = upto;
                sleep(Duration::from_millis(300));
                continue;
            }
            let view = self.inspect();
            if view.as_ref().is_some_and(has_ended) {
                return Ok(());
            }
            self.refused(&said);
            let Some(view) = view else {
                self.breathe()?;
                continue;
            };
            at = view["stdin"]["accepted"].as_u64().unwrap_or_default() as usize;
            self.breathe()?;
        }
    }

    /// Has it stopped, for as long as it takes.
    fn kill(&mut self, grace: &str) -> Result<(), String> {
        loop {
            let words = ["kill", "--grace", grace, &self.role.name].map(str::to_owned);
            let said = self.longhaul(&words)?;
            if said.code() == Some(0) {
                return Ok(());
            }
            if self.inspect().as_ref().is_some_and(has_ended) {
                return Ok(());
            }
            self.refused(&said);
            self.breathe()?;
        }
    }

    /// Waits for its end, for as long as it takes.
    fn wait(&mut self) -> Result<(), String> {
        loop {
            let said = self.longhaul(&["wait".to_owned(), self.role.name.clone()])?;
            if self.inspect().as_ref().is_some_and(has_ended) {
                self.driven.waited = said.code();
                return Ok(());
            }
            self.refused(&said);
            self.breathe()?;
        }
    }

    fn inspect(&mut self) -> Option<Value> {
        let words = ["inspect", &self.role.name, "--json"].map(str::to_owned);
        let said = self.longhaul(&words).ok()?;
        (said.code() == Some(0)).then(|| said.json())
    }

    fn longhaul(&self, words: &[String]) -> Result<Finished, String> {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.finish(self.stage.home.start(&words))
    }

    fn finish(&self, mut running: Running) -> Result<Finished, String> {
        let left = PATIENCE.saturating_sub(self.started.elapsed());
        if holds_within(left, || running.has_ended()) {
            Ok(running.finish())
        } else {
            Err(format!("{} has not ended after {PATIENCE:?}", running.what()))
        }
    }

    fn refused(&mut self, said: &Finished) {
        let at = self.started.elapsed().as_millis();
        self.driven.refusals.push(format!("{at} ms: {said}"));
    }

    fn breathe(&self) -> Result<(), String> {
        if self.started.elapsed() > PATIENCE {
            return Err(format!("{} came to no end in {PATIENCE:?}", self.role.name));
        }
        sleep(Duration::from_millis(200));
        Ok(())
    }

    fn sleep_until(&self, millis: u64) {
        sleep(Duration::from_millis(millis).saturating_sub(self.started.elapsed()));
    }
}

/// Whether a session, as `inspect` tells it, has ended.
fn has_ended(view: &Value) -> bool {
    !view["ended_at"].is_null()
}
