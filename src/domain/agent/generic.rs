//! Any other program: nothing is known of it but what the configuration says.

use serde_json::Value;

use super::cli::{AgentCli, Arguments, Spec};
use super::event::AgentEvent;

/// Any other program.
#[derive(Debug)]
pub(super) struct Generic;

const SPEC: Spec = Spec {
    name: "generic",
    program: "",
    install: None,
    login: None,
    arguments: Arguments {
        run: &[],
        resume: None,
        model: None,
        plan: None,
        mode: None,
        skip: None,
        dir: None,
        version: &["--version"],
    },
    statuses: &[],
    refusals: &[],
    tells_result: false,
};

impl AgentCli for Generic {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, _line: &Value, _events: &mut Vec<AgentEvent>) {}
}
