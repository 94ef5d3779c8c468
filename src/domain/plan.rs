//! From an order to a plan: what will be run, where, and with what.

use std::collections::BTreeMap;
use std::time::Duration;

use super::agent::{AgentRun, Lacks, PROFILES, Permissions, Profile, Turn, words};
use super::config::{Agent, Config, EnvName, EnvValue, Remote, united_env};
use super::ids::AgentName;
use super::max_output::MaxOutput;
use super::resolve::{Override, PlaceRequest, ResolveError, resolve};
use super::session::RestartPolicy;
use super::target::{Destination, Place, SshConfigUse, SshRequest};
use super::transport::TransportChoice;

/// How long a session that cannot be started is tried where nobody says
/// otherwise: long enough for a host that reboots a service, short enough that
/// a person who mistyped a port still sits there.
pub const USUAL_START_WITHIN: Duration = Duration::from_secs(30);

/// What somebody wants to have run.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Where, if they said so.
    pub on: Option<Override<'a>>,
    /// The agent, if it is one.
    pub agent: Option<&'a AgentName>,
    /// The command, or the agent's further arguments.
    pub command: &'a [String],
    /// The working directory, if they said so.
    pub cwd: Option<&'a str>,
    /// How much of its output its spool keeps, if they said so.
    pub max_output: Option<MaxOutput>,
    /// What they want of the agent.
    pub turn: TurnRequest<'a>,
}

/// What somebody wants of an agent, over what the configuration says.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurnRequest<'a> {
    /// The conversation to go on from, by the agent's own name for it.
    pub resume: Option<&'a str>,
    /// The model.
    pub model: Option<&'a str>,
    /// Whether it is only to look and to plan.
    pub plan: bool,
}

