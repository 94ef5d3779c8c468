//! The kept configurations, through their `check.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ssh-config-corpus");
/// What both programs of the comparison have a field for.
const FIELDS: &str = "hostname,port,user,identityfile,identitiesonly,identityagent,\
    certificatefile,proxyjump,proxycommand,userknownhostsfile,globalknownhostsfile,\
    stricthostkeychecking,hostkeyalias,serveraliveinterval,serveralivecountmax,connecttimeout,\
    connectionattempts,forwardagent,addkeystoagent,sendenv,setenv,compression,\
    pubkeyauthentication,preferredauthentications,bindaddress,addressfamily,tcpkeepalive";

fn longhaul(more: &str) -> String {
    format!(
        "{} ssh-config {{host}} -F {{file}} --home {{home}} --local-user {{localuser}} \
         --local-host {{localhost}} [[--user {{user}}]] [[--port {{port}}]] \
         [[--sysfile {{sysfile}}]] {more}",
        env!("CARGO_BIN_EXE_longhaul")
    )
}

/// What `check.py check` says of a program, and whether it found it in order.
fn check(arguments: &[&str], program: &str) -> (bool, String) {
    let output = Command::new("python3")
        .arg(Path::new(CORPUS).join("check.py"))
        .args(["check", "--wrap"])
        .args(arguments)
        .arg(program)
        // Its cache would be written into the corpus.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let trouble = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said + &trouble)
}

#[track_caller]
fn passes(arguments: &[&str], more: &str) {
    let newer = ["--unknown-ok", "--expected", "expected-10.0"];
    let (fine, said) = check(&[&newer, arguments].concat(), &longhaul(more));
    assert!(fine, "{said}");
    let last = said.lines().last().unwrap();
    let passed: usize = last.split(' ').next().unwrap().parse().unwrap();
    assert!(passed > 300, "{last}");
}

#[test]
fn every_kept_answer_is_given() {
    passes(&["--static"], "");
}

#[test]
fn the_ssh_of_this_machine_says_the_same() {
    passes(&[], "");
}

#[test]
fn what_connecting_expands_is_expanded_as_ssh_does() {
    passes(&["--expanded"], "--expanded");
}

/// The figures that the README gives as the reason for reading `ssh_config`
/// ourselves.
#[test]
fn the_readme_says_how_others_fare() {
    let peer: PathBuf = Path::new(env!("CARGO_BIN_EXE_longhaul"))
        .with_file_name("examples")
        .join("ssh2_config_peer");
    assert!(peer.exists(), "build it first: cargo build --examples");
    let peer = format!(
        "{} {{file}} {{home}} {{host}} [[user={{user}}]] [[port={{port}}]]",
        peer.display()
    );
    let ssh = "ssh -G -F {file} [[-l {user}]] [[-p {port}]] -- {host}".to_owned();
    // Their own system files are no option of theirs.
    let categories = [
        "syntax",
        "precedence",
        "patterns",
        "queryforms",
        "match",
        "include",
        "tokens",
        "identity",
        "proxy",
        "knownhosts",
        "connection",
        "session",
        "realistic",
    ];
    let mut rows = String::new();
    for (name, program) in [("longhaul", longhaul("")), ("ssh2-config 0.9", peer), ("ssh 9.2", ssh)]
    {
        let mut arguments = vec!["--static", "--unknown-ok", "--expected", "expected-10.0"];
        arguments.extend(["--missing-ok", "--fill-defaults", "--show", "0", "--fields", FIELDS]);
        for category in categories {
            arguments.extend(["--category", category]);
        }
        let (_, said) = check(&arguments, &program);
        let count = |kind: &str| -> usize {
            let after = said.split_once(&format!("'{kind}': "));
            let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect();
            let digits: String = after.map_or_else(String::new, |(_, rest)| digits(rest));
            digits.parse().unwrap_or(0)
        };
        let last = said.lines().last().unwrap();
        let (passed, failed) = last.trim_end_matches(" failed").split_once(" passed, ").unwrap();
        rows += &format!(
            "| {name} | {passed} | {failed} | {} | {} | {} |\n",
            count("wrong values"),
            count("accepts what ssh rejects"),
            count("rejects what ssh accepts")
        );
    }
    let readme = include_str!("../../README.md");
    let missing = rows.lines().find(|row| !readme.contains(row));
    assert_eq!(missing, None, "the README has other figures than these:\n{rows}");
}
