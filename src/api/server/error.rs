//! What goes back when a request is turned down.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::backend::RequestError;
use crate::api::types::ErrorBody;
use crate::domain::attention::AnswerError;
use crate::domain::failure::classify::local_failure;
use crate::domain::failure::local_trouble::LocalTrouble;

/// An error, as the response that says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ApiError {
    status: StatusCode,
    /// Boxed, for it is in the way of every good answer.
    body: Box<ErrorBody>,
}

impl ApiError {
    /// A request that could not be understood.
    pub(super) fn request(status: StatusCode, word: &str, message: String) -> Self {
        let body = ErrorBody { error: word.to_owned(), message, remedy: None, failure: None };
        Self { status, body: Box::new(body) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// The status and the stable word of each error.
fn kind(error: &RequestError) -> (StatusCode, &'static str) {
    match error {
        RequestError::NoSuchSession(_) => (StatusCode::NOT_FOUND, "no-such-session"),
        RequestError::NoSuchRemote(_) => (StatusCode::NOT_FOUND, "no-such-remote"),
        RequestError::NoRemoteTagged(_) => (StatusCode::NOT_FOUND, "no-remote-tagged"),
        RequestError::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous"),
        RequestError::NameTaken { .. } => (StatusCode::CONFLICT, "name-taken"),
        RequestError::KeyTaken(_) => (StatusCode::CONFLICT, "key-taken"),
        RequestError::HasEnded(_) => (StatusCode::CONFLICT, "has-ended"),
        RequestError::StillRunning(_) => (StatusCode::CONFLICT, "still-running"),
        RequestError::StdinClosed(_) => (StatusCode::CONFLICT, "stdin-closed"),
        RequestError::InputMoved { .. } => (StatusCode::CONFLICT, "input-moved"),
        RequestError::InputFull(..) => (StatusCode::TOO_MANY_REQUESTS, "input-full"),
        RequestError::Name(_) => (StatusCode::BAD_REQUEST, "bad-name"),
        RequestError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
        RequestError::Lacks(_) => (StatusCode::UNPROCESSABLE_ENTITY, "agent-lacks"),
        RequestError::NoSuchSignal(_) => (StatusCode::BAD_REQUEST, "no-such-signal"),
        RequestError::NotTrusted(_) => (StatusCode::CONFLICT, "not-trusted"),
        RequestError::Answer(AnswerError::NotOpen) => (StatusCode::NOT_FOUND, "no-such-question"),
        RequestError::Answer(
            AnswerError::TakesNone | AnswerError::YesOrNo | AnswerError::OnlyYesOrNo,
        ) => (StatusCode::UNPROCESSABLE_ENTITY, "no-answer"),
        RequestError::ConfigRejected(_) => (StatusCode::UNPROCESSABLE_ENTITY, "config-rejected"),
        RequestError::Failed(_) => (StatusCode::UNPROCESSABLE_ENTITY, "failed"),
        RequestError::StaleCursor { .. } => (StatusCode::GONE, "stale-cursor"),
        RequestError::Store(_) => (StatusCode::INSUFFICIENT_STORAGE, "store"),
        RequestError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

/// What to type, where that does not depend on what was meant.
fn remedy(error: &RequestError) -> Option<String> {
    Some(match error {
        RequestError::NoSuchSession(_) => "longhaul ps -a".to_owned(),
        RequestError::NoSuchRemote(_) => "longhaul remote ls".to_owned(),
        RequestError::NoRemoteTagged(_) => {
            "tags: [\"…\"] of a remote in the configuration: longhaul config path".to_owned()
        }
        RequestError::Answer(_) => "longhaul attention".to_owned(),
        RequestError::Ambiguous { ids, .. } => {
            let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            format!("one of: {}", ids.join(" "))
        }
        RequestError::NameTaken { by, .. } => format!("longhaul kill {by}"),
        RequestError::StillRunning(id) => format!("longhaul rm --force {id}   (stops it first)"),
        RequestError::InputFull(id, _) => {
            format!(
                "longhaul inspect {id}   (its host may be away; a pipe waits: … | longhaul send {id})"
            )
        }
        RequestError::StdinClosed(_) => "longhaul run -i … keeps it open".to_owned(),
        RequestError::NoSuchSignal(_) => "a name such as TERM, INT or HUP".to_owned(),
        RequestError::ConfigRejected(_) => {
            "longhaul config check\nlonghaul explain config.invalid".to_owned()
        }
        RequestError::Store(_) => {
            "look at the disk that holds the state: longhaul status".to_owned()
        }
        RequestError::Failed(failure) => return failure.remedy.clone(),
        RequestError::KeyTaken(id) => {
            format!("longhaul inspect {id}, and a new key for a new request")
        }
        RequestError::HasEnded(id) => format!("longhaul logs {id}"),
        RequestError::Name(_)
        | RequestError::Invalid(_)
        | RequestError::InputMoved { .. }
        | RequestError::Lacks(_)
        | RequestError::NotTrusted(_)
        | RequestError::StaleCursor { .. }
        | RequestError::Unavailable => return None,
    })
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let (status, word) = kind(&error);
        let remedy = remedy(&error);
        let message = error.to_string();
        let failure = match error {
            RequestError::Failed(failure) => Some(*failure),
            RequestError::ConfigRejected(report) => {
                let detail = report.trim_end().to_owned();
                Some(local_failure(&LocalTrouble::ConfigInvalid { detail }))
            }
            _ => None,
        };
        let body = ErrorBody { error: word.to_owned(), message, remedy, failure };
        Self { status, body: Box::new(body) }
    }
}
