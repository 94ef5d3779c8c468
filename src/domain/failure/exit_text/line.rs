//! The lines in which shells, env(1) and their like say that they could not
//! execute something, each in the words of its own.

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// env(1), which the first line of many scripts calls.
    Env,
    /// Another program that executes its arguments.
    Wrapper,
    /// A shell.
    Shell,
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault<'a> {
    /// There is no such program.
    NotFound(&'a str),
    /// It may not be executed, or is a directory.
    NotExecutable(&'a str),
    /// The system does not know its format.
    WrongFormat(&'a str),
    /// It is there, and a file that it names is not.
    LoaderMissing(&'a str),
    /// Its `#!` line names an interpreter that is not there.
    InterpreterMissing {
        /// The script.
        program: &'a str,
        /// What its first line names.
        interpreter: &'a str,
    },
}

const SHELLS: [&str; 12] = [
    "sh", "dash", "bash", "rbash", "ash", "busybox", "zsh", "ksh", "ksh93", "mksh", "lksh", "fish",
];
const WRAPPERS: [&str; 8] =
    ["setsid", "nice", "nohup", "timeout", "stdbuf", "chroot", "ionice", "chrt"];
/// How a script's name looks, by which a shell calls itself when it runs one.
const SCRIPT_ENDINGS: [&str; 4] = [".sh", ".bash", ".zsh", ".ksh"];
/// fish shows the command and marks the place in up to so many lines.
const FISH_CONTEXT: usize = 4;

/// Whether a program of this name is a shell.
pub(super) fn is_shell(base: &str) -> bool {
    SHELLS.contains(&base)
}

/// What the last line says, where it is such a line.
///
/// Three kinds of lines come after the one that counts: env's hint on `-S`,
/// bash's second line on a damaged binary, and fish's marks.
pub(super) fn last_words(text: &str) -> Option<(Speaker, Fault<'_>)> {
    let mut lines = text.lines().map(str::trim_end).rev().filter(|line| !line.is_empty());
    let last = lines.next()?;
    if last.chars().all(|c| matches!(c, '^' | '~' | ' ')) {
        return lines.take(FISH_CONTEXT).find_map(fish);
    }
    if last.contains(": use -[v]S to pass options") || last.ends_with(": Success") {
        return read(lines.next()?);
    }
    read(last)
}

fn fish(line: &str) -> Option<(Speaker, Fault<'_>)> {
    let name = word(line.strip_prefix("fish: Unknown command: ")?)?;
    Some((Speaker::Shell, Fault::NotFound(name)))
}

fn read(line: &str) -> Option<(Speaker, Fault<'_>)> {
    // Debian's mksh puts this before its name.
    let line = line.strip_prefix("E: ").unwrap_or(line);
    let (who, said) = line.split_once(": ")?;
    if who.is_empty() || who.contains(char::is_whitespace) {
        return None;
    }
    match base(who) {
        "env" => Some((Speaker::Env, by_wrapper(said)?)),
        name if WRAPPERS.contains(&name) => Some((Speaker::Wrapper, by_wrapper(said)?)),
        _ => fish(line).or_else(|| Some((Speaker::Shell, by_shell(who, said)?))),
    }
}

/// GNU: `‘X’: MESSAGE`, `failed to run command ‘X’: MESSAGE`; util-linux:
/// `failed to execute X: MESSAGE`; busybox: `can't execute 'X': MESSAGE`; the
/// BSDs: `X: MESSAGE`.
fn by_wrapper(said: &str) -> Option<Fault<'_>> {
    let (name, message) = said.rsplit_once(": ")?;
    let verbs = ["failed to execute ", "failed to run command ", "can't execute "];
    let verb = verbs.iter().find_map(|verb| name.strip_prefix(verb));
    let quoted = unquoted(verb.unwrap_or(name));
    let name = match quoted {
        Some(name) => name,
        // With neither a verb nor quotes, only a word is a program's name.
        None if verb.is_none() => word(name).filter(|name| !name.starts_with(is_quote))?,
        None => named(verb?)?,
    };
    match message {
        "No such file or directory" => Some(Fault::NotFound(name)),
        "Permission denied" => Some(Fault::NotExecutable(name)),
        "Exec format error" => Some(Fault::WrongFormat(name)),
        _ => None,
    }
}

fn by_shell<'a>(who: &str, said: &'a str) -> Option<Fault<'a>> {
    let (name, mut numbered) = without_line_number(who);
    let is_zsh = numbered && !who.ends_with(']');
    let mut said = said;
    // Where it happened: a line, and the builtin that did it.
    while let Some((mark, rest)) = said.split_once(": ") {
        let (word, has_number) = without_line_number(mark);
        match word.strip_prefix("line ").unwrap_or(word) {
            number if is_number(number) => numbered = true,
            "exec" | "eval" | "source" | "." => numbered |= has_number,
            _ => break,
        }
        said = rest;
    }
    // A shell calls itself by its own name or, with a line number, by the
    // name of its script.
    let own = is_shell(base(name).trim_start_matches('-'));
    let script = name.contains('/') || SCRIPT_ENDINGS.iter().any(|end| name.ends_with(end));
    if !(own || numbered && script) {
        return None;
    }
    if is_zsh { by_zsh(said) } else { by_other_shell(said, numbered) }
}

