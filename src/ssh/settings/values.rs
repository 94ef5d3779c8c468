//! The value of each keyword: the first that has a say, except for
//! `IdentityFile`, which accumulates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh2_config::{HostParams, ParseRule, SshConfig};

use super::expand_home;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::UnknownHost;
use crate::ssh::config_lines::Line;

/// What the lines set.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) host_name: Option<Written>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identity_files: Vec<Written>,
    pub(super) jump: Option<Jump>,
    pub(super) alive_interval: Option<Duration>,
    pub(super) alive_count: Option<u32>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) unknown_host: Option<UnknownHost>,
    pub(super) user_known_hosts: Option<Vec<Written>>,
    pub(super) global_known_hosts: Option<Vec<Written>>,
    pub(super) agent: Option<Agent>,
    pub(super) identities_only: Option<bool>,
    pub(super) host_key_alias: Option<String>,
}

/// A value with its tokens, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    line: Line,
    text: String,
}

/// `ProxyJump`, in the one slot that it has with `ProxyCommand`.
#[derive(Debug, Clone)]
pub(super) enum Jump {
    /// `none`, of either.
    Straight,
    /// Hops as written, outermost first.
    Through(Line, Vec<String>),
}

/// `IdentityAgent`.
#[derive(Debug, Clone)]
pub(super) enum Agent {
    None,
    Environment,
    Socket(Written),
}

impl Values {
    pub(super) fn first_of(lines: &[Line], home: &Path) -> Result<Self, LinkTrouble> {
        let mut values = Self::default();
        for line in lines {
            values.take(line, home)?;
        }
        Ok(values)
    }

    fn take(&mut self, line: &Line, home: &Path) -> Result<(), LinkTrouble> {
        match line.keyword.as_str() {
            "hostname" => set(&mut self.host_name, || written(line, parsed(line, home)?.host_name)),
            "user" => set(&mut self.user, || needed(line, parsed(line, home)?.user)),
            "port" => set(&mut self.port, || match parsed(line, home)?.port {
                Some(port) if port != 0 => Ok(port),
                _ => Err(line.trouble("not a port")),
            }),
            "identityfile" => {
                for file in parsed(line, home)?.identity_file.unwrap_or_default() {
                    let text = file.into_os_string().into_string().ok();
                    self.identity_files.push(written(line, text)?);
                }
                Ok(())
            }
            "proxyjump" => set(&mut self.jump, || proxy_jump(line, home)),
            "proxycommand" => set(&mut self.jump, || proxy_command(line)),
            "serveraliveinterval" => set(&mut self.alive_interval, || time(line, &line.word()?)),
            "serveralivecountmax" => set(&mut self.alive_count, || {
                line.word()?.parse().map_err(|_| line.trouble("not a number"))
            }),
            "connecttimeout" => match line.word()?.as_str() {
                // No bound of ssh's own: ours stands.
                "none" | "0" => Ok(()),
                word => set(&mut self.connect_timeout, || time(line, word)),
            },
            "stricthostkeychecking" => set(&mut self.unknown_host, || strictness(line)),
            "userknownhostsfile" => set(&mut self.user_known_hosts, || files(line, home)),
            "globalknownhostsfile" => set(&mut self.global_known_hosts, || files(line, home)),
            "identityagent" => set(&mut self.agent, || agent(line, home)),
            "identitiesonly" => set(&mut self.identities_only, || yes_or_no(line)),
            "hostkeyalias" => set(&mut self.host_key_alias, || line.word()),
            _ => Ok(()),
        }
    }
}

fn set<T>(
    slot: &mut Option<T>,
    value: impl FnOnce() -> Result<T, LinkTrouble>,
) -> Result<(), LinkTrouble> {
    if slot.is_none() {
        *slot = Some(value()?);
    }
    Ok(())
}

/// What ssh2-config makes of this one line. One at a time: within a block it
/// would let the last value win, and its errors name no line. Quoted anew,
/// since it does not know all of ssh's ways to quote.
fn parsed(line: &Line, home: &Path) -> Result<HostParams, LinkTrouble> {
    let word = line.word()?.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!("{} \"{word}\"\n", line.keyword);
    SshConfig::default()
        .home_dir(home)
        .parse(&mut text.as_bytes(), ParseRule::ALLOW_UNSUPPORTED_FIELDS)
        .map(|config| config.query("*"))
        .map_err(|error| line.trouble(error.to_string()))
}

fn needed<T>(line: &Line, value: Option<T>) -> Result<T, LinkTrouble> {
    value.ok_or_else(|| line.trouble(format!("{} has no argument", line.keyword)))
}

fn written(line: &Line, text: Option<String>) -> Result<Written, LinkTrouble> {
    Ok(Written { line: line.clone(), text: needed(line, text)? })
}

fn proxy_jump(line: &Line, home: &Path) -> Result<Jump, LinkTrouble> {
    let hops = needed(line, parsed(line, home)?.proxy_jump)?;
    match hops.as_slice() {
        [only] if only.eq_ignore_ascii_case("none") => Ok(Jump::Straight),
        _ => Ok(Jump::Through(line.clone(), hops)),
    }
}

fn proxy_command(line: &Line) -> Result<Jump, LinkTrouble> {
    if line.rest.trim().eq_ignore_ascii_case("none") {
        return Ok(Jump::Straight);
    }
    Err(line.trouble("ProxyCommand is not supported; use ProxyJump"))
}

