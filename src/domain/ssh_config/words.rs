//! The arguments of a line, taken one after the other.

use std::collections::VecDeque;

use super::fault::Fault;

/// What is left of a line's arguments.
#[derive(Debug)]
pub(super) struct Words {
    left: VecDeque<String>,
}

impl Words {
    pub(super) fn new(words: Vec<String>) -> Self {
        Self { left: words.into() }
    }

    /// The next one, if there is one; it may be empty.
    pub(super) fn next(&mut self) -> Option<String> {
        self.left.pop_front()
    }

    /// The next one, which has to be there and not empty.
    pub(super) fn needed(&mut self) -> Result<String, Fault> {
        self.next().filter(|word| !word.is_empty()).ok_or(Fault::MissingArgument)
    }

    /// The next one without taking it.
    pub(super) fn peek(&self) -> Option<&str> {
        self.left.front().map(String::as_str)
    }

    /// The rest of the line says nothing more.
    pub(super) fn drop_rest(&mut self) {
        self.left.clear();
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.left).into()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}
