//! What was obtained so far. The first value wins; a few accumulate.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::fault::Fault;
use super::forward::Forward;
use super::jump::Jump;
use super::keyword::Keyword;
use super::pattern;
use super::value::Value;

/// More key files, and more certificates, than this are refused.
const MOST_FILES: usize = 100;

/// Where a value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: usize,
    /// Whether the file is the user's, and not the system's.
    pub(super) of_user: bool,
}

impl Origin {
    /// Whether the file is the user's, and not the system's.
    #[must_use]
    pub fn is_users(&self) -> bool {
        self.of_user
    }
}

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T = Value> {
    /// The value.
    pub value: T,
    /// Where it is written; `None` where it was asked for, or computed.
    pub origin: Option<Origin>,
}

/// Everything that is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    first: BTreeMap<Keyword, Setting>,
    pub(super) identity_files: Vec<Setting<String>>,
    pub(super) certificate_files: Vec<Setting<String>>,
    pub(super) send_env: Vec<Setting<String>>,
    pub(super) local_forwards: Vec<Setting<Forward>>,
    pub(super) remote_forwards: Vec<Setting<Forward>>,
}

impl Settings {
    /// The setting of a keyword that has one value.
    #[must_use]
    pub fn get(&self, keyword: Keyword) -> Option<&Setting> {
        self.first.get(&keyword)
    }

    /// Its text.
    #[must_use]
    pub fn text(&self, keyword: Keyword) -> Option<&str> {
        match &self.get(keyword)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its text, if it is anything but `none`.
    #[must_use]
    pub fn text_not_none(&self, keyword: Keyword) -> Option<&str> {
        self.text(keyword).filter(|text| !text.eq_ignore_ascii_case("none"))
    }

    /// Its flag.
    #[must_use]
    pub fn flag(&self, keyword: Keyword) -> Option<bool> {
        match self.get(keyword)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// Its word, as `ssh -G` prints it.
    #[must_use]
    pub fn choice(&self, keyword: Keyword) -> Option<&'static str> {
        match self.get(keyword)?.value {
            Value::Choice(choice) => Some(choice),
            _ => None,
        }
    }

    /// Its number; of a time, the seconds.
    #[must_use]
    pub fn number(&self, keyword: Keyword) -> Option<u64> {
        match self.get(keyword)?.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Its words.
    #[must_use]
    pub fn list(&self, keyword: Keyword) -> Option<&[String]> {
        match &self.get(keyword)?.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The way that was set, if it is one.
    #[must_use]
    pub fn jump(&self) -> Option<&Jump> {
        match &self.get(Keyword::ProxyJump)?.value {
            Value::Jump(jump) => jump.as_ref(),
            _ => None,
        }
    }

    /// `IdentityFile`, in order, as they are written.
    #[must_use]
    pub fn identity_files(&self) -> &[Setting<String>] {
        &self.identity_files
    }

    /// `CertificateFile`, in order, as they are written.
    #[must_use]
    pub fn certificate_files(&self) -> &[Setting<String>] {
        &self.certificate_files
    }

    /// `SendEnv`: what is left of it.
    #[must_use]
    pub fn send_env(&self) -> &[Setting<String>] {
        &self.send_env
    }

    pub(super) fn origin(&self, keyword: Keyword) -> Option<&Origin> {
        self.get(keyword)?.origin.as_ref()
    }

    /// Replaces what is there.
    pub(super) fn put(&mut self, keyword: Keyword, value: Value) {
        let origin = self.origin(keyword).cloned();
        self.first.insert(keyword, Setting { value, origin });
    }

    pub(super) fn remove(&mut self, keyword: Keyword) {
        self.first.remove(&keyword);
    }

    /// Takes a value of a line that has a say.
    pub(super) fn take(
        &mut self,
        keyword: Keyword,
        value: Value,
        origin: &Origin,
    ) -> Result<(), Fault> {
        let origin = Some(origin.clone());
        match (keyword, value) {
            (Keyword::IdentityFile, Value::Text(value)) => {
                add_file(&mut self.identity_files, keyword, Setting { value, origin })
            }
            (Keyword::CertificateFile, Value::Text(value)) => {
                add_file(&mut self.certificate_files, keyword, Setting { value, origin })
            }
            (Keyword::SendEnv, Value::List(names)) => {
                self.take_send_env(names, origin.as_ref());
                Ok(())
            }
            (Keyword::RemoteForward, Value::Forward(value)) => {
                add_new(&mut self.remote_forwards, Setting { value, origin });
                Ok(())
            }
            (_, Value::Forward(value)) => {
                add_new(&mut self.local_forwards, Setting { value, origin });
                Ok(())
            }
            (Keyword::ProxyJump, value @ Value::Jump(_)) => {
                self.take_jump(Setting { value, origin });
                Ok(())
            }
            // Some lists say nothing, and leave the slot open.
            (_, Value::List(words)) if words.is_empty() => Ok(()),
            (keyword, value) => {
                self.first.entry(keyword).or_insert(Setting { value, origin });
                Ok(())
            }
        }
    }

    /// A way and a command have one slot between them: a way is taken if there
    /// is neither, and then keeps commands out. `none` keeps ways out only.
    fn take_jump(&mut self, setting: Setting) {
        let closed = self.first.contains_key(&Keyword::ProxyJump);
        let through = !matches!(setting.value, Value::Jump(None));
        if closed || (through && self.first.contains_key(&Keyword::ProxyCommand)) {
            return;
        }
        if through {
            let none = Setting { value: Value::Text("none".to_owned()), ..setting.clone() };
            self.first.insert(Keyword::ProxyCommand, none);
        }
        self.first.insert(Keyword::ProxyJump, setting);
    }

    /// `-PATTERN` takes back what was collected so far.
    fn take_send_env(&mut self, names: Vec<String>, origin: Option<&Origin>) {
        for value in names {
            match value.strip_prefix('-') {
                Some(gone) => {
                    self.send_env.retain(|kept| !pattern::matches(&kept.value, gone));
                }
                None => self.send_env.push(Setting { value, origin: origin.cloned() }),
            }
        }
    }
}

/// The user's files and the system's are not compared with each other.
fn add_file(
    files: &mut Vec<Setting<String>>,
    keyword: Keyword,
    file: Setting<String>,
) -> Result<(), Fault> {
    if files.len() >= MOST_FILES {
        return Err(Fault::TooMany { keyword: keyword.name().to_owned() });
    }
    let whose = |file: &Setting<String>| file.origin.as_ref().is_some_and(|origin| origin.of_user);
    if !files.iter().any(|known| known.value == file.value && whose(known) == whose(&file)) {
        files.push(file);
    }
    Ok(())
}

fn add_new(forwards: &mut Vec<Setting<Forward>>, forward: Setting<Forward>) {
    if !forwards.iter().any(|known| known.value == forward.value) {
        forwards.push(forward);
    }
}
