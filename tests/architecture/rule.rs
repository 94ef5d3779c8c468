//! What may reach what. A module that is not here fails the test, so that
//! whoever adds one says where it belongs.

/// A module, and what of the crate it may name besides itself; the longest
/// name that fits counts.
pub(crate) const MAY_REACH: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("api::types", &["domain"]),
    ("api::backend", &["api::types", "domain"]),
    ("api", &["domain"]),
    ("ssh", &["domain"]),
    // A program runs on a channel of a link, and a session's goes into a mirror.
    ("runner", &["domain", "ssh", "store::mirror"]),
    ("store", &["domain"]),
    ("paths", &["domain"]),
    ("service", &["domain"]),
    ("telemetry", &["domain", "service"]),
    ("actors", &["api::backend", "api::types", "domain", "runner", "ssh", "store"]),
    (
        "daemon",
        &["actors", "api", "domain", "paths", "runner", "service", "ssh", "store", "telemetry"],
    ),
    // A client like any other, whatever it is made of: it has servers of its own.
    ("demo", &["api::client", "api::types", "domain", "paths"]),
    ("cli", &["api::client", "api::types", "daemon", "domain", "paths", "telemetry"]),
    // What a verb does without a daemon.
    // What needs no daemon comes in through this one file.
    (
        "cli::parts",
        &["cli", "daemon", "demo", "domain", "paths", "ssh::settings", "store::config_files"],
    ),
    ("main", &["cli"]),
];

/// Crates that belong to a part of the program, and who may name them.
pub(crate) const OWNED: &[(&str, &[&str])] = &[
    ("axum", &["api::server"]),
    ("clap", &["cli"]),
    ("hyper", &["api"]),
    ("netwatcher", &["actors::surroundings"]),
    ("listenfd", &["service"]),
    ("notify", &["actors::config"]),
    ("ractor", &["actors", "daemon"]),
    ("rusqlite", &["store::registry"]),
    ("russh", &["demo", "ssh"]),
    ("sd_notify", &["service"]),
    ("dns_lookup", &["ssh"]),
    ("nix", &["ssh"]),
];

/// What the pure core may not name: input and output, clocks, chance.
pub(crate) const IMPURE: &[&str] = &[
    "axum",
    "hyper",
    "notify",
    "ractor",
    "rand",
    "rusqlite",
    "russh",
    "rustix",
    "std::env",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    // The type is a value like any other; only asking for now is not.
    "std::time::SystemTime::now",
    "SystemTime::now",
    "tokio",
    "tokio_util",
];

/// Methods that look at the disk (of `std::path::Path`) or at the clock.
pub(crate) const IMPURE_METHODS: &[&str] = &[
    "canonicalize",
    "elapsed",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "try_exists",
];

/// The most lines that one file may have.
pub(crate) const MAX_LINES: usize = 700;
