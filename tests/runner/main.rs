//! The runner's programs, as the product sends them, under every shell that may
//! be some machine's `/bin/sh`.
//!
//! `shell` knows the shells, `bench` runs programs and sees to it that nothing
//! is left, `talk` hears what they say; each other module is a theme. A fact is
//! a function of a bench, and a test of its own under each shell.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail them")]

#[path = "../support/processes.rs"]
#[expect(dead_code, reason = "shared with the end-to-end tests")]
mod processes;
#[path = "../support/wait.rs"]
mod wait;

mod bench;
mod shell;
mod talk;
mod world;

/// Makes each fact a test under each shell.
macro_rules! under_every_shell {
    ($($fact:ident)+) => {
        under_every_shell! { @ [$($fact)+]
            dash Dash, bash_posix BashPosix, bash_as_sh BashAsSh, busybox Busybox,
            busybox_alone BusyboxAlone,
            mksh Mksh, ksh93 Ksh93, zsh_as_sh ZshAsSh }
    };
    (@ $facts:tt $($name:ident $shell:ident),+) => {
        $(mod $name { under_every_shell! { @@ $shell $facts } })+
    };
    (@@ $shell:ident [$($fact:ident)+]) => {
        $(#[test]
        fn $fact() {
            crate::bench::Bench::try_out(crate::shell::Shell::$shell, super::$fact);
        })+
    };
}

mod agent;
mod capped;
mod ends;
mod environment;
mod exactness;
mod following;
mod format;
mod groups;
mod input;
mod killed;
mod listing;
mod no_proc;
mod queries;
mod scope;
mod spool;
mod stopping;
