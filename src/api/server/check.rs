//! Tests and examinations, which one may follow: a line of JSON for each stage
//! as it ends, and the report as the last one.

use std::io;

use axum::Json;
use axum::body::{Body as Answer, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::error::ApiError;
use super::extract::{Asked, Body, Named, json_or_default, switch};
use super::serve::Context;
use crate::api::backend::{Audience, Backend, RequestError};
use crate::api::types::{CheckLine, CheckNotice, TestRequest};

/// Notices that wait to be sent. Whoever reads too slowly misses some, and has
/// them all in the report.
const NOTICES: usize = 256;

#[derive(Debug, Deserialize)]
pub(super) struct CheckQuery {
    #[serde(default, deserialize_with = "switch")]
    follow: bool,
}

pub(super) async fn test<B: Backend>(
    State(context): State<Context<B>>,
    Named(name): Named,
    Asked(query): Asked<CheckQuery>,
    body: Body,
) -> Result<Response, ApiError> {
    let request: TestRequest = json_or_default(body)?;
    answer(query.follow, |audience| {
        Box::pin(async move { context.backend.test_remote(&name, request, audience).await })
    })
    .await
}

pub(super) async fn doctor<B: Backend>(
    State(context): State<Context<B>>,
    Named(name): Named,
    Asked(query): Asked<CheckQuery>,
) -> Result<Response, ApiError> {
    answer(query.follow, |audience| {
        Box::pin(async move { context.backend.doctor(&name, audience).await })
    })
    .await
}

type Work<R> = BoxFuture<'static, Result<R, RequestError>>;

async fn answer<R: Serialize + Send + 'static>(
    follow: bool,
    work: impl FnOnce(Audience) -> Work<R>,
) -> Result<Response, ApiError> {
    if !follow {
        return Ok(Json(work(Audience::nobody()).await?).into_response());
    }
    let (audience, notices) = Audience::of(NOTICES);
    let mut check = Check { work: Some(work(audience)), report: None, notices };
    // What is turned down is so before anything is told of it.
    let first = check.next().await?;
    let lines = stream::unfold((first, check), |(line, mut check)| async move {
        let line = line?;
        let next = check.next().await;
        Some((encode(&line), (next.unwrap_or(None), check)))
    });
    let headers = [(header::CONTENT_TYPE, "application/jsonl")];
    Ok((headers, Answer::from_stream(lines)).into_response())
}

fn encode<R: Serialize>(line: &CheckLine<R>) -> io::Result<Bytes> {
    let mut line = serde_json::to_vec(line).map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line.into())
}

/// One that is under way. Dropping it ends it.
struct Check<R> {
    work: Option<Work<R>>,
    /// What came of it, until all notices have been sent.
    report: Option<R>,
    notices: mpsc::Receiver<CheckNotice>,
}

impl<R> Check<R> {
    /// The next line; `None` after the report.
    async fn next(&mut self) -> Result<Option<CheckLine<R>>, RequestError> {
        if let Some(work) = &mut self.work {
            tokio::select! {
                biased;
                Some(notice) = self.notices.recv() => return Ok(Some(CheckLine::Notice(notice))),
                report = work => self.report = Some(report?),
            }
            self.work = None;
        }
        if let Ok(notice) = self.notices.try_recv() {
            return Ok(Some(CheckLine::Notice(notice)));
        }
        Ok(self.report.take().map(CheckLine::Report))
    }
}
