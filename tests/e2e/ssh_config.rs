//! `~/.ssh/config`, edited while everything runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::config::{Config, Entry};
use crate::support::sshd::account;
use crate::support::wait::{eventually, eventually_or};
use crate::support::world::World;

/// A remote of which everything is in `~/.ssh/conf.d/box`.
fn world() -> World {
    let world = World::new();
    let remote = Entry::named("box").text("host", "by-config");
    world.home.configure(&Config::default().with_remote(remote));
    fs::create_dir(world.home.path().join(".ssh/conf.d")).unwrap();
    write(&world, "config", "Include conf.d/*\n");
    world
}

fn write(world: &World, name: &str, text: &str) {
    let file = world.home.path().join(".ssh").join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn lines(world: &World, more: &str) -> String {
    format!(
        "Host by-config\n HostName 127.0.0.1\n User {}\n IdentityFile {}\n Port {}\n{more}\n",
        account(),
        world.home.identity().display(),
        world.sshd.port()
    )
}

#[test]
fn a_session_is_followed_again_as_soon_as_the_file_is_mended() {
    let world = world();
    write(&world, "conf.d/box", &lines(&world, ""));
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.1; done; echo end");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    write(&world, "conf.d/box", &lines(&world, " ConnectTimeout never"));
    assert!(world.sshd.kill_connections() > 0);
    let needs = || world.link_state() == "needs-attention";
    eventually_or("the file is refused", needs, || world.logs());
    world.sshd.write("go", "");
    write(&world, "conf.d/box", &lines(&world, ""));
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.home.longhaul(&["logs", &id]).exited(0).out(), "up\nend\n");
}

#[test]
fn an_edit_leaves_the_link_alone_and_is_told() {
    let world = world();
    write(&world, "conf.d/box", &lines(&world, ""));
    let id = world.detached_script("echo up; until [ -e go ]; do sleep 0.1; done");
    eventually_or("it runs", || world.home.inspect(&id)["stdout"] == 3, || world.logs());
    let logins = world.sshd.log_lines_with("Accepted");
    write(&world, "conf.d/more", "Host by-config\n");
    write(&world, "conf.d/box", &lines(&world, " Compression yes"));
    let told = || world.home.longhaul(&["events"]).exited(0).out().contains("conf.d");
    eventually("the edit is told", told);
    assert_eq!(world.link_state(), "connected");
    world.sshd.write("go", "");
    world.home.longhaul(&["wait", &id]).exited(0);
    assert_eq!(world.sshd.log_lines_with("Accepted"), logins);
}
