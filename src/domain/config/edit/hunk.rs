//! What an edit did, in lines.

use std::ops::Range;

use crate::domain::config::spot::spot;

/// A line that an edit took out or put in. Values of environment variables in
/// it are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1: before the edit, if it was taken out.
    pub number: usize,
    /// Whether it was put in.
    pub is_new: bool,
    /// What it says.
    pub text: String,
}

/// A text, and what of it no report may show.
pub(super) struct Masked<'a> {
    pub(super) text: &'a str,
    pub(super) masked: &'a [Range<usize>],
}

/// The lines in which two texts differ, in order.
pub(super) fn differences(before: &Masked<'_>, after: &Masked<'_>) -> Vec<Line> {
    let (old, new) = (lines(before.text), lines(after.text));
    let same = |(a, b): &(&(usize, &str), &(usize, &str))| a.1 == b.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
    let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let (mut a, mut b) = (0, 0);
    let mut found = Vec::new();
    let line = |of: &Masked<'_>, at: usize, is_new, number: usize| Line {
        number: number + head + 1,
        is_new,
        text: spot(of.text, &(at..at), of.masked).text.trim_end().to_owned(),
    };
    // An edit keeps the order of what it leaves alone, so that looking ahead for
    // the next line that both have is enough.
    while a < old.len() || b < new.len() {
        let ahead = |from: &[(usize, &str)], text: &str| from.iter().position(|it| it.1 == text);
        match (old.get(a), new.get(b)) {
            (Some(x), Some(y)) if x.1 == y.1 => (a, b) = (a + 1, b + 1),
            (Some(x), Some(y))
                if ahead(&new[b..], x.1).is_none() || ahead(&old[a..], y.1).is_some() =>
            {
                found.push(line(before, x.0, false, a));
                a += 1;
            }
            (Some(x), None) => {
                found.push(line(before, x.0, false, a));
                a += 1;
            }
            (_, Some(y)) => {
                found.push(line(after, y.0, true, b));
                b += 1;
            }
            (None, None) => break,
        }
    }
    found
}

/// The lines of a text, each with where it starts.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let start = |line: &'_ str| {
        let start = at;
        at += line.len();
        start
    };
    let starts: Vec<usize> = text.split_inclusive('\n').map(start).collect();
    starts.into_iter().zip(text.split_inclusive('\n')).collect()
}
