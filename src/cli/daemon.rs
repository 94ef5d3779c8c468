//! `daemon run|start|stop|status`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print_json, print_line, say};
use super::status::not_running;
use super::{parts, start};
use crate::api::client::Client;
use crate::api::types::VersionView;
use crate::daemon::DaemonOptions;

/// `longhaul daemon`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// Run it here until it is told to stop, as a service manager wants it.
    Run(RunArgs),
    /// Start it in the background, unless it runs.
    Start,
    /// Stop it; sessions go on, and are found again by the next one.
    Stop,
    /// Say whether it runs; exits with 3 if not.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `longhaul daemon run`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// Leave the terminal's session first; how other commands start it.
    #[arg(long, hide = true)]
    detached: bool,
}

/// Runs `daemon run`.
pub(super) fn run(args: &RunArgs, config: Option<PathBuf>) -> ExitCode {
    if args.detached {
        // Away from the terminal of whoever started it: its Ctrl-C and its end
        // are for the foreground group and its session (setsid(2)). A process
        // group's leader is refused, and has no such terminal then.
        if let Err(error) = rustix::process::setsid() {
            say(&format!("could not leave the terminal's session: {error}"));
        }
    }
    parts::run_daemon(DaemonOptions { config, foreground: !args.detached })
}

/// Runs the other verbs.
pub(super) async fn daemon(verb: Verb, context: &Context) -> Result<Code, CliError> {
    match verb {
        // Taken by `main`, before there is a runtime.
        Verb::Run(_) => Ok(exit::OK),
        Verb::Start => {
            let version = context.call(Client::version).await?;
            print_line(&running(context, &version))?;
            Ok(exit::OK)
        }
        Verb::Stop => stop(context).await,
        Verb::Status { json } => match context.ask(Client::version).await? {
            Some(version) if json => {
                let (version, pid) = (version.version, version.pid);
                let socket = context.client.socket();
                print_json(&serde_json::json!({
                    "running": true, "version": version, "pid": pid, "socket": socket,
                }))?;
                Ok(exit::OK)
            }
            Some(version) => {
                print_line(&running(context, &version))?;
                Ok(exit::OK)
            }
            None => not_running(context, json),
        },
    }
}

fn running(context: &Context, version: &VersionView) -> String {
    let socket = context.client.socket().display();
    format!("daemon  {}, pid {}, socket {socket}", version.version, version.pid)
}

async fn stop(context: &Context) -> Result<Code, CliError> {
    if context.ask(Client::stop).await?.is_none() {
        say("no daemon runs");
        return Ok(exit::OK);
    }
    if start::wait_until_gone(&context.client).await? {
        Ok(exit::OK)
    } else {
        say("the daemon still answers, ten seconds after it was told to stop");
        Ok(exit::FAILED)
    }
}
