use super::*;
use crate::domain::agent::Profile;
use crate::domain::agent::detect::{Detected, LoginSign, Presence, Search, VersionTold};
use crate::domain::doctor::facts::{Channels, Disk, Inodes, Logout, Skew};
use crate::domain::doctor::topic::Topic;
use crate::domain::failure::whereabouts::Endpoint;

/// A machine with nothing wrong.
fn well() -> Gathered {
    let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
    let facts = Facts {
        system: "Linux".to_owned(),
        shell: "/bin/bash".to_owned(),
        login_path: Some(path.clone()),
        path,
        setsid: Some("/usr/bin/setsid".to_owned()),
        spools: "/home/me/.local/state/longhaul/1".to_owned(),
        disk: Some(Disk { free: 10 << 20, total: 20 << 20 }),
        inodes: Some(Inodes { free: 1_000_000, total: 2_000_000 }),
        file_system: "ext4".to_owned(),
        ..Facts::default()
    };
    let link = LinkFacts {
        channels: Some(Channels { opened: 10, refused: true }),
        skew: Some(Skew { ahead: 0 }),
    };
    let version = VersionTold { status: 0, line: "codex-cli 0.50".to_owned() };
    let codex = Detected {
        program: "codex".to_owned(),
        presence: Presence::There { file: "/bin/codex".to_owned(), told: Some(version) },
        login: Some(LoginSign::File("/home/me/.codex/auth.json".to_owned())),
    };
    Gathered {
        facts,
        link: Some(link),
        strays: Some(Strays::default()),
        agents: Some(vec![AgentFacts {
            search: Search::of(Profile::Codex, "codex".to_owned()),
            found: codex,
            configured: None,
        }]),
    }
}

fn at() -> Whereabouts {
    let destination = Endpoint {
        user: "me".to_owned(),
        host: "box".to_owned(),
        port: 22,
        key_files: Vec::new(),
        jumps: Vec::new(),
    };
    Whereabouts { place: "box".to_owned(), destination: Some(destination), session: None }
}

/// What is found once `ail` has been done to a machine with nothing wrong; and
/// nothing else is found then.
fn found(ail: impl FnOnce(&mut Gathered)) -> Finding {
    let mut gathered = well();
    ail(&mut gathered);
    let mut odd: Vec<Finding> =
        judge(&gathered, &at()).into_iter().filter(|found| found.status != Status::Ok).collect();
    assert_eq!(odd.len(), 1, "{odd:?}");
    odd.remove(0)
}

#[test]
fn a_machine_with_nothing_wrong_is_found_well_in_every_respect() {
    let findings = judge(&well(), &at());
    let ids: Vec<&str> = findings.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "doctor.rc-noise",
            "doctor.shell",
            "doctor.path",
            "doctor.setsid",
            "doctor.tail",
            "doctor.max-sessions",
            "doctor.clock",
            "doctor.spool",
            "doctor.disk",
            "doctor.inodes",
            "doctor.network-home",
            "doctor.logout",
            "doctor.orphans",
            "doctor.agent.codex",
        ]
    );
    for found in &findings {
        assert_eq!(found.status, Status::Ok, "{found:?}");
        assert!(found.command.is_none() && found.why.is_empty(), "{found:?}");
    }
}

