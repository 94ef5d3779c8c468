//! Edits of files as people write them.

mod any_file;
mod files;

use std::path::Path;

use super::*;
use crate::domain::config::{Config, EnvValue, Facts, Role, SourceFile, SshConfigUse, load};
use crate::domain::ids::RemoteName;

fn file(path: &str, role: Role, text: &str) -> SourceFile {
    SourceFile { path: path.into(), role, text: Ok(text.to_owned()) }
}

fn main_file(text: &str) -> SourceFile {
    file("longhaul.ron", Role::Main, text)
}

fn name(text: &str) -> RemoteName {
    text.parse().unwrap()
}

fn text(text: &str) -> Option<Literal> {
    Some(Literal::Text(text.to_owned()))
}

fn field(field: Field, value: Option<Literal>) -> Assignment {
    Assignment::Field(field, value)
}

fn new(remote: &str, assignments: &[Assignment]) -> NewRemote {
    NewRemote { name: name(remote), assignments: assignments.to_vec() }
}

fn add(remotes: &[NewRemote]) -> Request {
    Request::Add(remotes.to_vec())
}

fn set(remote: &str, assignments: &[Assignment]) -> Request {
    Request::Set { name: name(remote), assignments: assignments.to_vec() }
}

fn home() -> Option<&'static Path> {
    Some(Path::new("/home/me"))
}

fn config(text: &str) -> Config {
    match load(&[main_file(text)], home(), &Facts::default()) {
        Ok(loaded) => loaded.config,
        Err(report) => panic!("{report}\n{text}"),
    }
}

/// The text after the edit.
#[track_caller]
fn after(before: &str, request: &Request) -> String {
    match plan(&[main_file(before)], home(), request) {
        Ok(edit) => edit.text,
        Err(error) => panic!("{error}\n{before}"),
    }
}

/// The lines that the edit took out and put in.
#[track_caller]
fn changes(before: &str, request: &Request) -> String {
    match plan(&[main_file(before)], home(), request) {
        Ok(edit) => edit.lines.iter().fold(String::new(), |all, line| {
            let sign = if line.is_new { '+' } else { '-' };
            format!("{all}{sign}{} {}\n", line.number, line.text)
        }),
        Err(error) => format!("{error}\n"),
    }
}

/// What a request means, told of the configuration instead of the text.
fn meant(mut config: Config, request: &Request) -> Config {
    match request {
        Request::Add(remotes) => {
            for NewRemote { name, assignments } in remotes {
                let mut remote = crate::domain::config::Remote::new(name.as_str());
                assignments.iter().for_each(|it| assign(name, &mut remote, it));
                config.remotes.insert(name.clone(), remote);
            }
        }
        Request::Set { name, assignments } => {
            let remote = config.remotes.get_mut(name).unwrap();
            assignments.iter().for_each(|it| assign(name, remote, it));
        }
        Request::Remove(name) => drop(config.remotes.remove(name)),
        Request::Default(default) => config.default_remote.clone_from(default),
    }
    config
}

fn assign(name: &RemoteName, remote: &mut crate::domain::config::Remote, it: &Assignment) {
    let (field, value) = match it {
        Assignment::Field(field, value) => (field, value),
        Assignment::Env(variable, None) => return drop(remote.env.remove(variable)),
        Assignment::Env(variable, Some(source)) => {
            let value = match source {
                EnvSource::Variable(name) => EnvValue::FromEnv(name.clone()),
                EnvSource::File(path) => EnvValue::FromFile(path.into()),
            };
            remote.env.insert(variable.clone(), value);
            return;
        }
    };
    let text = match value {
        Some(Literal::Text(text) | Literal::File(text)) => Some(text.clone()),
        _ => None,
    };
    match field {
        Field::Label => remote.label = text,
        Field::Host => remote.host = text.unwrap_or_else(|| name.as_str().to_owned()),
        Field::Port => {
            remote.port = match value {
                Some(Literal::Number(port)) => Some(*port),
                _ => None,
            }
        }
        Field::User => remote.user = text,
        Field::IdentityFile => remote.identity_file = text.map(Into::into),
        Field::WorkingDir => remote.working_dir = text,
        Field::Enabled => remote.enabled = *value != Some(Literal::Flag(false)),
        Field::SshConfig => {
            remote.ssh_config = match (value, text) {
                (Some(Literal::Word(_)), _) => SshConfigUse::Off,
                (_, Some(path)) => SshConfigUse::File(path.into()),
                _ => SshConfigUse::On,
            }
        }
        Field::StartWithin => {
            remote.start_within = text.map(|text| humantime::parse_duration(&text).unwrap());
        }
        Field::MaxOutput => remote.max_output = text.map(|text| text.parse().unwrap()),
        Field::Tags => {
            remote.tags = match value {
                Some(Literal::Texts(tags)) => tags.iter().map(|tag| tag.parse().unwrap()).collect(),
                _ => Default::default(),
            }
        }
        Field::MaxSessions => remote.max_sessions = count(value),
        Field::Slots => remote.slots = count(value),
    }
}

