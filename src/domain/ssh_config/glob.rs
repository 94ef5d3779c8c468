//! `glob`(3) for `Include`: `*`, `?` and brackets, no braces.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::world::{Machine, World};

/// What is there by this pattern, sorted by bytes.
pub(super) fn glob(pattern: &str, machine: &Machine, world: &dyn World) -> Vec<PathBuf> {
    let pattern = home(pattern, machine, world);
    let (mut found, relative) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![PathBuf::from("/")], rest),
        None => (vec![PathBuf::new()], pattern.as_str()),
    };
    for segment in relative.split('/').filter(|segment| !segment.is_empty()) {
        found = found.iter().flat_map(|folder| step(folder, segment, world)).collect();
    }
    found.sort_by(|a, b| bytes(a).cmp(bytes(b)));
    found
}

/// Where a file that matches would turn up: the path itself, or the folder that
/// is listed first.
pub(super) fn looked_at(pattern: &str, machine: &Machine, world: &dyn World) -> PathBuf {
    let pattern = home(pattern, machine, world);
    let mut path = PathBuf::from(if pattern.starts_with('/') { "/" } else { "" });
    let segments = pattern.split('/').filter(|segment| !segment.is_empty());
    path.extend(segments.take_while(|part| !has_magic(part.as_bytes())).map(unescaped));
    path
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// `~` is `$HOME` here before it is the user database's home, unlike in values.
fn home(pattern: &str, machine: &Machine, world: &dyn World) -> String {
    let Some(rest) = pattern.strip_prefix('~') else { return pattern.to_owned() };
    let (user, below) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let home = match user {
        "" => Some(world.variable("HOME").unwrap_or_else(|| machine.home.clone())),
        name => world.home_of(name),
    };
    home.map_or_else(|| pattern.to_owned(), |home| format!("{home}{below}"))
}

fn step(folder: &Path, segment: &str, world: &dyn World) -> Vec<PathBuf> {
    let pattern = segment.as_bytes();
    if !has_magic(pattern) {
        let path = folder.join(unescaped(segment));
        return if world.is_present(&path) { vec![path] } else { Vec::new() };
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let shows = |name: &&std::ffi::OsString| {
        let name = name.as_encoded_bytes();
        // Dotfiles only by a dot.
        (name.first() != Some(&b'.') || pattern.first() == Some(&b'.')) && matches(name, pattern)
    };
    world.list(here).iter().filter(shows).map(|name| folder.join(OsStr::new(name))).collect()
}

fn has_magic(pattern: &[u8]) -> bool {
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' => return true,
            b'[' if bytes.as_slice().contains(&b']') => return true,
            _ => {}
        }
    }
    false
}

fn unescaped(segment: &str) -> String {
    let mut text = String::new();
    let mut chars = segment.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().unwrap_or('\\')),
            c => text.push(c),
        }
    }
    text
}

fn matches(name: &[u8], pattern: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|at| matches(&name[at..], rest)),
        [b'?', rest @ ..] => name.split_first().is_some_and(|(_, name)| matches(name, rest)),
        [b'[', inner @ ..] if class_end(inner).is_some() => {
            let end = class_end(inner).unwrap_or_default();
            let Some((&byte, name)) = name.split_first() else { return false };
            in_class(byte, &inner[..end]) && matches(name, &inner[end + 1..])
        }
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
            name.split_first().is_some_and(|(first, name)| first == byte && matches(name, rest))
        }
    }
}

/// Where the class ends; a `]` that comes first is one of its members.
fn class_end(inner: &[u8]) -> Option<usize> {
    let members = if inner.first() == Some(&b'!') { 1 } else { 0 };
    let after = inner.get(members + 1..)?;
    after.iter().position(|&byte| byte == b']').map(|at| at + members + 1)
}

fn in_class(byte: u8, class: &[u8]) -> bool {
    let (negated, mut members) = match class {
        [b'!', rest @ ..] => (true, rest),
        class => (false, class),
    };
    let mut found = false;
    while let Some((&low, rest)) = members.split_first() {
        members = rest;
        match rest {
            [b'-', high, rest @ ..] => {
                found |= (low..=*high).contains(&byte);
                members = rest;
            }
            _ => found |= low == byte,
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_the_shell() {
        let cases = [
            ("a.conf", "*.conf", true),
            ("a.conf", "?.conf", true),
            ("ab.conf", "?.conf", false),
            ("a1", "a[0-9]", true),
            ("ax", "a[0-9]", false),
            ("ax", "a[!0-9]", true),
            ("a]", "a[]]", true),
            ("a*", "a\\*", true),
            ("ab", "a\\*", false),
            ("a[", "a[", true),
            ("{a,b}", "{a,b}", true),
        ];
        for (name, pattern, expected) in cases {
            assert_eq!(matches(name.as_bytes(), pattern.as_bytes()), expected, "{name} {pattern}");
        }
        assert!(!has_magic(b"a\\*b"));
        assert!(!has_magic(b"a[b"));
    }
}
