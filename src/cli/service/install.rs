//! `daemon install` and `daemon uninstall`.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::ServiceError;
use super::files::{self, ServiceFile};
use super::render::{Setting, hardening, plist, socket_unit, unit};
use super::tool::run;
use crate::api::client::Client;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{print_line, say};
use crate::cli::start;
use crate::paths::Environment;

/// The units of systemd, the one that listens first.
const UNITS: [&str; 2] = ["longhaul.socket", "longhaul.service"];

/// `longhaul daemon install`.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct InstallArgs {
    /// Take rights from it, and from all sessions on this machine: no sudo, no
    /// containers, no just-in-time compilers there. systemd only.
    #[arg(long)]
    hardened: bool,
    /// Print the files, and write nothing.
    #[arg(long)]
    print: bool,
}

/// Who looks after services here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Systemd,
    Launchd,
}

impl Kind {
    fn here() -> Result<Self, ServiceError> {
        if cfg!(target_os = "macos") {
            Ok(Self::Launchd)
        } else if cfg!(target_os = "linux") {
            Ok(Self::Systemd)
        } else {
            Err(ServiceError::NoManager)
        }
    }
}

/// Where the files of a service belong.
struct Places {
    kind: Kind,
    folder: PathBuf,
}

impl Places {
    fn of(env: &Environment) -> Result<Self, ServiceError> {
        let home = env.home.as_ref().ok_or(ServiceError::NoHome)?;
        let kind = Kind::here()?;
        let folder = match (kind, &env.xdg_config_home) {
            (Kind::Launchd, _) => home.join("Library/LaunchAgents"),
            (Kind::Systemd, Some(config)) => config.join("systemd/user"),
            (Kind::Systemd, None) => home.join(".config/systemd/user"),
        };
        Ok(Self { kind, folder })
    }

    /// Whether the service that is installed is the daemon that `env` names: with
    /// a state directory or a socket of one's own there may be several.
    fn serves(&self, env: &Environment) -> bool {
        let Ok(unit) = fs::read_to_string(self.folder.join(UNITS[1])) else { return false };
        let wanted = |name: &str, path: &Option<PathBuf>| {
            let line = format!("{name}=");
            match path {
                Some(path) => unit.contains(&format!("{line}{}\n", path.display())),
                None => !unit.contains(&line),
            }
        };
        wanted("LONGHAUL_STATE_DIR", &env.state_dir) && wanted("LONGHAUL_SOCKET", &env.socket)
    }

    fn hardening(&self) -> PathBuf {
        self.folder.join("longhaul.service.d/10-hardened.conf")
    }

    fn plist(&self) -> PathBuf {
        self.folder.join("longhaul.plist")
    }

    /// All files that there may be.
    fn all(&self) -> Vec<PathBuf> {
        match self.kind {
            Kind::Launchd => vec![self.plist()],
            Kind::Systemd => {
                let units = UNITS.iter().map(|unit| self.folder.join(unit));
                units.chain([self.hardening()]).collect()
            }
        }
    }

    /// The files that `setting` asks for.
    fn files(&self, setting: &Setting, hardened: bool) -> Result<Vec<ServiceFile>, ServiceError> {
        let unspeakable = || ServiceError::Unspeakable(setting.program.clone());
        let mut files = Vec::new();
        let mut add = |path, text| files.push(ServiceFile { path, text });
        match self.kind {
            Kind::Launchd => add(self.plist(), plist(setting).ok_or_else(unspeakable)?),
            Kind::Systemd => {
                let [socket, service] = UNITS.map(|unit| self.folder.join(unit));
                add(socket, socket_unit(setting).ok_or_else(unspeakable)?);
                add(service, unit(setting).ok_or_else(unspeakable)?);
                if hardened {
                    add(self.hardening(), hardening().to_owned());
                }
            }
        }
        Ok(files)
    }
}

/// Writes the files of the service and starts it. A daemon that was started by a
/// command gives way to it; sessions go on.
pub(in crate::cli) async fn install(args: &InstallArgs, context: &Context) -> Result<(), CliError> {
    let env = Environment::of_process();
    let places = Places::of(&env)?;
    let setting = setting(&env, context)?;
    let files = places.files(&setting, args.hardened)?;
    if args.print {
        for file in files {
            print_line(&format!("# {}\n{}", file.path.display(), file.text))?;
        }
        return Ok(());
    }
    // Hardened once does not mean hardened for ever.
    let stale: Vec<_> =
        places.all().into_iter().filter(|path| files.iter().all(|f| f.path != *path)).collect();
    files::remove(&stale)?;
    files::write(&files)?;
    for file in &files {
        print_line(&format!("wrote    {}", file.path.display()))?;
    }
    if context.ask(Client::stop).await?.is_some() {
        start::wait_until_gone(context).await?;
    }
    match places.kind {
        Kind::Launchd => load_agent(&places.plist())?,
        Kind::Systemd => {
            run("systemctl", &["--user", "daemon-reload"])?;
            // Started anew, where it was installed before, with what is written now.
            run("systemctl", &["--user", "stop", UNITS[0], UNITS[1]])?;
            run("systemctl", &["--user", "enable", "--now", UNITS[0], UNITS[1]])?;
        }
    }
    let version = context.call(Client::version).await?;
    print_line(&format!("runs     longhaul {}, pid {}", version.version, version.pid))?;
    for hint in hints(&env, places.kind) {
        say(&hint);
    }
    Ok(())
}