fn count(value: &Option<Literal>) -> Option<u32> {
    match value {
        Some(Literal::Count(count)) => Some(*count),
        _ => None,
    }
}

#[test]
fn each_layout_is_gone_on_with() {
    let one = add(&[new("n", &[field(Field::Port, Some(Literal::Number(22)))])]);
    let two = add(&[new("n", &[]), new("m", &[])]);
    for (before, request, wanted) in [
        ("(version: 1)", &one, "(version: 1, remotes: { \"n\": (port: 22) })"),
        ("(version: 1,)", &one, "(version: 1, remotes: { \"n\": (port: 22) },)"),
        ("(version: 1, remotes: {})", &two, "(version: 1, remotes: { \"n\": (), \"m\": () })"),
        ("(version: 1, remotes: None)", &two, "(version: 1, remotes: { \"n\": (), \"m\": () })"),
        (
            "(\n  version: 1,\n  remotes: {},\n)",
            &two,
            "(\n  version: 1,\n  remotes: {\n    \"n\": (),\n    \"m\": (),\n  },\n)",
        ),
        (
            "(\n\tversion: 1\n)\n",
            &one,
            "(\n\tversion: 1,\n\tremotes: {\n\t\t\"n\": (port: 22),\n\t},\n)\n",
        ),
        (
            "(version: 1, remotes: { \"a\": (), /* x */ })",
            &one,
            "(version: 1, remotes: { \"a\": (), /* x */ \"n\": (port: 22), })",
        ),
        (
            "(version: 1, remotes: Some({\"a\": () // last\r\n}))",
            &one,
            "(version: 1, remotes: Some({\"a\": (), // last\r\n    \"n\": (port: 22),\r\n}))",
        ),
        (
            "(version: 1, remotes: {\n  \"a\": (),\n  \"b\": () })",
            &two,
            "(version: 1, remotes: {\n  \"a\": (),\n  \"b\": (),\n  \"n\": (),\n  \"m\": () })",
        ),
        (
            "(version: 1, remotes: { /* none\nyet */ })",
            &one,
            "(version: 1, remotes: { /* none\nyet */\n    \"n\": (port: 22) })",
        ),
    ] {
        assert_eq!(after(before, request), wanted, "{before}");
    }
}

#[test]
fn a_field_is_set_replaced_and_taken_out_where_it_is() {
    let port = |port| set("a", &[field(Field::Port, port)]);
    let number = || Some(Literal::Number(2222));
    let whole = |remote: &str| format!("(version: 1, remotes: {{ \"a\": {remote} }})");
    for (before, request, wanted) in [
        ("()", port(number()), "(port: 2222)"),
        ("(port: 22)", port(number()), "(port: 2222)"),
        (
            "Remote(port: Some(22), user: \"x\")",
            port(number()),
            "Remote(port: Some(2222), user: \"x\")",
        ),
        ("(port: None)", port(number()), "(port: 2222)"),
        ("(port: 22, user: \"x\")", port(None), "(user: \"x\")"),
        ("(user: \"x\", port: 22)", port(None), "(user: \"x\")"),
        ("(user: \"x\", port: 22,)", port(None), "(user: \"x\", )"),
        ("(port: 22)", port(None), "()"),
        ("(user: \"x\")", port(None), "(user: \"x\")"),
        ("(user: \"x\", /* p */ port: /* q */ 22)", port(None), "(user: \"x\", /* p */ /* q */ )"),
        (
            "(\n  port: 22, // usual\n  user: \"x\"\n)",
            port(None),
            "(\n  // usual\n  user: \"x\"\n)",
        ),
        ("(\n  user: \"x\",\n  port: // q\n    22,\n)", port(None), "(\n  user: \"x\",\n  // q\n)"),
    ] {
        assert_eq!(after(&whole(before), &request), whole(wanted), "{before}");
    }
}

#[test]
fn variables_are_set_where_they_are_looked_up() {
    let from = |source| set("a", &[Assignment::Env("T".parse().unwrap(), source)]);
    let variable = Some(EnvSource::Variable("U".parse().unwrap()));
    let path = Some(EnvSource::File("/t".to_owned()));
    let whole = |env: &str| format!("(version: 1, remotes: {{ \"a\": ({env}) }})");
    for (before, source, wanted) in [
        ("", &variable, "env: { \"T\": FromEnv(\"U\") }"),
        ("env: {}", &path, "env: { \"T\": FromFile(\"/t\") }"),
        ("env: { \"T\": \"x\" }", &path, "env: { \"T\": FromFile(\"/t\") }"),
        ("env: { \"A\": \"x\", \"T\": \"x\" }", &None, "env: { \"A\": \"x\" }"),
        ("", &None, ""),
    ] {
        assert_eq!(after(&whole(before), &from(source.clone())), whole(wanted), "{before}");
    }
}

