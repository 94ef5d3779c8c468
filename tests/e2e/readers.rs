//! Many who read, and what they cost the daemon.

use std::fs;

use longhaul::api::client::{Client, OutputQuery};
use longhaul::api::types::Stream;

use crate::support::client_home::ClientHome;
use crate::support::wait::eventually_or;

/// Followers of one session, and sessions of one follower.
const MANY: usize = 300;

/// KiB of memory that a process has now.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn query() -> OutputQuery {
    OutputQuery { stream: Stream::Stdout, offset: 0, limit: None, follow: true }
}

/// Each holds a piece of the output, and none waits for another.
#[tokio::test(flavor = "multi_thread")]
async fn many_followers_that_do_not_read_cost_a_piece_each() {
    let home = ClientHome::new();
    let size = 8_000_000;
    let script = format!("head -c {size} /dev/zero; exec sleep 1000");
    let id = home.detached(&["--local", "--", "sh", "-c", &script]);
    eventually_or("all of it is here", || home.inspect(&id)["stdout"] == size, || home.logs());
    let daemon = home.daemon_pid().unwrap();
    let client = Client::new(home.socket());
    let before = memory(daemon);
    let mut stalled = Vec::new();
    for _ in 0..MANY {
        let mut follower = client.output(&id, query()).await.unwrap();
        assert!(follower.next().await.unwrap().is_some());
        stalled.push(follower);
    }
    // One that reads is held up by none of them.
    let mut reads = client.output(&id, query()).await.unwrap();
    let mut read = 0;
    while read < size {
        read += reads.next().await.unwrap().expect("there is more").len();
    }
    let grown = memory(daemon).saturating_sub(before);
    // A tenth of what they have not read.
    let bound = u64::try_from(MANY * size / 10 / 1024).unwrap();
    assert!(grown < bound, "{MANY} followers cost {grown} KiB, more than {bound}");
    drop(stalled);
    home.longhaul(&["kill", &id]).exited(0);
}

#[test]
fn one_follower_has_the_lines_of_all_sessions() {
    let home = ClientHome::new();
    let early = ["--local", "--name", "early", "-i", "--", "sh", "-c"];
    let early = home.detached(&[&early[..], &["echo before; exec cat"]].concat());
    eventually_or("it runs", || home.inspect(&early)["stdout"] == 7, || home.logs());
    let all = home.start(&["logs", "-f", "--all"]);
    let said = || String::from_utf8_lossy(&all.stdout()).into_owned();
    // What is sent tells that it follows: not what came before.
    eventually_or(
        "it follows",
        || {
            home.longhaul(&["send", "early", "now"]).exited(0);
            said().contains("early | now\n")
        },
        || home.logs(),
    );
    assert!(!said().contains("before"), "{}", said());
    let ids: Vec<String> = (0..20)
        .map(|at| {
            let script = format!("echo one {at}; echo err {at} >&2; printf 'two {at}'");
            home.detached(&["--local", "--", "sh", "-c", &script])
        })
        .collect();
    let complete = || {
        let said = said();
        let has = |id: &str, line: String| said.matches(&format!("{id} | {line}\n")).count() == 1;
        let mut each = ids.iter().enumerate();
        each.all(|(at, id)| has(id, format!("one {at}")) && has(id, format!("two {at}")))
    };
    eventually_or("all their lines are there, and whole", complete, said);
    // The next daemon is followed from where the last one was.
    home.kill_daemon();
    home.longhaul(&["send", "early", "after"]).exited(0);
    eventually_or("it goes on", || said().contains("early | after\n"), || home.logs());
    assert_eq!(said().matches("early | after\n").count(), 1);
    home.longhaul(&["daemon", "stop"]).exited(0);
    let ended = all.finish().exited(0);
    assert!(ended.err().contains(" | err 7\n"), "{ended}");
    home.longhaul(&["kill", &early]).exited(0);
}