#[test]
fn each_ailment_is_found_by_its_id_with_what_to_type() {
    type Ail = fn(&mut Gathered);
    let table: &[(&str, Status, &str, Ail)] = &[
        ("doctor.rc-noise", Status::Note, "ssh me@box -- true", |g| g.facts.noise = "hi\n".into()),
        ("doctor.path", Status::Warn, "$SHELL", |g| g.facts.login_path = None),
        ("doctor.setsid", Status::Fail, "command -v setsid", |g| g.facts.setsid = None),
        ("doctor.setsid", Status::Note, "util-linux", |g| g.facts.setsid = Some(String::new())),
        ("doctor.tail", Status::Fail, "command -v tail", |g| g.facts.lacks = vec!["tail".into()]),
        ("doctor.max-sessions", Status::Warn, "MaxSessions 10", |g| {
            g.link.as_mut().expect("a link").channels = Some(Channels { opened: 1, refused: true });
        }),
        ("doctor.max-sessions", Status::Note, "MaxSessions 10", |g| {
            g.link.as_mut().expect("a link").channels = Some(Channels { opened: 5, refused: true });
        }),
        ("doctor.clock", Status::Note, "set-ntp", |g| {
            g.link.as_mut().expect("a link").skew = Some(Skew { ahead: -6 });
        }),
        ("doctor.clock", Status::Warn, "set-ntp", |g| {
            g.link.as_mut().expect("a link").skew = Some(Skew { ahead: 3600 });
        }),
        ("doctor.spool", Status::Fail, "ls -ld", |g| {
            g.facts.unwritable = Some("Permission denied".into());
        }),
        ("doctor.disk", Status::Warn, "df -h", |g| {
            g.facts.disk = Some(Disk { free: 100 << 10, total: 20 << 20 });
        }),
        // One thing is wrong, and it is said once.
        ("doctor.disk", Status::Fail, "longhaul gc", |g| {
            g.facts.disk = Some(Disk { free: 0, total: 20 << 20 });
            g.facts.unwritable = Some("No space left on device".into());
        }),
        ("doctor.inodes", Status::Fail, "df -i", |g| {
            g.facts.inodes = Some(Inodes { free: 0, total: 1000 });
            g.facts.unwritable = Some("No space left on device".into());
        }),
        ("doctor.inodes", Status::Warn, "df -i", |g| {
            g.facts.inodes = Some(Inodes { free: 500, total: 1000 });
        }),
        ("doctor.network-home", Status::Warn, "ln -s", |g| g.facts.file_system = "nfs4".into()),
        ("doctor.logout", Status::Warn, "enable-linger", |g| g.facts.logout = Logout::Kills),
        ("doctor.orphans", Status::Warn, "longhaul adopt box", |g| {
            g.strays = Some(Strays {
                ours: vec!["0123456789".parse().expect("an id")],
                ..Strays::default()
            });
        }),
        ("doctor.orphans", Status::Warn, "kill 12 13", |g| {
            g.strays = Some(Strays { processes: vec![12, 13], ..Strays::default() });
        }),
        ("doctor.agent.codex", Status::Note, "npm install", |g| {
            first_agent(g).found.presence = Presence::Absent;
        }),
        ("doctor.agent.codex", Status::Warn, "chmod +x /bin/codex", |g| {
            first_agent(g).found.presence = Presence::Denied { file: "/bin/codex".into() };
        }),
        ("doctor.agent.codex", Status::Warn, "remote test box --agent codex", |g| {
            let told = Some(VersionTold { status: 127, line: "node: not found".into() });
            first_agent(g).found.presence = Presence::There { file: "/bin/codex".into(), told };
        }),
        ("doctor.agent.codex", Status::Warn, "ssh -t me@box -- codex login", |g| {
            first_agent(g).found.login = None;
        }),
        ("doctor.agent.codex", Status::Note, "codex login", |g| {
            first_agent(g).found.login = None;
            g.facts.system = "Darwin".into();
        }),
    ];
    for (id, status, typed, ail) in table {
        let finding = found(ail);
        assert_eq!((finding.id.as_str(), finding.status), (*id, *status), "{finding:?}");
        let command = finding.command.as_deref().unwrap_or_default();
        assert!(command.contains(typed), "no {typed:?} in {command}");
        assert!(!finding.what.is_empty() && finding.why.ends_with('.'), "{finding:?}");
        assert!(Topic::of(&finding.id).is_some(), "{} has no page", finding.id);
    }
}

