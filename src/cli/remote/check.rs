//! `remote test` and `remote doctor`: each line as it comes.

use std::io::{IsTerminal as _, stdout};

use serde::de::DeserializeOwned;

use crate::api::client::{Check, Client};
use crate::api::types::{
    CheckLine, CheckNotice, DoctorReport, Finding, FindingStatus, TestReport, TestRequest,
};
use crate::cli::attention;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::{print, print_json, print_line, print_raw, say};
use crate::cli::render::{failure_block, finding, pending, stage};

/// `remote test`.
pub(super) async fn test(
    name: &str,
    request: &TestRequest,
    json: bool,
    context: &Context,
) -> Result<Code, CliError> {
    let report = if json {
        let test = context.call(async |client| client.test_remote(name, request).await);
        let report = attention::meanwhile(context, name, test).await?;
        print_json(&report)?;
        report
    } else {
        follow(name, context, async |client| client.follow_test(name, request).await).await?
    };
    if !json {
        say_failures(&report);
    }
    Ok(if report.failure.is_some() { exit::FAILED } else { exit::OK })
}

/// `remote doctor`.
pub(super) async fn doctor(name: &str, json: bool, context: &Context) -> Result<Code, CliError> {
    let report: DoctorReport = if json {
        let doctor = context.call(async |client| client.doctor(name).await);
        let report = attention::meanwhile(context, name, doctor).await?;
        print_json(&report)?;
        report
    } else {
        follow(name, context, async |client| client.follow_doctor(name).await).await?
    };
    if !json {
        say_failures(&report.test);
    }
    let fails = |finding: &Finding| finding.status == FindingStatus::Fail;
    let bad = report.test.failure.is_some() || report.findings.iter().any(fails);
    Ok(if bad { exit::FAILED } else { exit::OK })
}

fn say_failures(report: &TestReport) {
    for failure in report.failure.iter().chain(&report.warnings) {
        say(&failure_block(failure));
    }
}

/// Prints what is told, and returns the report.
async fn follow<R: DeserializeOwned>(
    name: &str,
    context: &Context,
    begin: impl AsyncFn(&Client) -> Result<Check<R>, crate::api::client::ClientError>,
) -> Result<R, CliError> {
    let work = async {
        let mut check = context.call(begin).await?;
        print_line(name)?;
        // What is under way is overwritten by what came of it.
        let live = stdout().is_terminal();
        loop {
            let line = match check.next().await? {
                CheckLine::Report(report) => {
                    if live {
                        print_raw(&pending(None))?;
                    }
                    return Ok(report);
                }
                CheckLine::Notice(CheckNotice::Began(what)) if live => {
                    print_raw(&pending(Some(&what)))?;
                    continue;
                }
                CheckLine::Notice(CheckNotice::Began(_)) => continue,
                CheckLine::Notice(CheckNotice::Stage(told)) => stage(&told),
                CheckLine::Notice(CheckNotice::Finding(told)) => finding(&told),
            };
            if live {
                print_raw(&pending(None))?;
            }
            print(&line)?;
        }
    };
    attention::meanwhile(context, name, work).await
}
