//! Takes the arguments apart and runs the verb.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::say;
use super::{
    adopt, agent, askpass, attach, attention, config, daemon, events, explain, gc, logs, map,
    parts, remote, resume, run, send, sessions, ssh_config, status,
};
use crate::paths::Environment;

/// Runs AI coding agents, or any command, on remote machines over SSH. Sessions
/// survive cut links, sleep and a killed daemon; nothing of their output is lost.
#[derive(Debug, Parser)]
#[command(name = "longhaul", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Cli {
    /// The configuration's main file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "LONGHAUL_CONFIG",
        hide_env_values = true
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  longhaul run --on box -- make test        run a command on a host, see its output
  longhaul run --agent claude 'fix the CI'  give an agent a prompt
  longhaul ps -a                            all sessions, with their hosts and states
  longhaul attach nightly                   come back to a session
  longhaul remote test box                  find out why a host cannot be used

A session is named by its id, any unique prefix of it, or its name.
The daemon is started when it is needed: longhaul daemon status";

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run a command or an agent, and follow it.
    Run(Box<run::Args>),
    /// List sessions.
    Ps(sessions::PsArgs),
    /// Show all about a session.
    Inspect(sessions::InspectArgs),
    /// Run a command on each of several remotes, and see what comes of it.
    Map(Box<map::Args>),
    /// Print a session's output.
    Logs(logs::Args),
    /// Follow a session as if it had been run from here.
    Attach(attach::Args),
    /// Have a session's agent go on with its conversation.
    Resume(resume::Args),
    /// Send text to a session's standard input.
    Send(send::Args),
    /// Wait for sessions to end.
    Wait(sessions::WaitArgs),
    /// Stop sessions, or signal them.
    Kill(sessions::KillArgs),
    /// Remove sessions, with their output here and there.
    Rm(sessions::RmArgs),
    /// Take in the sessions that run on a host and are not known here.
    Adopt(adopt::Args),
    /// Remove what need not be kept: spools, and old sessions.
    Gc(gc::Args),
    /// Print what happened, and what happens.
    Events(events::Args),
    /// Answer what longhaul asks: passphrases, passwords, codes, host keys.
    Attention(attention::Args),
    /// Show the daemon, its configuration, remotes and live sessions.
    Status(status::Args),
    /// Remotes: list, add, import, change, test, reconnect.
    #[command(subcommand)]
    Remote(remote::Verb),
    /// Agents: list.
    #[command(subcommand)]
    Agent(agent::Verb),
    /// The configuration: check, show, path, reload.
    #[command(subcommand)]
    Config(config::Verb),
    /// Explain a failure's code.
    Explain(explain::Args),
    /// Show what ssh_config says about a host, as ssh -G does.
    SshConfig(Box<ssh_config::Args>),
    /// The daemon: run, start, stop, restart, status, install, uninstall.
    #[command(subcommand)]
    Daemon(daemon::Verb),
    /// See it work: servers, cuts and checksums, all on this machine.
    Demo(DemoArgs),
}

/// `longhaul demo`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DemoArgs {
    /// Run a command as a server of the demonstration does; how it starts them.
    #[arg(long, hide = true, value_name = "COMMAND")]
    exec: Option<OsString>,
}

impl Verb {
    /// What the program exits with when the verb failed.
    ///
    /// Where the number is the session's own otherwise, ours has to be one that
    /// sessions rarely have.
    fn failed(&self) -> Code {
        match self {
            Self::Run(_) | Self::Map(_) | Self::Resume(_) | Self::Attach(_) | Self::Wait(_) => {
                exit::LONGHAUL
            }
            _ => exit::FAILED,
        }
    }

