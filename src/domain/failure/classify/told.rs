//! A trouble put into words, and the failure that is made of them.

use std::path::Path;

use crate::domain::failure::Failure;
use crate::domain::failure::catalogue::{Code, Remedy};
use crate::domain::failure::quote::{evidence, one_line, shown_file, shown_path, shown_word};
use crate::domain::failure::template::{Slots, fill};
use crate::domain::failure::whereabouts::Whereabouts;

/// What is known of one trouble, beyond its code.
#[derive(Debug)]
pub(super) struct Told {
    message: String,
    evidence: Option<String>,
    slots: Vec<(&'static str, String)>,
}

impl Told {
    /// A sentence without a full stop.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), evidence: None, slots: Vec::new() }
    }

    /// The words it was told by.
    pub(super) fn by(mut self, words: &str) -> Self {
        self.evidence = evidence(words);
        self
    }

    /// Puts the sentence after `prefix`.
    pub(super) fn after(mut self, prefix: &str) -> Self {
        self.message = format!("{prefix}{}", self.message);
        self
    }

    /// A slot's text as it is; what came from elsewhere has to be quoted.
    pub(super) fn with(mut self, slot: &'static str, text: impl Into<String>) -> Self {
        self.slots.push((slot, text.into()));
        self
    }

    /// A slot's text as one word of the shell.
    pub(super) fn word(self, slot: &'static str, value: &str) -> Self {
        let word = shown_word(value);
        self.with(slot, word)
    }

    /// A path on the other side, where `~` is the home directory there.
    pub(super) fn path(self, slot: &'static str, value: &str) -> Self {
        let word = shown_path(value);
        self.with(slot, word)
    }

    /// A file on this machine.
    pub(super) fn file(self, slot: &'static str, file: &Path) -> Self {
        let word = shown_file(file);
        self.with(slot, word)
    }

    /// The failure, with the catalogue's remedy for what happened at `at`.
    pub(super) fn failure(self, code: Code, at: &Whereabouts) -> Failure {
        let entry = code.entry();
        let remedy = match entry.remedy {
            Remedy::Type(template) => Some(fill(template, &Facts { told: &self, at })),
            Remedy::Nothing(_) => None,
        };
        Failure {
            code: entry.code.to_owned(),
            stage: entry.stage,
            disposition: entry.disposition,
            place: at.place.clone(),
            message: one_line(&self.message),
            evidence: self.evidence,
            remedy,
        }
    }
}

/// What fills a remedy's slots: the place's facts, then the trouble's own.
struct Facts<'a> {
    told: &'a Told,
    at: &'a Whereabouts,
}

impl Slots for Facts<'_> {
    fn slot(&self, name: &str) -> Option<String> {
        let own = self.told.slots.iter().find(|(slot, _)| *slot == name);
        own.map(|(_, text)| text.clone()).or_else(|| self.of_the_place(name))
    }

    fn there(&self, command: &str) -> String {
        self.at.there(command)
    }
}

impl Facts<'_> {
    fn of_the_place(&self, name: &str) -> Option<String> {
        let place = shown_word(&self.at.place);
        match name {
            "place" => return Some(place),
            "reconnect" => return Some(format!("longhaul remote reconnect {place}")),
            "session" => return self.at.session.as_ref().map(ToString::to_string),
            _ => {}
        }
        let Some(to) = &self.at.destination else {
            // Nothing was dialled yet, so the test says where it would go.
            let test = || format!("longhaul remote test {place}");
            return name.starts_with("ssh").then(test);
        };
        match name {
            "ssh" => Some(to.ssh("")),
            "ssh_v" => Some(to.ssh("-v")),
            "copy_id" => Some(to.copy_id(to.key_files.first().map(AsRef::as_ref))),
            "host" => Some(shown_word(&to.host)),
            "user" => Some(shown_word(&to.user)),
            _ => None,
        }
    }
}
