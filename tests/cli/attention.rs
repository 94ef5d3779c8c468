//! `attention`, and what `run` asks: on a terminal of its own, made by script(1).

use longhaul::domain::attention::{Question, Reply};
use longhaul::domain::secret::Secret;

use super::*;

fn passphrase() -> Question {
    Question::Passphrase { file: "/keys/locked".into() }
}

fn host_key() -> Question {
    Question::HostKey {
        name: "box.example".to_owned(),
        key_type: "ssh-ed25519".to_owned(),
        fingerprint: "SHA256:abc".to_owned(),
    }
}

fn given(text: &str) -> Option<Reply> {
    Some(Reply::Given(Secret::new(text)))
}

/// A shell's command on a terminal.
struct OnTerminal {
    child: Child,
    seen: String,
}

impl OnTerminal {
    fn start(fake: &Fake, command: &str) -> Self {
        let mut script = longhaul(fake.dir(), &[]);
        let binary = script.as_std().get_program().to_string_lossy().into_owned();
        let command = command.replace("longhaul", &binary);
        let mut outer = Command::new("script");
        outer.args(["-qefc", &command, "/dev/null"]).env_clear().env("SHELL", "/bin/sh");
        for (name, value) in script.as_std_mut().get_envs() {
            outer.env(name, value.unwrap_or_default());
        }
        outer.current_dir(fake.dir()).kill_on_drop(true);
        outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self { child: outer.spawn().unwrap(), seen: String::new() }
    }

    /// Waits until this is on the screen, behind what was waited for before.
    async fn until(&mut self, text: &str) {
        let out = self.child.stdout.as_mut().unwrap();
        let mut chunk = [0; 4096];
        while !self.seen.contains(text) {
            let read = tokio::time::timeout(LONG, out.read(&mut chunk)).await;
            let length =
                read.unwrap_or_else(|_| panic!("{text:?} not in {:?}", self.seen)).unwrap();
            assert!(length > 0, "{text:?} not in {:?}", self.seen);
            self.seen.push_str(&text_of(&chunk[..length]));
        }
    }

    async fn types(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).await.unwrap();
    }

    /// Its exit status, and all that was on the screen.
    async fn ends(mut self) -> (i32, String) {
        let mut rest = Vec::new();
        let out = self.child.stdout.as_mut().unwrap();
        tokio::time::timeout(LONG, out.read_to_end(&mut rest)).await.expect("it hangs").unwrap();
        self.seen.push_str(&text_of(&rest));
        (wait(&mut self.child).await, self.seen)
    }
}

