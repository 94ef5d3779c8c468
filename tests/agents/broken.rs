//! A line to the provider that breaks in the middle of an answer. This takes the
//! longest, since OpenCode tries again and again with growing pauses; a module's
//! name that comes early has it begin early.

use super::bench::Cli;
use super::modes::plays_out;
use super::provider::Mode;

#[test]
fn claude_loses_its_provider() {
    plays_out(Cli::Claude, Mode::Broken);
}

#[test]
fn codex_loses_its_provider() {
    plays_out(Cli::Codex, Mode::Broken);
}

#[test]
fn opencode_loses_its_provider() {
    plays_out(Cli::OpenCode, Mode::Broken);
}
