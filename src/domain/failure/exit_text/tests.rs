use proptest::prelude::*;

use super::*;
use SessionTrouble as T;

const PATH: &str = "/usr/bin:/bin";

fn attempt<'a>(program: &'a str, agent: Option<&'a str>) -> Attempt<'a> {
    Attempt { program, agent, dir: "~/project", path: PATH }
}

fn not_found(program: &str, agent: Option<&str>) -> Option<T> {
    let agent = agent.map(str::to_owned);
    Some(T::CommandNotFound {
        program: program.to_owned(),
        agent,
        path: PATH.to_owned(),
        instead: vec![],
    })
}

fn not_executable(program: &str) -> Option<T> {
    Some(T::NotExecutable { program: program.to_owned() })
}

fn wrong_format(program: &str) -> Option<T> {
    Some(T::WrongFormat { program: program.to_owned() })
}

fn loader(program: &str) -> Option<T> {
    Some(T::LoaderMissing { program: program.to_owned() })
}

fn interpreter(program: &str, interpreter: &str) -> Option<T> {
    let (program, interpreter) = (program.to_owned(), interpreter.to_owned());
    Some(T::InterpreterMissing { program, interpreter })
}

fn running(status: u8, program: &str, stderr: &str) -> Option<T> {
    from_exit(status, StartStage::Running, stderr.as_bytes(), &attempt(program, None))
}

#[test]
fn the_runners_record_is_certain_whatever_the_text_says() {
    let claude = attempt("claude", Some("reviewer"));
    let from = |status, stage| from_exit(status, stage, b"noise\nsh: 1: cd: can't cd\n\n", &claude);
    for status in [0, 1, 2, 126, 127, 255] {
        assert_eq!(
            from(status, StartStage::WorkingDirectory(NoEntry::Denied)),
            Some(T::WorkingDirectory { dir: "~/project".to_owned(), why: NoEntry::Denied })
        );
    }
    assert_eq!(from(127, StartStage::Program), not_found("claude", Some("reviewer")));
    assert_eq!(from(1, StartStage::Program), not_found("claude", Some("reviewer")));
    assert_eq!(from(126, StartStage::Program), not_executable("claude"));
    assert_eq!(from(2, StartStage::Foreign), wrong_format("claude"));
}