fn text_of(bytes: &[u8]) -> String {
    text(bytes).replace('\r', "")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_from_a_file_or_a_pipe_and_never_from_an_argument() {
    let fake = daemon();
    std::fs::write(fake.dir().join("answer"), "open sesame\nmore\n").unwrap();
    for file in ["answer", "-"] {
        fake.ask("box", &passphrase(), 7);
        let mut command = longhaul(fake.dir(), &["attention", "box", "--answer-file", file]);
        command.stdin(std::fs::File::open(fake.dir().join("answer")).unwrap());
        assert_output(&output(command).await, 0, "box: answered\n", "");
        assert_eq!(fake.answered("box", &passphrase()), given("open sesame"));
        fake.forget_answers("box");
    }
    let none = run(&fake, &["attention", "box", "--answer-file", "answer"]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).starts_with("longhaul: box has no open question\n  try:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_the_questions_are_shown_and_nothing_is_asked() {
    let fake = daemon();
    assert_output(&run(&fake, &["attention"]).await, 0, "nobody is needed\n", "");
    let id = fake.ask("box", &passphrase(), 7);
    fake.ask("hut", &host_key(), 8);
    let table = text(&run(&fake, &["attention"]).await.stdout);
    assert!(table.contains("box     passphrase  asked"), "{table}");
    assert!(table.contains("hut     host key    asked"), "{table}");
    let json = run(&fake, &["attention", "box", "--json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json[0]["id"], id.to_string());
    assert_eq!(json[0]["question"]["file"], "/keys/locked");
    assert!(json[1].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_typed_unseen_and_a_host_key_needs_a_whole_answer() {
    let fake = daemon();
    fake.ask("box", &passphrase(), 7);
    fake.ask("hut", &host_key(), 8);
    let mut terminal = OnTerminal::start(&fake, "longhaul attention");
    terminal.until("box: Enter passphrase for key '/keys/locked': ").await;
    terminal.types("open sesame\n").await;
    terminal.until("(yes/no/[fingerprint])? ").await;
    terminal.types("perhaps\n").await;
    terminal.until("the answer is yes, no").await;
    terminal.types("SHA256:abc\n").await;
    let (code, seen) = terminal.ends().await;
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("sesame") && seen.contains("perhaps"), "{seen}");
    assert_eq!(fake.answered("box", &passphrase()), given("open sesame"));
    assert_eq!(fake.answered("hut", &host_key()), given("SHA256:abc"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_shows_again_what_is_typed_however_the_question_ends() {
    for (keys, code) in [("\u{3}", 130), ("\u{4}", 1)] {
        let fake = daemon();
        fake.ask("box", &passphrase(), 7);
        let line = "trap : INT; longhaul attention; echo status $?; stty -a";
        let mut terminal = OnTerminal::start(&fake, line);
        terminal.until("locked': ").await;
        terminal.types(keys).await;
        let (_, seen) = terminal.ends().await;
        assert!(seen.contains(&format!("status {code}\n")), "{seen}");
        assert!(seen.contains(" echo ") && !seen.contains("-echo "), "{seen}");
        assert_eq!(fake.answered("box", &passphrase()), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_asks_at_once_on_a_terminal_and_goes_on_after_the_answer() {
    let fake = daemon();
    fake.on_run(|fake, id, _| {
        fake.ask("box", &passphrase(), 7);
        let asked =
            LinkView { question: fake.question("box"), ..link(LinkState::NeedsAttention, None) };
        fake.set(id, SessionState::Waiting, Some(asked));
        let (fake, id) = (fake.clone(), id.clone());
        tokio::spawn(async move {
            while fake.answered("box", &passphrase()).is_none() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            fake.set(&id, SessionState::Running, Some(link(LinkState::Connected, None)));
            fake.write(&id, Stream::Stdout, b"hello\n");
            fake.exit(&id, Exit::Code(3));
        });
    });
    let mut terminal = OnTerminal::start(&fake, "longhaul run -- true");
    terminal.until("locked': ").await;
    terminal.types("open sesame\n").await;
    let (code, seen) = terminal.ends().await;
    assert_eq!(code, 3, "{seen}");
    assert!(seen.ends_with("hello\n") && !seen.contains("sesame"), "{seen}");
    // A script is told what to type.
    fake.forget_answers("box");
    let mut script = longhaul(fake.dir(), &["run", "--", "true"]).spawn().unwrap();
    let mut lines = BufReader::new(script.stderr.take().unwrap()).lines();
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(tokio::time::timeout(LONG, lines.next_line()).await.unwrap().unwrap().unwrap());
    }
    assert_eq!(told[0], "longhaul: box needs you: Enter passphrase for key '/keys/locked'");
    assert_eq!(told[1], "  try: longhaul attention box");
}

#[tokio::test(flavor = "multi_thread")]
async fn run_stops_asking_what_was_answered_elsewhere() {
    let fake = daemon();
    fake.on_run(|fake, id, _| {
        fake.ask("box", &passphrase(), 7);
        let asked =
            LinkView { question: fake.question("box"), ..link(LinkState::NeedsAttention, None) };
        fake.set(id, SessionState::Waiting, Some(asked));
    });
    let line = "longhaul run -- true; stty -a";
    let mut terminal = OnTerminal::start(&fake, line);
    terminal.until("locked': ").await;
    let id = fake.ids()[0].clone();
    fake.set(&id, SessionState::Running, Some(link(LinkState::Connected, None)));
    fake.exit(&id, Exit::Code(0));
    let (_, seen) = terminal.ends().await;
    assert!(seen.contains(" echo ") && !seen.contains("-echo "), "{seen}");
}
