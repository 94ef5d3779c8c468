//! The value that a line's arguments are, by the kind of its keyword.
//!
//! A line is checked whether or not it has a say.

use super::algorithms;
use super::expand;
use super::fault::Fault;
use super::forward::{self, Forward};
use super::jump::{self, Jump};
use super::keyword::{Choices, Keyword, Shape};
use super::number;
use super::words::Words;
use super::world::World;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `yes` or `no`.
    Flag(bool),
    /// One of some words, as `ssh -G` prints it.
    Choice(&'static str),
    /// A number; of a time, its seconds.
    Number(u64),
    /// A word, or the rest of a line.
    Text(String),
    /// Some words.
    List(Vec<String>),
    /// A forwarding.
    Forward(Forward),
    /// `ProxyJump`; `None` for `none`.
    Jump(Option<Jump>),
    /// A mode that may last so many seconds: `AddKeysToAgent`, and
    /// `ControlPersist`.
    For(&'static str, u64),
    /// Two numbers: `IPQoS`, and `TunnelDevice`, where `None` is `any`.
    Pair(Option<u32>, Option<u32>),
}

/// What the arguments set; most set one thing.
pub(super) type Parsed = Vec<(Keyword, Value)>;

/// A line after its keyword.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    /// The word that stands in the keyword's place.
    pub(super) name: &'a str,
    /// As it is written.
    pub(super) raw: &'a str,
    pub(super) words: Words,
}

/// The value of a line; what is left in `words` afterwards is too much.
pub(super) fn parse(
    keyword: Keyword,
    line: &mut Arguments<'_>,
    world: &dyn World,
) -> Result<Parsed, Fault> {
    let one = |value| Ok(vec![(keyword, value)]);
    match keyword.shape() {
        Shape::Flag => one(Value::Flag(flag(&line.words.needed()?)?)),
        Shape::Choice(choices) => one(Value::Choice(choice(&line.words.needed()?, choices)?)),
        Shape::Number => {
            let word = line.words.needed()?;
            let number = number::natural(&word).ok_or(Fault::InvalidNumber { value: word })?;
            one(Value::Number(number.into()))
        }
        Shape::Time => Ok(time(&line.words.needed()?)?
            .map(|seconds| (keyword, Value::Number(seconds.into())))
            .into_iter()
            .collect()),
        Shape::Word => one(Value::Text(line.words.needed()?)),
        Shape::Command => one(Value::Text(command(line))),
        Shape::Files(most) => one(Value::List(files(line, most)?)),
        Shape::Algorithms(kind) => {
            let list = line.words.needed()?;
            algorithms::check(kind, &list)?;
            one(Value::Text(list))
        }
        Shape::Own => own(keyword, line, world),
    }
}

fn own(keyword: Keyword, line: &mut Arguments<'_>, world: &dyn World) -> Result<Parsed, Fault> {
    use Keyword as K;
    let value = match keyword {
        K::AddKeysToAgent => add_keys(&mut line.words)?,
        K::CanonicalDomains => Value::List(domains(line)?),
        K::CanonicalizePermittedCNAMEs => Value::List(cnames(line)?),
        K::ChannelTimeout => Value::List(timeouts(line)?),
        K::ControlPersist => persist(&line.words.needed()?)?,
        K::DynamicForward | K::LocalForward | K::RemoteForward => {
            Value::Forward(forward::parse(keyword, &mut line.words, world)?)
        }
        K::EscapeChar => Value::Text(escape_char(line)?),
        K::ForwardAgent => return forward_agent(&line.words.needed()?, world),
        K::IdentityAgent => Value::Text(agent_path(line.words.needed()?, world)?),
        K::IPQoS => qos(line)?,
        K::LogVerbose => {
            // Only the first counts, as with ssh.
            let words = alone(line, &["none"], |_| Ok(()))?;
            Value::List(words.into_iter().take(1).collect())
        }
        K::ObscureKeystrokeTiming => obscure(line)?,
        K::PermitRemoteOpen => Value::List(remote_opens(line, world)?),
        K::Port => {
            let word = line.words.needed()?;
            let port = forward::port(&word, world).filter(|&port| port != 0);
            Value::Number(port.ok_or(Fault::InvalidPort { value: word })?.into())
        }
        K::ProxyJump => {
            let text = after_equals(line.raw);
            let wrong = || Fault::InvalidJump { value: text.to_owned() };
            let jump = jump::parse(text, world).ok_or_else(wrong)?;
            line.words.drop_rest();
            Value::Jump(jump)
        }
        K::RekeyLimit => return rekey(line),
        K::SendEnv => Value::List(send_env(&mut line.words)?),
        K::SetEnv => Value::List(set_env(&mut line.words)?),
        K::StreamLocalBindMask => Value::Number(mask(line)?),
        K::TunnelDevice => tunnel(line)?,
        K::VersionAddendum => match command(line) {
            text if text.eq_ignore_ascii_case("none") => Value::Text(String::new()),
            text => Value::Text(text),
        },
        // No other has a form of its own; a new one would take its first word.
        _ => Value::Text(line.words.needed()?),
    };
    Ok(vec![(keyword, value)])
}

