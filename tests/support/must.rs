//! A panic that says what was being done.

use std::fmt::Display;

/// What has to be there for the test to mean anything.
pub(crate) trait Must<T> {
    /// The value, or a panic that says what was being done.
    fn must(self, doing: &str) -> T;
}

impl<T, E: Display> Must<T> for Result<T, E> {
    #[track_caller]
    fn must(self, doing: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{doing}: {error}"),
        }
    }
}

impl<T> Must<T> for Option<T> {
    #[track_caller]
    fn must(self, doing: &str) -> T {
        match self {
            Some(value) => value,
            None => panic!("{doing}: nothing"),
        }
    }
}
