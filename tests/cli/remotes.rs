//! Remotes that are listed, imported and edited, by files alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const SSH_CONFIG: &str = "\
Include more.conf
Host *
    User me
Host web1 web2 !old *.lab
    HostName %h.example
    ProxyJump bastion
Host bastion
    Port 2222
Host _dmz
Host lab-*
    Include inner.conf
Match host x
    Port 1
";

/// A home with an ssh_config and, if there is a text, a configuration.
struct Home(tempfile::TempDir);

impl Home {
    fn new(configuration: Option<&str>) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| {
            let path = home.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        write(".ssh/config", SSH_CONFIG);
        write(".ssh/more.conf", "Host nas  # at home\n    HostName 10.0.0.9\n    User admin\n");
        write(".ssh/inner.conf", "Host lab-1 elsewhere\n");
        if let Some(text) = configuration {
            write(".config/longhaul/longhaul.ron", text);
        }
        home
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.path().join(".config/longhaul/longhaul.ron")).unwrap()
    }

    /// Runs it and asserts the exit status; standard output and error.
    #[track_caller]
    fn told(&self, words: &[&str], code: i32) -> impl Future<Output = (String, String)> {
        let caller = std::panic::Location::caller();
        let command = longhaul(self.0.path(), words);
        async move {
            let got = output(command).await;
            let (out, err) = (text(&got.stdout), text(&got.stderr));
            assert_eq!(got.status.code(), Some(code), "{caller}: {out}{err}");
            (out, err)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_every_name_of_ssh_config_with_what_it_comes_to() {
    let home = Home::new(Some("(version: 1, remotes: { \"disk\": (host: \"nas\") })"));
    let (out, _) = home.told(&["remote", "hosts", "--json"], 0).await;
    let hosts: Value = serde_json::from_str(&out).unwrap();
    let of = |host: &Value| {
        let text = |name: &str| host[name].as_str().unwrap_or("-").to_owned();
        let jump = host["jump"][0].as_str().unwrap_or("-");
        format!(
            "{} {} {}@{}:{} {jump}",
            text("name"),
            text("remote"),
            text("user"),
            text("host"),
            host["port"]
        )
    };
    let found: Vec<_> = hosts.as_array().unwrap().iter().map(of).collect();
    let mine = [
        "nas disk admin@10.0.0.9:22 -",
        "web1 - me@web1.example:22 bastion",
        "web2 - me@web2.example:22 bastion",
        "bastion - me@bastion:2222 -",
        "_dmz - me@_dmz:22 -",
        "lab-1 - me@lab-1:22 -",
    ];
    assert_eq!(found[..mine.len()], mine);
    let (table, _) = home.told(&["remote", "hosts"], 0).await;
    assert!(table.starts_with("HOST "), "{table}");
    assert!(table.contains("disk    10.0.0.9"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_makes_a_remote_of_each_host_and_says_which_it_could_not() {
    let home = Home::new(None);
    let (out, _) = home.told(&["remote", "import", "web?", "nas", "--dry-run"], 0).await;
    assert!(out.contains("+         \"web1\": (),\n"), "{out}");
    assert!(!home.0.path().join(".config").exists());
    let words = ["remote", "import", "web?", "_*", "--user", "deploy"];
    let (out, _) = home.told(&words, 0).await;
    assert!(out.starts_with("web1: added\nweb2: added\ndmz: added, for the host _dmz\n"), "{out}");
    let own = "        \"dmz\": (host: \"_dmz\", user: \"deploy\"),\n";
    assert!(home.text().contains(own), "{}", home.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_imported_is_named_and_the_rest_is_added() {
    let home = Home::new(Some("(version: 1, remotes: { \"nas\": (host: \"other\") })"));
    let (out, err) = home.told(&["remote", "import", "nas", "bastion"], 1).await;
    assert!(out.starts_with("bastion: added\nedited "), "{out}");
    assert_eq!(
        err,
        "longhaul: nas is not added: the remote \"nas\" is another host: other\n  \
         try: longhaul remote add OTHER-NAME --host 'nas'\n"
    );
    let (out, err) = home.told(&["remote", "import", "bastion"], 0).await;
    assert_eq!(out, "nothing to add\n");
    assert_eq!(err, "longhaul: bastion is the remote \"bastion\" already\n");
    let (_, err) = home.told(&["remote", "import", "bastoin"], 2).await;
    assert!(err.ends_with("  try: longhaul remote import bastion\n"), "{err}");
    home.told(&["remote", "import"], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remotes_are_edited_and_comments_stay() {
    let home = Home::new(None);
    home.told(&["remote", "add", "gpu", "me@192.0.2.7:2200", "--working-dir", "~/x"], 0).await;
    let mode = fs::metadata(home.0.path().join(".config/longhaul/longhaul.ron")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let entry = "\"gpu\": (host: \"192.0.2.7\", port: 2200, user: \"me\", working_dir: \"~/x\"),";
    assert!(home.text().contains(entry), "{}", home.text());
    home.told(&["remote", "default", "gpu"], 0).await;
    home.told(&["remote", "set", "gpu", "--port", "22", "--unset", "user"], 0).await;
    home.told(&["remote", "set", "gpu", "--env-from", "TOKEN"], 0).await;
    home.told(&["remote", "disable", "gpu"], 0).await;
    let entry = "\"gpu\": (host: \"192.0.2.7\", port: 22, working_dir: \"~/x\",";
    assert!(home.text().contains(entry), "{}", home.text());
    assert!(home.text().contains("env: { \"TOKEN\": FromEnv(\"TOKEN\") }"), "{}", home.text());
    assert!(home.text().contains("enabled: false"));
    home.told(&["remote", "enable", "gpu"], 0).await;
    let (_, again) = home.told(&["remote", "enable", "gpu"], 0).await;
    assert_eq!(again, "longhaul: nothing to change: it says so already\n");
    assert_eq!(home.told(&["remote", "default"], 0).await.0, "gpu\n");
    let (_, err) = home.told(&["remote", "rm", "gpu"], 1).await;
    assert!(err.contains("is still named:\n  default_remote, "), "{err}");
    assert!(err.ends_with("  try: longhaul remote default --none\n"), "{err}");
    home.told(&["remote", "default", "--none"], 0).await;
    home.told(&["remote", "rm", "gpu"], 0).await;
    assert!(home.text().starts_with("// The configuration of longhaul."));
    assert!(
        home.text().ends_with("(\n    version: 1,\n    remotes: {\n    },\n)\n"),
        "{}",
        home.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_told_with_what_to_type_and_nothing_is_written() {
    let before = "(version: 1, remotes: { \"gpu\": () })";
    let home = Home::new(Some(before));
    for (words, code, said) in [
        (&["remote", "add"] as &[&str], 2, "the remote has no name, and there is nobody to ask"),
        (&["remote", "add", "gpu"], 1, "there is a remote \"gpu\" already"),
        (&["remote", "add", "me@box:22"], 2, "try: longhaul remote add box me@box:22"),
        (&["remote", "add", "x", "--host", "me@y"], 1, "= help: write the user as `user: \"…\"`"),
        (&["remote", "add", "x", "-i", "none"], 1, "none does not exist"),
        (&["remote", "set", "gpu"], 2, "nothing is said about gpu"),
        (&["remote", "set", "gpo", "--port", "1"], 1, "; did you mean \"gpu\"?\n"),
        (&["remote", "set", "gpu", "--port", "0"], 2, "0 is not in 1..=65535"),
        (&["remote", "set", "gpu", "--unset", "prot"], 2, "the fields are label, host, port"),
        (&["remote", "set", "gpu", "--env-from", "T=hunter 2"], 2, "written into the file by hand"),
        (&["remote", "rm", "nothing"], 1, "try: one of: gpu"),
        (&["remote", "default", "nothing"], 1, "there is no remote \"nothing\""),
    ] {
        let (_, err) = home.told(words, code).await;
        assert!(err.contains(said) && !err.contains("hunter"), "{words:?}: {err}");
        assert_eq!(home.text(), before, "{words:?}");
    }
    let file = home.0.path().join(".config/longhaul/longhaul.ron");
    fs::hard_link(&file, home.0.path().join("other")).unwrap();
    let (_, err) = home.told(&["remote", "set", "gpu", "--port", "22"], 1).await;
    assert!(err.contains("one of 2 names of one file"), "{err}");
    assert!(
        err.ends_with("try: by hand: in the remote \"gpu\", put\n         port: 22,\n"),
        "{err}"
    );
    let broken = Home::new(Some("(version: 1, remotes: {"));
    let (_, err) = broken.told(&["remote", "add", "x"], 1).await;
    assert!(err.contains("longhaul.ron:1:24"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_says_that_the_daemon_that_runs_reads_another_file() {
    let fake = daemon();
    let got = run(&fake, &["remote", "add", "nas"]).await;
    let said = text(&got.stderr);
    assert_eq!(got.status.code(), Some(0), "{said}");
    assert!(
        said.contains("the daemon that runs reads another file: /etc/longhaul.ron\n"),
        "{said}"
    );
}

/// `remote add` at a terminal that `script`(1) makes; each line is typed when it is
/// asked for. What was shown, and the exit status.
async fn typed_at_a_terminal(home: &Home, lines: &[&str]) -> (String, Option<i32>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let offer = format!("'{}' remote add", env!("CARGO_BIN_EXE_longhaul"));
    let mut command = Command::new("script");
    command.args(["-qec", &offer, "/dev/null"]).env_clear().kill_on_drop(true);
    for (name, value) in longhaul(home.0.path(), &[]).as_std().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("SHELL", "/bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let all = async {
        let (mut shown, mut asked) = (Vec::new(), 0);
        loop {
            let mut part = [0; 1024];
            let length = screen.read(&mut part).await.unwrap();
            if length == 0 {
                break;
            }
            shown.extend(&part[..length]);
            while asked < lines.len() && text(&shown).matches("Which?").count() > asked {
                keys.write_all(format!("{}\n", lines[asked]).as_bytes()).await.unwrap();
                asked += 1;
            }
        }
        (text(&shown), child.wait().await.unwrap().code())
    };
    tokio::time::timeout(LONG, all).await.expect("it hangs")
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_the_hosts_that_are_no_remotes_yet_are_offered() {
    let before = "(\n    version: 1, // mine\n    remotes: {\n        \"nas\": (),\n    },\n)\n";
    let home = Home::new(Some(before));
    let (shown, code) = typed_at_a_terminal(&home, &[""]).await;
    assert_eq!((code, home.text().as_str()), (Some(0), before), "{shown}");
    assert!(shown.contains("web1") && !shown.contains("nas"), "{shown}");
    let (shown, code) = typed_at_a_terminal(&home, &["wbe1", "web1, lab-*"]).await;
    assert!(shown.contains("\"wbe1\" is none of them"), "{shown}");
    assert_eq!(code, Some(0), "{shown}");
    let after = home.text();
    assert!(after.contains("\"web1\": (") && after.contains("\"lab-1\": ("), "{after}");
    assert!(after.contains("version: 1, // mine") && !after.contains("bastion"), "{after}");
    // By its number, and what is left by then.
    let (shown, code) = typed_at_a_terminal(&home, &["1"]).await;
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(home.text().matches(": (").count(), after.matches(": (").count() + 1, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_or_a_tag_is_set_and_taken_out_again() {
    let home = Home::new(Some(
        "(\n    version: 1,\n    remotes: {\n        \"nas\": (), // disks\n    },\n)\n",
    ));
    let set = ["remote", "set", "nas", "--tag", "big", "--tag", "disk"];
    home.told(&[&set[..], &["--max-sessions", "4", "--slots", "2"]].concat(), 0).await;
    let text = home.text();
    for part in ["tags: [\"big\", \"disk\"]", "max_sessions: 4", "slots: 2", "// disks"] {
        assert!(text.contains(part), "no {part}: {text}");
    }
    home.told(&["remote", "set", "nas", "--tag", "tape"], 0).await;
    assert!(home.text().contains("tags: [\"tape\"]"), "{}", home.text());
    let take = ["--unset", "tags", "--unset", "slots", "--unset", "max-sessions"];
    home.told(&[&["remote", "set", "nas"][..], &take].concat(), 0).await;
    assert!(!home.text().contains("tags") && !home.text().contains("slots"), "{}", home.text());
    let (_, err) = home.told(&["remote", "set", "nas", "--slots", "0"], 2).await;
    assert!(err.contains("0 is not in 1.."), "{err}");
}