/// The rest of the line; one `=` more is passed over there, as with ssh.
fn after_equals(raw: &str) -> &str {
    raw.trim_start_matches([' ', '\t', '\r', '\n', '='])
}

fn command(line: &mut Arguments<'_>) -> String {
    line.words.drop_rest();
    after_equals(line.raw).to_owned()
}

fn flag(word: &str) -> Result<bool, Fault> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(Fault::Unsupported { value: word.to_owned() }),
    }
}

fn choice(word: &str, choices: Choices) -> Result<&'static str, Fault> {
    let found = choices.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(word));
    found.map(|&(_, printed)| printed).ok_or_else(|| Fault::Unsupported { value: word.to_owned() })
}

/// `None` for `none`, which leaves the slot open for a later line.
fn time(word: &str) -> Result<Option<u32>, Fault> {
    match word {
        "none" => Ok(None),
        word => number::time(word).map(Some).ok_or(Fault::InvalidTime),
    }
}

fn wrong(line: &Arguments<'_>, value: impl Into<String>) -> Fault {
    Fault::InvalidValue { keyword: line.name.to_owned(), value: value.into() }
}

/// Words of which some count only if they are alone.
fn alone(
    line: &mut Arguments<'_>,
    lonely: &[&str],
    mut check: impl FnMut(&str) -> Result<(), Fault>,
) -> Result<Vec<String>, Fault> {
    let words = line.words.rest();
    for word in &words {
        if lonely.iter().any(|lonely| lonely.eq_ignore_ascii_case(word)) {
            if words.len() > 1 {
                return Err(Fault::NotAlone { keyword: line.name.to_owned(), word: word.clone() });
            }
            continue;
        }
        check(word)?;
    }
    Ok(words)
}

fn some(words: Vec<String>) -> Result<Vec<String>, Fault> {
    if words.is_empty() { Err(Fault::MissingArgument) } else { Ok(words) }
}

fn files(line: &mut Arguments<'_>, most: usize) -> Result<Vec<String>, Fault> {
    let keyword = line.name.to_owned();
    let words = alone(line, &["none"], |word| match word {
        "" => Err(Fault::EmptyArgument { keyword: keyword.clone() }),
        _ => Ok(()),
    })?;
    if words.len() > most {
        return Err(Fault::TooMany { keyword });
    }
    Ok(words)
}

fn add_keys(words: &mut Words) -> Result<Value, Fault> {
    const MODES: Choices = &[
        ("yes", "true"),
        ("true", "true"),
        ("no", "false"),
        ("false", "false"),
        ("ask", "ask"),
        ("confirm", "confirm"),
    ];
    let mode = words.needed()?;
    let lifetime = |word: &str| number::time(word).map(u64::from).ok_or(Fault::InvalidTime);
    match (choice(&mode, MODES), words.next()) {
        (Ok("confirm"), Some(time)) => Ok(Value::For("confirm", lifetime(&time)?)),
        (Ok(mode), None) => Ok(Value::For(mode, 0)),
        (Err(_), None) => Ok(Value::For("true", lifetime(&mode)?)),
        (_, Some(_)) => Err(Fault::Unsupported { value: mode }),
    }
}

/// Only lower case, other than with every flag.
fn persist(word: &str) -> Result<Value, Fault> {
    match word {
        "no" | "false" => Ok(Value::For("no", 0)),
        "yes" | "true" => Ok(Value::For("yes", 0)),
        time => {
            let seconds = number::time(time).ok_or(Fault::InvalidTime)?;
            Ok(Value::For("yes", seconds.into()))
        }
    }
}

