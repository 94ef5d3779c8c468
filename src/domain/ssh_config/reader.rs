//! Files, blocks and includes: which lines have a say, and what they set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::criteria::{self, Subject};
use super::evaluate::Source;
use super::expand::{ExpandFault, Tokens};
use super::fault::{Complaint, Fault, PassedOver, Refusal, Warning};
use super::glob::{glob, looked_at};
use super::keyword::{self, Keyword, Meaning};
use super::lexer;
use super::pattern;
use super::settings::{Origin, Settings};
use super::value::{self, Arguments, Value};
use super::words::Words;
use super::world::{Machine, World};

/// How deep files may include files.
const DEPTH: usize = 16;

/// One evaluation, on its way through the lines.
pub(super) struct Reader<'a> {
    pub(super) machine: &'a Machine,
    pub(super) world: &'a dyn World,
    /// As it was asked for.
    pub(super) original_host: &'a str,
    pub(super) command: &'a str,
    /// What `Host` compares with.
    pub(super) host: String,
    /// Whether this is the final pass.
    pub(super) is_final: bool,
    pub(super) wants_final: bool,
    pub(super) settings: Settings,
    pub(super) warnings: Vec<Warning>,
    pub(super) files: Vec<PathBuf>,
    complaints: Vec<Complaint>,
}

/// What is the same for all lines of a file.
#[derive(Debug, Clone, Copy)]
struct Scope<'a> {
    of_user: bool,
    /// Where relative includes are.
    folder: &'a str,
    /// Whether others must not be able to write the file.
    private: bool,
    /// Whether nothing in it can have a say.
    never: bool,
    depth: usize,
}

enum Found {
    Read,
    Missing,
    Unreadable(String),
}

/// Why a line was given up.
enum Trouble {
    Fault(Fault),
    /// An included file is refused, which ends everything; it is told already.
    Stop,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Stop;

impl<'a> Reader<'a> {
    pub(super) fn new(
        host: &'a str,
        command: &'a str,
        machine: &'a Machine,
        world: &'a dyn World,
    ) -> Self {
        Self {
            machine,
            world,
            original_host: host,
            command,
            host: host.to_owned(),
            is_final: false,
            wants_final: false,
            settings: Settings::default(),
            warnings: Vec::new(),
            files: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// One pass over all files.
    pub(super) fn pass(&mut self, sources: &[Source]) -> Result<(), Refusal> {
        for source in sources {
            let scope = Scope {
                of_user: source.of_user,
                folder: &source.includes,
                private: source.private,
                never: false,
                depth: 0,
            };
            let mut active = true;
            let found = self.file(&source.path, scope, &mut active);
            let detail = match found {
                Err(Stop) => return Err(self.refusal(&source.path)),
                Ok(Found::Read) => continue,
                Ok(Found::Missing) if !source.required => continue,
                Ok(Found::Missing) => None,
                Ok(Found::Unreadable(detail)) => Some(detail),
            };
            let file = source.path.clone();
            match detail {
                Some(detail) if !source.required => {
                    let what = PassedOver::Unreadable { detail };
                    self.warn(Warning { file, line: None, what });
                }
                Some(detail) => {
                    let fault = Fault::Unreadable { path: file.clone(), detail };
                    return Err(self.refuse(Complaint { file: Some(file), line: None, fault }));
                }
                None => {
                    let fault = Fault::NoFile;
                    return Err(self.refuse(Complaint { file: Some(file), line: None, fault }));
                }
            }
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, complaint: Complaint) -> Refusal {
        Refusal { files: std::mem::take(&mut self.files), ..complaint.into() }
    }

    /// All that was complained about.
    fn refusal(&mut self, file: &Path) -> Refusal {
        let mut complaints = std::mem::take(&mut self.complaints).into_iter();
        // Whoever stops has complained.
        let unknown =
            || Complaint { file: Some(file.to_owned()), line: None, fault: Fault::NoFile };
        let first = complaints.next().unwrap_or_else(unknown);
        Refusal { others: complaints.collect(), ..self.refuse(first) }
    }

    fn warn(&mut self, warning: Warning) {
        // The final pass sees everything again.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn complain(&mut self, file: &Path, line: Option<usize>, fault: Fault) {
        self.complaints.push(Complaint { file: Some(file.to_owned()), line, fault });
    }

    /// An edit there, or a new file, may change what there is to read.
    fn look_for(&mut self, path: &Path) {
        if !self.files.iter().any(|known| known == path) {
            self.files.push(path.to_owned());
        }
    }

    fn file(&mut self, path: &Path, scope: Scope<'_>, active: &mut bool) -> Result<Found, Stop> {
        self.look_for(path);
        let text = match self.world.read(path) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(Found::Missing),
            Err(detail) => return Ok(Found::Unreadable(detail)),
        };
        if scope.private && !text.private {
            self.complain(path, None, Fault::Exposed);
            return Err(Stop);
        }
        let told = self.complaints.len();
        let file: Arc<Path> = path.into();
        for (index, raw) in text.bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = index + 1;
            let origin = Origin { file: file.clone(), line, of_user: scope.of_user };
            match self.line(raw, &origin, scope, active) {
                Ok(()) => {}
                Err(Trouble::Stop) => return Err(Stop),
                Err(Trouble::Fault(fault)) => self.complain(path, Some(line), fault),
            }
        }
        if self.complaints.len() > told { Err(Stop) } else { Ok(Found::Read) }
    }

    fn line(
        &mut self,
        raw: &[u8],
        origin: &Origin,
        scope: Scope<'_>,
        active: &mut bool,
    ) -> Result<(), Trouble> {
        let text = String::from_utf8_lossy(lexer::text(raw));
        let Some(line) = lexer::split(&text) else { return Ok(()) };
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.passed_over(origin, PassedOver::NotText);
        }
        let keyword = line.keyword;
        if line.rest.is_empty() {
            return Err(Fault::NoArgument { keyword }.into());
        }
        let Some(meaning) = self.meaning(&keyword, line.quoted_within, origin)? else {
            return Ok(());
        };
        let words = lexer::arguments(line.rest).ok_or(Fault::InvalidQuotes)?;
        let words = Words::new(words);
        let mut line = Arguments { name: &keyword, raw: line.rest, words };
        match meaning {
            Meaning::Ignored => line.words.drop_rest(),
            Meaning::Host => *active = self.host_matches(&mut line, scope)?,
            Meaning::Match => *active = self.criteria_hold(&mut line.words)? && !scope.never,
            Meaning::Include => self.include(&mut line, origin, scope, active)?,
            Meaning::Set(setting) => self.set(setting, &mut line, origin, *active)?,
        }
        if !line.words.is_empty() {
            return Err(Fault::ExtraArguments { keyword }.into());
        }
        Ok(())
    }

