//! The rule, held; and the reader that holds it, tried on what breaks it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::rule::{IMPURE, IMPURE_METHODS, MAX_LINES, MAY_REACH, OWNED};
use super::source::{Names, names};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every file below `src`, by its path from there.
fn sources() -> BTreeMap<String, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let relative = |file: &Path| file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|file| (relative(file), fs::read_to_string(file).unwrap())).collect()
}

/// `api/client/mod.rs` is the module `api::client`; `lib.rs` is the root.
fn module_of(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

/// Whether the path `of` is `name` or lies below it.
fn is_in(of: &[String], name: &str) -> bool {
    let name: Vec<_> = name.split("::").collect();
    of.len() >= name.len() && of.iter().zip(&name).all(|(a, b)| a == b)
}

/// The rows of the table that `module` is below, the longest name first.
fn row(module: &[String]) -> Option<&'static (&'static str, &'static [&'static str])> {
    MAY_REACH.iter().filter(|(name, _)| is_in(module, name)).max_by_key(|(name, _)| name.len())
}

fn top_modules() -> impl Iterator<Item = &'static str> {
    MAY_REACH.iter().filter_map(|(name, _)| name.split("::").next())
}

/// What in one file breaks the rule.
fn violations_in(module: &[String], names: &Names) -> Vec<String> {
    let here = module.join("::");
    let Some((own, reach)) = row(module) else {
        return vec![format!("{here}: this module has no row in MAY_REACH")];
    };
    let mut found = Vec::new();
    for path in &names.paths {
        let shown = path.join("::");
        match path.split_first() {
            // Macros and items of the root itself are not modules.
            Some((first, rest)) if first == "crate" => {
                let is_module = rest.first().is_some_and(|top| top_modules().any(|m| m == top));
                let allowed = is_in(rest, own) || reach.iter().any(|allowed| is_in(rest, allowed));
                if is_module && !allowed {
                    found.push(format!("{here} names {shown}"));
                }
            }
            _ => {
                let impure = *own == "domain" && IMPURE.iter().any(|impure| is_in(path, impure));
                let foreign = |(name, owners): &(&str, &[&str])| {
                    is_in(path, name) && !owners.iter().any(|owner| is_in(module, owner))
                };
                if impure || OWNED.iter().any(foreign) {
                    found.push(format!("{here} names {shown}"));
                }
            }
        }
    }
    if *own == "domain" {
        let impure = |method: &&String| IMPURE_METHODS.contains(&method.as_str());
        found.extend(names.methods.iter().filter(impure).map(|m| format!("{here} calls .{m}()")));
    }
    found
}

/// What in all of `files` breaks the rule.
fn violations(files: &BTreeMap<String, String>) -> Vec<String> {
    let read = |(file, text): (&String, &String)| {
        let module = module_of(file);
        let names = names(text, &module);
        (module, names)
    };
    let all: Vec<_> = files.iter().map(read).collect();
    let for_tests: Vec<String> =
        all.iter().flat_map(|(_, n)| &n.test_modules).map(|path| path.join("::")).collect();
    all.iter()
        .filter(|(module, _)| !module.is_empty())
        .filter(|(module, _)| !for_tests.iter().any(|test| is_in(module, test)))
        .flat_map(|(module, names)| violations_in(module, names))
        .collect()
}

fn one(file: &str, text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(file.to_owned(), text.to_owned())])
}

