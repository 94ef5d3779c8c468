//! longhaul runs AI coding agents, or any command, on remote machines over SSH
//! or on this one, and streams their output back. Sessions survive cut links,
//! sleep and a killed daemon, because what they print and how they end is
//! written down where they run before anything is sent.
//!
//! # The picture
//!
//! ```text
//!    command line, scripts               cli, demo
//!        │  HTTP+JSON, events, on a Unix socket
//!        ▼
//!    API server                          api
//!        │  one trait: api::backend::Backend
//!        ▼
//!    Supervisor ── owns, spawns, starts again          actors
//!        ├── ConfigActor       watches the files, swaps the configuration
//!        ├── ResolverActor     where a session runs, with which settings
//!        ├── ConnectionActor   one per remote: links, pauses, channels
//!        └── SessionActor      one per run: start, follow, stop, record
//!                │                     │
//!                │ exec channel        │ follower: a task, no actor
//!                ▼                     ▼
//!            sshd ── runner ── spool ──► mirror, registry ──► readers
//!            (ssh)   (runner, sh)        (store)
//! ```
//!
//! Control goes through actors, output never does: it goes from the spool over
//! a channel into a file, and readers read that file.
//!
//! # The modules
//!
//! | module | what it is | what may not be in it |
//! | --- | --- | --- |
//! | [`domain`] | decisions: values, tables, state machines | IO, clocks, chance |
//! | [`actors`] | performs what `domain` decides; owns what has a life | output, decisions, waiting in a handler |
//! | [`ssh`] | from settings to a link, and exec channels on it | retries, sessions |
//! | [`runner`] | POSIX sh that runs where the session runs, and the talk with it | what to do next |
//! | [`store`] | mirrors and the registry: files and SQLite | SSH, actors, the wire |
//! | [`api`] | the contract: types, server, client | decisions, words for people |
//! | [`cli`] | verbs, and the words that people read | what a client could not do |
//! | [`daemon`] | puts the parts together, from the lock to the last answer | anything else |
//! | [`demo`] | `longhaul demo`, with SSH servers of its own | what the product needs |
//! | [`service`] | what systemd and the daemon tell each other; the log's file | sessions |
//! | [`paths`], [`telemetry`] | where files are; the log | |
//!
//! Dependencies point downwards: `cli` to `api::client`; `daemon` to `api` and
//! `actors`; `actors` to `ssh`, `runner`, `store` and `domain`; `domain` to
//! nothing. `tests/architecture` holds it, and who may name which crate.
//!
//! # How a session travels
//!
//! 1. **Request.** `cli::run` sends a [`RunRequest`](api::types::RunRequest)
//!    with an idempotency key; a lost answer is asked for again, never a session.
//! 2. **Plan.** [`domain::resolve`] says where it runs or why nowhere;
//!    [`domain::plan`] unites agent, remote and request into what is launched.
//!    The registry has the record before the request is answered.
//! 3. **Claim.** The session's actor gets a channel and sends the runner's
//!    `start.sh`, whose first act is `mkdir` of the spool. Of two starts with one
//!    id, one goes on; a launch whose answer was lost is looked up.
//! 4. **Spool.** The command writes to plain files there. Its wrapper writes the
//!    exit record: a line, and whole once its end is there. With a cap, output goes
//!    into segments instead (`runner/rotate.sh`), and the oldest go.
//! 5. **Follower.** [`runner::follow`] streams from the mirror's lengths on, and
//!    after a cut again from there, on whichever link is up.
//! 6. **Mirror.** [`store::mirror`] appends, then publishes the new length.
//! 7. **Readers.** `run`, `logs` and `attach` read the mirror over the API, each
//!    from its own offset. A slow one holds up nobody.
//!
//! # Where the promises are kept
//!
//! | promise | where |
//! | --- | --- |
//! | at most one start | `runner/start.sh`, [`domain::session::fsm`] |
//! | a new attempt only after a death | [`domain::session::attempt`] |
//! | input once and in order | [`domain::session::piece`], `runner/input.sh` |
//! | nothing lost or doubled | `runner/follow.sh`, [`runner::follow`], [`store::mirror`] |
//! | never over a limit, and nobody starves | [`domain::queue`] |
//! | the right one of several remotes | [`domain::placement`] |
//! | what a cap dropped is told | `runner/segments.sh`, [`domain::gaps`] |
//! | status from the exit record only | `runner/finish.sh`, [`domain::session::ending`] |
//! | back as soon as the host is | [`domain::connection::knock`], [`domain::wake`], [`actors::surroundings`] |
//! | what cannot heal is not retried | [`domain::connection::fsm`], [`domain::failure`] |
//! | never local by accident | [`domain::resolve`] |
//! | a bad edit changes nothing | [`domain::config`], [`actors::config`] |
//! | stop means stopped | `runner/stop.sh` |
//! | a person is asked once, and told what for | [`domain::attention`], [`actors::attention`] |
//! | secrets stay secret | [`domain::secret`], [`domain::launch`] |
//!
//! # Reading order
//!
//! [`domain::session::record`], [`domain::session::fsm`], `runner/start.sh`,
//! [`runner::follow`], [`actors::session`], [`domain::connection::fsm`],
//! [`actors::supervisor`], [`daemon`]. Then whatever you came for. Every
//! `mod.rs` says what lives there.

pub mod actors;
pub mod api;
pub mod cli;
pub mod daemon;
pub mod demo;
pub mod domain;
pub mod paths;
pub mod runner;
pub mod service;
pub mod ssh;
pub mod store;
pub mod telemetry;
