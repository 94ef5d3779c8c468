use super::*;
use crate::domain::config::AgentRemote;
use crate::domain::config::Profile;
use crate::domain::target::Destination;

/// A name that a setting may carry, as far as the configuration knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Named {
    Enabled,
    Disabled,
    Missing,
}

impl Named {
    const ALL: [Self; 3] = [Self::Enabled, Self::Disabled, Self::Missing];

    fn name(self, who: &str) -> RemoteName {
        let state = match self {
            Self::Enabled => "up",
            Self::Disabled => "off",
            Self::Missing => "gone",
        };
        format!("{who}-{state}").parse().unwrap()
    }
}

#[derive(Debug, Clone, Copy)]
enum On {
    Nothing,
    Local,
    Named(Named),
    AdHoc,
}

#[derive(Debug, Clone, Copy)]
enum AgentSays {
    NoAgent,
    Default,
    Local,
    On(Named),
}

/// What has to come out, told apart from how it is found.
#[derive(Debug, PartialEq)]
enum Wanted {
    Place(Place, Why),
    Disabled(RemoteName, Why),
    Unknown(RemoteName, Why),
}

fn of_named(named: Named, who: &str, why: Why) -> Wanted {
    let name = named.name(who);
    match named {
        Named::Enabled => Wanted::Place(Place::Remote(name), why),
        Named::Disabled => Wanted::Disabled(name, why),
        Named::Missing => Wanted::Unknown(name, why),
    }
}

fn destination() -> Destination {
    Destination { user: Some("me".into()), host: "else.where".into(), port: Some(2222) }
}

fn config(agent: AgentSays, default: Option<Named>) -> Config {
    let mut config = Config::default();
    for who in ["session", "agent", "default"] {
        for named in [Named::Enabled, Named::Disabled] {
            let mut remote = Remote::new("h");
            remote.enabled = named == Named::Enabled;
            config.remotes.insert(named.name(who), remote);
        }
    }
    config.default_remote = default.map(|named| named.name("default"));
    let remote = match agent {
        AgentSays::NoAgent => return config,
        AgentSays::Default => AgentRemote::Default,
        AgentSays::Local => AgentRemote::Local,
        AgentSays::On(named) => AgentRemote::On(named.name("agent")),
    };
    let agent = Agent { profile: Profile::Claude, remote, ..Agent::default() };
    config.agents.insert("a".parse().unwrap(), agent);
    config
}

fn wanted(on: On, agent: AgentSays, default: Option<Named>) -> Wanted {
    match (on, agent, default) {
        (On::Local, _, _) => Wanted::Place(Place::Local, Why::SessionOverride),
        (On::AdHoc, _, _) => Wanted::Place(Place::AdHoc(destination()), Why::SessionOverride),
        (On::Named(named), _, _) => of_named(named, "session", Why::SessionOverride),
        (On::Nothing, AgentSays::Local, _) => Wanted::Place(Place::Local, Why::AgentSetting),
        (On::Nothing, AgentSays::On(named), _) => of_named(named, "agent", Why::AgentSetting),
        (On::Nothing, AgentSays::NoAgent | AgentSays::Default, Some(named)) => {
            of_named(named, "default", Why::GlobalDefault)
        }
        (On::Nothing, AgentSays::NoAgent | AgentSays::Default, None) => {
            Wanted::Place(Place::Local, Why::NothingSaid)
        }
    }
}

#[test]
fn every_combination_has_its_place_or_its_error() {
    let named = |make: fn(Named) -> On| Named::ALL.map(make);
    let ons: Vec<On> =
        [On::Nothing, On::Local, On::AdHoc].into_iter().chain(named(On::Named)).collect();
    let agents: Vec<AgentSays> = [AgentSays::NoAgent, AgentSays::Default, AgentSays::Local]
        .into_iter()
        .chain(Named::ALL.map(AgentSays::On))
        .collect();
    let defaults = [None, Some(Named::Enabled), Some(Named::Disabled), Some(Named::Missing)];
    let name: AgentName = "a".parse().unwrap();
    let mut rows = 0;
    for on in &ons {
        for agent in &agents {
            for default in defaults {
                let config = config(*agent, default);
                let given = match on {
                    On::Named(named) => named.name("session").to_string(),
                    _ => destination().to_string(),
                };
                let request = PlaceRequest {
                    on: match on {
                        On::Nothing => None,
                        On::Local => Some(Override::Local),
                        On::Named(_) | On::AdHoc => Some(Override::On(&given)),
                    },
                    agent: (!matches!(agent, AgentSays::NoAgent)).then_some(&name),
                };
                let row = format!("{on:?} × {agent:?} × {default:?}");
                check(&config, &request, &wanted(*on, *agent, default), &row);
                rows += 1;
            }
        }
    }
    assert_eq!(rows, 6 * 6 * 4);
}

fn check(config: &Config, request: &PlaceRequest<'_>, wanted: &Wanted, row: &str) {
    let found = match resolve(config, request) {
        Ok(resolved) => {
            let settings = match &resolved.place {
                Place::Remote(name) => config.remotes.get(name),
                Place::Local | Place::AdHoc(_) => None,
            };
            assert_eq!(resolved.remote, settings, "{row}");
            assert_eq!(resolved.agent.is_some(), request.agent.is_some(), "{row}");
            Wanted::Place(resolved.place, resolved.why)
        }
        Err(ResolveError::RemoteDisabled { name, why }) => Wanted::Disabled(name, why),
        Err(ResolveError::UnknownRemote { name, why, .. }) => {
            Wanted::Unknown(name.parse().unwrap(), why)
        }
        Err(other) => panic!("{row}: {other}"),
    };
    assert_eq!(&found, wanted, "{row}");
}

fn on(given: &str) -> PlaceRequest<'_> {
    PlaceRequest { on: Some(Override::On(given)), agent: None }
}

#[test]
fn a_bare_word_is_never_taken_for_a_host() {
    let config = config(AgentSays::NoAgent, None);
    for (given, meant) in [
        ("session-pu", Some("session-up")),
        ("localhost", None),
        ("example.com", None),
        ("", None),
        ("two words", None),
    ] {
        let error = resolve(&config, &on(given)).unwrap_err();
        let ResolveError::UnknownRemote { name, nearest, why } = error else {
            panic!("{given}: {error}");
        };
        assert_eq!(name, given);
        assert_eq!(nearest.as_ref().map(RemoteName::as_str), meant);
        assert_eq!(why, Why::SessionOverride);
    }
}

#[test]
fn what_no_name_can_hold_makes_it_a_destination() {
    let config = config(AgentSays::NoAgent, None);
    for given in ["me@session-up", "example.com:22", "[::1]", "me@[::1]:22"] {
        let resolved = resolve(&config, &on(given)).unwrap();
        assert_eq!(resolved.place, Place::AdHoc(given.parse().unwrap()), "{given}");
        assert_eq!(resolved.remote, None);
    }
    for given in ["me@", "box:x", "::1", "-oProxyCommand=x@y"] {
        let error = resolve(&config, &on(given)).unwrap_err();
        assert!(matches!(error, ResolveError::BadDestination { .. }), "{given}: {error}");
    }
}

#[test]
fn an_unknown_agent_is_named_even_where_the_session_says_where() {
    let config = config(AgentSays::Local, None);
    let name: AgentName = "b".parse().unwrap();
    let request = PlaceRequest { on: Some(Override::Local), agent: Some(&name) };
    let error = resolve(&config, &request).unwrap_err();
    assert_eq!(error, ResolveError::UnknownAgent { name, nearest: None });
}
