//! With real files and the kernel's own events, waiting for the state that is
//! meant to come.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use ractor::call_t;
use tokio::sync::watch::Receiver;

use super::*;

/// No test takes this long unless it fails.
const LONG: Duration = Duration::from_secs(30);

/// A parent, as the supervisor is one.
struct Parent;

impl Actor for Parent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: ractor::SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

struct Harness {
    dir: tempfile::TempDir,
    handle: ConfigHandle,
    parent: ActorRef<()>,
    state: Receiver<Arc<ConfigState>>,
}

impl Harness {
    /// Starts the actor on `main`, after `prepare` has filled the folder.
    async fn new(main: &str, prepare: impl FnOnce(&Path)) -> Self {
        // Polling is no help unless a test asks for it.
        Self::with_poll(main, Duration::from_secs(3_600), prepare).await
    }

    async fn with_poll(main: &str, poll: Duration, prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let quiet = Duration::from_millis(50);
        let args = ConfigArgs {
            main_path: dir.path().join(main),
            home: Some(dir.path().to_owned()),
            timing: Timing { quiet, poll, ..Timing::default() },
        };
        let (parent, _) = Actor::spawn(None, Parent, ()).await.unwrap();
        let handle = start(args, None, parent.get_cell()).await.unwrap();
        let state = handle.subscribe();
        let harness = Self { dir, handle, parent, state };
        // The watches are armed once a look of the actor's own is through.
        harness.reload().await;
        harness
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn reload(&self) -> Arc<ConfigState> {
        call_t!(self.handle.actor, ConfigMsg::Reload, 30_000).unwrap()
    }

    /// The state, once it is as wanted.
    async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&ConfigState) -> bool,
    ) -> Arc<ConfigState> {
        let waited = tokio::time::timeout(LONG, self.state.wait_for(|state| wanted(state)))
            .await
            .map(|state| Arc::clone(&state.unwrap()));
        waited.unwrap_or_else(|_| panic!("not {what}: {:#?}", self.state.borrow()))
    }

    async fn until_remotes(&mut self, names: &[&str]) -> Arc<ConfigState> {
        self.until(&format!("{names:?}"), |state| {
            remotes(state) == names && state.rejected.is_none()
        })
        .await
    }

    async fn until_rejected(&mut self) -> Arc<ConfigState> {
        self.until("rejected", |state| state.rejected.is_some()).await
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.parent.kill();
    }
}

fn remotes(state: &ConfigState) -> Vec<&str> {
    state.config.remotes.keys().map(|name| name.as_str()).collect()
}

fn text(remote: &str) -> String {
    format!("(version: 1, remotes: {{ \"{remote}\": () }})")
}

fn one_file(dir: &Path) {
    fs::write(dir.join("longhaul.ron"), text("a")).unwrap();
}

#[tokio::test]
async fn the_first_look_is_through_when_start_returns() {
    let harness = Harness::new("longhaul.ron", one_file).await;
    let state = harness.state.borrow().clone();
    assert_eq!((remotes(&state), state.generation, state.exists), (vec!["a"], 1, true));
}

#[tokio::test]
async fn an_edit_in_place_is_seen() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    for name in ["b", "c"] {
        fs::write(harness.path("longhaul.ron"), text(name)).unwrap();
        harness.until_remotes(&[name]).await;
    }
}

#[tokio::test]
async fn a_rename_over_it_is_seen_each_time() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    for name in ["b", "c", "d"] {
        fs::write(harness.path("new"), text(name)).unwrap();
        fs::rename(harness.path("new"), harness.path("longhaul.ron")).unwrap();
        harness.until_remotes(&[name]).await;
    }
}

#[tokio::test]
async fn a_swapped_directory_link_is_seen_each_time() {
    // The way in which Kubernetes mounts a ConfigMap.
    let mut harness = Harness::new("mount/longhaul.ron", |dir| {
        fs::create_dir_all(dir.join("mount/..v0")).unwrap();
        fs::write(dir.join("mount/..v0/longhaul.ron"), text("a")).unwrap();
        symlink("..v0", dir.join("mount/..data")).unwrap();
        symlink("..data/longhaul.ron", dir.join("mount/longhaul.ron")).unwrap();
    })
    .await;
    for (version, name) in [("..v1", "b"), ("..v2", "c")] {
        let mount = harness.path("mount");
        fs::create_dir(mount.join(version)).unwrap();
        fs::write(mount.join(version).join("longhaul.ron"), text(name)).unwrap();
        symlink(version, mount.join("..tmp")).unwrap();
        fs::rename(mount.join("..tmp"), mount.join("..data")).unwrap();
        harness.until_remotes(&[name]).await;
    }
}

