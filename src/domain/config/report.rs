//! Problems as a person reads them.

use std::fmt;

use super::problem::{Place, Problem};

/// Why a configuration cannot be taken: every problem of it, in the order of
/// the files and the lines. Never empty.
///
/// Its `Display` is the whole report, in plain text, without the values of
/// environment variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Report {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is odd besides.
    pub warnings: Vec<Problem>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "error: {}\n", problem)?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {}\n", warning)?;
        }
        match self.problems.len() {
            1 => f.write_str("1 problem; the configuration was not taken"),
            n => write!(f, "{n} problems; the configuration was not taken"),
        }
    }
}

/// All of a problem: what, where, the line, what to do.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        let gutter = self.gutter();
        excerpt(f, gutter, &self.place, &self.path)?;
        if let Some((how, place)) = &self.related {
            write!(f, "\n{:gutter$} ::: {how}", "")?;
            excerpt(f, gutter, place, "")?;
        }
        if let Some(help) = self.kind.help() {
            write!(f, "\n{:gutter$} = help: {help}", "")?;
        }
        Ok(())
    }
}

impl Problem {
    /// One line: `file:line:column: what (path)`.
    #[must_use]
    pub fn summary(&self) -> String {
        let path = if self.path.is_empty() { String::new() } else { format!(" ({})", self.path) };
        format!("{}: {}{path}", self.place, self.kind)
    }

    /// The width of the line numbers.
    fn gutter(&self) -> usize {
        let places = [Some(&self.place), self.related.as_ref().map(|(_, place)| place)];
        let lines = places.into_iter().flatten().filter_map(|place| place.spot.as_ref());
        lines.map(|spot| spot.line.to_string().len()).max().unwrap_or(1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match &self.spot {
            Some(spot) => write!(f, ":{}:{}", spot.line, spot.column),
            None => Ok(()),
        }
    }
}

fn excerpt(f: &mut fmt::Formatter<'_>, gutter: usize, place: &Place, path: &str) -> fmt::Result {
    write!(f, "\n{:gutter$}--> {place}", "")?;
    if !path.is_empty() {
        write!(f, " ({path})")?;
    }
    let Some(spot) = &place.spot else { return Ok(()) };
    write!(f, "\n{:gutter$} |", "")?;
    write!(f, "\n{:>gutter$} | {}", spot.line, spot.text.trim_end())?;
    write!(
        f,
        "\n{:gutter$} | {:start$}{:^>width$}",
        "",
        "",
        "",
        start = spot.start,
        width = spot.width
    )
}
