//! What an edit of `ssh_config` means for a connection.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::script::{Bench, Step, environment, locked_out, refused, request};
use crate::actors::connection::ConnectionMsg;
use crate::domain::connection::LinkState;
use crate::domain::target::{SshConfigUse, SshRequest};
use crate::ssh::settings::SshEnvironment;

struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.0.path().join(".ssh")).unwrap();
        home.edit(config);
        home
    }

    fn edit(&self, config: &str) {
        let file = self.0.path().join(".ssh/config");
        fs::write(&file, config).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    async fn bench(&self, steps: impl Into<Vec<Step>>) -> Bench {
        let environment = SshEnvironment { home: self.path().to_owned(), ..environment() };
        let request = SshRequest { ssh_config: SshConfigUse::On, ..request() };
        Bench::with(steps, environment, request).await
    }
}

fn edited(bench: &Bench) {
    bench.actor.cast(ConnectionMsg::SshConfigEdited).unwrap();
}

#[tokio::test]
async fn an_edit_that_is_about_the_host_ends_the_wait_for_a_person() {
    let home = Home::new("Host box\n User one\n");
    let mut bench = home.bench([locked_out(), Step::Reaches(10)]).await;
    let waits = bench.ask();
    bench.until(LinkState::NeedsAttention).await;
    // One about another is no reason to try a login again.
    home.edit("Host box\n User one\nHost other\n User two\n");
    edited(&bench);
    // The second question is answered after the first.
    home.edit("Host box\n User two\n");
    edited(&bench);
    assert!(waits.await.unwrap().is_ok());
    assert_eq!((bench.script.dials(), bench.state()), (2, LinkState::Connected));
}

#[tokio::test]
async fn a_file_that_was_refused_is_read_again_once_it_is_mended() {
    let home = Home::new("Port x\n");
    let mut bench = home.bench([Step::Reaches(10)]).await;
    let waits = bench.ask();
    bench.until(LinkState::NeedsAttention).await;
    assert_eq!(bench.script.dials(), 0);
    home.edit("Port 22\n");
    edited(&bench);
    assert!(waits.await.unwrap().is_ok());
    assert_eq!(bench.script.dials(), 1);
}

#[tokio::test]
async fn an_edit_leaves_links_and_other_pauses_alone() {
    let home = Home::new("");
    let mut bench = home.bench([Step::Reaches(10), refused()]).await;
    assert!(bench.ask().await.unwrap().is_ok());
    home.edit("Host box\n User two\n");
    edited(&bench);
    edited(&bench);
    bench.until(LinkState::Connected).await;
    assert_eq!((bench.script.dials(), bench.links()), (1, 1));
}