fn first_agent(gathered: &mut Gathered) -> &mut AgentFacts {
    gathered.agents.as_mut().and_then(|agents| agents.first_mut()).expect("an agent")
}

#[test]
fn what_the_login_shell_adds_to_the_path_is_told() {
    let finding = found(|gathered| {
        let path = "/home/me/.nvm/bin:/usr/bin:/home/me/.nvm/bin:/opt/bin".to_owned();
        gathered.facts.login_path = Some(path);
    });
    assert_eq!((finding.id.as_str(), finding.status), ("doctor.path", Status::Note));
    assert!(finding.what.ends_with("adds /home/me/.nvm/bin:/opt/bin"), "{}", finding.what);
}

#[test]
fn a_configured_key_is_a_login_and_a_command_of_ones_own_needs_none() {
    let mut gathered = well();
    let agent = first_agent(&mut gathered);
    (agent.found.login, agent.configured) = (None, Some("OPENAI_API_KEY".to_owned()));
    let last = judge(&gathered, &at()).pop().expect("findings");
    assert_eq!(last.status, Status::Ok);
    assert!(last.what.contains("OPENAI_API_KEY of the configuration"), "{last:?}");
    let mut gathered = well();
    let agent = first_agent(&mut gathered);
    agent.search = Search::of(Profile::Generic, "/opt/mine".to_owned());
    agent.found.program = "/opt/mine".to_owned();
    agent.found.presence = Presence::There { file: "/opt/mine".to_owned(), told: None };
    agent.found.login = None;
    let last = judge(&gathered, &at()).pop().expect("findings");
    assert_eq!((last.id.as_str(), last.status), ("doctor.agent.mine", Status::Ok));
}

#[test]
fn the_guard_against_noise_is_the_shells_own() {
    for (shell, word) in [
        ("/usr/bin/fish", "status is-interactive"),
        ("/bin/tcsh", "$?prompt"),
        ("/bin/zsh", ".zshenv"),
        ("/bin/bash", ".bashrc"),
        ("", ".bashrc"),
    ] {
        let finding = found(|gathered| {
            gathered.facts.noise = "\u{1b}[31mwelcome\nto this machine".to_owned();
            gathered.facts.shell = shell.to_owned();
        });
        let command = finding.command.expect("a command");
        assert!(command.contains(word), "{shell}: {command}");
        assert!(!finding.what.contains('\u{1b}'), "{}", finding.what);
    }
}

#[test]
fn this_machine_is_told_what_to_type_without_ssh() {
    let mut gathered = well();
    gathered.link = None;
    gathered.facts.noise = "hi".to_owned();
    gathered.strays =
        Some(Strays { ours: vec!["0123456789".parse().expect("an id")], ..Strays::default() });
    let commands: Vec<String> = judge(&gathered, &Whereabouts::local())
        .into_iter()
        .filter_map(|finding| finding.command)
        .collect();
    assert!(commands.iter().all(|command| !command.contains("ssh ")), "{commands:?}");
    assert!(commands.contains(&"longhaul adopt --local".to_owned()), "{commands:?}");
}

#[test]
fn a_value_that_is_missing_is_found_with_what_to_type() {
    assert_eq!(environment(2, None, &at()).status, Status::Ok);
    let trouble = SessionTrouble::EnvUnavailable {
        name: "TOKEN".to_owned(),
        detail: "the daemon's environment has no TOKEN".to_owned(),
    };
    let finding = environment(2, Some(&trouble), &at());
    assert_eq!((finding.id.as_str(), finding.status), ("doctor.env", Status::Fail));
    assert!(finding.what.contains("TOKEN"), "{finding:?}");
    assert!(finding.command.is_some_and(|typed| typed.contains("longhaul daemon stop")));
    for id in ["doctor.env", "doctor.machine", "doctor.agents"] {
        assert!(Topic::of(id).is_some(), "{id} has no page");
    }
}
