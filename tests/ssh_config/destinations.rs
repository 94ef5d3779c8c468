//! Destinations as they may be written, compared with the ssh of this machine.

use std::process::Command;

const LONGHAUL: &str = env!("CARGO_BIN_EXE_longhaul");

/// Who and where, or nothing where it is refused.
fn said(mut command: Command) -> Option<Vec<String>> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = |line: &&str| {
        ["user ", "hostname ", "port "].iter().any(|keyword| line.starts_with(keyword))
    };
    let mut lines: Vec<String> = text.lines().filter(wanted).map(str::to_owned).collect();
    lines.sort();
    output.status.success().then_some(lines)
}

#[test]
fn the_ssh_of_this_machine_takes_the_same_destinations() {
    for destination in [
        "box",
        "u@box",
        "u@",
        "u@h@",
        "u@h@box",
        "",
        "@box",
        "-x",
        " ",
        "a b",
        "u@ ",
        ":22",
        "box:22",
        "::1",
        "[::1]",
        "ssh://",
        "ssh://box",
        "ssh://u@",
        "ssh://u@box:2200",
        "ssh://box:0",
        "ssh://[::1]:22",
        "BOX",
        "u;x@box",
        "box;x",
    ] {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-G", "--", destination]);
        let mut ours = Command::new(LONGHAUL);
        ours.args(["ssh-config", "-F", "none", "--", destination]);
        assert_eq!(said(ours), said(ssh), "{destination:?}");
    }
}