/// The forms were taken down from dash 0.5.12, bash 5.2, busybox 1.35, zsh 5.9,
/// ksh93u+m, mksh 59, fish 3.6, coreutils 9.1 and util-linux 2.38, with the
/// names changed. Not seen but known: an unquoted name from the BSDs' env, and
/// `bad interpreter` from bash before 5.2.
#[test]
fn shells_and_env_are_understood_in_their_own_words() {
    for (status, program, said, trouble) in [
        // The command is a script whose interpreter env cannot find.
        (127, "claude", "env: ‘node’: No such file or directory", interpreter("claude", "node")),
        (
            127,
            "claude",
            "/usr/bin/env: 'node': No such file or directory",
            interpreter("claude", "node"),
        ),
        (
            127,
            "claude",
            "/usr/bin/env: ‘node’: No such file or directory\n",
            interpreter("claude", "node"),
        ),
        (127, "codex", "env: node: No such file or directory", interpreter("codex", "node")),
        (
            127,
            "codex",
            "env: can't execute 'node': No such file or directory",
            interpreter("codex", "node"),
        ),
        (
            127,
            "x",
            "/usr/bin/env: ‘node -x’: No such file or directory\n/usr/bin/env: use -[v]S to pass options in shebang lines",
            interpreter("x", "node -x"),
        ),
        (
            127,
            "b.js",
            "zsh:1: ./b.js: bad interpreter: /opt/bin/node: no such file or directory",
            interpreter("b.js", "/opt/bin/node"),
        ),
        (
            126,
            "./b.js",
            "bash: ./b.js: /opt/bin/node: bad interpreter: No such file or directory",
            interpreter("./b.js", "/opt/bin/node"),
        ),
        // The same words, where the command was env or a shell.
        (127, "env", "env: ‘node’: No such file or directory", not_found("node", None)),
        (
            127,
            "/bin/sh",
            "/usr/bin/env: 'node': No such file or directory",
            not_found("node", None),
        ),
        // Something that the found program needs is missing.
        (127, "./b.js", "sh: 1: exec: ./b.js: not found", loader("./b.js")),
        (
            127,
            "b.js",
            "/bin/sh: line 1: /tmp/b.js: cannot execute: required file not found",
            loader("b.js"),
        ),
        (127, "./b.js", "ash: exec: line 0: ./b.js: not found", loader("./b.js")),
        (127, "./b.js", "/bin/sh: eval[1]: exec: ./b.js: not found", loader("./b.js")),
        (126, "./b.js", "E: mksh: ./b.js: No such file or directory", loader("./b.js")),
        (
            127,
            "./b.js",
            "setsid: failed to execute ./b.js: No such file or directory",
            loader("./b.js"),
        ),
        // A shell or a wrapper inside the command.
        (127, "run", "dash: 1: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "/bin/sh: 1: eval: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "/bin/sh: 1: exec: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "bash: nosuch: command not found", not_found("nosuch", None)),
        (127, "run", "-bash: nosuch: command not found", not_found("nosuch", None)),
        (127, "run", "bash: line 1: exec: nosuch: not found", not_found("nosuch", None)),
        (
            127,
            "run",
            "bash: line 1: /no/such/claude: No such file or directory",
            not_found("/no/such/claude", None),
        ),
        (127, "run", "./nightly.sh: line 3: nosuch: command not found", not_found("nosuch", None)),
        (127, "run", "nightly.sh: 3: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "/home/me/it:3: command not found: nosuch", not_found("nosuch", None)),
        (127, "run", "zsh:1: command not found: nosuch", not_found("nosuch", None)),
        (127, "run", "zsh:1: no such file or directory: ./nosuch", not_found("./nosuch", None)),
        (127, "run", "ash: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "/bin/sh: eval: line 0: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "ksh: nosuch: not found", not_found("nosuch", None)),
        (127, "run", "E: mksh: nosuch: inaccessible or not found", not_found("nosuch", None)),
        (
            127,
            "run",
            "E: nightly.sh[1]: nosuch: inaccessible or not found",
            not_found("nosuch", None),
        ),
        (127, "run", "fish: Unknown command: nosuch", not_found("nosuch", None)),
        (
            127,
            "run",
            "fish: Unknown command: nosuch\nfish: \nexec nosuch\n     ^~~~~^\n",
            not_found("nosuch", None),
        ),
        (
            127,
            "run",
            "setsid: failed to execute nosuch: No such file or directory",
            not_found("nosuch", None),
        ),
        (
            127,
            "run",
            "setsid: can't execute 'nosuch': No such file or directory",
            not_found("nosuch", None),
        ),
        (127, "run", "nice: ‘nosuch’: No such file or directory", not_found("nosuch", None)),
        (
            127,
            "run",
            "timeout: failed to run command ‘no such’: No such file or directory",
            not_found("no such", None),
        ),
        (
            127,
            "run",
            "the agent's own words\r\nbash: nosuch: command not found\r\n\r\n",
            not_found("nosuch", None),
        ),
        // Not executable, and of no known format.
        (126, "./x", "dash: 1: exec: ./x: Permission denied", not_executable("./x")),
        (
            126,
            "./x",
            "bash: line 1: /t/x: Permission denied\nbash: line 1: exec: /t/x: cannot execute: Permission denied",
            not_executable("./x"),
        ),
        (
            126,
            "./d",
            "bash: line 1: /t/d: Is a directory\nbash: line 1: exec: /t/d: cannot execute: Is a directory",
            not_executable("./d"),
        ),
        (126, "./x", "zsh:1: permission denied: ./x", not_executable("./x")),
        (126, "./x", "ksh: exec: ./x: cannot execute [Permission denied]", not_executable("./x")),
        (126, "./x", "E: mksh: ./x: can't execute: Permission denied", not_executable("./x")),
        (126, "./x", "env: ‘./x’: Permission denied", not_executable("./x")),
        (126, "./x", "dash: 1: exec: ./x: Exec format error", wrong_format("./x")),
        (
            126,
            "./x",
            "bash: line 1: /t/x: cannot execute binary file: Exec format error\nbash: line 1: /t/x: Success",
            wrong_format("./x"),
        ),
    ] {
        assert_eq!(running(status, program, said), trouble, "{said}");
    }
}

#[test]
fn an_agents_program_is_known_by_its_name_only() {
    let claude = attempt("/opt/claude", Some("reviewer"));
    let from = |said: &str| from_exit(127, StartStage::Running, said.as_bytes(), &claude);
    assert_eq!(from("bash: npm: command not found"), not_found("npm", None));
    assert_eq!(from("bash: line 1: exec: claude: not found"), loader("/opt/claude"));
}

#[test]
fn what_only_looks_like_it_is_left_alone() {
    for said in [
        "",
        "\n\n",
        "command not found",
        "claude: command not found",
        "Error: claude: command not found",
        "error: 3: claude: not found",
        "I ran bash: claude: command not found",
        "  bash: claude: command not found",
        "> bash: line 1: claude: command not found",
        "\u{1b}[31mbash: claude: command not found",
        "The tool said: sh: 1: exec: claude: not found",
        "bash: the command that you asked for: command not found",
        "bash: claude: command not found, so I stopped",
        "bash: claude: command not found\nI give up.",
        "bash: : command not found",
        "bash: line x: my tool: command not found",
        "node: bad option: No such file or directory",
        "env: it seems that node: No such file or directory",
        "env: ‘’: No such file or directory",
        "my env: ‘node’: No such file or directory",
        "environment: ‘node’: No such file or directory",
        "/usr/bin/env: ‘node’: No such file or directory (as expected)",
        "setsid: failed to execute : No such file or directory",
        "setsid: something else failed",
        "cat: /no/such: No such file or directory",
        "ls: cannot access '/x': No such file or directory",
        "git: 'frobnicate' is not a git command. See 'git --help'.",
        "zsh:1: command not found:",
        "zsh: command not found",
        "^^^^",
        "make: claude: No such file or directory",
    ] {
        assert_eq!(running(127, "run", said), None, "{said}");
    }
}

#[test]
fn other_statuses_are_the_commands_own() {
    for said in [
        "bash: nosuch: command not found",
        "/usr/bin/env: ‘node’: No such file or directory",
        "sh: 1: exec: ./run: not found",
    ] {
        for status in [0, 1, 2, 125, 128, 255] {
            assert_eq!(running(status, "run", said), None, "{status} {said}");
        }
    }
    // 126 says "found", 127 says "not found": words against it do not count.
    assert_eq!(running(126, "run", "bash: nosuch: command not found"), None);
    assert_eq!(running(126, "run", "env: ‘node’: No such file or directory"), None);
    assert_eq!(running(127, "run", "bash: line 1: ./x: Permission denied"), None);
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(status: u8, bytes: Vec<u8>) {
        let _ = from_exit(status, StartStage::Running, &bytes, &attempt("run", None));
    }

    #[test]
    fn a_line_after_it_takes_it_back(said in "[a-zA-Z][a-zA-Z ,.]{0,40}") {
        let text = format!("bash: nosuch: command not found\n{said}\n");
        prop_assert_eq!(running(127, "run", &text), None);
    }
}
