//! The README says what the program says.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use longhaul::domain::failure::explain::table;

const BEGIN: &str = "<!-- failures:begin -->\n";
const END: &str = "<!-- failures:end -->";

/// `BLESS=1 cargo test --test readme` writes the table instead of comparing it.
#[test]
fn the_failure_table_is_the_catalogues() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).expect("the README is there");
    let (before, rest) = readme.split_once(BEGIN).expect("the README marks the table's beginning");
    let (found, after) = rest.split_once(END).expect("the README marks the table's end");
    let table = table();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
        return;
    }
    let odd = found.trim().lines().find(|row| !table.lines().any(|line| line == *row));
    assert!(
        found.trim() == table.trim(),
        "the README differs in {odd:?}; `BLESS=1 cargo test --test readme` mends it"
    );
}

/// Lines of the README's code blocks in `language`.
fn blocks(language: &str) -> Vec<&'static str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in include_str!("../README.md").lines() {
        match line.strip_prefix("```") {
            Some(word) => inside = word == language,
            None if inside => lines.push(line),
            None => {}
        }
    }
    lines
}

#[test]
fn every_command_it_shows_is_one() {
    let commands: Vec<_> =
        blocks("sh").into_iter().filter_map(|line| line.strip_prefix("longhaul ")).collect();
    assert!(commands.len() > 10, "only {commands:?}");
    for command in commands {
        let command = command.split('#').next().unwrap_or_default();
        // What comes after `--` is somebody else's.
        let ours = command.split(" -- ").next().unwrap_or_default();
        let families = ["agent", "config", "daemon", "remote"];
        let words: Vec<_> = ours.split_whitespace().collect();
        let verb = if families.contains(&words[0]) { &words[..2] } else { &words[..1] };
        let help = Command::new(env!("CARGO_BIN_EXE_longhaul")).args(verb).arg("--help").output();
        let help = help.expect("the program runs");
        assert!(help.status.success(), "longhaul {command}");
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        for option in words.iter().filter(|word| word.starts_with('-')) {
            assert!(
                text.contains(&format!("{option} ")) || text.contains(&format!("{option},")),
                "{option} of longhaul {command}"
            );
        }
    }
}

#[test]
fn the_configuration_it_shows_can_be_taken() {
    let home = tempfile::tempdir().expect("a folder");
    let ssh = home.path().join(".ssh");
    let key = ssh.join("id_gpu");
    fs::create_dir(&ssh).expect("a folder");
    // Only that it is there and nobody else's is looked at.
    fs::write(&key, "").expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode");
    let file = home.path().join("longhaul.ron");
    fs::write(&file, blocks("ron").join("\n")).expect("a file");
    let check = Command::new(env!("CARGO_BIN_EXE_longhaul"))
        .args(["config", "check"])
        .arg(&file)
        .env("HOME", home.path())
        .output()
        .expect("the program runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

#[test]
fn every_dependency_has_its_reason() {
    let (_, rows) = include_str!("../README.md").split_once("## Dependencies").expect("a section");
    let told: BTreeSet<_> =
        rows.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    let mut used = BTreeSet::new();
    let mut inside = false;
    for line in include_str!("../Cargo.toml").lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| inside) {
            used.insert(name);
        }
    }
    assert_eq!(told, used);
}
