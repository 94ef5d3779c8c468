//! Tables, and `ssh-keygen -F` for a second opinion.

use std::process::Command;

use proptest::prelude::*;

use super::*;

const ED: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

fn key(text: &str) -> PublicKey {
    PublicKey::from_openssh(text).unwrap()
}

fn verdict(text: &str, name: &str) -> String {
    let entries = parse(Path::new("f"), text);
    match judge(&entries, name, &key(ED)) {
        Verdict::Known => "known".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
        Verdict::Changed(entry) => format!("changed {}", entry.line),
        Verdict::Revoked(entry) => format!("revoked {}", entry.line),
    }
}

#[test]
fn a_host_is_found_by_all_the_ways_to_name_it() {
    let cases = [
        ("host", "host", "known"),
        ("HOST", "host", "known"),
        ("other", "host", "unknown"),
        ("a,host,b", "host", "known"),
        ("h*", "host", "known"),
        ("h?st", "host", "known"),
        ("*.example", "a.example", "known"),
        ("*.example,!b.example", "a.example", "known"),
        ("*.example,!b.example", "b.example", "unknown"),
        ("!b.example,*.example", "b.example", "unknown"),
        ("!b.example", "a.example", "unknown"),
        ("[host]:2222", "[host]:2222", "known"),
        ("[host]:2222", "host", "unknown"),
        ("[host]:2222", "[host]:22", "unknown"),
        ("[*]:2222", "[host]:2222", "known"),
        // By its plain name on another port.
        ("host", "[host]:2222", "known"),
        ("::1", "::1", "known"),
        ("[::1]:2222", "[::1]:2222", "known"),
        ("::1", "[::1]:2222", "known"),
    ];
    for (hosts, name, expected) in cases {
        assert_eq!(verdict(&format!("{hosts} {ED}\n"), name), expected, "{hosts} {name}");
    }
}

#[test]
fn what_the_lines_together_mean() {
    let cases = [
        ("no entry", String::new(), "unknown"),
        ("another key", format!("host {OTHER}"), "changed 1"),
        ("another type", format!("host {ECDSA}"), "changed 1"),
        ("one of several", format!("host {OTHER}\nhost {ECDSA}\nhost {ED}"), "known"),
        ("the same type is shown", format!("host {ECDSA}\nhost {OTHER}"), "changed 2"),
        ("all lines count", format!("# c\n\n\t# d\n\nhost {OTHER}"), "changed 5"),
        ("revoked", format!("host {ED}\n@revoked host {ED}"), "revoked 2"),
        ("revoked everywhere", format!("@revoked * {ED}"), "revoked 1"),
        ("revoked elsewhere", format!("@revoked other {ED}\nhost {ED}"), "known"),
        ("another is revoked", format!("@revoked host {OTHER}\nhost {ED}"), "known"),
        ("only a revoked one", format!("@revoked host {OTHER}"), "unknown"),
        ("an authority is no host key", format!("@cert-authority host {ED}"), "unknown"),
        ("no other marker", format!("@nonsense host {ED}"), "unknown"),
        ("a comment", format!("host {ED} comment with # in it"), "known"),
        ("tabs and leading blanks", format!(" \thost\t{}\t", ED.replace(' ', "\t")), "known"),
        ("windows line ends", format!("other {ED}\r\nhost {ED}\r\n"), "known"),
        ("a line that is none", "host ssh-ed25519 junk".to_owned(), "unknown"),
        ("no key", "host".to_owned(), "unknown"),
        ("a key of another name", format!("host ssh-rsa {}", &ED[12..]), "unknown"),
        ("junk before", format!("\u{fffd}\u{0}\nhost {ED}"), "known"),
        ("no last line end", format!("host {ED}"), "known"),
    ];
    for (what, text, expected) in cases {
        assert_eq!(verdict(&text, "host"), expected, "{what}");
    }
}

#[test]
fn the_plain_name_can_only_confirm() {
    let name = "[host]:2222";
    assert_eq!(verdict(&format!("host {OTHER}"), name), "unknown");
    assert_eq!(verdict(&format!("[host]:2222 {OTHER}\nhost {ED}"), name), "changed 1");
    assert_eq!(verdict(&format!("@revoked host {ED}"), name), "revoked 1");
}

#[test]
fn the_name_has_the_port_unless_it_is_22() {
    let cases = [
        ("Host", 22, "host"),
        ("host", 2222, "[host]:2222"),
        ("::1", 22, "::1"),
        ("::1", 2222, "[::1]:2222"),
    ];
    for (name, port, expected) in cases {
        assert_eq!(lookup_name(name, port), expected);
    }
}

/// A file in which ssh-keygen has hashed the names.
#[test]
fn hashed_names_are_found_as_ssh_keygen_finds_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    std::fs::write(&file, format!("host,[host]:2222 {ED}\nother.example {ED}\n")).unwrap();
    let hashed = Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file).output().unwrap();
    assert!(hashed.status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("|1|") && !text.contains("host"), "{text}");
    for name in ["host", "[host]:2222", "other.example", "[host]:22", "nobody"] {
        let ours = parse(&file, &text).iter().any(|entry| entry.is_for(name));
        assert_eq!(ours, keygen_finds(&file, name), "{name}");
    }
}

fn keygen_finds(file: &Path, name: &str) -> bool {
    Command::new("ssh-keygen")
        .arg("-F")
        .arg(name)
        .arg("-f")
        .arg(file)
        .output()
        .unwrap()
        .status
        .success()
}

#[test]
fn patterns_are_matched_as_ssh_keygen_matches_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let lists = [
        "*",
        "h*,!host2",
        "!host2,h*",
        "host?",
        "[h*]:22??",
        "HOST1",
        "a,b,host1",
        "*.example",
        "",
    ];
    let names = ["host1", "host2", "host", "[host]:2222", "x.example", "a"];
    for list in lists {
        let text = format!("{list} {ED}\n");
        std::fs::write(&file, &text).unwrap();
        let entries = parse(&file, &text);
        for name in names {
            let ours = entries.iter().any(|entry| entry.is_for(name));
            assert_eq!(ours, keygen_finds(&file, name), "{list} {name}");
        }
    }
}

#[test]
fn a_line_that_is_written_is_read_back() {
    let named = PublicKey::new(key(ED).key_data().clone(), "a comment");
    let line = line_for("[host]:2222", &named, None).unwrap();
    assert_eq!(line, format!("[host]:2222 {ED}"));
    assert_eq!(verdict(&line, "[host]:2222"), "known");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "\\PC{0,80}", name in "\\PC{0,12}") {
        judge(&parse(Path::new("f"), &text), &name, &key(ED));
    }

    #[test]
    fn junk_around_it_hides_no_changed_key(junk in "[a-z@|# \t]{0,20}") {
        let text = format!("{junk}\nhost {OTHER}\n{junk}\n");
        prop_assert_eq!(verdict(&text, "host"), "changed 2");
    }
}
