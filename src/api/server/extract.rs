//! Takes requests apart, and says what is wrong with them in our own words.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

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
pub(super) type Body = Result<Bytes, BytesRejection>;

/// The bytes of a body.
pub(super) fn bytes(body: Body) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| {
        ApiError::request(rejection.status(), "bad-body", rejection.body_text())
    })
}

/// The body as JSON.
pub(super) fn json<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let bytes = bytes(body)?;
    let mut source = serde_json::Deserializer::from_slice(&bytes);
    // The path to the field is worth more than the column in a line that a
    // program wrote.
    serde_path_to_error::deserialize(&mut source).map_err(|error| {
        ApiError::request(StatusCode::BAD_REQUEST, "bad-body", format!("not a request: {error}"))
    })
}

/// The body as JSON, or the default where there is none.
pub(super) fn json_or_default<T: DeserializeOwned + Default>(body: Body) -> Result<T, ApiError> {
    let bytes = bytes(body)?;
    if bytes.is_empty() { Ok(T::default()) } else { json(Ok(bytes)) }
}

/// A switch in a query string: `1` or `true`, `0` or `false`, or the bare name.
pub(super) fn switch<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
    match String::deserialize(source)?.as_str() {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(D::Error::custom(format!("{other:?} is neither 1 nor 0"))),
    }
}