/// Stops the service and takes its files away; true if there was one. Sessions go
/// on, and the next command starts a daemon of its own.
pub(in crate::cli) fn uninstall() -> Result<bool, CliError> {
    let places = Places::of(&Environment::of_process())?;
    let there = places.all().iter().any(|path| path.exists());
    if !there {
        return Ok(false);
    }
    match places.kind {
        Kind::Launchd => {
            run("launchctl", &["bootout", &domain(), &places.plist().to_string_lossy()])?
        }
        Kind::Systemd => run("systemctl", &["--user", "disable", "--now", UNITS[0], UNITS[1]])?,
    }
    files::remove(&places.all())?;
    if places.kind == Kind::Systemd {
        run("systemctl", &["--user", "daemon-reload"])?;
    }
    Ok(true)
}

/// What a service manager does with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Order {
    /// Starts it.
    Start,
    /// Stops it, with the socket: whoever connects to that starts it again.
    Stop,
    /// Lets another daemon take the place of the one that runs; the socket stays.
    Restart,
}

/// Leaves the order to systemd, if the daemon is a service of its; false where it
/// is none. Blocks.
pub(in crate::cli) fn leave_to_manager(order: Order) -> Result<bool, ServiceError> {
    let env = Environment::of_process();
    let Ok(places) = Places::of(&env) else { return Ok(false) };
    if places.kind != Kind::Systemd || !places.serves(&env) {
        return Ok(false);
    }
    // Without a manager of the user's, as in a shell by su, a daemon of ours does.
    if order != Order::Start
        && run("systemctl", &["--user", "--quiet", "is-active", UNITS[0]]).is_err()
    {
        return Ok(false);
    }
    match order {
        Order::Start => Ok(run("systemctl", &["--user", "start", UNITS[0], UNITS[1]]).is_ok()),
        Order::Stop => run("systemctl", &["--user", "stop", UNITS[0], UNITS[1]]).map(|()| true),
        Order::Restart => run("systemctl", &["--user", "restart", UNITS[1]]).map(|()| true),
    }
}

fn setting(env: &Environment, context: &Context) -> Result<Setting, CliError> {
    let socket = context.client.socket().to_owned();
    let usual = env.xdg_runtime_dir.as_ref().map(|dir| dir.join("longhaul/longhaul.sock"));
    let usual_socket = usual.as_ref() == Some(&socket);
    let mut environment = Vec::new();
    let mut add = |name, value: Option<&Path>| -> Result<(), ServiceError> {
        let Some(path) = value else { return Ok(()) };
        let text = path.to_str().ok_or_else(|| ServiceError::Unspeakable(path.to_owned()))?;
        environment.push((name, text.to_owned()));
        Ok(())
    };
    add("LONGHAUL_CONFIG", env.config.as_deref())?;
    add("LONGHAUL_STATE_DIR", env.state_dir.as_deref())?;
    add("LONGHAUL_SOCKET", Some(socket.as_path()).filter(|_| !usual_socket))?;
    add("XDG_CONFIG_HOME", env.xdg_config_home.as_deref())?;
    add("XDG_STATE_HOME", env.xdg_state_home.as_deref())?;
    // A manager's own is short, and sessions on this machine would not find what
    // they find when a command starts the daemon.
    add("PATH", std::env::var_os("PATH").as_ref().map(Path::new))?;
    add("SSH_AUTH_SOCK", lasting_agent(env).as_deref())?;
    Ok(Setting {
        program: std::env::current_exe().map_err(ServiceError::Program)?,
        config: context.given_config.clone(),
        socket,
        usual_socket,
        log: context.state.join("daemon.log"),
        environment,
    })
}

fn agent() -> Option<PathBuf> {
    std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The agent of keys, if it will be at the same place after the next login.
fn lasting_agent(env: &Environment) -> Option<PathBuf> {
    let runtime = env.xdg_runtime_dir.as_ref()?;
    agent().filter(|path| path.starts_with(runtime))
}

/// What a person should know who has installed it.
fn hints(env: &Environment, kind: Kind) -> Vec<String> {
    let mut hints = Vec::new();
    if let (Some(agent), None) = (agent(), lasting_agent(env)) {
        hints.push(format!(
            "the service does not use the agent at {}, which is another one after the next login; \
             name one that lasts: IdentityAgent in ~/.ssh/config",
            agent.display()
        ));
    }
    let user = std::env::var("USER").unwrap_or_default();
    let lingers = Path::new("/var/lib/systemd/linger").join(&user).exists();
    if kind == Kind::Systemd && (user.is_empty() || !lingers) {
        hints.push(
            "the service ends with your last login here, and comes back with the next; \
             to keep it: loginctl enable-linger"
                .to_owned(),
        );
    }
    hints
}

/// The domain of the user's agents (`launchctl(1)`).
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn load_agent(plist: &Path) -> Result<(), ServiceError> {
    // Of an earlier installation; there may be none.
    let _ = run("launchctl", &["bootout", &domain(), &plist.to_string_lossy()]);
    run("launchctl", &["bootstrap", &domain(), &plist.to_string_lossy()])
}
