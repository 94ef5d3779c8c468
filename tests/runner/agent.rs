//! An agent that a login forwards.

use std::fs;
use std::os::unix::net::UnixListener;

use longhaul::runner::program::Program;

use crate::bench::Bench;

under_every_shell! {
    a_session_finds_the_agent_of_its_latest_follower
    a_socket_that_was_not_forwarded_stands_as_it_is
    an_agent_that_was_announced_and_is_not_there_is_none
}

fn a_session_finds_the_agent_of_its_latest_follower(bench: &mut Bench) {
    let (first, second) = (bench.dir().join("one"), bench.dir().join("two"));
    let _listeners = [&first, &second].map(|path| UnixListener::bind(path).unwrap());
    bench.environment.insert("SSH_AUTH_SOCK".to_owned(), first.clone().into());
    let go = bench.dir().join("go");
    let script = format!(
        "readlink \"$SSH_AUTH_SOCK\"; until [ -e {} ]; do sleep 0.05; done; \
         readlink \"$SSH_AUTH_SOCK\"",
        go.display()
    );
    let launch = bench.command(&["/bin/sh", "-c", &script]);
    let mut starter = bench.run(Program::Start, bench.session().launch(&launch).agent());
    starter.line("claimed");
    starter.write(b"follow\n");
    let one = format!("{}\n", first.display());
    starter.await_out(&one);
    bench.environment.insert("SSH_AUTH_SOCK".to_owned(), second.clone().into());
    let follower = bench.run(Program::Follow, bench.session().offsets(0, 0).agent());
    follower.line("claimed");
    fs::write(go, "").unwrap();
    assert_eq!(follower.finish().out(), format!("{one}{}\n", second.display()));
    let said = starter.hear_out();
    assert_eq!((said.record(), said.err().as_str()), ("code 0 run", ""));
}

fn a_socket_that_was_not_forwarded_stands_as_it_is(bench: &mut Bench) {
    let socket = bench.dir().join("one");
    let _listener = UnixListener::bind(&socket).unwrap();
    bench.environment.insert("SSH_AUTH_SOCK".to_owned(), socket.clone().into());
    let said = bench.start_script("echo \"$SSH_AUTH_SOCK\"").finish();
    assert_eq!(said.out(), format!("{}\n", socket.display()));
}

/// A server may refuse to forward it.
fn an_agent_that_was_announced_and_is_not_there_is_none(bench: &mut Bench) {
    let launch = bench.command(&["/bin/sh", "-c", "echo \"[$SSH_AUTH_SOCK]\""]);
    // It ends at once, and may have ended before anything could be asked of it.
    let said = bench.run(Program::Start, bench.session().launch(&launch).agent()).finish();
    assert_eq!((said.out().as_str(), said.err().as_str()), ("[]\n", ""));
}
