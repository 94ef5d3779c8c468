//! Making an edit of the configuration, and telling what came of it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api::client::Client;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::{print, print_json, say, say_raw};
use crate::cli::parts::{self, Change};
use crate::domain::config::edit::Request;

/// How an edit is to be made.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct How {
    /// Print what would be different, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// What the daemon makes of the edit.
enum Daemon {
    NotRunning,
    Taken,
    Refused(String),
    /// It reads another configuration.
    Elsewhere(PathBuf),
    /// It did not say.
    Silent(String),
}

/// Makes the edit. `done` are lines for people on what was done; `extra` goes
/// into the JSON.
pub(super) async fn make(
    context: &Context,
    request: &Request,
    how: How,
    done: &[String],
    extra: Value,
) -> Result<Code, CliError> {
    let change = parts::change_config(&context.config, request, how.dry_run)
        .map_err(|source| CliError::Change { source, request: Box::new(request.clone()) })?;
    let is_new = !change.edit.lines.is_empty();
    let daemon = if how.dry_run || !is_new { None } else { Some(daemon(context).await) };
    if how.json {
        print_json(&as_json(&change, how, daemon.as_ref(), extra))?;
    } else if how.dry_run {
        print(&differences(&change))?;
    } else if is_new {
        let file = change.edit.file.display();
        let line = change.edit.lines.iter().find(|line| line.is_new).or(change.edit.lines.first());
        let at = line.map_or(1, |line| line.number);
        print(&done.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        print(&format!("{} {file}:{at}\n", if change.creates { "made" } else { "edited" }))?;
    } else {
        say("nothing to change: it says so already");
    }
    for warning in &change.warnings {
        say(&format!("warning: {warning}"));
    }
    Ok(match daemon {
        Some(daemon) => tell(&daemon),
        None => exit::OK,
    })
}

async fn daemon(context: &Context) -> Daemon {
    match context.ask(Client::status).await {
        Ok(None) => return Daemon::NotRunning,
        Ok(Some(status)) if status.config.path != context.config => {
            return Daemon::Elsewhere(status.config.path);
        }
        Ok(Some(_)) => {}
        Err(error) => return Daemon::Silent(error.to_string()),
    }
    match context.ask(Client::reload).await {
        Ok(None) => Daemon::NotRunning,
        Ok(Some(_)) => Daemon::Taken,
        Err(CliError::Client(error)) if error.word() == Some("config-rejected") => {
            Daemon::Refused(error.to_string())
        }
        Err(error) => Daemon::Silent(error.to_string()),
    }
}

fn tell(daemon: &Daemon) -> Code {
    match daemon {
        Daemon::NotRunning => exit::OK,
        Daemon::Taken => {
            say("the daemon has taken it");
            exit::OK
        }
        Daemon::Elsewhere(path) => {
            say(&format!("the daemon that runs reads another file: {}", path.display()));
            exit::OK
        }
        Daemon::Refused(report) => {
            say("the daemon has refused it, and goes on as before:");
            say_raw(&format!("{}\n", report.trim_end()));
            exit::FAILED
        }
        Daemon::Silent(why) => {
            say(&format!("the file is written; what the daemon makes of it is not known: {why}"));
            exit::OK
        }
    }
}

fn differences(change: &Change) -> String {
    if change.edit.lines.is_empty() {
        return "nothing would be different\n".to_owned();
    }
    let mut text = format!("{}\n", change.edit.file.display());
    for line in &change.edit.lines {
        let sign = if line.is_new { '+' } else { '-' };
        text.push_str(&format!("{:>5} {sign} {}\n", line.number, line.text));
    }
    text
}

fn as_json(change: &Change, how: How, daemon: Option<&Daemon>, extra: Value) -> Value {
    let lines = change
        .edit
        .lines
        .iter()
        .map(|line| json!({ "line": line.number, "new": line.is_new, "text": line.text }));
    let daemon = match daemon {
        None => Value::Null,
        Some(Daemon::NotRunning) => json!({ "state": "not running" }),
        Some(Daemon::Taken) => json!({ "state": "taken" }),
        Some(Daemon::Refused(report)) => json!({ "state": "refused", "report": report }),
        Some(Daemon::Elsewhere(path)) => json!({ "state": "elsewhere", "path": path }),
        Some(Daemon::Silent(why)) => json!({ "state": "unknown", "error": why }),
    };
    let mut all = json!({
        "file": change.edit.file,
        "changed": !change.edit.lines.is_empty(),
        "dry_run": how.dry_run,
        "created": change.creates,
        "lines": lines.collect::<Vec<_>>(),
        "warnings": change.warnings,
        "daemon": daemon,
    });
    if let (Value::Object(all), Value::Object(extra)) = (&mut all, extra) {
        all.extend(extra);
    }
    all
}