    fn passed_over(&mut self, origin: &Origin, what: PassedOver) {
        let line = Some(origin.line);
        self.warn(Warning { file: origin.file.to_path_buf(), line, what });
    }

    /// What the line's first word means; `None` for an unknown keyword, which is
    /// passed over. What can be no keyword is refused.
    fn meaning(
        &mut self,
        keyword: &str,
        quoted_within: bool,
        origin: &Origin,
    ) -> Result<Option<Meaning>, Fault> {
        if let Some(meaning) = keyword::meaning(keyword) {
            return Ok(Some(meaning));
        }
        let ignored = self.settings.text(Keyword::IgnoreUnknown).unwrap_or_default();
        if pattern::matches_list_ignoring_case(keyword, ignored) {
            return Ok(Some(Meaning::Ignored));
        }
        if quoted_within || !keyword.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Fault::NoKeyword { keyword: keyword.to_owned() });
        }
        self.passed_over(origin, PassedOver::UnknownKeyword { keyword: keyword.to_owned() });
        Ok(None)
    }

    fn host_matches(&self, line: &mut Arguments<'_>, scope: Scope<'_>) -> Result<bool, Fault> {
        let mut matched = false;
        while let Some(word) = line.words.next() {
            if word.is_empty() {
                return Err(Fault::EmptyArgument { keyword: line.name.to_owned() });
            }
            if scope.never {
                line.words.drop_rest();
                return Ok(false);
            }
            match word.strip_prefix('!') {
                Some(negated) if pattern::matches(&self.host, negated) => {
                    line.words.drop_rest();
                    return Ok(false);
                }
                Some(_) => {}
                None => matched |= pattern::matches(&self.host, &word),
            }
        }
        Ok(matched)
    }

    fn criteria_hold(&mut self, words: &mut Words) -> Result<bool, Fault> {
        let host = self.host_so_far()?;
        let text = |keyword| self.settings.text(keyword);
        let subject = Subject {
            tokens: self.tokens(&host),
            host,
            original_host: self.original_host,
            user: text(Keyword::User).unwrap_or(&self.machine.user),
            local_user: &self.machine.user,
            tag: text(Keyword::Tag).unwrap_or_default(),
            command: self.command,
            session_type: self.settings.choice(Keyword::SessionType),
            is_final: self.is_final,
            world: self.world,
        };
        let outcome = criteria::evaluate(words, &subject)?;
        self.wants_final |= outcome.wants_final;
        Ok(outcome.holds)
    }

    /// The host's name by what was obtained before this line.
    fn host_so_far(&self) -> Result<String, Fault> {
        match self.settings.text(Keyword::HostName) {
            None => Ok(self.host.clone()),
            // By then it is the name itself.
            Some(name) if self.is_final => Ok(name.to_owned()),
            Some(name) => Tokens::new([('h', self.host.clone())])
                .expand(name)
                .map_err(|fault| Fault::Expand { keyword: "HostName", fault }),
        }
    }

    /// The tokens of `Match exec` and of `Include`.
    fn tokens(&self, host: &str) -> Tokens {
        let settings = &self.settings;
        let jump = settings.jump().map_or("", |jump| jump.last.host.as_str());
        super::finish::tokens(&super::finish::Names {
            machine: self.machine,
            host,
            original_host: self.original_host,
            key_alias: settings.text(Keyword::HostKeyAlias).unwrap_or(host),
            port: settings.number(Keyword::Port).unwrap_or(22),
            jump,
        })
        .with_user(settings.text(Keyword::User).unwrap_or(&self.machine.user))
    }

    fn include(
        &mut self,
        line: &mut Arguments<'_>,
        origin: &Origin,
        scope: Scope<'_>,
        active: &mut bool,
    ) -> Result<(), Trouble> {
        let outside = *active;
        while let Some(word) = line.words.next() {
            if word.is_empty() {
                return Err(Fault::EmptyArgument { keyword: line.name.to_owned() }.into());
            }
            let Some(pattern) = self.include_pattern(&word, origin, scope)? else { continue };
            self.look_for(&looked_at(&pattern, self.machine, self.world));
            for path in glob(&pattern, self.machine, self.world) {
                let depth = scope.depth + 1;
                if depth > DEPTH {
                    self.complain(&origin.file, Some(origin.line), Fault::TooDeep);
                    return Err(Trouble::Stop);
                }
                let never = scope.never || !outside;
                let inner = Scope { private: true, never, depth, ..scope };
                match self.file(&path, inner, active) {
                    Err(Stop) => return Err(Trouble::Stop),
                    Ok(Found::Unreadable(detail)) => {
                        return Err(Fault::Unreadable { path, detail }.into());
                    }
                    // The block that is open at its end ends with it.
                    Ok(Found::Read | Found::Missing) => *active = outside,
                }
            }
        }
        Ok(())
    }

    /// The path with its tokens, and anchored: never at the including file.
    fn include_pattern(
        &mut self,
        word: &str,
        origin: &Origin,
        scope: Scope<'_>,
    ) -> Result<Option<String>, Fault> {
        let host = self.host_so_far()?;
        let path = match self.tokens(&host).expand_with_variables(word, self.world) {
            Ok(path) => path,
            Err(fault @ ExpandFault::NoVariable { .. }) => {
                let what = PassedOver::Include { path: word.to_owned(), fault };
                self.passed_over(origin, what);
                return Ok(None);
            }
            Err(fault) => return Err(Fault::Expand { keyword: "Include", fault }),
        };
        if path.starts_with('~') && !scope.of_user {
            return Err(Fault::IncludePath { path });
        }
        let is_anchored = path.starts_with(['/', '~']);
        Ok(Some(if is_anchored { path } else { format!("{}/{path}", scope.folder) }))
    }

    fn set(
        &mut self,
        keyword: Keyword,
        line: &mut Arguments<'_>,
        origin: &Origin,
        active: bool,
    ) -> Result<(), Fault> {
        for (keyword, value) in value::parse(keyword, line, self.world)? {
            match (keyword, &value) {
                // These two have a say in any block, and of the second the
                // last one counts.
                (Keyword::SyslogFacility, _) => self.settings.take(keyword, value, origin)?,
                (Keyword::StreamLocalBindMask, _) => self.settings.put(keyword, value),
                (_, _) if !active => {}
                (Keyword::RefuseConnection, Value::Text(message)) => {
                    return Err(Fault::ConnectionRefused { message: message.clone() });
                }
                (_, _) => self.settings.take(keyword, value, origin)?,
            }
        }
        Ok(())
    }
}
