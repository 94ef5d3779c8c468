//! Edits of two whole files: the annotated example, and one that grew. What is
//! not shown here is as it was.

use super::*;

const EXAMPLE: &str = include_str!("../../../../../config/longhaul.ron");
const MESSY: &str = include_str!("messy.ron");

fn fields() -> [Assignment; 2] {
    [field(Field::User, text("me")), field(Field::Port, Some(Literal::Number(7)))]
}

fn env() -> Assignment {
    Assignment::Env("A".parse().unwrap(), Some(EnvSource::File("/x".to_owned())))
}

/// [`changes`] without the numbers of the lines, which any edit of the example
/// moves.
#[track_caller]
fn unnumbered(before: &str, request: &Request) -> String {
    let changes = changes(before, request);
    changes.lines().fold(String::new(), |all, line| {
        let text = line[1..].trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{all}{}{}\n", &line[..1], &text[1..])
    })
}

fn default(remote: &str) -> Request {
    Request::Default(Some(name(remote)))
}

#[test]
fn the_example_gains_lines_and_loses_none() {
    let one = add(&[new("a", &fields()), new("b", &[])]);
    let added = "+        \"a\": (user: \"me\", port: 7),\n+        \"b\": (),\n";
    assert_eq!(unnumbered(EXAMPLE, &one), added);
    let with = after(EXAMPLE, &one);
    for (request, wanted) in [
        (default("a"), "+    default_remote: \"a\",\n"),
        (
            set("a", &[field(Field::Port, None)]),
            "-        \"a\": (user: \"me\", port: 7),\n+        \"a\": (user: \"me\"),\n",
        ),
        (Request::Remove(name("b")), "-        \"b\": (),\n"),
        (Request::Default(None), ""),
    ] {
        assert_eq!(unnumbered(&with, &request), wanted);
    }
    let none = after(&after(&with, &Request::Remove(name("a"))), &Request::Remove(name("b")));
    assert_eq!(none, EXAMPLE);
}

#[test]
fn the_example_with_all_of_its_lines_in_force_keeps_its_comments() {
    let all = EXAMPLE.replace("//~ ", "");
    let label = [field(Field::Label, None), Assignment::Env("RUST_LOG".parse().unwrap(), None)];
    for (request, wanted) in [
        (add(&[new("b", &[])]), "+        \"b\": (),\n"),
        (
            set("dev-server", &fields()),
            "-            port: 22,\n-            user: \"developer\",\n\
             +            port: 7,\n+            user: \"me\",\n",
        ),
        (
            set("dev-server", &label),
            "-            label: \"Dev Server\",\n-                \"RUST_LOG\": ***,\n",
        ),
        (Request::Default(None), "-    default_remote: \"gpu-box\",\n"),
    ] {
        assert_eq!(unnumbered(&all, &request), wanted);
    }
    let refused = changes(&all, &Request::Remove(name("dev-server")));
    let named = "the remote \"dev-server\" is still named:\n  the agent \"nightly\", longhaul.ron:";
    assert!(refused.starts_with(named), "{refused}");
}

/// Each request with the lines that it changes of [`MESSY`].
fn messy_edits() -> Vec<(Request, &'static str)> {
    vec![
        (
            add(&[new("n", &[])]),
            "-23         \"a.b\": (), \"tiny\": ()  // no comma\n\
             +23         \"a.b\": (), \"tiny\": (),  // no comma\n\
             +25         \"n\": (),\n",
        ),
        (
            set("gpu", &fields()),
            "-10         \"gpu\": ( host: \"gpu.lan\", port: 2_222 /* moved, \"see\" ticket */ , user: \"me\" ),  // the big one\n\
             +10         \"gpu\": ( host: \"gpu.lan\", port: 7 /* moved, \"see\" ticket */ , user: \"me\" ),  // the big one\n",
        ),
        (
            set("gpu", &[env()]),
            "-10         \"gpu\": ( host: \"gpu.lan\", port: 2_222 /* moved, \"see\" ticket */ , user: \"me\" ),  // the big one\n\
             +10         \"gpu\": ( host: \"gpu.lan\", port: 2_222 /* moved, \"see\" ticket */ , user: \"me\",\n\
             +11             env: { \"A\": FromFile(\"/x\") },\n\
             +12         ),  // the big one\n",
        ),
        (
            set("office", &fields()),
            "-20             working_dir: \"~/src\"\n\
             +20             working_dir: \"~/src\",\n\
             +21             user: \"me\",\n\
             +22             port: 7,\n",
        ),
        (
            set("office", &[env()]),
            "-18             env: { \"TOKEN\": ***, \"RUST_LOG\": FromEnv(\"RUST_LOG\"), }, /* both */\n\
             +18             env: { \"TOKEN\": ***, \"RUST_LOG\": FromEnv(\"RUST_LOG\"),\n\
             +19                 \"A\": FromFile(\"/x\"),\n\
             +20             }, /* both */\n",
        ),
        (
            set("office", &[field(Field::IdentityFile, text("/k")), field(Field::Host, None)]),
            "-16             host: r\"10.0.0.7\",   // static, since 2024\n\
             -17             identity_file: None,\n\
             +16             // static, since 2024\n\
             +17             identity_file: \"/k\",\n",
        ),
        (
            set("tiny", &fields()),
            "-23         \"a.b\": (), \"tiny\": ()  // no comma\n\
             +23         \"a.b\": (), \"tiny\": (user: \"me\", port: 7)  // no comma\n",
        ),
        (
            Request::Remove(name("office")),
            "-14         \"office\" : Remote(\n\
             -15             // behind the VPN\n\
             -16             host: r\"10.0.0.7\",   // static, since 2024\n\
             -17             identity_file: None,\n\
             -18             env: { \"TOKEN\": ***, \"RUST_LOG\": FromEnv(\"RUST_LOG\"), }, /* both */\n\
             -19 \n\
             -20             working_dir: \"~/src\"\n\
             -21         )\n\
             -22         ,\n\
             +14         // behind the VPN\n\
             +15         // static, since 2024\n\
             +16         /* both */\n",
        ),
        (
            Request::Remove(name("a.b")),
            "-23         \"a.b\": (), \"tiny\": ()  // no comma\n\
             +23         \"tiny\": ()  // no comma\n",
        ),
        (
            Request::Remove(name("tiny")),
            "-23         \"a.b\": (), \"tiny\": ()  // no comma\n\
             +23         \"a.b\": ()  // no comma\n",
        ),
        (
            default("tiny"),
            "-5 Config(version: 1, default_remote: Some(\"gpu\"), // don't touch\n\
             +5 Config(version: 1, default_remote: Some(\"tiny\"), // don't touch\n",
        ),
        (
            Request::Default(None),
            "-5 Config(version: 1, default_remote: Some(\"gpu\"), // don't touch\n\
             +5 Config(version: 1, // don't touch\n",
        ),
        (default("gpu"), ""),
    ]
}

#[test]
fn a_file_that_grew_changes_in_its_own_lines_only() {
    for (request, wanted) in messy_edits() {
        assert_eq!(changes(MESSY, &request), wanted);
    }
}

#[test]
fn the_ends_of_lines_stay_what_they_are() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    for text in [MESSY, EXAMPLE] {
        for (request, _) in messy_edits().into_iter().take(if text == MESSY { 99 } else { 1 }) {
            assert_eq!(after(&crlf(text), &request), crlf(&after(text, &request)));
        }
    }
}
