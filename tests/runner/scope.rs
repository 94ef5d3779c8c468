//! Machines with systemd: the session's scope, and what logind does at logout.