/// What will be run, where, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub place: Place,
    /// How that is reached; `None` for this machine.
    pub ssh: Option<SshRequest>,
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// The working directory there.
    pub cwd: Option<String>,
    /// Variables that the configuration sets, still to be looked up.
    pub env: BTreeMap<EnvName, EnvValue>,
    /// How long a start is tried.
    pub start_within: Duration,
    /// How much of its output its spool keeps; `None` keeps all of it.
    pub max_output: Option<MaxOutput>,
    /// When it is started anew after its end, unless the session says otherwise.
    pub restart: RestartPolicy,
    /// How its output reads, where it is an agent whose output is known.
    pub run: Option<AgentRun>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is no place to run.
    #[error(transparent)]
    Nowhere(#[from] ResolveError),
    /// Neither an agent nor a command.
    #[error("nothing to run: name an agent or a command")]
    NothingToRun,
    /// The agent's program cannot do what is asked of it.
    #[error(transparent)]
    Lacks(#[from] Lacks),
}

/// Makes the plan.
///
/// # Errors
///
/// There is nothing to run, or no place for it.
pub fn plan(config: &Config, order: &Order<'_>) -> Result<Plan, PlanError> {
    let resolved = resolve(config, &PlaceRequest { on: order.on, agent: order.agent })?;
    let command = match resolved.agent {
        Some(agent) => agent_command(agent, &order.turn, order.command)?,
        None => order.command.to_vec(),
    };
    if command.is_empty() {
        return Err(PlanError::NothingToRun);
    }
    let working_dir = |dir: &Option<String>| dir.clone();
    let cwd = order
        .cwd
        .map(str::to_owned)
        .or_else(|| resolved.agent.and_then(|agent| working_dir(&agent.working_dir)))
        .or_else(|| resolved.remote.and_then(|remote| working_dir(&remote.working_dir)));
    let max_output = order
        .max_output
        .or_else(|| resolved.agent.and_then(|agent| agent.max_output))
        .or_else(|| resolved.remote.and_then(|remote| remote.max_output));
    let ssh = match (&resolved.place, resolved.remote) {
        (Place::Local, _) => None,
        (Place::AdHoc(destination), _) => Some(ad_hoc(destination)),
        (Place::Remote(_), remote) => remote.map(ssh_request),
    };
    Ok(Plan {
        ssh,
        command,
        cwd,
        env: united_env(resolved.remote, resolved.agent),
        start_within: resolved
            .remote
            .and_then(|remote| remote.start_within)
            .unwrap_or(USUAL_START_WITHIN),
        max_output,
        restart: resolved.agent.map(|agent| agent.restart).unwrap_or_default(),
        run: resolved.agent.map(|agent| agent.profile).filter(|p| *p != Profile::Generic).map(
            |profile| AgentRun {
                resumed: order.turn.resume.map(str::to_owned),
                ..AgentRun::new(profile)
            },
        ),
        place: resolved.place,
    })
}

/// How a remote is reached, before `ssh_config`(5) is asked.
#[must_use]
pub fn ssh_request(remote: &Remote) -> SshRequest {
    SshRequest {
        host: remote.host.clone(),
        port: remote.port,
        user: remote.user.clone(),
        identity_file: remote.identity_file.clone(),
        ssh_config: remote.ssh_config.clone(),
        transport: remote.transport,
    }
}

fn ad_hoc(destination: &Destination) -> SshRequest {
    SshRequest {
        host: destination.host.clone(),
        port: destination.port,
        user: destination.user.clone(),
        identity_file: None,
        ssh_config: SshConfigUse::On,
        transport: TransportChoice::Auto,
    }
}

/// The program and its arguments for one turn; `args` come after those of the
/// configuration.
///
/// # Errors
///
/// The program lacks what is asked for.
pub fn agent_command(
    agent: &Agent,
    turn: &TurnRequest<'_>,
    args: &[String],
) -> Result<Vec<String>, Lacks> {
    let args: Vec<String> = agent.args.iter().chain(args).cloned().collect();
    let turn = Turn {
        resume: turn.resume,
        model: turn.model.or(agent.model.as_deref()),
        permissions: if turn.plan { &Permissions::Plan } else { &agent.permissions },
        dirs: &agent.extra_dirs,
        args: &args,
    };
    let mut command = agent_program(agent);
    command.extend(words(agent.profile.cli().spec(), &agent.arguments, &turn)?);
    Ok(command)
}

/// The program of an agent, and what goes before its arguments.
#[must_use]
pub fn agent_program(agent: &Agent) -> Vec<String> {
    let program = agent.profile.cli().spec().program;
    let usual = || if program.is_empty() { vec![] } else { vec![program.to_owned()] };
    agent.command.clone().unwrap_or_else(usual)
}

/// What makes an agent's program print its version and end.
#[must_use]
pub fn version_command(agent: &Agent) -> Vec<String> {
    let mut command = agent_program(agent);
    if agent.profile == Profile::Generic {
        // What comes behind the program is what it is to do.
        command.truncate(1);
    }
    let usual = agent.profile.cli().spec().arguments.version;
    if agent.arguments.version.is_empty() {
        command.extend(usual.iter().copied().map(str::to_owned));
    } else {
        command.extend_from_slice(&agent.arguments.version);
    }
    command
}

/// The configuration with the agents that everybody knows: `--agent claude`
/// needs no configuration. What the files say goes before it.
#[must_use]
pub fn with_usual_agents(mut config: Config) -> Config {
    for profile in PROFILES.into_iter().filter(|profile| *profile != Profile::Generic) {
        if let Ok(name) = profile.cli().spec().name.parse::<AgentName>() {
            config.agents.entry(name).or_insert_with(|| Agent { profile, ..Agent::default() });
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let mut config = with_usual_agents(Config::default());
        let remote = Remote { working_dir: Some("~/p".into()), ..Remote::new("box.example") };
        config.remotes.insert("box".parse().expect("a name"), remote);
        config
    }

    fn order<'a>(command: &'a [String], on: Option<Override<'a>>) -> Order<'a> {
        Order {
            on,
            agent: None,
            command,
            cwd: None,
            max_output: None,
            turn: TurnRequest::default(),
        }
    }

    #[test]
    fn a_command_takes_the_remotes_working_directory_unless_it_has_its_own() {
        let command = ["true".to_owned()];
        let mut order = order(&command, Some(Override::On("box")));
        let cwd = |order: &Order<'_>| plan(&config(), order).expect("a plan").cwd;
        assert_eq!(cwd(&order).as_deref(), Some("~/p"));
        order.cwd = Some("/tmp");
        assert_eq!(cwd(&order).as_deref(), Some("/tmp"));
    }

    #[test]
    fn a_cap_is_the_sessions_own_or_its_agents_or_its_remotes() {
        let size = |text: &str| text.parse::<MaxOutput>().ok();
        let mut config = config();
        let agent: AgentName = "claude".parse().expect("a name");
        let mut order = Order { agent: Some(&agent), ..order(&[], Some(Override::On("box"))) };
        let cap = |config: &Config, order: &Order<'_>| {
            plan(config, order).expect("a plan").max_output.map(|cap| cap.to_string())
        };
        assert_eq!(cap(&config, &order), None);
        config.remotes.values_mut().for_each(|remote| remote.max_output = size("3 MB"));
        assert_eq!(cap(&config, &order).as_deref(), Some("3 MB"));
        config.agents.values_mut().for_each(|agent| agent.max_output = size("2 MB"));
        assert_eq!(cap(&config, &order).as_deref(), Some("2 MB"));
        order.max_output = size("1 MB");
        assert_eq!(cap(&config, &order).as_deref(), Some("1 MB"));
    }

    #[test]
    fn an_agent_that_nobody_configured_is_known() {
        let agent = "claude".parse().expect("a name");
        let more = ["--verbose".to_owned()];
        let order = Order { agent: Some(&agent), ..order(&more, None) };
        let plan = plan(&config(), &order).expect("a plan");
        assert_eq!(plan.place, Place::Local);
        assert_eq!(plan.command.first().map(String::as_str), Some("claude"));
        assert_eq!(plan.command.last().map(String::as_str), Some("--verbose"));
        assert_eq!(plan.run.map(|run| run.profile), Some(Profile::Claude));
    }

    #[test]
    fn an_agents_command_is_what_the_profiles_arguments_come_after() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let agent = Agent {
            profile: Profile::Codex,
            command: Some(list(&["docker", "exec", "-i", "box", "codex"])),
            args: list(&["--skip-git-repo-check"]),
            model: Some("small".to_owned()),
            ..Agent::default()
        };
        let line = |turn: &TurnRequest<'_>| {
            agent_command(&agent, turn, &list(&["--oss"])).map(|words| words[5..].join(" "))
        };
        let expected = "exec --json --model small --skip-git-repo-check --oss -";
        assert_eq!(line(&TurnRequest::default()).as_deref(), Ok(expected));
        let turn = TurnRequest { model: Some("large"), plan: true, resume: Some("t") };
        let expected =
            "exec --model large --sandbox read-only --skip-git-repo-check --oss resume --json t -";
        assert_eq!(line(&turn).as_deref(), Ok(expected));
        assert_eq!(version_command(&agent)[4..], ["codex", "--version"]);
    }

    #[test]
    fn checks_are_skipped_where_the_configuration_says_so_and_nowhere_else() {
        let turn = TurnRequest::default();
        let line = |permissions| {
            let agent = Agent { profile: Profile::Claude, permissions, ..Agent::default() };
            agent_command(&agent, &turn, &[]).expect("a command").join(" ")
        };
        assert!(!line(Permissions::Usual).contains("skip"));
        assert!(line(Permissions::Skip).contains("--dangerously-skip-permissions"));
    }

    #[test]
    fn nothing_is_not_run() {
        assert_eq!(plan(&config(), &order(&[], None)), Err(PlanError::NothingToRun));
    }
}
