//! `ForwardAgent`: a session keeps its agent, whatever becomes of its link.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::keys::KeyPair;
use crate::support::must::Must;
use crate::support::wait::eventually_or;
use crate::support::world::World;

/// A running ssh-agent that holds the client's key.
pub(crate) struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    pub(crate) fn start(folder: &Path) -> Self {
        let socket = folder.join("agent.socket");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .must("start ssh-agent");
        let agent = Self { child, socket };
        eventually_or("the agent listens", || agent.socket.exists(), String::new);
        let key = KeyPair::client().write_to(&folder.join("agents_key"));
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status()
            .must("start ssh-add");
        assert!(added.success());
        agent
    }

    /// The line of `ssh_config` that forwards it.
    pub(crate) fn forwarding(&self) -> String {
        format!("ForwardAgent {}\n", self.socket.display())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forwarding() -> (World, Agent) {
    let world = World::new();
    let agent = Agent::start(world.home.path());
    std::fs::write(world.home.path().join(".ssh/config"), agent.forwarding()).unwrap();
    (world, agent)
}

#[test]
fn a_session_keeps_its_agent_over_a_cut_and_another_daemon() {
    let (world, _agent) = forwarding();
    // Each time as soon as there is an agent: it comes with the follower.
    let id = world.detached_script(
        "for n in 1 2 3; do until [ -e go$n ]; do sleep 0.1; done; \
         until keys=$(ssh-add -l 2>/dev/null); do sleep 0.1; done; \
         echo $n $keys; done; echo $SSH_AUTH_SOCK; pwd",
    );
    let said = || world.home.longhaul(&["logs", &id]).out();
    let has_listed = |n: usize| said().lines().count() == n && said().contains("ED25519");
    world.sshd.write("go1", "");
    eventually_or("the agent lists its key", || has_listed(1), || world.logs());
    assert!(world.sshd.kill_connections() > 0);
    world.sshd.write("go2", "");
    eventually_or("it does on another link", || has_listed(2), || world.logs());
    world.home.kill_daemon();
    let are_gone = || world.sshd.connections().is_empty();
    eventually_or("its connections are gone", are_gone, || world.logs());
    world.sshd.write("go3", "");
    world.home.longhaul(&["wait", &id]).exited(0);
    let said = said();
    let lines: Vec<_> = said.lines().collect();
    let [one, two, three, socket, home] = lines[..] else { panic!("{said}") };
    for (n, line) in [one, two, three].iter().enumerate() {
        assert!(line.starts_with(&format!("{} 256 SHA256:", n + 1)), "{said}");
    }
    // In the spool, which goes with the session.
    assert!(socket.starts_with(home) && socket.ends_with(&format!("/{id}/agent")), "{said}");
}

#[test]
fn without_the_setting_a_session_has_no_agent_and_its_own_one_stands() {
    let world = World::new();
    assert_eq!(world.script("echo \"[$SSH_AUTH_SOCK]\"").exited(0).out(), "[]\n");
    let (world, _agent) = forwarding();
    let args = ["-e", "SSH_AUTH_SOCK=/mine", "--", "sh", "-c", "echo $SSH_AUTH_SOCK"];
    assert_eq!(world.on_box(&args).exited(0).out(), "/mine\n");
}