#[tokio::test]
async fn an_edit_of_what_a_link_leads_to_is_seen() {
    let mut harness = Harness::new("longhaul.ron", |dir| {
        fs::create_dir(dir.join("dotfiles")).unwrap();
        fs::write(dir.join("dotfiles/l.ron"), text("a")).unwrap();
        symlink("dotfiles/l.ron", dir.join("longhaul.ron")).unwrap();
    })
    .await;
    fs::write(harness.path("dotfiles/l.ron"), text("b")).unwrap();
    harness.until_remotes(&["b"]).await;
}

#[tokio::test]
async fn a_file_that_vanishes_stays_in_force_until_it_is_back() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    fs::remove_file(harness.path("longhaul.ron")).unwrap();
    let gone = harness.until_rejected().await;
    assert_eq!((remotes(&gone), gone.exists, gone.generation), (vec!["a"], false, 1));
    assert!(gone.rejected.as_ref().unwrap().to_string().contains("the file is gone"));
    assert!(gone.refusal().is_none());
    fs::write(harness.path("longhaul.ron"), text("b")).unwrap();
    let back = harness.until_remotes(&["b"]).await;
    assert!(back.exists);
}

#[tokio::test]
async fn a_directory_that_was_replaced_is_watched_again() {
    let mut harness = Harness::new("etc/longhaul.ron", |dir| {
        fs::create_dir(dir.join("etc")).unwrap();
        one_file(&dir.join("etc"));
    })
    .await;
    for (at, name) in ["b", "c"].into_iter().enumerate() {
        fs::rename(harness.path("etc"), harness.path(&format!("old{at}"))).unwrap();
        fs::create_dir(harness.path("etc")).unwrap();
        fs::write(harness.path("etc/longhaul.ron"), text(name)).unwrap();
        harness.until_remotes(&[name]).await;
    }
    fs::write(harness.path("etc/longhaul.ron"), text("d")).unwrap();
    harness.until_remotes(&["d"]).await;
}

#[tokio::test]
async fn a_directory_that_did_not_exist_at_start_is_seen_to_come() {
    let mut harness = Harness::new("x/y/longhaul.ron", |_| {}).await;
    let state = harness.state.borrow().clone();
    assert_eq!((remotes(&state), state.exists), (Vec::new(), false));
    assert!(state.rejected.is_none());
    fs::create_dir_all(harness.path("x/y")).unwrap();
    fs::write(harness.path("x/y/longhaul.ron"), text("a")).unwrap();
    harness.until_remotes(&["a"]).await;
}

#[tokio::test]
async fn fragments_come_change_and_go() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    fs::create_dir(harness.path("conf.d")).unwrap();
    fs::write(harness.path("conf.d/x.ron"), "(remotes: { \"x\": () })").unwrap();
    harness.until_remotes(&["a", "x"]).await;
    fs::write(harness.path("conf.d/x.ron"), "(remotes: { \"y\": () })").unwrap();
    harness.until_remotes(&["a", "y"]).await;
    fs::remove_file(harness.path("conf.d/x.ron")).unwrap();
    harness.until_remotes(&["a"]).await;
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_is_shown_until_it_is_mended() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    fs::write(harness.path("longhaul.ron"), "(version: 1, remotes: { \"b\": (port: 0) })").unwrap();
    let bad = harness.until_rejected().await;
    assert_eq!((remotes(&bad), bad.generation), (vec!["a"], 1));
    assert!(bad.rejected.as_ref().unwrap().to_string().contains("remotes.b.port"));
    // Back to what is in force: nothing changed, and nothing is wrong.
    fs::write(harness.path("longhaul.ron"), text("a")).unwrap();
    let mended = harness.until_remotes(&["a"]).await;
    assert_eq!(mended.generation, 1);
}

#[tokio::test]
async fn a_bad_file_at_start_refuses_until_it_is_mended() {
    let mut harness = Harness::new("longhaul.ron", |dir| {
        fs::write(dir.join("longhaul.ron"), "(version: 1, remotes").unwrap();
    })
    .await;
    let bad = harness.state.borrow().clone();
    assert!(bad.refusal().is_some() && bad.config.remotes.is_empty());
    fs::write(harness.path("longhaul.ron"), text("a")).unwrap();
    let mended = harness.until_remotes(&["a"]).await;
    assert!(mended.refusal().is_none());
}

