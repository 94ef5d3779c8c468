//! `daemon run|start|stop|restart|status|install|uninstall`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::context::Context;
use super::error::CliError;
use super::exit::{self, Code};
use super::output::{print_json, print_line, say};
use super::service::Order;
use super::status::not_running;
use super::{parts, service, start};
use crate::api::client::Client;
use crate::api::types::VersionView;
use crate::daemon::DaemonOptions;
use crate::domain::listen::Listen;
use crate::telemetry::OwnFile;

/// `longhaul daemon`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// Run it here until it is told to stop, as a service manager wants it.
    Run(RunArgs),
    /// Start it in the background, unless it runs.
    Start,
    /// Stop it; sessions go on, and are found again by the next one.
    Stop,
    /// Stop it and start it again, after an upgrade for example; sessions and
    /// those who follow them go on.
    Restart,
    /// Make it a service of yours: started with your login, looked after, started
    /// again where it fails (systemd, or launchd on macOS).
    Install(service::InstallArgs),
    /// Take the service away; sessions go on.
    Uninstall,
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
    /// Take requests on a TCP port of this machine, too, from whoever has the token
    /// that is in the file `token` of the state directory.
    #[arg(long, value_name = "[ADDRESS:]PORT", env = "LONGHAUL_LISTEN", hide_env_values = true)]
    listen: Option<Listen>,
    /// Leave the terminal's session first; how other commands start it.
    #[arg(long, hide = true)]
    detached: bool,
    /// The file that standard error is, to be put aside when it has grown.
    #[arg(long, hide = true, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The bytes after which it is put aside.
    #[arg(long, hide = true, value_name = "BYTES", requires = "log")]
    log_bytes: Option<u64>,
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
    let most = args.log_bytes;
    let log = args.log.clone().map(|path| OwnFile { path, most });
    parts::run_daemon(DaemonOptions { config, log, listen: args.listen })
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
        Verb::Restart => restart(context).await,
        Verb::Install(args) => service::install(&args, context).await.map(|()| exit::OK),
        Verb::Uninstall => {
            if !service::uninstall()? {
                say("no service is installed");
            }
            Ok(exit::OK)
        }
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
    if service::leave_to_manager(Order::Stop)? {
        return Ok(exit::OK);
    }
    if context.ask(Client::stop).await?.is_none() {
        say("no daemon runs");
        return Ok(exit::OK);
    }
    if start::wait_until_gone(context).await? {
        Ok(exit::OK)
    } else {
        say("the daemon still runs, ten seconds after it was told to stop");
        Ok(exit::FAILED)
    }
}

async fn restart(context: &Context) -> Result<Code, CliError> {
    if !service::leave_to_manager(Order::Restart)? {
        let stopped = stop(context).await?;
        if stopped != exit::OK {
            return Ok(stopped);
        }
    }
    let version = context.call(Client::version).await?;
    print_line(&running(context, &version))?;
    Ok(exit::OK)
}
