//! `run`: asks for a session, and follows it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::attach::{self, Attached};
use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::follow::{Leave, Recipient, Signals, feed};
use super::map;
use super::output::{print_json, print_json_line, print_line, say};
use super::values::{EnvArg, Input, env_arg, max_output, place, restart, seconds};
use crate::api::types::{Priority, RestartPolicy, RunRequest, SessionView};
use crate::domain::ids::{AgentName, ClientName, SessionName, Tag};
use crate::domain::max_output::MaxOutput;
use crate::domain::placement::Wish;

/// `longhaul run`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = EXAMPLES,
    override_usage = "longhaul run [OPTIONS] -- CMD [ARG]...\n       \
                      longhaul run [OPTIONS] --agent NAME [PROMPT] [-- ARG...]"
)]
pub(super) struct Args {
    /// Do not follow it: print its id and return.
    #[arg(short, long)]
    detach: bool,
    /// Run this agent of the configuration.
    #[arg(long, value_name = "NAME")]
    agent: Option<AgentName>,
    /// Run it on this remote, at [user@]host[:port], on one that has a tag
    /// (any:TAG), or on each of them (all:TAG).
    #[arg(long, value_name = "REMOTE", conflicts_with = "local")]
    on: Option<String>,
    /// Run it on this machine.
    #[arg(long)]
    local: bool,
    /// With --on any:TAG, or without --on of all remotes: the one with the fewest
    /// sessions, and not the least busy one.
    #[arg(long, conflicts_with = "local")]
    spread: bool,
    /// Give it a name that no other live session has.
    #[arg(long)]
    name: Option<SessionName>,
    /// Run it in this directory of the machine it runs on.
    #[arg(long, value_name = "DIR")]
    cwd: Option<String>,
    /// Set a variable; without a value, to what it is here.
    #[arg(short, long = "env", value_name = "K[=V]", value_parser = env_arg)]
    env: Vec<EnvArg>,
    /// The agent's prompt.
    #[arg(long, value_name = "TEXT", requires = "agent", conflicts_with = "prompt_file")]
    prompt: Option<String>,
    /// Read the agent's prompt from a file, or from standard input (-).
    #[arg(long, value_name = "FILE", requires = "agent")]
    prompt_file: Option<OsString>,
    /// Have the agent use this model.
    #[arg(long, requires = "agent")]
    model: Option<String>,
    /// Have the agent go on with its own conversation of this id.
    #[arg(long, value_name = "CONVERSATION", requires = "agent")]
    resume: Option<String>,
    /// Have the agent look and plan, and change nothing.
    #[arg(long, requires = "agent")]
    plan: bool,
    /// Send a file, or our standard input (-), to its standard input.
    #[arg(long, value_name = "FILE")]
    stdin: Option<OsString>,
    /// Keep its standard input open for `longhaul send`.
    #[arg(short, long)]
    interactive: bool,
    /// Stop it after this time: 30s, 5m, 2h; exits with 124.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    timeout: Option<u64>,
    /// Give up when it could not be started for this time, even if only a
    /// person's answer is missing.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    start_within: Option<u64>,
    /// Keep at most this much of its output there: 100MB, 1GiB. What is older is
    /// dropped, and said to be where it had not come here yet.
    #[arg(long, value_name = "SIZE", value_parser = max_output)]
    max_output: Option<MaxOutput>,
    /// Start it anew when it has failed: on-failure[:LIMIT[:BACKOFF]], on-lost
    /// likewise, or never; over what its agent says.
    #[arg(long, value_name = "POLICY", value_parser = restart)]
    restart: Option<RestartPolicy>,
    /// Where not all may run at once, go before or after others: low, normal or
    /// high.
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Who asks for it; turns go round between those who ask.
    #[arg(long, value_name = "NAME")]
    client: Option<ClientName>,
    /// With -d: print all about it as JSON.
    #[arg(long, requires = "detach")]
    json: bool,
    /// The agent's prompt, as one word.
    #[arg(value_name = "PROMPT")]
    words: Vec<String>,
    /// The command and its arguments, or further ones for the agent.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

const EXAMPLES: &str = "\
Exits with the command's own status; 128+N when signal N ended it, 124 after
--timeout, 125 when longhaul failed, 2 for bad usage; after a --restart with the
last attempt's. Ctrl-C sends the session
INT, again TERM, again KILL; closing the terminal leaves it running.

A prompt or a value that is written here is in the process list until the session
has been accepted; --prompt-file and -e NAME keep it out altogether.

Examples:
  longhaul run --on box -- cargo test --workspace
  longhaul run --on me@192.0.2.7:2222 -- uptime
  longhaul run --on any:gpu -- ./train.sh
  longhaul run --agent claude --prompt-file task.md
  longhaul run -d --name nightly --timeout 2h -- ./nightly.sh
  longhaul run -d --restart on-failure:3:30s -- ./flaky.sh
  tar c src | longhaul run --on box --stdin - -- tar xC /tmp";

impl Args {
    /// Where the prompt comes from.
    fn prompt_input(&self) -> Option<Input> {
        self.prompt_file.clone().map(Input::from)
    }