#[tokio::test]
async fn the_answer_to_a_reload_is_of_a_later_look() {
    let harness = Harness::new("longhaul.ron", one_file).await;
    for at in 0..20 {
        let name = format!("r{at}");
        fs::write(harness.path("longhaul.ron"), text(&name)).unwrap();
        assert_eq!(remotes(&*harness.reload().await), [name.as_str()]);
    }
}

#[tokio::test]
async fn a_poll_finds_what_no_event_tells_of() {
    let mut harness = Harness::with_poll("etc/longhaul.ron", Duration::from_millis(100), |dir| {
        fs::create_dir(dir.join("etc")).unwrap();
        fs::create_dir_all(dir.join("keys/far")).unwrap();
        fs::write(dir.join("keys/far/k"), "key").unwrap();
        fs::set_permissions(dir.join("keys/far/k"), fs::Permissions::from_mode(0o644)).unwrap();
        let text = "(version: 1, remotes: { \"a\": (identity_file: \"~/keys/far/k\") })";
        fs::write(dir.join("etc/longhaul.ron"), text).unwrap();
    })
    .await;
    harness.until_rejected().await;
    let key = harness.path("keys/far/k");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    harness.until_remotes(&["a"]).await;
}

#[tokio::test]
async fn a_successor_keeps_the_channel_and_what_was_in_force() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    fs::write(harness.path("longhaul.ron"), "no").unwrap();
    harness.until_rejected().await;
    harness.handle.actor.kill_and_wait(Some(LONG)).await.unwrap();
    let args = ConfigArgs {
        main_path: harness.path("longhaul.ron"),
        home: None,
        timing: Timing::default(),
    };
    let next = start(args, Some(&harness.handle), harness.parent.get_cell()).await.unwrap();
    let state = harness.state.borrow().clone();
    assert_eq!(remotes(&state), ["a"]);
    assert!(state.rejected.is_some());
    fs::write(harness.path("longhaul.ron"), text("b")).unwrap();
    call_t!(next.actor, ConfigMsg::Reload, 30_000).unwrap();
    harness.until_remotes(&["b"]).await;
}

#[tokio::test]
async fn an_edit_of_ssh_config_is_told_and_no_new_generation() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    let folder = harness.path("ssh");
    fs::create_dir(&folder).unwrap();
    let (config, included) = (folder.join("config"), folder.join("conf.d"));
    fs::write(&config, "Include conf.d/*\n").unwrap();
    let files = vec![config.clone(), included.clone()];
    let reader = harness.handle.ssh_files();
    tokio::task::spawn_blocking(move || reader.read(files, &reader.before())).await.unwrap();
    harness.reload().await;
    let edits = |state: &ConfigState| state.ssh.count;
    assert_eq!(edits(&harness.state.borrow()), 0);
    // As an editor does it: another file in its place.
    let draft = folder.join("draft");
    fs::write(&draft, "User one\n").unwrap();
    fs::rename(&draft, &config).unwrap();
    let state = harness.until("told", |state| edits(state) == 1).await;
    assert_eq!((&*state.ssh.files, state.generation), ([config].as_slice(), 1));
    // What was looked for and was not there counts as well.
    fs::create_dir(&included).unwrap();
    harness.until("told again", |state| edits(state) == 2).await;
    fs::write(included.join("more"), "User two\n").unwrap();
    let state = harness.until("told a third time", |state| edits(state) == 3).await;
    assert_eq!(state.ssh.files, [included]);
}

#[tokio::test]
async fn an_edit_between_the_reading_and_the_watching_is_not_missed() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    let config = harness.path("ssh_config");
    fs::write(&config, "User one\n").unwrap();
    let (reader, file) = (harness.handle.ssh_files(), config.clone());
    tokio::task::spawn_blocking(move || {
        reader.read(vec![file.clone()], &reader.before());
        fs::write(file, "User two\n").unwrap();
    })
    .await
    .unwrap();
    harness.until("told", |state| state.ssh.count == 1).await;
}

#[tokio::test]
async fn an_edit_that_was_taken_back_counts_if_it_was_read_meanwhile() {
    let mut harness = Harness::new("longhaul.ron", one_file).await;
    let config = harness.path("ssh_config");
    fs::write(&config, "User one\n").unwrap();
    let (reader, file) = (harness.handle.ssh_files(), config.clone());
    let read = move || reader.read(vec![file.clone()], &reader.before());
    tokio::task::spawn_blocking(read.clone()).await.unwrap();
    harness.reload().await;
    // All of it before anybody looks.
    tokio::task::spawn_blocking(move || {
        fs::write(&config, "User two\n").unwrap();
        read();
        fs::write(&config, "User one\n").unwrap();
    })
    .await
    .unwrap();
    harness.until("told", |state| state.ssh.count >= 1).await;
}
