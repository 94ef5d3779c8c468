//! What the account's environment has, and what the user sets.

use std::fs;

use longhaul::domain::config::EnvName;

use crate::bench::Bench;
use crate::shell::Shell;

under_every_shell! {
    what_the_account_exports_reaches_the_command
    any_name_may_be_set
    the_users_path_wins_over_the_probed_one
    the_probed_path_wins_over_sshds
    a_programs_name_may_look_like_an_option
    settings_that_change_shells_change_nothing
}

/// No variable of the programs is one of these.
fn what_the_account_exports_reaches_the_command(bench: &mut Bench) {
    let names = [
        "p", "v", "id", "root", "cwd", "path", "arg", "env", "data", "out", "err", "line", "key",
        "value", "pid", "code", "kind", "stage", "spool", "nonce", "found", "LC_ALL", "TMOUT",
        "one",
    ];
    for name in names {
        bench.environment.insert(name.to_owned(), format!("the account's {name}").into());
    }
    bench.environment.insert("TMOUT".to_owned(), "600".into());
    bench.environment.insert("LC_ALL".to_owned(), "C.UTF-8".into());
    let said = bench.start(&bench.command(&["env"])).finish();
    let out = said.out();
    for name in names {
        let value = bench.environment[name].to_str().unwrap();
        assert!(out.lines().any(|line| line == format!("{name}={value}")), "{name} in\n{out}");
    }
    assert!(!out.contains(crate::bench::nonce().as_str()), "{out}");
}

fn any_name_may_be_set(bench: &mut Bench) {
    let names = [
        "id",
        "spool",
        "path",
        "found",
        "setsid",
        "stat",
        "i",
        "HOME",
        "IFS",
        "ENV",
        "BASH_ENV",
        "CDPATH",
        "PWD",
        "PS1",
        "PS4",
        "TMOUT",
        "LC_ALL",
        "LANG",
        "MAIL",
        "COLUMNS",
        "http_proxy",
        "USER",
        "LOGNAME",
        "SHELL",
        "TERM",
        "OPTARG",
        "HISTFILE",
        "FPATH",
        "POSIXLY_CORRECT",
        "ZSH_VERSION",
    ];
    for name in names {
        assert!(name.parse::<EnvName>().is_ok(), "{name}");
    }
    let mut launch = bench.command(&["env"]);
    launch.env = names.map(|name| (name.to_owned(), b"17".to_vec())).into();
    let said = bench.start(&launch).finish();
    assert_eq!((said.record(), said.err().as_str()), ("code 0 run", ""));
    for name in names {
        let is_set = said.out().lines().any(|line| line == format!("{name}=17"));
        // ksh93 does not take a locale that the machine lacks.
        let expected = name != "LC_ALL" || bench.shell != Shell::Ksh93;
        assert_eq!(is_set, expected, "{name} in\n{}", said.out());
    }
    let mark = format!("LONGHAUL_SESSION={}", bench.id.as_str());
    assert!(said.out().lines().any(|line| line == mark), "{}", said.out());
}

/// Where a program `tool` says `text`.
fn place(bench: &Bench, name: &str, text: &str) -> String {
    let folder = bench.home().join(name);
    fs::create_dir(&folder).unwrap();
    fs::rename(bench.script("tool", &format!("echo {text}")), folder.join("tool")).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn the_users_path_wins_over_the_probed_one(bench: &mut Bench) {
    let (users, probed) = (place(bench, "u", "user"), place(bench, "p", "probe"));
    let mut launch = bench.command(&["tool"]);
    launch.path = Some(probed);
    // And nothing else need be in it.
    launch.env = vec![("PATH".to_owned(), users.into_bytes())];
    assert_eq!(bench.start(&launch).finish().out(), "user\n");
}

fn the_probed_path_wins_over_sshds(bench: &mut Bench) {
    let (sshds, probed) = (place(bench, "s", "sshd"), place(bench, "p", "probe"));
    bench.environment.insert("PATH".to_owned(), format!("{sshds}:/usr/bin:/bin").into());
    let mut launch = bench.command(&["tool"]);
    assert_eq!(bench.start(&launch).finish().out(), "sshd\n");
    bench.next_session();
    launch.id = bench.id.clone();
    launch.path = Some(probed);
    assert_eq!(bench.start(&launch).finish().out(), "probe\n");
}

fn a_programs_name_may_look_like_an_option(bench: &mut Bench) {
    fs::rename(bench.script("tool", r#"echo "$@""#), bench.home().join("--help")).unwrap();
    let mut launch = bench.command(&["--help", "-a", "--", "b"]);
    launch.path = Some(format!("{}:/usr/bin:/bin", bench.home().display()));
    assert_eq!(bench.start(&launch).finish().out(), "-a -- b\n");
}

fn settings_that_change_shells_change_nothing(bench: &mut Bench) {
    let shout = bench.script("shout", "echo shouted; echo shouted >&2");
    for (name, value) in [
        ("IFS", "aeiou/."),
        ("CDPATH", "/:/usr"),
        ("ENV", shout.to_str().unwrap()),
        ("BASH_ENV", shout.to_str().unwrap()),
        // bash sets these options, and no other shell knows of them.
        ("SHELLOPTS", "noclobber:xtrace:verbose:noglob:nounset:allexport"),
        ("POSIXLY_CORRECT", "1"),
        // bash gives up reading after so many seconds.
        ("TMOUT", "1"),
    ] {
        bench.environment.insert(name.to_owned(), value.into());
    }
    fs::create_dir(bench.home().join("usr")).unwrap();
    let mut launch = bench.command(&["/bin/dash", "-c", "pwd; sleep 1.5; echo $-; exit 7"]);
    launch.cwd = Some("usr".to_owned());
    let mut talk = bench.start(&launch);
    talk.line("claimed");
    talk.write(b"follow\n");
    let said = talk.hear_out();
    assert_eq!(said.record(), "code 7 run");
    let expected = format!("{}/usr\n\n", bench.home().display());
    assert_eq!((said.out(), said.err().as_str()), (expected, ""));
}
