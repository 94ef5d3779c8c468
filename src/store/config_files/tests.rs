use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::domain::config::ProblemKind;

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn main(&self) -> PathBuf {
        self.path("longhaul.ron")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn load(&self) -> Result<Loaded, Report> {
        load_from_disk(&self.main(), Some(self.dir.path()))
    }

    fn only_problem(&self) -> ProblemKind {
        let report = self.load().unwrap_err();
        assert_eq!(report.problems.len(), 1, "{report}");
        report.problems[0].kind.clone()
    }
}

#[test]
fn what_is_no_text_file_is_said_to_be_what_it_is() {
    let folder = Folder::new();
    let source = |trouble| ProblemKind::Source(trouble);
    assert_eq!(folder.only_problem(), source(SourceTrouble::Missing));
    symlink("nowhere", folder.main()).unwrap();
    assert_eq!(folder.only_problem(), source(SourceTrouble::DanglingLink));
    fs::remove_file(folder.main()).unwrap();
    folder.write("longhaul.ron", b"(version: \xff\xfe)");
    assert_eq!(folder.only_problem(), source(SourceTrouble::NotText { at: 11 }));
    folder.write("longhaul.ron", vec![b' '; MAX_FILE as usize + 1]);
    assert_eq!(folder.only_problem(), source(SourceTrouble::TooLarge { limit: MAX_FILE }));
    folder.write("longhaul.ron", "");
    assert_eq!(folder.only_problem(), ProblemKind::Empty);
    fs::remove_file(folder.main()).unwrap();
    fs::create_dir(folder.main()).unwrap();
    assert_eq!(folder.only_problem(), source(SourceTrouble::Directory));
}

#[test]
fn a_named_pipe_does_not_block() {
    let folder = Folder::new();
    let status = std::process::Command::new("mkfifo").arg(folder.main()).status().unwrap();
    assert!(status.success());
    assert_eq!(folder.only_problem(), ProblemKind::Source(SourceTrouble::NotRegular));
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let folder = Folder::new();
    folder.write("longhaul.ron", "\u{feff}(version: 1)");
    assert!(folder.load().is_ok());
}

#[test]
fn fragments_are_read_in_name_order_and_editors_files_are_not() {
    let folder = Folder::new();
    folder.write("longhaul.ron", "(version: 1)");
    folder.write("conf.d/b.ron", "()");
    folder.write("conf.d/a.ron", "()");
    for other in [".b.ron", "c.ron~", "d.txt", ".#a.ron", "4913"] {
        folder.write(&format!("conf.d/{other}"), "no");
    }
    let snapshot = Snapshot::take(&folder.main(), None);
    let names: Vec<_> =
        snapshot.files.iter().map(|file| file.path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["longhaul.ron", "a.ron", "b.ron"]);
    fs::create_dir(folder.path("conf.d/e.ron")).unwrap();
    assert_eq!(folder.only_problem(), ProblemKind::Source(SourceTrouble::Directory));
}

#[test]
fn a_key_is_judged_as_ssh_judges_it() {
    let folder = Folder::new();
    let text = r#"(version: 1, remotes: {"a": (identity_file: "~/k")})"#;
    folder.write("longhaul.ron", text);
    let key = folder.path("k");
    let trouble = |file| ProblemKind::KeyFile { path: key.clone(), file };
    assert_eq!(folder.only_problem(), trouble(KeyFile::Missing));
    folder.write("k", "key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(folder.only_problem(), trouble(KeyFile::Exposed { mode: 0o640 }));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(folder.load().is_ok());
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert_eq!(folder.only_problem(), trouble(KeyFile::NotAFile));
}

#[test]
fn a_public_key_may_be_read_by_all() {
    let folder = Folder::new();
    folder.write("longhaul.ron", r#"(version: 1, remotes: {"a": (identity_file: "~/k.pub")})"#);
    folder.write("k.pub", "key");
    fs::set_permissions(folder.path("k.pub"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(folder.load().is_ok());
}

#[test]
fn debug_output_of_a_snapshot_shows_no_text() {
    let folder = Folder::new();
    folder.write("longhaul.ron", "hunter2");
    let snapshot = Snapshot::take(&folder.main(), None);
    assert!(!format!("{snapshot:?}").contains("hunter2"));
}
