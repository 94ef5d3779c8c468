//! What the command gets and what it prints, to the byte.

use longhaul::domain::launch::Stdin;

use crate::bench::Bench;

under_every_shell! {
    arguments_environment_and_input_arrive_as_they_are
    a_locale_of_bytes_changes_nothing
    much_is_no_trouble
    a_flood_on_both_streams_arrives_whole
    the_command_has_three_descriptors_and_a_session_of_its_own
    a_command_may_open_its_streams_anew
}

/// Bytes that a shell could trip over.
fn nasty() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "",
        " ",
        "-n",
        "-e",
        "--",
        "*",
        "~",
        "a b",
        " both ends ",
        "q'q",
        "q\"q",
        "$HOME `id` $(id)",
        "back\\slash",
        "\\",
        "\\\\",
        "\\c",
        "\\n",
        "\\0101",
        "%s%n",
        "!1",
        "#",
        ";",
        "&",
        "end\n",
        "\n\n",
        "one\ntwo\n\n",
        "tab\t",
        "é",
        "日本",
        "\u{1e}",
        "=",
        "a=b",
        ".",
        "x.",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    // Every byte that an argument may hold; in UTF-8 most of these are none.
    values.push((1..=255).collect());
    values.push((1..=255).rev().collect());
    values
}

fn arguments_environment_and_input_arrive_as_they_are(bench: &mut Bench) {
    everything_arrives(bench);
}

fn a_locale_of_bytes_changes_nothing(bench: &mut Bench) {
    bench.environment.insert("LC_ALL".to_owned(), "C".into());
    everything_arrives(bench);
}

fn everything_arrives(bench: &Bench) {
    let script = "cat /proc/$$/cmdline; cat /proc/$$/environ >&2; cat";
    let mut launch = bench.command(&["/bin/sh", "-c", script]);
    launch.argv.extend(nasty());
    let named = |(at, value)| (format!("_N{at}"), value);
    launch.env = nasty().into_iter().enumerate().map(named).collect();
    let data = [(0..=255).collect::<Vec<u8>>(), b"\\c\\0\n\0\n\n".to_vec()].concat();
    launch.stdin = Stdin::Data(data.clone());
    let said = bench.start(&launch).finish();
    let arguments: Vec<u8> =
        launch.argv.iter().flat_map(|arg| [arg.as_slice(), b"\0"].concat()).collect();
    assert_eq!(said.out, [arguments, data].concat());
    let environ: Vec<&[u8]> = said.err.split(|byte| *byte == 0).collect();
    for (name, value) in launch.env {
        let entry = [name.as_bytes(), b"=", &value].concat();
        assert!(
            environ.contains(&entry.as_slice()),
            "{name}={:?}",
            value.escape_ascii().to_string()
        );
    }
    assert_eq!(said.record(), "code 0 run");
}

fn much_is_no_trouble(bench: &mut Bench) {
    let long = "x".repeat(100 * 1024);
    let mut launch = bench.command(&["/bin/sh", "-c", r#"echo "${#1} $V0 $V499""#, "sh", &long]);
    launch.env =
        (0..500).map(|at| (format!("V{at}"), format!("value {at}").into_bytes())).collect();
    let said = bench.start(&launch).finish();
    assert_eq!((said.out().as_str(), said.err().as_str()), ("102400 value 0 value 499\n", ""));
}

fn a_flood_on_both_streams_arrives_whole(bench: &mut Bench) {
    let numbers = |from: u32| (from..from + 300_000).map(|n| format!("{n}\n")).collect::<String>();
    let mut talk = bench.start_script("seq 100000 399999 & seq 500000 799999 >&2; wait");
    talk.line("claimed");
    talk.write(b"follow\n");
    let said = talk.hear_out();
    assert_eq!(said.record(), "code 0 run");
    assert!(said.out() == numbers(100_000), "{} bytes of output", said.out.len());
    assert!(said.err() == numbers(500_000), "{} bytes of error output", said.err.len());
}

fn the_command_has_three_descriptors_and_a_session_of_its_own(bench: &mut Bench) {
    let script = r#"
        read -r stat </proc/$$/stat; set -- ${stat##*) }; echo "$$ $3 $4"
        while read -r key value; do [ "$key" = SigIgn: ] && echo "ignored $value"; done </proc/$$/status
        umask; pwd; echo "$LONGHAUL_SESSION""#;
    let said = bench.start_script(script).finish();
    let (pid, id) = (bench.pid(), bench.id.clone());
    let out = said.out();
    let lines: Vec<&str> = out.lines().collect();
    let home = bench.home();
    assert_eq!(lines[0], format!("{pid} {pid} {pid}"), "{out}");
    // INT is bit 1, QUIT is bit 2: neither is ignored.
    let ignored = lines[1].strip_prefix("ignored ").expect("a mask");
    assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & 0b110, 0, "{out}");
    bench.next_session();
    let descriptors = "fd=3; while [ $fd -lt 300 ]; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; fd=$((fd + 1)); done";
    assert_eq!(bench.start_script(descriptors).finish().out(), "");
    let umask = std::process::Command::new("sh").args(["-c", "umask"]).output().unwrap().stdout;
    assert_eq!(lines[2], String::from_utf8(umask).unwrap().trim(), "{out}");
    assert_eq!(lines[3..], [home.to_str().unwrap(), id.as_str()], "{out}");
}

/// What cannot be had from a file: a stream that is opened anew for writing
/// without `>>` begins from nothing.
fn a_command_may_open_its_streams_anew(bench: &mut Bench) {
    let said =
        bench.start_script("echo a; echo b >>/dev/stdout; echo c; echo d >>/dev/stderr").finish();
    assert_eq!((said.out().as_str(), said.err().as_str()), ("a\nb\nc\n", "d\n"));
    bench.next_session();
    let said = bench.start_script("echo a >&2; echo b >/dev/stderr; echo c >&2").finish();
    assert_eq!(said.err(), "b\nc\n");
}
