use std::os::unix::fs::symlink;

use super::*;
use crate::domain::config::edit::{Assignment, Field, Literal, NewRemote};
use crate::store::config_files::load_from_disk;

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With a main file.
    fn with(text: &str) -> Self {
        let folder = Self::new();
        fs::write(folder.main(), text).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn main(&self) -> PathBuf {
        self.path("longhaul.ron")
    }

    fn add(&self, name: &str) -> Result<Change, ChangeError> {
        change(&self.main(), Some(self.dir.path()), &adding(name, &[]), false)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.main()).unwrap()
    }

    /// All names in it.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn adding(name: &str, assignments: &[Assignment]) -> Request {
    let assignments = assignments.to_vec();
    Request::Add(vec![NewRemote { name: name.parse().unwrap(), assignments }])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_file_that_is_not_there_is_made_for_its_owner_alone() {
    let folder = Folder::new();
    let main = folder.path("a/b/longhaul.ron");
    let made = change(&main, None, &adding("box", &[]), false).unwrap();
    assert!(made.creates);
    assert_eq!((mode(&main), mode(&folder.path("a"))), (0o600, 0o700));
    let loaded = load_from_disk(&main, None).unwrap();
    assert_eq!(loaded.config.remotes.keys().next().unwrap().as_str(), "box");
    assert_eq!(fs::read_dir(folder.path("a/b")).unwrap().count(), 1);
}

#[test]
fn the_mode_stays_and_a_link_leads_to_the_new_text() {
    let folder = Folder::new();
    fs::create_dir(folder.path("dotfiles")).unwrap();
    let real = folder.path("dotfiles/real.ron");
    fs::write(&real, "\u{feff}(version: 1)").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("dotfiles/real.ron", folder.path("between")).unwrap();
    symlink("between", folder.main()).unwrap();
    folder.add("box").unwrap();
    assert!(folder.main().is_symlink() && folder.path("between").is_symlink());
    assert_eq!(mode(&real), 0o640);
    let text = fs::read_to_string(&real).unwrap();
    assert_eq!(text, "\u{feff}(version: 1, remotes: { \"box\": () })");
    assert_eq!(fs::read_dir(folder.path("dotfiles")).unwrap().count(), 1);
}

#[test]
fn what_could_not_be_taken_is_not_written() {
    let folder = Folder::with("(version: 1, agents: { \"a\": (profile: Claude) })");
    let before = folder.text();
    let host = Assignment::Field(Field::Host, Some(Literal::Text("me@host".to_owned())));
    let key = Literal::Text(folder.path("no-key").display().to_string());
    let key = Assignment::Field(Field::IdentityFile, Some(key));
    for (bad, what) in [(host, "`host` holds a user"), (key, "no-key does not exist")] {
        let request = adding("box", &[bad]);
        let refused = change(&folder.main(), None, &request, false).unwrap_err();
        assert!(matches!(refused, ChangeError::Refused(_)), "{refused}");
        assert!(refused.to_string().contains(what), "{refused}");
    }
    assert_eq!((folder.text(), folder.names().len()), (before, 1));
    let broken = Folder::with("(version: 1");
    assert!(matches!(broken.add("box"), Err(ChangeError::Refused(_))));
}

#[test]
fn trying_writes_nothing_not_even_a_folder() {
    let folder = Folder::new();
    let main = folder.path("a/longhaul.ron");
    let tried = change(&main, None, &adding("box", &[]), true).unwrap();
    assert!(tried.creates && !tried.edit.lines.is_empty());
    assert!(folder.names().is_empty());
}

#[test]
fn an_edit_that_somebody_else_made_is_not_undone() {
    let folder = Folder::with("(version: 1)");
    let real = folder.main();
    let (metadata, old) = (fs::metadata(&real).unwrap(), fs::read(&real).unwrap());
    fs::write(&real, "(version: 1, /* mine */)").unwrap();
    let changed = replace(&real, "(version: 1)", "(version: 1, )");
    assert!(matches!(changed, Err(ChangeError::Changed { .. })), "{changed:?}");
    // The same between the reading and the replacing.
    let changed = put(&real, b"(version: 1, )", Some((&metadata, &old)));
    assert!(matches!(changed, Err(ChangeError::Changed { .. })), "{changed:?}");
    let made = put(&real, b"(version: 1, )", None);
    assert!(matches!(made, Err(ChangeError::Io { .. })), "{made:?}");
    assert_eq!(folder.text(), "(version: 1, /* mine */)");
    assert_eq!(folder.names(), ["longhaul.ron"]);
}

#[test]
fn a_file_with_two_names_is_left_alone() {
    let folder = Folder::with("(version: 1)");
    fs::hard_link(folder.main(), folder.path("other")).unwrap();
    let refused = folder.add("box").unwrap_err();
    assert!(matches!(refused, ChangeError::HardLinks { links: 2, .. }), "{refused}");
    assert_eq!(folder.text(), "(version: 1)");
}

#[test]
fn edits_at_once_all_come_to_pass() {
    let folder = Folder::with("(\n    version: 1,\n    remotes: {},\n)\n");
    std::thread::scope(|scope| {
        for at in 0..8 {
            let folder = &folder;
            scope.spawn(move || folder.add(&format!("box-{at}")).unwrap());
        }
    });
    let loaded = load_from_disk(&folder.main(), None).unwrap();
    assert_eq!(loaded.config.remotes.len(), 8);
    assert_eq!(folder.names(), ["longhaul.ron"]);
}

/// An access control list as the kernel has it (`linux/posix_acl_xattr.h`): version
/// 2, then each entry's tag, rights and user, in the machine's own byte order for
/// little-endian ones.
fn access_list() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let mut list = 2_u32.to_le_bytes().to_vec();
    // The owner, another user, the group, the mask, all others.
    for (tag, rights, id) in
        [(1_u16, 6_u16, NOBODY), (2, 4, 4321), (4, 4, NOBODY), (0x10, 4, NOBODY), (0x20, 0, NOBODY)]
    {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

fn attribute(file: &Path, name: &str) -> Vec<u8> {
    let mut value = vec![0; 1 << 10];
    let length = rustix::fs::getxattr(file, name, &mut value[..]).unwrap();
    value.truncate(length);
    value
}

#[test]
fn what_a_file_has_beside_its_text_is_kept() {
    let folder = Folder::with("(version: 1)\n");
    let list = access_list();
    let all = [("user.origin", b"a template".as_slice()), ("system.posix_acl_access", &list)];
    for (name, value) in all {
        let set = rustix::fs::setxattr(folder.main(), name, value, rustix::fs::XattrFlags::empty());
        if let Err(error) = set {
            let words = format!("NOT TRIED: no {name} on this file system: {error}\n");
            return std::io::stderr().write_all(words.as_bytes()).unwrap();
        }
    }
    let before = mode(&folder.main());
    folder.add("box").unwrap();
    assert!(folder.text().contains("box"));
    assert_eq!(mode(&folder.main()), before);
    for (name, value) in all {
        assert_eq!(attribute(&folder.main(), name), value, "{name}");
    }
}
