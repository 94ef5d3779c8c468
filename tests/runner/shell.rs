//! The shells that a machine may have as its `/bin/sh`.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use longhaul::runner::program::BOOTSTRAP;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Dash,
    BashPosix,
    BashAsSh,
    Busybox,
    /// busybox's shell, and its programs instead of the GNU ones.
    BusyboxAlone,
    Mksh,
    Ksh93,
    ZshAsSh,
}

impl Shell {
    /// The bootstrap with this shell in the place of `/bin/sh`. A shell that
    /// goes by its name gets a link of that name in `dir`.
    pub(crate) fn bootstrap(self, dir: &Path) -> String {
        let as_sh = |program: &str| {
            let link = dir.join("sh");
            if !link.exists() {
                symlink(find(program), &link).expect("a link");
            }
            link.display().to_string()
        };
        let shell = match self {
            Self::Dash => find("dash").display().to_string(),
            Self::BashPosix => format!("{} --posix", find("bash").display()),
            Self::BashAsSh => as_sh("bash"),
            Self::Busybox | Self::BusyboxAlone => format!("{} ash", find("busybox").display()),
            Self::Mksh => find("mksh").display().to_string(),
            Self::Ksh93 => find("ksh93").display().to_string(),
            Self::ZshAsSh => as_sh("zsh"),
        };
        let replaced = BOOTSTRAP.replacen("/bin/sh", &shell, 1);
        assert_ne!(replaced, BOOTSTRAP.replacen("/bin/sh", "", 1));
        replaced
    }

    /// Whether it tells a death by a signal that it knows nothing of from an
    /// exit status above 128. zsh says the same of both.
    pub(crate) fn tells_of_signals(self) -> bool {
        self != Self::ZshAsSh
    }
}

/// A program in the PATH. One that is missing fails the test: a shell that was
/// not tried shall not look like one that passed.
pub(crate) fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/bin".into()])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed; tests/run --prepare does that"))
}