fn strictness(line: &Line) -> Result<UnknownHost, LinkTrouble> {
    match line.word()?.to_lowercase().as_str() {
        "yes" | "true" => Ok(UnknownHost::Refuse),
        "ask" => Ok(UnknownHost::Ask),
        // A changed key is refused whatever is set.
        "no" | "false" | "off" | "accept-new" => Ok(UnknownHost::AcceptNew),
        _ => Err(line.trouble("StrictHostKeyChecking is yes, no, ask or accept-new")),
    }
}

fn yes_or_no(line: &Line) -> Result<bool, LinkTrouble> {
    match line.word()?.to_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(line.trouble(format!("{} is yes or no", line.keyword))),
    }
}

fn files(line: &Line, home: &Path) -> Result<Vec<Written>, LinkTrouble> {
    let in_home = |word: String| expand_home(Path::new(&word), home);
    let path = |word| written(line, in_home(word).into_os_string().into_string().ok());
    line.words()?.into_iter().map(path).collect()
}

fn agent(line: &Line, home: &Path) -> Result<Agent, LinkTrouble> {
    let word = line.word()?;
    match word.as_str() {
        "none" => Ok(Agent::None),
        "SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK" => Ok(Agent::Environment),
        _ => {
            // `$NAME` is this keyword's own form of `${NAME}`.
            let text = match word.strip_prefix('$') {
                Some(name) if !name.starts_with('{') => format!("${{{name}}}"),
                _ => word,
            };
            let path = expand_home(Path::new(&text), home);
            Ok(Agent::Socket(written(line, path.into_os_string().into_string().ok())?))
        }
    }
}

/// sshd_config(5), TIME FORMATS: `90`, `90s`, `1m30s`, `2h`, …
fn time(line: &Line, text: &str) -> Result<Duration, LinkTrouble> {
    let wrong = || line.trouble(format!("{text:?} is not a time"));
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let mut unit = unit.chars();
        let factor = match unit.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 3600,
            Some('d' | 'D') => 86400,
            Some('w' | 'W') => 604_800,
            Some(_) => return Err(wrong()),
        };
        let more = number.checked_mul(factor).ok_or_else(wrong)?;
        seconds = seconds.checked_add(more).ok_or_else(wrong)?;
        rest = unit.as_str();
    }
    if text.is_empty() || seconds > u64::from(u32::MAX) {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

impl Written {
    /// `HostName`, in which `%h` is the name as given.
    pub(super) fn expand_host(&self, given: &str) -> Result<String, LinkTrouble> {
        self.line.expand(&self.text, |token| (token == 'h').then(|| given.to_owned()))
    }
}

/// What the tokens of a file name stand for.
pub(super) struct Tokens<'a> {
    pub(super) home: &'a Path,
    pub(super) local_user: &'a str,
    pub(super) given: &'a str,
    pub(super) host: &'a str,
    pub(super) host_key_alias: Option<&'a str>,
    pub(super) port: u16,
    pub(super) user: &'a str,
}

impl Tokens<'_> {
    fn value(&self, token: char) -> Option<String> {
        match token {
            'd' => Some(self.home.to_str()?.to_owned()),
            'h' => Some(self.host.to_owned()),
            'k' => Some(self.host_key_alias.unwrap_or(self.given).to_owned()),
            'n' => Some(self.given.to_owned()),
            'p' => Some(self.port.to_string()),
            'r' => Some(self.user.to_owned()),
            'u' => Some(self.local_user.to_owned()),
            _ => None,
        }
    }

    pub(super) fn expand(&self, written: &Written) -> Result<PathBuf, LinkTrouble> {
        let text = written.line.expand(&written.text, |token| self.value(token))?;
        Ok(written.line.with_env(&text)?.into())
    }

    /// Files without `none`.
    pub(super) fn files(&self, written: &[Written]) -> Result<Vec<PathBuf>, LinkTrouble> {
        let named = written.iter().filter(|file| !file.text.eq_ignore_ascii_case("none"));
        named.map(|file| self.expand(file)).collect()
    }

    /// A file name from elsewhere than `ssh_config`.
    pub(super) fn expand_given(&self, path: &Path) -> Result<PathBuf, LinkTrouble> {
        let line = Line {
            file: path.to_owned(),
            number: 0,
            keyword: "identityfile".to_owned(),
            rest: String::new(),
        };
        let Some(text) = path.to_str() else { return Ok(path.to_owned()) };
        let unnumbered = |trouble| match trouble {
            LinkTrouble::SshConfig { file, detail, .. } => {
                LinkTrouble::IdentityUnusable { file, detail }
            }
            trouble => trouble,
        };
        let text = line.expand(text, |token| self.value(token)).map_err(unnumbered)?;
        Ok(text.into())
    }
}

impl Line {
    fn expand(
        &self,
        text: &str,
        value: impl Fn(char) -> Option<String>,
    ) -> Result<String, LinkTrouble> {
        let mut expanded = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => match chars.next() {
                    Some('%') => expanded.push('%'),
                    Some(token) => match value(token) {
                        Some(value) => expanded.push_str(&value),
                        None => return Err(self.trouble(format!("%{token} is not supported here"))),
                    },
                    None => return Err(self.trouble("% at the end")),
                },
                c => expanded.push(c),
            }
        }
        Ok(expanded)
    }

    /// `${NAME}`, from this process's environment as with `ssh`.
    fn with_env(&self, text: &str) -> Result<String, LinkTrouble> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return Err(self.trouble("${ without }"));
            };
            let value = std::env::var(name)
                .map_err(|_| self.trouble(format!("the environment has no {name}")))?;
            expanded.push_str(before);
            expanded.push_str(&value);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}
