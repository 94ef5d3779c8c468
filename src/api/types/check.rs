//! Tests and examinations of a remote.

use serde::{Deserialize, Serialize};

use crate::domain::doctor::Finding;
use crate::domain::failure::Failure;
use crate::domain::ids::AgentName;

/// `POST /v1/remotes/{name}/test`; the name `local` is this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestRequest {
    /// The agent whose command is looked for.
    pub agent: Option<AgentName>,
    /// The working directory that is entered; without it, the remote's own.
    pub cwd: Option<String>,
}

/// How a remote's test went, stage by stage, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// The remote.
    pub remote: String,
    /// `user@host:port`, once it is known.
    pub destination: Option<String>,
    /// The stages that were reached.
    pub stages: Vec<TestStage>,
    /// The remote's own host name.
    pub hostname: Option<String>,
    /// What stopped the test.
    pub failure: Option<Failure>,
    /// What stopped nothing yet.
    #[serde(default)]
    pub warnings: Vec<Failure>,
}

/// One stage of a remote's test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestStage {
    /// `resolve`, `connect`, `key exchange`, …
    pub name: String,
    /// Milliseconds that it took.
    pub took_ms: f64,
    /// Whether it went well.
    pub ok: bool,
    /// What was found.
    pub detail: Option<String>,
}

/// What a doctor has found: `POST /v1/remotes/{name}/doctor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// The test that comes before; nothing is found where that failed.
    pub test: TestReport,
    /// What was looked at, and how it is.
    pub findings: Vec<Finding>,
}

/// What is told while a test or an examination is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckNotice {
    /// A stage has begun.
    Began(String),
    /// A stage is over.
    Stage(TestStage),
    /// Something was looked at.
    Finding(Finding),
}

/// A line of an answer that is followed: with `?follow=1` a test and an
/// examination answer in lines of JSON, of which the last is the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckLine<R> {
    /// What is told meanwhile.
    Notice(CheckNotice),
    /// What came of it; the last line.
    Report(R),
}