fn domains(line: &mut Arguments<'_>) -> Result<Vec<String>, Fault> {
    let words = alone(line, &["none"], |word| {
        let invalid = || Fault::InvalidDomain { value: word.to_owned() };
        jump::is_domain(word).then_some(()).ok_or_else(invalid)
    })?;
    let lower = |word: String| {
        let word = word.to_ascii_lowercase();
        word.strip_suffix('.').map(str::to_owned).unwrap_or(word)
    };
    some(words).map(|words| words.into_iter().map(lower).collect())
}

fn cnames(line: &mut Arguments<'_>) -> Result<Vec<String>, Fault> {
    let name = line.name.to_owned();
    let words = alone(line, &["none"], |word| match word.split_once(':') {
        Some((_, targets)) if !targets.is_empty() => Ok(()),
        _ if word == "*" => Ok(()),
        _ => Err(Fault::InvalidValue { keyword: name.clone(), value: word.to_owned() }),
    })?;
    let rule = |word: String| match word.as_str() {
        "*" => "*:*".to_owned(),
        _ => word.to_ascii_lowercase(),
    };
    some(words).map(|words| words.into_iter().map(rule).collect())
}

fn timeouts(line: &mut Arguments<'_>) -> Result<Vec<String>, Fault> {
    let name = line.name.to_owned();
    let words = alone(line, &["none"], |word| {
        let fits = word
            .split_once('=')
            .is_some_and(|(channel, time)| !channel.is_empty() && number::time(time).is_some());
        let wrong = || Fault::InvalidValue { keyword: name.clone(), value: word.to_owned() };
        fits.then_some(()).ok_or_else(wrong)
    })?;
    some(words)
}

fn remote_opens(line: &mut Arguments<'_>, world: &dyn World) -> Result<Vec<String>, Fault> {
    let name = line.name.to_owned();
    let words = alone(line, &["none", "any"], |word| {
        let port = jump::host_and_port(word).and_then(|(_, port)| port);
        let fits = port.is_some_and(|port| {
            port == "*" || forward::port(port, world).is_some_and(|port| port != 0)
        });
        let wrong = || Fault::InvalidValue { keyword: name.clone(), value: word.to_owned() };
        fits.then_some(()).ok_or_else(wrong)
    })?;
    some(words)
}

/// As `ssh -G` prints it, which is what `vis`(3) makes of it.
fn escape_char(line: &mut Arguments<'_>) -> Result<String, Fault> {
    let word = line.words.needed()?;
    let byte = match word.as_bytes() {
        b"none" => return Ok("none".to_owned()),
        &[byte] => byte,
        &[b'^', byte @ 64..128] => byte & 31,
        _ => return Err(wrong(line, word)),
    };
    Ok(match byte {
        b'\\' => "\\\\".to_owned(),
        b' ' => "\\040".to_owned(),
        0..32 => format!("\\^{}", char::from(byte + 64)),
        127 => "\\^?".to_owned(),
        _ => char::from(byte).to_string(),
    })
}

fn forward_agent(word: &str, world: &dyn World) -> Result<Parsed, Fault> {
    if let Ok(flag) = flag(word) {
        return Ok(vec![(Keyword::ForwardAgent, Value::Flag(flag))]);
    }
    let path = agent_path(word.to_owned(), world)?;
    Ok(vec![
        (Keyword::ForwardAgent, Value::Flag(true)),
        (Keyword::ForwardAgentSocket, Value::Text(path)),
    ])
}

/// A path, `${VARIABLE}`s in it, or `$VARIABLE` alone.
fn agent_path(word: String, world: &dyn World) -> Result<String, Fault> {
    expand::variables(&word, world)
        .map_err(|fault| Fault::Expand { keyword: "agent socket", fault })?;
    if let Some(name) = word.strip_prefix('$')
        && !name.starts_with('{')
    {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(letters) {
            return Err(Fault::InvalidEnvironmentName);
        }
    }
    Ok(word)
}