#[test]
fn the_default_comes_behind_the_version() {
    let to = |remote: Option<&str>| Request::Default(remote.map(name));
    for (before, request, wanted) in [
        (
            "(\n  version: 1, // v\n\n  remotes: { \"a\": () },\n)",
            to(Some("a")),
            "(\n  version: 1, // v\n  default_remote: \"a\",\n\n  remotes: { \"a\": () },\n)",
        ),
        (
            "(version: 1, remotes: { \"a\": () })",
            to(Some("a")),
            "(version: 1, default_remote: \"a\", remotes: { \"a\": () })",
        ),
        (
            "(remotes: { \"a\": (), \"b\": () }, default_remote: r\"a\", version: 1)",
            to(Some("b")),
            "(remotes: { \"a\": (), \"b\": () }, default_remote: \"b\", version: 1)",
        ),
        (
            "(version: 1, default_remote: \"a\", remotes: { \"a\": () })",
            to(None),
            "(version: 1, remotes: { \"a\": () })",
        ),
    ] {
        assert_eq!(after(before, &request), wanted, "{before}");
    }
}

#[test]
fn a_remote_is_edited_in_the_file_that_has_it() {
    let files = [
        main_file("(version: 1, default_remote: \"a\", remotes: { \"b\": () })"),
        file("conf.d/a.ron", Role::Fragment, "(remotes: { \"a\": () })"),
    ];
    let edit = |request: &Request| plan(&files, home(), request).map(|edit| edit.file);
    let port = [field(Field::Port, Some(Literal::Number(1)))];
    assert_eq!(edit(&set("a", &port)), Ok("conf.d/a.ron".into()));
    assert_eq!(edit(&set("b", &port)), Ok("longhaul.ron".into()));
    assert_eq!(edit(&add(&[new("c", &[])])), Ok("longhaul.ron".into()));
    assert_eq!(edit(&Request::Default(Some(name("b")))), Ok("longhaul.ron".into()));
    assert_eq!(
        edit(&add(&[new("a", &[])])).unwrap_err().to_string(),
        "there is a remote \"a\" already: conf.d/a.ron:1:13"
    );
    assert_eq!(
        edit(&Request::Remove(name("a"))).unwrap_err().to_string(),
        "the remote \"a\" is still named:\n  default_remote, longhaul.ron:1:30"
    );
    let EditError::NoRemote { nearest, .. } =
        edit(&Request::Default(Some(name("bb")))).unwrap_err()
    else {
        panic!("it was found")
    };
    assert_eq!(nearest, None);
}

#[test]
fn what_cannot_be_done_without_harm_is_refused() {
    let port = set("a", &[field(Field::Port, Some(Literal::Number(1)))]);
    let refused = |text: &str| plan(&[main_file(text)], home(), &port).unwrap_err();
    let why = |text| match refused(text) {
        EditError::Unsafe { why, .. } => why,
        other => panic!("{other}"),
    };
    let comment = "(version: 1, remotes: { \"a\": (port: Some( /* c */ 22)) })";
    // What is in the parentheses is replaced, the comment is not.
    assert!(plan(&[main_file(comment)], home(), &port).is_ok());
    let inside = "(version: 1, remotes: { \"a\": (ssh_config: File(/* c */ \"/x\")) })";
    let off = set("a", &[field(Field::SshConfig, Some(Literal::Word("Off")))]);
    let error = plan(&[main_file(inside)], home(), &off).unwrap_err();
    assert!(matches!(error, EditError::Unsafe { why: Unsafe::Comment, .. }), "{error}");
    assert!(matches!(refused("(version: 1, remotes: {"), EditError::Broken { .. }));
    assert!(matches!(refused("(version: 2)"), EditError::Broken { .. }));
    assert_eq!(why("(version: 1, remotes: { \"a\": 7 })"), Unsafe::Shape { what: "the remote" });
    assert_eq!(off.by_hand(), "in the remote \"a\", put\n  ssh_config: Off,");
}

#[test]
fn no_value_of_a_variable_is_in_what_is_shown() {
    let before = "(version: 1, remotes: { \"a\": (env: { \"T\": \"hunter2\" }) })";
    let port = set("a", &[field(Field::Port, Some(Literal::Number(1)))]);
    let shown = changes(before, &port);
    assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
}
