//! Rust, as far as paths go.

/// As much of a token as a path needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    /// `::`
    Sep,
    Other(char),
}

/// The tokens of `text`, without comments, strings and characters.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        match c {
            '/' if next == Some('/') => {
                while chars.get(at).is_some_and(|&c| c != '\n') {
                    at += 1;
                }
            }
            '/' if next == Some('*') => at = after_block_comment(&chars, at),
            '"' => at = after_string(&chars, at + 1),
            '\'' => at = after_quote(&chars, at),
            ':' if next == Some(':') => {
                out.push(Token::Sep);
                at += 2;
            }
            _ if c.is_alphanumeric() || c == '_' => {
                let start = at;
                while chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    at += 1;
                }
                let word: String = chars[start..at].iter().collect();
                match after_raw_string(&chars, &word, at) {
                    Some(after) => at = after,
                    None => out.push(Token::Word(word)),
                }
            }
            _ => {
                if !c.is_whitespace() {
                    out.push(Token::Other(c));
                }
                at += 1;
            }
        }
    }
    out
}

fn after_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn after_string(chars: &[char], mut at: usize) -> usize {
    while let Some(&c) = chars.get(at) {
        at += if c == '\\' { 2 } else { 1 };
        if c == '"' {
            break;
        }
    }
    at
}

/// `r"…"`, `r#"…"#`, `br"…"`; `None` if this is a word like any other.
fn after_raw_string(chars: &[char], word: &str, mut at: usize) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let mut hashes = 0;
    while chars.get(at) == Some(&'#') {
        (hashes, at) = (hashes + 1, at + 1);
    }
    if chars.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < chars.len() {
        let closed =
            chars[at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
        at += 1;
        if closed {
            return Some(at + hashes);
        }
    }
    Some(at)
}

/// Past a character; past the quote alone where it begins a lifetime.
fn after_quote(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            let mut end = at + 3;
            while chars.get(end).is_some_and(|&c| c != '\'') {
                end += 1;
            }
            end + 1
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// What one file names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Paths from the crate's root (first word `crate`) or of another
    /// crate.
    pub(crate) paths: Vec<Vec<String>>,
    /// Methods that are called.
    pub(crate) methods: Vec<String>,
    /// Modules in files of their own that are only there for tests.
    pub(crate) test_modules: Vec<Vec<String>>,
}

/// Reads a file that is the module `module`.
pub(crate) fn names(text: &str, module: &[String]) -> Names {
    let tokens = tokens(text);
    let mut reader =
        Reader { tokens: &tokens, at: 0, module: module.to_vec(), names: Names::default() };
    reader.read();
    reader.names
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    module: Vec<String>,
    names: Names,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn is(&self, ahead: usize, c: char) -> bool {
        self.peek(ahead) == Some(&Token::Other(c))
    }

    fn read(&mut self) {
        // Depths of braces at which inline modules were opened.
        let mut inline = Vec::new();
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0).cloned() {
            match token {
                Token::Other('#') if self.skip_test_module() => {}
                Token::Other('{') => (depth, self.at) = (depth + 1, self.at + 1),
                Token::Other('}') => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        self.module.pop();
                    }
                    self.at += 1;
                }
                Token::Word(word) if word == "mod" && self.is(2, '{') => {
                    let name = self.word(1).unwrap_or_default().to_owned();
                    self.module.push(name);
                    inline.push(depth);
                    self.at += 2;
                }
                Token::Other('.') => {
                    if let (Some(method), true) = (self.word(1), self.is(2, '(')) {
                        let method = method.to_owned();
                        self.names.methods.push(method);
                    }
                    self.at += 1;
                }
                Token::Word(_) => self.read_path(&[]),
                Token::Sep | Token::Other(_) => self.at += 1,
            }
        }
    }

    /// Past `#[cfg(test)] mod name {…}` or `…mod name;`, if that is next.
    fn skip_test_module(&mut self) -> bool {
        let open = [('[', 1), ('(', 3), (')', 5), (']', 6)];
        let is_cfg_test = self.word(2) == Some("cfg")
            && self.word(4) == Some("test")
            && open.iter().all(|(c, ahead)| self.is(*ahead, *c));
        if !is_cfg_test {
            return false;
        }
        self.at += 7;
        if self.word(0) == Some("pub") {
            self.at += if self.is(1, '(') { 4 } else { 1 };
        }
        if self.word(0) != Some("mod") {
            // Any other item is held to the rule like the rest.
            return true;
        }
        if self.is(2, ';') {
            let mut path = self.module.clone();
            path.push(self.word(1).unwrap_or_default().to_owned());
            self.names.test_modules.push(path);
            self.at += 3;
            return true;
        }
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            if self.is(0, '{') {
                depth += 1;
            } else if self.is(0, '}') {
                depth -= 1;
            }
            self.at += 1;
            if depth == 0 && self.tokens[self.at - 1] == Token::Other('}') {
                break;
            }
        }
        true
    }

    /// Reads a path, and each of the paths in a group at its end.
    fn read_path(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        while let Some(word) = self.word(0) {
            path.push(word.to_owned());
            self.at += 1;
            if self.peek(0) != Some(&Token::Sep) {
                break;
            }
            self.at += 1;
        }
        if self.is(0, '{') && self.tokens.get(self.at.wrapping_sub(1)) == Some(&Token::Sep) {
            self.at += 1;
            while self.at < self.tokens.len() && !self.is(0, '}') {
                match self.peek(0) {
                    Some(Token::Word(word)) if word == "as" => self.at += 2,
                    Some(Token::Word(_)) => self.read_path(&path),
                    _ => self.at += 1,
                }
            }
            self.at += 1;
        } else {
            self.add(&path);
        }
    }

    fn add(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        let mut base = match first.as_str() {
            "crate" | "longhaul" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => {
                self.names.paths.push(path.to_vec());
                return;
            }
        };
        for word in path {
            match word.as_str() {
                "crate" | "longhaul" | "self" => {}
                "super" => drop(base.pop()),
                word => base.push(word.to_owned()),
            }
        }
        base.insert(0, "crate".to_owned());
        self.names.paths.push(base);
    }
}