#[test]
fn modules_reach_only_what_the_rule_lets_them() {
    let found = violations(&sources());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_person_keeps_in_the_head() {
    let long = |(_, text): &(String, String)| text.lines().count() > MAX_LINES;
    let found: Vec<_> = sources().into_iter().filter(long).map(|(file, _)| file).collect();
    assert!(found.is_empty(), "more than {MAX_LINES} lines: {found:?}");
}

#[test]
fn the_sources_are_found() {
    let files = sources();
    assert!(files.contains_key("lib.rs") && files.contains_key("domain/mod.rs"));
    let read: usize = files.iter().map(|(f, t)| names(t, &module_of(f)).paths.len()).sum();
    assert!(read > 100, "only {read} paths in all of src");
}

#[test]
fn each_way_to_break_the_rule_is_found() {
    for (file, text) in [
        ("domain/ids.rs", "use crate::store::Mirror;"),
        ("domain/ids.rs", "use super::super::ssh::Link;"),
        ("domain/ids.rs", "fn f() { crate::api::types::x() }"),
        ("domain/ids.rs", "use crate::{domain::failure, paths};"),
        ("domain/ids.rs", "use std::{fmt, fs::{self, File}};"),
        ("domain/ids.rs", "use std::time::{Duration, Instant};"),
        ("domain/ids.rs", "fn f() { let t = std::time::SystemTime::now(); }"),
        ("domain/ids.rs", "use std::time::SystemTime; fn f() { SystemTime::now(); }"),
        ("domain/ids.rs", "fn f(t: SystemTime) { t.elapsed(); }"),
        ("domain/ids.rs", "fn f() { tokio::spawn(async {}); }"),
        ("domain/ids.rs", "pub use rand as chance;"),
        ("domain/ids.rs", "fn f(p: &Path) -> bool { p.exists() }"),
        ("domain/ids.rs", "mod inner { use super::super::super::cli::x; }"),
        ("domain/mod.rs", "mod a {} use super::cli;"),
        ("ssh/dial.rs", "use crate::store::registry;"),
        ("store/mirror.rs", "use crate::api::types::SessionView;"),
        ("api/types.rs", "use super::server::Server;"),
        ("api/client/mod.rs", "use crate::actors::Supervisor;"),
        ("actors/session.rs", "use crate::api::server;"),
        ("cli/run.rs", "use crate::actors::Supervisor;"),
        ("cli/run.rs", "use crate::api::{client, server};"),
        ("main.rs", "fn main() { longhaul::daemon::run() }"),
        ("cli/demo.rs", "use crate::demo;"),
        ("cli/demo.rs", "use russh::server::Handler;"),
        ("daemon.rs", "fn f() { russh::server::run_stream() }"),
        ("demo/story.rs", "use crate::ssh::dial;"),
        ("demo/story.rs", "use crate::actors::supervisor;"),
        ("actors/session.rs", "use rusqlite::Connection;"),
        ("helpers.rs", "fn f() {}"),
        ("domain/ids.rs", "const C: char = '\"'; use crate::store::x; const D: char = '\"';"),
        ("domain/ids.rs", "fn f<'a>(x: &'a str) {} use crate::store::x;"),
    ] {
        assert!(!violations(&one(file, text)).is_empty(), "{file}: {text}");
    }
}

#[test]
fn what_the_rule_allows_is_not_found() {
    for (file, text) in [
        ("domain/ids.rs", "use super::failure::Failure; use std::net::IpAddr;"),
        ("domain/ids.rs", "// use crate::store::x;\n/* tokio::x /* y */ std::fs */ fn f() {}"),
        ("domain/ids.rs", r####"const X: &str = "crate::store::x \" std::fs";"####),
        ("domain/ids.rs", r####"const X: &str = r#"" crate::store::x"#;"####),
        (
            "domain/ids.rs",
            "#[cfg(test)] pub(crate) mod tests { use std::fs; mod a {} use tokio::x; }",
        ),
        ("domain/ids.rs", "mod inner { use super::super::failure::x; } use super::failure;"),
        ("domain/ids.rs", "use std::time::SystemTime; fn f(t: SystemTime) {}"),
        ("actors/mod.rs", "use crate::{api::{backend, types}, ssh, store as s};"),
        ("cli/run.rs", "use crate::api::client::Client; use crate::daemon;"),
        ("cli/parts.rs", "use crate::demo;"),
        ("demo/server.rs", "use russh::server::Handler; use crate::api::client::Client;"),
        ("main.rs", "fn main() { longhaul::cli::main() }"),
        ("lib.rs", "pub mod cli; pub mod domain;"),
    ] {
        assert_eq!(violations(&one(file, text)), Vec::<String>::new(), "{file}: {text}");
    }
}

#[test]
fn files_that_only_tests_have_are_free() {
    let mut files = one("domain/ids.rs", "#[cfg(test)] mod tests;");
    files.insert("domain/ids/tests.rs".to_owned(), "use std::fs;".to_owned());
    files.insert("domain/ids/more.rs".to_owned(), "use std::env;".to_owned());
    assert_eq!(violations(&files), ["domain::ids::more names std::env"]);
}
