//! Requests that name what there is not, and configurations that cannot be taken.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::Bench;
use crate::row::{Row, is_final, waits};
use crate::support::config::Entry;
use crate::support::must::Must;
use crate::support::sshd::Setup;

/// Names that are nobody's.
pub(crate) fn names(bench: &mut Bench) -> Vec<Row> {
    let port = bench.sshd(&Setup::default()).port();
    bench.remote("good", port);
    let disabled = Entry::remote("disabled", port, &bench.home.identity()).raw("enabled", "false");
    bench.add(disabled);
    let resolve = "resolve";
    vec![
        Row::request(
            "goood",
            &["--", "true"],
            is_final("remote.unknown", resolve)
                .says("did you mean good?")
                .remedy("longhaul remote ls"),
        ),
        Row::request(
            "disabled",
            &["--", "true"],
            is_final("remote.disabled", resolve).remedy("longhaul remote enable disabled"),
        ),
        Row::request(
            "good",
            &["--agent", "claud", "--prompt", "hello"],
            is_final("agent.unknown", resolve)
                .says("did you mean claude?")
                .remedy("longhaul agent ls"),
        )
        .tested_with(&["--agent", "claud"]),
    ]
}

/// A line of `~/.ssh/config` that nobody understands; it is in the way of all hosts.
pub(crate) fn ssh_config(bench: &mut Bench) -> Vec<Row> {
    let port = bench.sshd(&Setup::default()).port();
    bench.host_at("misread", port, &["ConnectTimeout soon"]);
    let told = waits("ssh.config.invalid", "config")
        .says("line 2")
        .remedy("ssh -G -F")
        .remedy("longhaul remote reconnect misread");
    vec![Row::link("misread", told)]
}

/// An edit that is not taken is told wherever the configuration is looked at. No
/// session has it, for the last good configuration stays in force.
#[test]
fn a_configuration_that_cannot_be_taken_is_told_by_its_code() {
    const CODE: &str = "config.invalid";
    let mut bench = Bench::new();
    bench.start();
    let home = &bench.home;
    let file = home.longhaul(&["config", "path"]).exited(0).out().trim_end().to_owned();
    fs::write(&file, "(version: 1, remotes: { \"box\": (prot: 22) })\n").must("break it");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).must("set its mode");
    let is_told = |failure: &serde_json::Value, place: &str| {
        assert_eq!(failure["code"], CODE, "{place}: {failure:#}");
        assert_eq!(failure["stage"], "config", "{place}");
        assert_eq!(failure["disposition"], "waits-for-you", "{place}");
        assert!(failure["evidence"].as_str().is_some_and(|told| told.contains("prot")), "{place}");
        let remedy = failure["remedy"].as_str().unwrap_or_default();
        assert!(remedy.contains("longhaul config check"), "{place}: {remedy}");
    };
    home.longhaul(&["config", "reload"]).exited(1).says("prot").says(CODE);
    home.longhaul(&["config", "check"]).exited(1).says("prot").says(CODE);
    let check = home.longhaul(&["config", "check", "--json"]).exited(1).json();
    is_told(&check["failure"], "config check");
    is_told(&home.longhaul(&["config", "show", "--json"]).exited(1).json()["failure"], "show");
    is_told(&home.json(&["status"])["config"]["failure"], "status");
    assert!(home.longhaul(&["status"]).exited(0).out().contains(CODE));
    let page = home.longhaul(&["explain", CODE]).exited(0).out();
    assert!(page.contains("longhaul config check"), "{page}");
}