    async fn run(self, context: &Context) -> Result<Code, CliError> {
        match self {
            Self::Run(args) => run::run(*args, context).await,
            Self::Ps(args) => sessions::ps(args, context).await,
            Self::Inspect(args) => sessions::inspect(args, context).await,
            Self::Map(args) => map::map(*args, context).await,
            Self::Logs(args) => logs::logs(args, context).await,
            Self::Attach(args) => attach::attach(args, context).await,
            Self::Resume(args) => resume::resume(args, context).await,
            Self::Send(args) => send::send(args, context).await,
            Self::Wait(args) => sessions::wait(args, context).await,
            Self::Kill(args) => sessions::kill(args, context).await,
            Self::Rm(args) => sessions::rm(args, context).await,
            Self::Adopt(args) => adopt::adopt(args, context).await,
            Self::Gc(args) => gc::gc(args, context).await,
            Self::Events(args) => events::events(args, context).await,
            Self::Attention(args) => attention::attention(args, context).await,
            Self::Status(args) => status::status(args, context).await,
            Self::Remote(verb) => remote::remote(verb, context).await,
            Self::Agent(verb) => agent::agent(verb, context).await,
            Self::Config(verb) => config::online(verb, context).await,
            Self::Daemon(verb) => daemon::daemon(verb, context).await,
            // Taken by `main`, before there is a runtime.
            Self::Explain(_) | Self::SshConfig(_) | Self::Demo(_) => Ok(exit::OK),
        }
    }
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = askpass::asked_for(std::env::args_os()) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output, which may be closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    match cli.verb {
        Verb::Demo(args) => parts::demo(args.exec.as_deref()),
        // It makes a runtime of its own.
        Verb::Daemon(daemon::Verb::Run(args)) => daemon::run(&args, cli.config),
        verb => {
            let failed = verb.failed();
            match dispatch(verb, cli.config.as_deref()) {
                Ok(code) => ExitCode::from(code),
                Err(error) => {
                    if let Some(report) = error.report() {
                        say(&report);
                    }
                    ExitCode::from(error.code(failed))
                }
            }
        }
    }
}

/// Runs what needs no daemon here and now, and the rest in a runtime.
fn dispatch(verb: Verb, given: Option<&Path>) -> Result<Code, CliError> {
    let env = Environment::of_process();
    let verb = match verb {
        Verb::Explain(args) => return explain::explain(&args),
        Verb::SshConfig(args) => return ssh_config::ssh_config(*args),
        Verb::Config(verb) => match config::offline(verb, given, &env)? {
            Ok(code) => return Ok(code),
            Err(verb) => Verb::Config(verb),
        },
        verb => verb,
    };
    with_runtime(verb, &Context::new(given, &env)?)
}

/// One thread, since a verb waits for one thing after another; copying makes its
/// own threads where there is something to copy.
fn with_runtime(verb: Verb, context: &Context) -> Result<Code, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::Setup)?;
    let done = runtime.block_on(verb.run(context));
    // A thread may hang in a read of standard input or a write to a pipe that
    // nobody reads: it is not waited for.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_contradict_themselves_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_no_usage_exits_with_2() {
        for words in [
            vec!["longhaul"],
            vec!["longhaul", "jump"],
            vec!["longhaul", "run", "--timeout", "soon", "--", "true"],
            vec!["longhaul", "run", "--on", "a", "--local", "--", "true"],
            vec!["longhaul", "run", "--prompt", "x", "--", "true"],
            vec!["longhaul", "run", "--json", "--", "true"],
            vec!["longhaul", "run", "-e", "1=2", "--", "true"],
            vec!["longhaul", "run", "ls", "-la"],
            vec!["longhaul", "wait"],
            vec!["longhaul", "kill"],
            vec!["longhaul", "adopt"],
            vec!["longhaul", "adopt", "box", "--local"],
            vec!["longhaul", "logs", "--stdout", "--stderr", "a"],
            vec!["longhaul", "logs", "--tail", "1", "--since", "1", "a"],
        ] {
            let error = Cli::try_parse_from(&words).expect_err(&words.join(" "));
            assert_eq!(error.exit_code(), 2, "{words:?}");
        }
    }
}
