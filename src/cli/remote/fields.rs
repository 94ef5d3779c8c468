//! The flags that stand for fields of a remote.

use std::path::Path;

use crate::cli::error::CliError;
use crate::domain::config::EnvName;
use crate::domain::config::edit::{Assignment, EnvSource, Field, Literal};
use crate::domain::ids::Tag;

/// Fields that many remotes may have alike.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Common {
    /// The user on the other side.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The private key's file.
    #[arg(long, short = 'i', value_name = "FILE", value_parser = local_path)]
    identity_file: Option<String>,
    /// Where sessions start that do not say, on the remote.
    #[arg(long, value_name = "DIR")]
    working_dir: Option<String>,
    /// A variable that sessions get, from the daemon's environment: its own, or
    /// another one. A value itself is only ever written into the file by hand.
    #[arg(long, value_name = "NAME[=VARIABLE]")]
    env_from: Vec<String>,
    /// A variable whose value a file on this machine holds.
    #[arg(long, value_name = "NAME=FILE")]
    env_file: Vec<String>,
    /// How long a session is tried to be started there, such as 10m.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    start_within: Option<String>,
    /// The most that is kept there of a session's output, such as 100MB.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_output: Option<String>,
    /// What it can be found by, as in run --on any:TAG; once for each, in the place
    /// of those that it has.
    #[arg(long, value_name = "TAG")]
    tag: Vec<Tag>,
    /// How many sessions may run there at once; others wait for their turn.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_sessions: Option<u32>,
    /// How many sessions it has room for, where one of several is chosen.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    slots: Option<u32>,
}

/// Fields that a remote has for itself.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Own {
    /// A name for people.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// A name, an address, or a Host of ~/.ssh/config; the remote's name if this
    /// is left out.
    #[arg(long, value_name = "HOST")]
    pub(super) host: Option<String>,
    /// The port.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    /// Which ssh_config is read: on (yours and the system's), off, or a file.
    #[arg(long, value_name = "on|off|FILE", value_parser = ssh_config)]
    ssh_config: Option<Literal>,
}

/// A field by its name.
pub(super) fn field(text: &str) -> Result<Field, String> {
    let wanted = text.replace('-', "_");
    let known = Field::ALL.iter().copied().find(|field| field.name() == wanted);
    known.ok_or_else(|| {
        let all: Vec<_> = Field::ALL.iter().map(|field| field.name()).collect();
        format!("the fields are {}", all.join(", "))
    })
}

impl Common {
    /// In the order in which they are written.
    pub(super) fn assignments(&self) -> Result<Vec<Assignment>, CliError> {
        let text = |field, value: &Option<String>| {
            let literal = value.clone().map(Literal::Text)?;
            Some(Assignment::Field(field, Some(literal)))
        };
        let count = |field, value: Option<u32>| {
            Some(Assignment::Field(field, Some(Literal::Count(value?))))
        };
        let fields = [
            text(Field::User, &self.user),
            text(Field::IdentityFile, &self.identity_file),
            text(Field::WorkingDir, &self.working_dir),
            text(Field::StartWithin, &self.start_within),
            text(Field::MaxOutput, &self.max_output),
            (!self.tag.is_empty()).then(|| {
                let tags = self.tag.iter().map(ToString::to_string).collect();
                Assignment::Field(Field::Tags, Some(Literal::Texts(tags)))
            }),
            count(Field::MaxSessions, self.max_sessions),
            count(Field::Slots, self.slots),
        ];
        let mut all: Vec<_> = fields.into_iter().flatten().collect();
        // Read here and not by clap, which would show what it cannot take: that
        // may be a value.
        let from = self.env_from.iter().map(|text| env_from(text));
        let file = self.env_file.iter().map(|text| env_file(text));
        for env in from.chain(file) {
            let (name, source) = env.map_err(|what| CliError::Usage {
                what,
                write: "--env-from NAME, --env-from NAME=VARIABLE, --env-file NAME=FILE".to_owned(),
            })?;
            all.push(Assignment::Env(name, Some(source)));
        }
        Ok(all)
    }
}

impl Own {
    /// In the order in which they are written.
    pub(super) fn assignments(&self) -> Vec<Assignment> {
        let text = |value: &Option<String>| value.clone().map(Literal::Text);
        [
            (Field::Label, text(&self.label)),
            (Field::Host, text(&self.host)),
            (Field::Port, self.port.map(Literal::Number)),
            (Field::SshConfig, self.ssh_config.clone()),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some(Assignment::Field(field, Some(value?))))
        .collect()
    }
}

/// A path on this machine, as the configuration takes it: absolute, or in the
/// home directory.
fn local_path(text: &str) -> Result<String, String> {
    if text.is_empty() || text == "~" {
        return Err("it is no file".to_owned());
    }
    if text.starts_with("~/") {
        return Ok(text.to_owned());
    }
    let path = std::path::absolute(Path::new(text)).map_err(|error| error.to_string())?;
    path.into_os_string().into_string().map_err(|_| "its path is not UTF-8".to_owned())
}

fn ssh_config(text: &str) -> Result<Literal, String> {
    match text {
        "on" => Ok(Literal::Word("On")),
        "off" => Ok(Literal::Word("Off")),
        path => local_path(path).map(Literal::File),
    }
}

fn env_from(text: &str) -> Result<(EnvName, EnvSource), String> {
    let (name, variable) = text.split_once('=').unwrap_or((text, text));
    // Perhaps a value, which no message may repeat.
    let variable: EnvName = variable.parse().map_err(|_| {
        "--env-from takes the name of a variable; a value is written into the file by hand"
            .to_owned()
    })?;
    Ok((env_name(name)?, EnvSource::Variable(variable)))
}

fn env_file(text: &str) -> Result<(EnvName, EnvSource), String> {
    let (name, path) = text.split_once('=').ok_or("--env-file takes NAME=FILE")?;
    Ok((env_name(name)?, EnvSource::File(local_path(path)?)))
}

/// The name of a variable.
pub(super) fn env_name(text: &str) -> Result<EnvName, String> {
    text.parse::<EnvName>().map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<String, String> {
    let parsed = humantime::parse_duration(text);
    parsed.map(|_| text.to_owned()).map_err(|_| "write a time like 30s, 2m or 1h 30m".to_owned())
}

fn size(text: &str) -> Result<String, String> {
    crate::cli::values::max_output(text).map(|_| text.to_owned())
}
