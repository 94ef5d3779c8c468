use super::*;

fn command(script: &str) -> EnvValue {
    EnvValue::FromCommand(["sh", "-c", script].map(str::to_owned).to_vec())
}

async fn value_of(value: EnvValue) -> Result<String, EnvTrouble> {
    let values = BTreeMap::from([("T".parse().unwrap(), value)]);
    resolve_env(&values).await.map(|found| found["T"].expose().to_owned())
}

#[tokio::test]
async fn each_source_gives_its_value_without_the_last_line_break() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "from a file\n\n").unwrap();
    let path = std::env::var("PATH").unwrap();
    for (value, wanted) in [
        (EnvValue::Plain(Secret::new("as it is\n")), "as it is\n"),
        (EnvValue::FromEnv("PATH".parse().unwrap()), path.as_str()),
        (EnvValue::FromFile(file), "from a file\n"),
        (command("printf 'two\\nlines\\n'"), "two\nlines"),
        (command("printf x; echo hunter2 >&2"), "x"),
    ] {
        assert_eq!(value_of(value).await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_named_and_never_shown() {
    for (value, wanted) in [
        (
            EnvValue::FromEnv("LONGHAUL_NOT_SET".parse().unwrap()),
            "env T: the daemon's environment has no LONGHAUL_NOT_SET",
        ),
        (EnvValue::FromFile("/no/such".into()), "env T: /no/such: there is no such file"),
        (command("echo hunter2; exit 3"), "env T: sh failed: exit status: 3"),
        (command("echo hunter2; kill -9 $$"), "env T: sh failed: signal: 9 (SIGKILL)"),
        (command("printf '\\377'"), "env T: the value is not UTF-8 text"),
        (command("printf 'a\\000b'"), "env T: the value has a NUL in it"),
        (
            EnvValue::FromCommand(vec!["/no/such".into()]),
            "env T: cannot run /no/such: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(value_of(value).await.unwrap_err().to_string(), wanted);
    }
    let long = value_of(command("yes hunter2")).await.unwrap_err();
    assert!(matches!(long.why, EnvTroubleWhy::TooLong), "{long}");
}

/// A pipe that is open for reading as long as any process of a command lives.
#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = format!("exec 3<>'{}'; echo ready >&3; sleep 600 & wait", pipe.display());
    // The grandchild inherits descriptor 3, and ends only by the kill: the
    // writing end here is then refused.
    let arguments = ["-c".to_owned(), script];
    let limit = Duration::from_millis(500);
    let error = from_command("sh", &arguments, limit).await.unwrap_err();
    assert!(matches!(error, EnvTroubleWhy::TimedOut { .. }), "{error}");
    let gone = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let opened = tokio::net::unix::pipe::OpenOptions::new().open_sender(&pipe);
            // ENXIO: nobody has it open.
            if opened.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
    gone.await.expect("a process of the command is still there");
}
