//! `remote add|set|rm|enable|disable|default`: edits of the configuration that
//! leave its comments and its layout alone.

use serde_json::json;

use super::change::{How, make};
use super::fields::{Common, Own, env_name, field};
use super::import;
use crate::api::client::Client;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::{print_json, print_line, say};
use crate::cli::parts;
use crate::domain::config::EnvName;
use crate::domain::config::edit::{Assignment, Field, Literal, NewRemote, Request};
use crate::domain::ids::RemoteName;
use crate::domain::import::name_for;
use crate::domain::target::Destination;

/// `longhaul remote add`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Where no host is given, the remote's name is looked up in ~/.ssh/config, as ssh
does. Without a name, on a terminal, the hosts of ~/.ssh/config are offered.

Examples:
  longhaul remote add gpu-box
  longhaul remote add gpu me@192.0.2.7:2222 --working-dir '~/project'
  longhaul remote add
  longhaul remote test gpu")]
pub(in crate::cli) struct AddArgs {
    /// Its name: letters, digits, '.', '_' and '-'.
    name: Option<String>,
    /// Where it is, in place of --host, --user and --port.
    #[arg(value_name = "[USER@]HOST[:PORT]", conflicts_with_all = ["host", "port", "user"])]
    destination: Option<Destination>,
    #[command(flatten)]
    own: Own,
    #[command(flatten)]
    common: Common,
    /// Add it, and let it take no sessions yet.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    how: How,
}

/// `longhaul remote set`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Only what is given is changed. Sessions that run keep what they were started with.

Examples:
  longhaul remote set gpu --port 2222 --user me
  longhaul remote set gpu --unset user --unset identity_file
  longhaul remote set gpu --tag cuda --tag big --max-sessions 4
  longhaul remote set gpu --env-from ANTHROPIC_API_KEY")]
pub(in crate::cli) struct SetArgs {
    /// The remote.
    name: RemoteName,
    #[command(flatten)]
    own: Own,
    #[command(flatten)]
    common: Common,
    /// Take a field out, so that its default holds.
    #[arg(long, value_name = "FIELD", value_parser = field)]
    unset: Vec<Field>,
    /// Take a variable out of env.
    #[arg(long, value_name = "NAME", value_parser = env_name)]
    unset_env: Vec<EnvName>,
    #[command(flatten)]
    how: How,
}

/// `longhaul remote rm`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Comments stay, those inside of its entry as well. A remote that an agent or
default_remote names is not taken out.

Examples:
  longhaul remote rm gpu
  longhaul remote rm gpu --dry-run")]
pub(in crate::cli) struct RmArgs {
    /// The remote.
    name: RemoteName,
    /// Take it out even if sessions run there; they go on.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    how: How,
}

/// `longhaul remote enable` and `disable`.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct NameArgs {
    /// The remote.
    name: RemoteName,
    #[command(flatten)]
    how: How,
}

/// `longhaul remote default`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Without a name it says which one it is.

Examples:
  longhaul remote default gpu
  longhaul remote default --none")]
pub(in crate::cli) struct DefaultArgs {
    /// The remote.
    name: Option<RemoteName>,
    /// None: sessions that do not say run on this machine.
    #[arg(long, conflicts_with = "name")]
    none: bool,
    #[command(flatten)]
    how: How,
}

/// Runs `add`.
pub(super) async fn add(args: AddArgs, context: &Context) -> Result<Code, CliError> {
    let mut assignments = args.own.assignments();
    assignments.extend(args.common.assignments()?);
    if args.disabled {
        assignments.push(Assignment::Field(Field::Enabled, Some(Literal::Flag(false))));
    }
    let Some(given) = args.name else {
        if assignments.is_empty() {
            return import::offer(args.how, context).await;
        }
        return Err(no_name());
    };
    let name: RemoteName = given.parse().map_err(|error| bad_name(&given, &error))?;
    if let Some(Destination { user, host, port }) = args.destination {
        let text = |field, text| Assignment::Field(field, Some(Literal::Text(text)));
        let port = port.map(|port| Assignment::Field(Field::Port, Some(Literal::Number(port))));
        let user = user.map(|user| text(Field::User, user));
        let host = Some(text(Field::Host, host));
        assignments.splice(0..0, [host, port, user].into_iter().flatten());
    }
    let done = format!("{name}: added");
    let json = json!({ "added": [&name] });
    let next = format!("next: longhaul remote test {name}");
    let request = Request::Add(vec![NewRemote { name, assignments }]);
    let code = make(context, &request, args.how, &[done], json).await?;
    if code == exit::OK && !args.how.dry_run && !args.how.json {
        say(&next);
    }
    Ok(code)
}

