//! Where a session runs: request and configuration in, a place or a reason out.

use std::fmt;

use super::config::{Agent, Config, Remote};
use super::destination::DestinationError;
use super::ids::{AgentName, RemoteName};
use super::target::Place;

/// What a session says about where it wants to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceRequest<'a> {
    /// Its own `--on` or `--local`.
    pub on: Option<Override<'a>>,
    /// The agent that it runs; a plain command runs none.
    pub agent: Option<&'a AgentName>,
}

/// A session's own word on where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override<'a> {
    /// `--local`: on this machine.
    Local,
    /// `--on`: a remote of the configuration, or `[user@]host[:port]`.
    On(&'a str),
}

/// A place, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// Where the session runs.
    pub place: Place,
    /// The remote's settings; `None` for this machine and for ad hoc places.
    pub remote: Option<&'a Remote>,
    /// The agent's settings, where it runs one.
    pub agent: Option<&'a Agent>,
    /// Whose word it was.
    pub why: Why,
}

/// Whose word decided where a session runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The session's own.
    SessionOverride,
    /// The agent's setting.
    AgentSetting,
    /// The global default.
    GlobalDefault,
    /// Nobody's: it runs here.
    NothingSaid,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionOverride => "the session's own choice",
            Self::AgentSetting => "the agent's setting",
            Self::GlobalDefault => "the global default",
            Self::NothingSaid => "nothing says otherwise",
        })
    }
}

/// Why a session has no place to run. None of these falls back to this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No remote has this name.
    #[error("no remote {name:?}, which is {why}")]
    UnknownRemote {
        /// The name as it was given.
        name: String,
        /// Who named it.
        why: Why,
        /// The remote whose name is nearest, if one is near.
        nearest: Option<RemoteName>,
    },
    /// The remote is disabled.
    #[error("remote {name} is disabled, and it is {why}")]
    RemoteDisabled {
        /// The remote.
        name: RemoteName,
        /// Who named it.
        why: Why,
    },
    /// No agent has this name.
    #[error("no agent {name:?}")]
    UnknownAgent {
        /// The name as it was given.
        name: AgentName,
        /// The agent whose name is nearest, if one is near.
        nearest: Option<AgentName>,
    },
    /// It has the look of `[user@]host[:port]` and is not one.
    #[error("{given:?} is no destination")]
    BadDestination {
        /// What was given.
        given: String,
        /// What is wrong with it.
        source: DestinationError,
    },
}

/// Finds the place of a session.
///
/// The session's own word comes first, then the agent's setting, then the
/// global default; where nobody says anything it is this machine. A plain
/// command is like an agent that leaves it to the default.
///
/// # Errors
///
/// A remote that is named by anybody and is unknown or disabled is an error,
/// never a reason to run here.
pub fn resolve<'a>(
    config: &'a Config,
    request: &PlaceRequest<'_>,
) -> Result<Resolved<'a>, ResolveError> {
    use super::config::AgentRemote;

    let agent = request.agent.map(|name| find_agent(config, name)).transpose()?;
    let setting = agent.map_or(&AgentRemote::Default, |agent| &agent.remote);
    let (place, remote, why) = match (request.on, setting) {
        (Some(Override::Local), _) => (Place::Local, None, Why::SessionOverride),
        (Some(Override::On(given)), _) => {
            let (place, remote) = find_given(config, given)?;
            (place, remote, Why::SessionOverride)
        }
        (None, AgentRemote::Local) => (Place::Local, None, Why::AgentSetting),
        (None, AgentRemote::On(name)) => {
            let (place, remote) = find_remote(config, name.as_str(), Why::AgentSetting)?;
            (place, Some(remote), Why::AgentSetting)
        }
        (None, AgentRemote::Default) => match &config.default_remote {
            Some(name) => {
                let (place, remote) = find_remote(config, name.as_str(), Why::GlobalDefault)?;
                (place, Some(remote), Why::GlobalDefault)
            }
            None => (Place::Local, None, Why::NothingSaid),
        },
    };
    Ok(Resolved { place, remote, agent, why })
}

fn find_agent<'a>(config: &'a Config, name: &AgentName) -> Result<&'a Agent, ResolveError> {
    config.agents.get(name).ok_or_else(|| ResolveError::UnknownAgent {
        name: name.clone(),
        nearest: super::nearest::nearest(name.as_str(), config.agents.keys(), AgentName::as_str)
            .cloned(),
    })
}

fn find_remote<'a>(
    config: &'a Config,
    name: &str,
    why: Why,
) -> Result<(Place, &'a Remote), ResolveError> {
    match config.remotes.get_key_value(name) {
        Some((name, remote)) if remote.enabled => Ok((Place::Remote(name.clone()), remote)),
        Some((name, _)) => Err(ResolveError::RemoteDisabled { name: name.clone(), why }),
        None => Err(ResolveError::UnknownRemote {
            name: name.to_owned(),
            why,
            nearest: super::nearest::nearest(name, config.remotes.keys(), RemoteName::as_str)
                .cloned(),
        }),
    }
}

/// A bare word is a remote of the configuration or a mistake: were it taken
/// for a host name, a typing error would send the session to a stranger. What
/// no remote's name can contain makes it a destination.
fn find_given<'a>(
    config: &'a Config,
    given: &str,
) -> Result<(Place, Option<&'a Remote>), ResolveError> {
    if given.contains(['@', ':', '[']) {
        return match given.parse() {
            Ok(destination) => Ok((Place::AdHoc(destination), None)),
            Err(source) => Err(ResolveError::BadDestination { given: given.to_owned(), source }),
        };
    }
    let (place, remote) = find_remote(config, given, Why::SessionOverride)?;
    Ok((place, Some(remote)))
}

#[cfg(test)]
mod tests;