/// zsh: the message first, in lower case.
fn by_zsh(said: &str) -> Option<Fault<'_>> {
    if let Some((program, rest)) = said.split_once(": bad interpreter: ") {
        let interpreter = rest.strip_suffix(": no such file or directory")?;
        return interpreter_missing(program, interpreter);
    }
    let (message, name) = said.split_once(": ")?;
    let name = named(name)?;
    match message {
        "command not found" | "no such file or directory" => Some(Fault::NotFound(name)),
        "permission denied" => Some(Fault::NotExecutable(name)),
        "exec format error" => Some(Fault::WrongFormat(name)),
        _ => None,
    }
}

/// The others: the name first.
fn by_other_shell(said: &str, numbered: bool) -> Option<Fault<'_>> {
    if let Some(script) = said.strip_suffix(": bad interpreter: No such file or directory") {
        let (program, interpreter) = script.split_once(": ")?;
        return interpreter_missing(program, interpreter);
    }
    let (name, fault) =
        MESSAGES.iter().find_map(|(message, fault)| Some((said.strip_suffix(message)?, fault)))?;
    // Without a line number nearly any sentence would do.
    let name = if numbered { named(name)? } else { word(name)? };
    Some(fault(name))
}

fn interpreter_missing<'a>(program: &'a str, interpreter: &'a str) -> Option<Fault<'a>> {
    Some(Fault::InterpreterMissing { program: named(program)?, interpreter: named(interpreter)? })
}

type Make = for<'a> fn(&'a str) -> Fault<'a>;

/// Their messages, a longer one before one that it ends in.
const MESSAGES: &[(&str, Make)] = &[
    (": cannot execute: required file not found", |name| Fault::LoaderMissing(name)),
    (": inaccessible or not found", |name| Fault::NotFound(name)),
    (": command not found", |name| Fault::NotFound(name)),
    (": not found [No such file or directory]", |name| Fault::NotFound(name)),
    (": not found", |name| Fault::NotFound(name)),
    (": No such file or directory", |name| Fault::NotFound(name)),
    (": cannot execute: Permission denied", |name| Fault::NotExecutable(name)),
    (": can't execute: Permission denied", |name| Fault::NotExecutable(name)),
    (": cannot execute [Permission denied]", |name| Fault::NotExecutable(name)),
    (": Permission denied", |name| Fault::NotExecutable(name)),
    (": cannot execute: Is a directory", |name| Fault::NotExecutable(name)),
    (": can't execute: Is a directory", |name| Fault::NotExecutable(name)),
    (": cannot execute [Is a directory]", |name| Fault::NotExecutable(name)),
    (": Is a directory", |name| Fault::NotExecutable(name)),
    (": cannot execute binary file: Exec format error", |name| Fault::WrongFormat(name)),
    (": cannot execute binary file", |name| Fault::WrongFormat(name)),
    (": cannot execute [Exec format error]", |name| Fault::WrongFormat(name)),
    (": Exec format error", |name| Fault::WrongFormat(name)),
];

/// `zsh:1` and `script[3]` without their line number, and whether there was
/// one.
fn without_line_number(who: &str) -> (&str, bool) {
    let bracket = who.strip_suffix(']').and_then(|who| who.split_once('['));
    match bracket.or_else(|| who.rsplit_once(':')) {
        Some((name, number)) if is_number(number) => (name, true),
        _ => (who, false),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_quote(c: char) -> bool {
    matches!(c, '‘' | '\'' | '`' | '"')
}

/// What stands in a pair of quotes, curly or straight.
fn unquoted(text: &str) -> Option<&str> {
    let pairs = [('‘', '’'), ('\'', '\''), ('`', '\''), ('"', '"')];
    let inside = |(open, close)| text.strip_prefix(open)?.strip_suffix(close);
    named(pairs.into_iter().find_map(inside)?)
}

fn named(name: &str) -> Option<&str> {
    (!name.is_empty() && !name.contains(char::is_control)).then_some(name)
}

fn word(name: &str) -> Option<&str> {
    named(name).filter(|name| !name.contains(char::is_whitespace))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