/// Runs `set`.
pub(super) async fn set(args: SetArgs, context: &Context) -> Result<Code, CliError> {
    let mut assignments = args.own.assignments();
    assignments.extend(args.common.assignments()?);
    for field in args.unset {
        let is_set = |it: &Assignment| matches!(it, Assignment::Field(other, _) if *other == field);
        if assignments.iter().any(is_set) {
            return Err(CliError::Usage {
                what: format!("{} is set and taken out at once", field.name()),
                write: "longhaul remote set --help".to_owned(),
            });
        }
        assignments.push(Assignment::Field(field, None));
    }
    assignments.extend(args.unset_env.into_iter().map(|name| Assignment::Env(name, None)));
    if assignments.is_empty() {
        return Err(CliError::Usage {
            what: format!("nothing is said about {}", args.name),
            write: format!(
                "longhaul remote set {} --user me\nlonghaul remote set --help",
                args.name
            ),
        });
    }
    let done = format!("{}: changed", args.name);
    let request = Request::Set { name: args.name, assignments };
    make(context, &request, args.how, &[done], json!({})).await
}

/// Runs `rm`.
pub(super) async fn rm(args: RmArgs, context: &Context) -> Result<Code, CliError> {
    let remotes = context.ask(Client::remotes).await?.unwrap_or_default();
    let known = remotes.iter().find(|remote| remote.name == args.name.as_str());
    let sessions = known.map_or(0, |remote| remote.sessions);
    if sessions > 0 && !args.force && !args.how.dry_run {
        return Err(CliError::RemoteInUse { name: args.name, sessions });
    }
    let done = format!("{}: taken out", args.name);
    let json = json!({ "removed": &args.name, "sessions": sessions });
    let request = Request::Remove(args.name);
    let code = make(context, &request, args.how, &[done], json).await?;
    if sessions > 0 && !args.how.json {
        say(&format!("{sessions} that run there go on; see longhaul ps"));
    }
    Ok(code)
}

/// Runs `enable` and `disable`.
pub(super) async fn enable(
    NameArgs { name, how }: NameArgs,
    enabled: bool,
    context: &Context,
) -> Result<Code, CliError> {
    let done = format!("{name}: {}", if enabled { "enabled" } else { "disabled" });
    let is_so = |remote: &crate::domain::config::Remote| remote.enabled == enabled;
    let known = parts::remotes_in(&context.config).unwrap_or_default();
    // What holds anyway is not written down.
    let assignments = match known.get(&name).is_some_and(is_so) {
        true => Vec::new(),
        false => vec![Assignment::Field(Field::Enabled, Some(Literal::Flag(enabled)))],
    };
    let request = Request::Set { name, assignments };
    make(context, &request, how, &[done], json!({ "enabled": enabled })).await
}

/// Runs `default`.
pub(super) async fn default(args: DefaultArgs, context: &Context) -> Result<Code, CliError> {
    if args.name.is_none() && !args.none {
        let default = parts::default_in(&context.config).map_err(CliError::BadConfig)?;
        if args.how.json {
            print_json(&json!({ "default_remote": default }))?;
        } else {
            print_line(&default.map_or_else(
                || "none: sessions that do not say run on this machine".to_owned(),
                |name| name.to_string(),
            ))?;
        }
        return Ok(exit::OK);
    }
    let done = match &args.name {
        Some(name) => format!("{name}: sessions that do not say run there"),
        None => "sessions that do not say run on this machine".to_owned(),
    };
    let json = json!({ "default_remote": args.name });
    make(context, &Request::Default(args.name), args.how, &[done], json).await
}

fn no_name() -> CliError {
    CliError::Usage {
        what: "the remote has no name".to_owned(),
        write: "longhaul remote add NAME [USER@]HOST[:PORT]\nlonghaul remote add --help".to_owned(),
    }
}

/// A destination where the name should be is the usual slip.
fn bad_name(given: &str, error: &crate::domain::ids::NameError) -> CliError {
    let write = match (given.parse::<Destination>(), name_for(given)) {
        (Ok(to), Some(name)) => {
            let name = name_for(&to.host).unwrap_or(name);
            format!("longhaul remote add {name} {to}")
        }
        (_, Some(name)) => format!("longhaul remote add {name} --host HOST"),
        (_, None) => "longhaul remote add NAME [USER@]HOST[:PORT]".to_owned(),
    };
    CliError::Usage { what: format!("{given:?} cannot be a remote's name: {error}"), write }
}
