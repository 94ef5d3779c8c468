//! Edits of any file at all.

use proptest::prelude::*;

use super::*;
use crate::domain::config::scan::comments;

/// Choices, one after the other.
struct Tape(Vec<u8>, usize);

impl Tape {
    fn choose(&mut self, of: usize) -> usize {
        let byte = self.0.get(self.1).copied().unwrap_or_default();
        self.1 += 1;
        usize::from(byte) % of
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.choose(of.len())]
    }

    /// What may stand between any two words.
    fn trivia(&mut self) -> &'static str {
        self.pick(&[
            "",
            " ",
            "",
            "\n    ",
            "\n\n\t",
            "\r\n  ",
            " // { \"a\": ( \n",
            "\n  // x, // y\r\n",
            " /* \" /* ( */ */ ",
            "/*\n*/",
            "\n        ",
            "    ",
        ])
    }

    /// Items between brackets.
    fn group(&mut self, open: &str, items: &[String], close: &str) -> String {
        let mut text = format!("{open}{}", self.trivia());
        for (at, item) in items.iter().enumerate() {
            text.push_str(item);
            text.push_str(self.trivia());
            if at + 1 < items.len() || self.choose(2) == 0 {
                text.push(',');
                text.push_str(self.trivia());
            }
        }
        text.push_str(close);
        text
    }

    fn pair(&mut self, key: &str, value: &str) -> String {
        format!("{key}{}:{}{value}", self.trivia(), self.trivia())
    }

    fn remote(&mut self) -> String {
        let mut fields = Vec::new();
        let known: [(&str, &[&str]); 6] = [
            ("host", &["\"h\"", "r#\"h\"#", "Some(\"h\")"]),
            ("port", &["22", "Some(22)", "None", "2_222", "0x16"]),
            ("user", &["\"u//\"", "\"u\\\"/*\""]),
            ("enabled", &["true", "false"]),
            ("ssh_config", &["On", "Off", "File(\"/x\")"]),
            ("env", &["{}", "{ \"T\": \"}\" }", "{\n \"T\": FromEnv(\"A\"), \"U\": \"\", }"]),
        ];
        for (name, values) in known {
            if self.choose(2) == 0 {
                let value = self.pick(values);
                fields.push(self.pair(name, value));
            }
        }
        let open = self.pick(&["(", "Remote(", "Remote ("]);
        self.group(open, &fields, ")")
    }

    /// A file, and the number of its remotes.
    fn file(&mut self) -> (String, usize) {
        let count = self.choose(4);
        let mut remotes = Vec::new();
        for at in 0..count {
            let remote = self.remote();
            remotes.push(self.pair(&format!("\"r{at}\""), &remote));
        }
        let mut fields = vec![self.pair("version", "1")];
        if count > 0 && self.choose(3) == 0 {
            fields.push(self.pair("default_remote", "\"r0\""));
        }
        if count > 0 || self.choose(3) > 0 {
            let map = self.group("{", &remotes, "}");
            let map = if self.choose(4) == 0 { format!("Some({map})") } else { map };
            fields.push(self.pair("remotes", &map));
        }
        if self.choose(2) == 0 {
            fields.push(self.pair("agents", "{ \"c\": (profile: Claude) }"));
        }
        let header = self.pick(&["", "", "#![enable(implicit_some)]\n", "// top\n"]);
        let open = self.pick(&["(", "Config("]);
        let root = self.group(open, &fields, ")");
        (format!("{header}{root}{}", self.pick(&["", "\n", "\r\n// end"])), count)
    }

    fn assignment(&mut self) -> Assignment {
        let text = |text: &str| Some(Literal::Text(text.to_owned()));
        match self.choose(10) {
            0 => field(Field::Label, text("A \"label\"\n")),
            1 => field(Field::Host, [text("other"), None][self.choose(2)].clone()),
            2 => field(Field::Port, [Some(Literal::Number(7)), None][self.choose(2)].clone()),
            3 => field(
                Field::User,
                [text("someone-with-a-very-long-name-indeed"), None][self.choose(2)].clone(),
            ),
            4 => field(Field::Enabled, Some(Literal::Flag(self.choose(2) == 0))),
            5 => {
                field(Field::SshConfig, [Some(Literal::Word("Off")), None][self.choose(2)].clone())
            }
            6 => {
                let source = EnvSource::Variable("X".parse().unwrap());
                Assignment::Env("T".parse().unwrap(), [Some(source), None][self.choose(2)].clone())
            }
            7 => {
                let tags = Literal::Texts(vec!["cuda".to_owned(), "big".to_owned()]);
                field(Field::Tags, [Some(tags), None][self.choose(2)].clone())
            }
            8 => field(Field::Slots, [Some(Literal::Count(3)), None][self.choose(2)].clone()),
            _ => {
                let source = EnvSource::File("/y".to_owned());
                Assignment::Env("V".parse().unwrap(), Some(source))
            }
        }
    }

    fn request(&mut self, count: usize) -> Request {
        let some = |tape: &mut Self| name(&format!("r{}", tape.choose(count.max(1))));
        match self.choose(if count == 0 { 1 } else { 4 }) {
            0 => {
                let added = 1 + self.choose(3);
                let remote = |at| new(&format!("n{at}"), &[self.assignment()]);
                Request::Add((0..added).map(remote).collect())
            }
            1 => {
                let name = some(self);
                let assignments = (0..=self.choose(2)).map(|_| self.assignment()).collect();
                Request::Set { name, assignments }
            }
            2 => Request::Remove(some(self)),
            _ => Request::Default([Some(some(self)), None][self.choose(2)].clone()),
        }
    }
}

