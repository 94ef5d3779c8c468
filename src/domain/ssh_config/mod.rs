//! `ssh_config`(5), evaluated as OpenSSH evaluates it.
//!
//! What lives here: the reading of a configuration for one destination, from
//! the bytes of a line to the settings in the form of `ssh -G`. What may not:
//! looking at anything by itself. Files, the environment, names and commands
//! are reached through [`World`] alone.
//!
//! It is no file format that is parsed and then queried. OpenSSH goes through
//! the lines once for one destination, with a flag that says whether a line has
//! a say; `Match` sees what was obtained before it; and a second pass may
//! follow in which the name has changed. So does this.
//!
//! [`hosts`] lists what there is to ask about.
//!
//! Reading order: `lexer` (a line), `keyword` (its meaning), `value` (its
//! arguments), `settings` (the first one wins), `criteria` (`Match`), `reader`
//! (files and blocks), [`evaluate`] (passes), `finish` (what is fixed at the
//! end), [`Effective`], `print`.
//!
//! OpenSSH 10 is followed where releases differ. Two things are different on
//! purpose: an unknown keyword is a warning, since a keyword of a newer release
//! must not lock anybody out; and the algorithm lists printed are those of
//! `algorithms`.

mod algorithms;
mod canonical;
mod cidr;
mod criteria;
mod effective;
mod evaluate;
mod expand;
mod fault;
mod finish;
mod forward;
mod glob;
mod hosts;
mod jump;
mod keyword;
mod lexer;
mod number;
pub mod pattern;
mod print;
mod reader;
mod settings;
mod value;
mod words;
mod world;

pub use algorithms::{DEFAULT_KEYS, Selected, select as select_algorithms};
pub use effective::{Effective, Named};
pub use evaluate::{Query, Source, evaluate};
pub use expand::{ExpandFault, Tokens};
pub use fault::{Complaint, Fault, PassedOver, Refusal, Warning};
pub use forward::Forward;
pub use hosts::{Host, hosts};
pub use jump::{Hop, Jump, parse_hop};
pub use keyword::Keyword;
pub use settings::{Origin, Setting, Settings};
pub use value::Value;
pub use world::{Family, FileText, Lookup, Machine, World};