    fn stdin_input(&self) -> Option<Input> {
        self.stdin.clone().map(Input::from)
    }

    /// Refuses words that do not fit together.
    fn check(&self) -> Result<(), CliError> {
        let usage =
            |what: &str, write: String| Err(CliError::Usage { what: what.to_owned(), write });
        let typed = self.words.join(" ");
        match (&self.agent, self.words.as_slice()) {
            (None, [_, ..]) => usage(
                "a command is written after --",
                format!(
                    "longhaul run -- {typed}\nlonghaul run --agent NAME {typed:?}   (if it is a prompt)"
                ),
            ),
            (Some(agent), [_, _, ..]) => {
                usage("a prompt is one word", format!("longhaul run --agent {agent} {typed:?}"))
            }
            (Some(agent), [_]) if self.prompt.is_some() || self.prompt_file.is_some() => usage(
                "the prompt is given twice",
                format!("longhaul run --agent {agent} {typed:?}"),
            ),
            (None, []) if self.command.is_empty() => usage(
                "there is nothing to run",
                "longhaul run -- COMMAND ARGUMENTS…\nlonghaul run --agent NAME 'PROMPT'".to_owned(),
            ),
            _ if self.prompt_input() == Some(Input::Stdin)
                && self.stdin_input() == Some(Input::Stdin) =>
            {
                usage(
                    "standard input cannot be both the prompt and the session's input",
                    "longhaul run --prompt-file FILE --stdin - …".to_owned(),
                )
            }
            _ if self.each().is_some() && (self.stdin.is_some() || self.interactive) => usage(
                "several sessions have no common standard input",
                "longhaul run --on REMOTE --stdin …".to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// The tag of all remotes that it is to run on each of.
    fn each(&self) -> Option<Tag> {
        match Wish::parse(self.on.as_deref()?) {
            Some(Wish::All(tag)) => Some(tag),
            _ => None,
        }
    }

    /// The request, once its prompt has been read.
    fn request(self, env: BTreeMap<String, String>, key: String) -> Result<RunRequest, CliError> {
        let prompt = match self.prompt_input() {
            Some(input) => Some(read_text(&input)?),
            None => self.prompt.or_else(|| self.words.into_iter().next()),
        };
        Ok(RunRequest {
            agent: self.agent,
            command: self.command,
            on: place(self.on, self.local),
            spread: self.spread,
            name: self.name,
            cwd: self.cwd,
            env,
            prompt,
            stdin_open: self.interactive || self.stdin.is_some(),
            timeout_s: self.timeout,
            start_within_s: self.start_within,
            max_output: self.max_output.map(MaxOutput::bytes),
            restart: self.restart,
            model: self.model,
            resume: self.resume,
            plan: self.plan,
            continues: None,
            priority: self.priority,
            client: self.client,
            idempotency_key: Some(key),
        })
    }

    /// Whether our argument list holds what no process list should show.
    fn shows_secrets(&self) -> bool {
        self.prompt.is_some()
            || !self.words.is_empty()
            || self.env.iter().any(|env| matches!(env, EnvArg::Given(..)))
    }
}

/// The variables, later ones over earlier ones.
pub(super) fn environment(
    given: &[EnvArg],
    own: impl Fn(&str) -> Option<OsString>,
) -> Result<BTreeMap<String, String>, CliError> {
    let usage = |what: String, write: String| CliError::Usage { what, write };
    let mut env = BTreeMap::new();
    for arg in given {
        let (name, value) = match arg {
            EnvArg::Given(name, value) => (name, value.clone()),
            EnvArg::Own(name) => {
                let value = own(name).ok_or_else(|| {
                    usage(format!("{name} is not set here"), format!("-e {name}=VALUE"))
                })?;
                let value = value.into_string().map_err(|_| {
                    usage(format!("{name} is not UTF-8 here"), format!("-e {name}=VALUE"))
                })?;
                (name, value)
            }
        };
        env.insert(name.clone(), value);
    }
    Ok(env)
}

pub(super) fn read_text(input: &Input) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    match input {
        Input::Stdin => io::stdin().lock().read_to_end(&mut bytes).map(drop),
        Input::File(path) => std::fs::read(path).map(|read| bytes = read),
    }
    .map_err(|source| CliError::Read { path: input.path(), source })?;
    String::from_utf8(bytes).map_err(|error| CliError::NotText {
        path: input.path(),
        at: error.utf8_error().valid_up_to(),
    })
}

/// Runs the verb.
pub(super) async fn run(args: Args, context: &Context) -> Result<Code, CliError> {
    args.check()?;
    let env = environment(&args.env, |name| std::env::var_os(name))?;
    let key = format!("{:032x}", rand::random::<u128>());
    let (detach, json, hide) = (args.detach, args.json, args.shows_secrets());
    let input = args.stdin_input().map(|input| (input, !args.interactive));
    if let Some((Input::File(path), _)) = &input {
        // Before there is a session that would wait for it.
        std::fs::File::open(path)
            .map_err(|source| CliError::Read { path: path.clone(), source })?;
    }
    let each = args.each();
    let request = args.request(env, key)?;
    if let Some(tag) = each {
        return on_all(context, &request, &tag, detach, json).await;
    }
    take_in(request, Follow { detach, json, hide, input }, context).await
}

/// How a session is followed that was asked for.
#[derive(Debug)]
pub(super) struct Follow {
    /// Not at all.
    pub(super) detach: bool,
    /// All about it is printed as JSON, in place of its id.
    pub(super) json: bool,
    /// Our arguments are nobody's business.
    pub(super) hide: bool,
    /// What is fed to it, and whether that is all.
    pub(super) input: Option<(Input, bool)>,
}

/// Has a session taken in, and follows it.
pub(super) async fn take_in(
    request: RunRequest,
    follow: Follow,
    context: &Context,
) -> Result<Code, CliError> {
    let Follow { detach, json, hide, input } = follow;
    let (view, signals) = match accepted(context, &request, detach).await? {
        Ok(accepted) => accepted,
        Err(leave) => {
            say("interrupted; longhaul ps shows whether the session was taken");
            return Ok(leave.code());
        }
    };
    // Not to be kept for as long as the session runs.
    drop(request);
    let Some(signals) = signals else {
        if json {
            print_json(&view)?;
        } else {
            print_line(view.id.as_str())?;
        }
        if let Some((input, eof)) = input {
            feed(&Recipient::Alone(context.clone()), &view, &input, eof).await?;
        }
        return Ok(exit::OK);
    };
    if hide {
        become_attach(context, &view, input.as_ref());
    }
    attach::attached(context, &view, Attached { signals, input, from: [0, 0] }).await
}

/// One session on each remote that has the tag.
async fn on_all(
    context: &Context,
    request: &RunRequest,
    tag: &Tag,
    detach: bool,
    json: bool,
) -> Result<Code, CliError> {
    let remotes = map::tagged(context, tag).await?;
    if !detach {
        return map::on_each(context, request, &remotes, map::Manner::default()).await;
    }
    let (views, refused) = map::ask_each(context, request, &remotes).await;
    for view in &views {
        if json {
            print_json_line(view)?;
        } else {
            print_line(view.id.as_str())?;
        }
    }
    Ok(if refused == 0 { exit::OK } else { exit::LONGHAUL })
}

/// Has the session taken in. With `detach`, Ctrl-C ends us as usual; otherwise
/// it is caught from here on, and the inner error says that it came too early to
/// have a session to send it to.
async fn accepted(
    context: &Context,
    request: &RunRequest,
    detach: bool,
) -> Result<Result<(SessionView, Option<Signals>), Leave>, CliError> {
    if detach {
        return Ok(Ok((ask(context, request).await?, None)));
    }
    let mut signals = Signals::catch()?;
    let view = tokio::select! {
        view = ask(context, request) => view?,
        asked = signals.next() => return Ok(Err(asked.leave())),
    };
    Ok(Ok((view, Some(signals))))
}

/// It may have been taken in before the daemon died: the key makes a second
/// request answer with the first's session.
async fn ask(context: &Context, request: &RunRequest) -> Result<SessionView, CliError> {
    context.call(async |client| client.run(request).await).await
}

/// Becomes `longhaul attach`, whose arguments may be seen by everybody: `ps`
/// shows the prompt and the values of this process for as long as it runs.
///
/// Returns only if that fails. Then following goes on here, which is worth more
/// than to stop for it.
fn become_attach(context: &Context, view: &SessionView, input: Option<&(Input, bool)>) {
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    if let Some(config) = &context.given_config {
        command.arg("--config").arg(config);
    }
    command.arg("attach");
    if let Some((input, eof)) = input {
        command.arg("--stdin").arg(input.path());
        if !eof {
            command.arg("--keep-open");
        }
    }
    let error = command.arg("--").arg(view.id.as_str()).exec();
    say(&format!(
        "the arguments stay in the process list: could not start {} again: {error}",
        Path::new(command.get_program()).display()
    ));
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::api::types::Where;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(words: &[&str]) -> Args {
        Line::try_parse_from([&["run"], words].concat()).unwrap().args
    }

    fn request(words: &[&str]) -> RunRequest {
        let args = parsed(words);
        args.check().unwrap();
        let env = environment(&args.env, |_| None).unwrap();
        args.request(env, "key".to_owned()).unwrap()
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_command_is_what_follows_the_dashes() {
        let given = request(&[
            "--on",
            "box",
            "--name",
            "n",
            "--cwd",
            "~/x",
            "-e",
            "A=1",
            "-e",
            "A=2",
            "--timeout",
            "5m",
            "--start-within",
            "10",
            "--max-output",
            "1MB",
            "--priority",
            "high",
            "--client",
            "ci",
            "--",
            "ls",
            "-la",
            "--",
            "--on",
        ]);
        let expected = RunRequest {
            command: words(&["ls", "-la", "--", "--on"]),
            on: Some(Where::On("box".to_owned())),
            name: Some("n".parse().unwrap()),
            cwd: Some("~/x".to_owned()),
            env: BTreeMap::from([("A".to_owned(), "2".to_owned())]),
            timeout_s: Some(300),
            start_within_s: Some(10),
            max_output: Some(1_000_000),
            priority: Some(Priority::High),
            client: Some("ci".parse().unwrap()),
            idempotency_key: Some("key".to_owned()),
            ..RunRequest::default()
        };
        assert_eq!(given, expected);
    }

    #[test]
    fn with_an_agent_the_word_is_the_prompt() {
        let agent = || Some("claude".parse().unwrap());
        let key = || Some("key".to_owned());
        for (line, prompt, command) in [
            (&["--agent", "claude", "do it"] as &[&str], Some("do it"), &[] as &[&str]),
            (&["--agent", "claude", "--prompt", "do it"], Some("do it"), &[]),
            (
                &["--agent", "claude", "do it", "--", "--model", "x"],
                Some("do it"),
                &["--model", "x"],
            ),
            (&["--agent", "claude"], None, &[]),
        ] {
            let expected = RunRequest {
                agent: agent(),
                prompt: prompt.map(str::to_owned),
                command: words(command),
                idempotency_key: key(),
                ..RunRequest::default()
            };
            assert_eq!(request(line), expected, "{line:?}");
        }
    }

    #[test]
    fn stdin_stays_open_for_a_file_or_for_send() {
        for (line, open) in [
            (&["--", "cat"] as &[&str], false),
            (&["--stdin", "-", "--", "cat"], true),
            (&["-i", "--", "cat"], true),
        ] {
            assert_eq!(request(line).stdin_open, open, "{line:?}");
        }
    }

    #[test]
    fn words_that_do_not_fit_are_refused_with_how_to_write_them() {
        for (line, expected) in [
            (&["ls"] as &[&str], "longhaul run -- ls"),
            (&["ls", "a"], "longhaul run -- ls a"),
            (&[], "longhaul run -- COMMAND"),
            (&["--agent", "a", "do", "it"], r#"longhaul run --agent a "do it""#),
            (&["--agent", "a", "--prompt", "x", "y"], r#"longhaul run --agent a "y""#),
            (&["--agent", "a", "--prompt-file", "-", "--stdin", "-"], "--prompt-file FILE"),
        ] {
            match parsed(line).check() {
                Err(CliError::Usage { write, .. }) => {
                    assert!(write.contains(expected), "{line:?}: {write}");
                }
                other => panic!("{line:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_variable_without_a_value_is_ours_or_an_error() {
        let args = parsed(&["-e", "A", "--", "env"]);
        let own = |name: &str| (name == "A").then(|| OsString::from("mine"));
        assert_eq!(environment(&args.env, own).unwrap()["A"], "mine");
        let unset = environment(&args.env, |_| None).unwrap_err();
        assert_eq!(unset.to_string(), "A is not set here");
    }

    #[test]
    fn only_prompts_and_values_are_hidden() {
        for (line, hides) in [
            (&["--", "ls"] as &[&str], false),
            (&["-e", "A", "--", "ls"], false),
            (&["--agent", "a", "--prompt-file", "f"], false),
            (&["-e", "A=1", "--", "ls"], true),
            (&["--agent", "a", "--prompt", "p"], true),
            (&["--agent", "a", "p"], true),
        ] {
            assert_eq!(parsed(line).shows_secrets(), hides, "{line:?}");
        }
    }

    #[test]
    fn no_value_is_in_the_debug_form() {
        let args = parsed(&["-e", "A=hunter2", "--", "ls"]);
        assert!(!format!("{args:?}").contains("hunter2"));
    }
}
