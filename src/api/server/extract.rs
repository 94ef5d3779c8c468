//! Takes requests apart, and says what is wrong with them in our own words.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::bounds::{BODY_TIME, MAX_BODIES, MAX_RUN};
use super::error::ApiError;
use crate::api::backend::RequestError;

/// The `{id}` or `{name}` of a path.
#[derive(Debug)]
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        named.map(|Path(name)| Self(name)).map_err(|rejection| {
            ApiError::request(rejection.status(), "bad-path", rejection.body_text())
        })
    }
}

/// The query string.
#[derive(Debug)]
pub(super) struct Asked<Q>(pub(super) Q);

impl<S: Send + Sync, Q: DeserializeOwned> FromRequestParts<S> for Asked<Q> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query: Result<Query<Q>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|rejection| {
            ApiError::request(rejection.status(), "bad-query", rejection.body_text())
        })
    }
}

/// A body, whose size the route has bounded.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Bytes,
    /// Its part of what all of them may take.
    _room: SemaphorePermit<'static>,
}

/// What is left of [`MAX_BODIES`].
static ROOM: Semaphore = Semaphore::const_new(MAX_BODIES);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // One that does not say how long it is may become as long as any.
        let room = length
            .map_or(MAX_RUN, |length| usize::try_from(length).unwrap_or(usize::MAX).min(MAX_RUN));
        let read = async {
            // It fails for a closed one, and nobody closes this; MAX_RUN fits
            // any number of permits.
            let room = ROOM.acquire_many(u32::try_from(room).unwrap_or(u32::MAX)).await;
            let room = room.map_err(|_| ApiError::from(RequestError::Unavailable))?;
            let bytes: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
            let bytes = bytes.map_err(|rejection| {
                ApiError::request(rejection.status(), "bad-body", rejection.body_text())
            })?;
            Ok(Self { bytes, _room: room })
        };
        tokio::time::timeout(BODY_TIME, read).await.unwrap_or_else(|_| {
            let message = format!("the body did not come within {} s", BODY_TIME.as_secs());
            Err(ApiError::request(StatusCode::REQUEST_TIMEOUT, "slow-body", message))
        })
    }
}

impl Body {
    /// What it is.
    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// The body as JSON.
pub(super) fn json<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let mut source = serde_json::Deserializer::from_slice(&body.bytes);
    // The path to the field is worth more than the column in a line that a
    // program wrote.
    serde_path_to_error::deserialize(&mut source).map_err(|error| {
        ApiError::request(StatusCode::BAD_REQUEST, "bad-body", format!("not a request: {error}"))
    })
}

/// The body as JSON, or the default where there is none.
pub(super) fn json_or_default<T: DeserializeOwned + Default>(body: Body) -> Result<T, ApiError> {
    if body.bytes.is_empty() { Ok(T::default()) } else { json(body) }
}

/// A switch in a query string: `1` or `true`, `0` or `false`, or the bare name.
pub(super) fn switch<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
    match String::deserialize(source)?.as_str() {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(D::Error::custom(format!("{other:?} is neither 1 nor 0"))),
    }
}