fn is_within(small: &str, large: &str) -> bool {
    let mut rest = large.chars();
    small.chars().all(|c| rest.any(|other| other == c))
}

fn blank_lines(text: &str) -> usize {
    text.lines().filter(|line| line.trim().is_empty()).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// What the text says after an edit is what the edit means for what it
    /// said; and nothing of the text is lost but what the edit is about.
    #[test]
    fn an_edit_says_what_was_meant_and_leaves_the_rest(tape in prop::collection::vec(any::<u8>(), 160)) {
        let mut tape = Tape(tape, 0);
        let (before, count) = tape.file();
        let request = tape.request(count);
        let known = config(&before);
        let edit = match plan(&[main_file(&before)], home(), &request) {
            Err(EditError::InUse { .. }) if matches!(request, Request::Remove(_)) => return Ok(()),
            edit => edit.map_err(|error| TestCaseError::fail(format!("{error}\n{before}")))?,
        };
        let after = &edit.text;
        prop_assert_eq!(config(after), meant(known, &request), "{}\n=>\n{}", before, after);
        let told = |text: &str| {
            comments(text).map(|it| text[it.range].to_owned()).collect::<Vec<_>>()
        };
        prop_assert_eq!(told(&before), told(after));
        let tokens = |text: &str| text.replace(char::is_whitespace, "");
        match &request {
            Request::Add(_) => {
                prop_assert!(is_within(&tokens(&before), &tokens(after)), "{}\n=>\n{}", before, after);
                prop_assert_eq!(blank_lines(&before), blank_lines(after));
            }
            Request::Remove(_) => prop_assert!(is_within(&tokens(after), &tokens(&before))),
            Request::Set { .. } | Request::Default(_) => {}
        }
        // Line by line: what was not taken out is still there, in order.
        let gone: Vec<_> = edit.lines.iter().filter(|it| !it.is_new).map(|it| it.number).collect();
        let come: Vec<_> = edit.lines.iter().filter(|it| it.is_new).map(|it| it.number).collect();
        let left = |text: &str, without: &[usize]| {
            let numbered = text.split_inclusive('\n').enumerate();
            numbered.filter(|(at, _)| !without.contains(&(at + 1))).map(|(_, line)| line.to_owned()).collect::<Vec<_>>()
        };
        prop_assert_eq!(left(&before, &gone), left(after, &come));
    }
}