/// Names of `IPQoS`, and what they stand for; `none` is in a class of its own.
pub(super) const QOS: [(&str, u32); 26] = [
    ("none", u32::MAX),
    ("af11", 0x28),
    ("af12", 0x30),
    ("af13", 0x38),
    ("af21", 0x48),
    ("af22", 0x50),
    ("af23", 0x58),
    ("af31", 0x68),
    ("af32", 0x70),
    ("af33", 0x78),
    ("af41", 0x88),
    ("af42", 0x90),
    ("af43", 0x98),
    ("cs0", 0x00),
    ("cs1", 0x20),
    ("cs2", 0x40),
    ("cs3", 0x60),
    ("cs4", 0x80),
    ("cs5", 0xa0),
    ("cs6", 0xc0),
    ("cs7", 0xe0),
    ("ef", 0xb8),
    ("le", 0x04),
    ("lowdelay", 0x10),
    ("throughput", 0x08),
    ("reliability", 0x04),
];

fn qos(line: &mut Arguments<'_>) -> Result<Value, Fault> {
    let class = |word: &str| {
        let named = QOS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let number = || number::whole(word, 0, 255).and_then(|byte| u32::try_from(byte).ok());
        named.map(|&(_, class)| class).or_else(number)
    };
    let word = line.words.next().unwrap_or_default();
    let interactive = class(&word).ok_or_else(|| wrong(line, word))?;
    let bulk = match line.words.next() {
        None => interactive,
        Some(word) => class(&word).ok_or_else(|| wrong(line, word))?,
    };
    Ok(Value::Pair(Some(interactive), Some(bulk)))
}

/// In milliseconds; 0 for `no`.
fn obscure(line: &mut Arguments<'_>) -> Result<Value, Fault> {
    let word = line.words.needed()?;
    let milliseconds = match word.as_str() {
        "yes" | "true" => Some(20),
        "no" | "false" => Some(0),
        word => word
            .strip_prefix("interval:")
            .and_then(|number| number::whole(number, 1, 1000))
            .and_then(|number| u64::try_from(number).ok()),
    };
    milliseconds.map(Value::Number).ok_or_else(|| wrong(line, word))
}

fn rekey(line: &mut Arguments<'_>) -> Result<Parsed, Fault> {
    let word = line.words.needed()?;
    let bytes = match word.as_str() {
        "default" => 0,
        word => number::size(word)
            .filter(|&bytes| bytes == 0 || bytes >= 16)
            .and_then(|bytes| u64::try_from(bytes).ok())
            .ok_or_else(|| Fault::InvalidSize { value: word.to_owned() })?,
    };
    let mut parsed = vec![(Keyword::RekeyLimit, Value::Number(bytes))];
    if !line.words.is_empty()
        && let Some(seconds) = time(&line.words.needed()?)?
    {
        parsed.push((Keyword::RekeyInterval, Value::Number(seconds.into())));
    }
    Ok(parsed)
}

fn send_env(words: &mut Words) -> Result<Vec<String>, Fault> {
    let words = some(words.rest())?;
    if words.iter().any(|word| word.is_empty() || word.contains('=')) {
        return Err(Fault::InvalidEnvironmentName);
    }
    Ok(words)
}

/// The first of each name.
fn set_env(words: &mut Words) -> Result<Vec<String>, Fault> {
    let mut kept: Vec<String> = Vec::new();
    for word in some(words.rest())? {
        let (name, _) = word.split_once('=').ok_or(Fault::InvalidSetEnv)?;
        let is_same = |kept: &String| kept.split_once('=').is_some_and(|(kept, _)| kept == name);
        if !kept.iter().any(is_same) {
            kept.push(word);
        }
    }
    Ok(kept)
}

/// Octal, with anything after it, as `strtol`(3) has it.
fn mask(line: &mut Arguments<'_>) -> Result<u64, Fault> {
    let word = line.words.needed()?;
    let end = word.find(|c| !matches!(c, '0'..='7')).unwrap_or(word.len());
    let mode = u64::from_str_radix(&word[..end], 8).ok();
    mode.filter(|&mode| mode <= 0o777).ok_or_else(|| wrong(line, word))
}

fn tunnel(line: &mut Arguments<'_>) -> Result<Value, Fault> {
    const MOST: i64 = 0x7fff_fffd;
    let device = |word: &str| match word {
        any if any.eq_ignore_ascii_case("any") => Some(None),
        word => number::whole(word, 0, MOST).and_then(|id| u32::try_from(id).ok()).map(Some),
    };
    let word = line.words.needed()?;
    let (local, remote) = word.split_once(':').unwrap_or((&word, "any"));
    match (device(local), device(remote)) {
        (Some(local), Some(remote)) => Ok(Value::Pair(local, remote)),
        _ => Err(wrong(line, word)),
    }
}
