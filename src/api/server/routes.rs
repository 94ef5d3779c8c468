//! The routes, and the handlers that are one call each.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::bounds::{MAX_INPUT, MAX_OTHER, MAX_RUN};
use super::error::ApiError;
use super::extract::{Asked, Body, Named, json, json_or_default, switch};
use super::serve::Context;
use super::{check, events, output, watch, watch_all};
use crate::api::backend::{Backend, RequestError};
use crate::api::types::{
    AdoptReport, AdoptRequest, AgentView, AnswerRequest, ConfigView, GcRequest, GcView,
    HostKeyShown, InputOffer, InputTaken, Inventory, KillRequest, QuestionView, RemoteView,
    RunRequest, SessionView, StatusView, TrustRequest, VersionView,
};
use crate::domain::attention::AnswerError;

type Reply<T> = Result<Json<T>, ApiError>;
type Daemon<B> = State<Context<B>>;

/// All routes.
pub(super) fn router<B: Backend>(context: Context<B>) -> Router {
    Router::new()
        .route("/v1/sessions", get(sessions::<B>))
        .route("/v1/sessions", post(run::<B>).layer(DefaultBodyLimit::max(MAX_RUN)))
        .route("/v1/sessions/{id}", get(session::<B>).delete(remove::<B>))
        .route("/v1/sessions/{id}/attempts", get(attempts::<B>))
        .route("/v1/sessions/{id}/output", get(output::output::<B>))
        .route("/v1/sessions/{id}/watch", get(watch::watch::<B>))
        .route("/v1/watch", get(watch_all::watch_all::<B>))
        .route("/v1/sessions/{id}/input", post(input::<B>).layer(DefaultBodyLimit::max(MAX_INPUT)))
        .route("/v1/sessions/{id}/kill", post(kill::<B>))
        .route("/v1/gc", post(gc::<B>))
        .route("/v1/events", get(events::events::<B>))
        .route("/v1/status", get(status::<B>))
        .route("/v1/remotes", get(remotes::<B>))
        .route("/v1/remotes/{name}/test", post(check::test::<B>))
        .route("/v1/remotes/{name}/doctor", post(check::doctor::<B>))
        .route("/v1/remotes/{name}/adopt", post(adopt::<B>))
        .route("/v1/remotes/{name}/agents", post(detect_agents::<B>))
        .route("/v1/remotes/{name}/reconnect", post(reconnect::<B>))
        .route("/v1/remotes/{name}/host-key", get(host_key::<B>).post(trust::<B>))
        .route("/v1/attention", get(attention::<B>))
        .route("/v1/attention/{id}", post(answer::<B>))
        .route("/v1/agents", get(agents::<B>))
        .route("/v1/config/reload", post(reload::<B>))
        .route("/v1/daemon/stop", post(stop::<B>))
        .route("/v1/version", get(version))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_OTHER))
        .with_state(context)
}

async fn run<B: Backend>(
    State(context): Daemon<B>,
    body: Body,
) -> Result<impl IntoResponse, ApiError> {
    let request: RunRequest = json(body)?;
    let view = context.backend.run(request).await?;
    let location = [(header::LOCATION, format!("/v1/sessions/{}", view.id))];
    Ok((StatusCode::CREATED, location, Json(view)))
}

#[derive(Debug, Deserialize)]
struct SessionsQuery {
    #[serde(default, deserialize_with = "switch")]
    all: bool,
}

async fn sessions<B: Backend>(
    State(context): Daemon<B>,
    Asked(query): Asked<SessionsQuery>,
) -> Reply<Vec<SessionView>> {
    Ok(Json(context.backend.sessions(query.all).await?))
}

async fn session<B: Backend>(State(context): Daemon<B>, Named(id): Named) -> Reply<SessionView> {
    Ok(Json(context.backend.session(&id).await?))
}

async fn attempts<B: Backend>(
    State(context): Daemon<B>,
    Named(id): Named,
) -> Reply<Vec<SessionView>> {
    Ok(Json(context.backend.attempts(&id).await?))
}

#[derive(Debug, Deserialize)]
struct InputQuery {
    offset: Option<u64>,
    #[serde(default, deserialize_with = "switch")]
    again: bool,
    #[serde(default, deserialize_with = "switch")]
    eof: bool,
    #[serde(default)]
    wait: u64,
}

async fn input<B: Backend>(
    State(context): Daemon<B>,
    Named(id): Named,
    Asked(query): Asked<InputQuery>,
    body: Body,
) -> Reply<InputTaken> {
    let bytes = body.into_bytes();
    let InputQuery { offset, again, eof, wait: wait_s } = query;
    let offer = InputOffer { bytes, offset, again, eof, wait_s };
    // A server that stops is not held up by who waits for room; who waits asks
    // the next one.
    let mut stopping = context.stopping;
    tokio::select! {
        taken = context.backend.input(&id, offer) => Ok(Json(taken?)),
        () = stopping.stopped(), if wait_s > 0 => Err(RequestError::Unavailable.into()),
    }
}

async fn kill<B: Backend>(
    State(context): Daemon<B>,
    Named(id): Named,
    body: Body,
) -> Reply<SessionView> {
    let request: KillRequest = json_or_default(body)?;
    Ok(Json(context.backend.kill(&id, request).await?))
}

#[derive(Debug, Deserialize)]
struct RemoveQuery {
    #[serde(default, deserialize_with = "switch")]
    force: bool,
}

async fn remove<B: Backend>(
    State(context): Daemon<B>,
    Named(id): Named,
    Asked(query): Asked<RemoveQuery>,
) -> Result<StatusCode, ApiError> {
    context.backend.remove(&id, query.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn gc<B: Backend>(State(context): Daemon<B>, body: Body) -> Reply<GcView> {
    let request: GcRequest = json_or_default(body)?;
    Ok(Json(context.backend.gc(request).await?))
}

async fn status<B: Backend>(State(context): Daemon<B>) -> Reply<StatusView> {
    Ok(Json(context.backend.status().await?))
}

async fn remotes<B: Backend>(State(context): Daemon<B>) -> Reply<Vec<RemoteView>> {
    Ok(Json(context.backend.remotes().await?))
}

async fn adopt<B: Backend>(
    State(context): Daemon<B>,
    Named(name): Named,
    body: Body,
) -> Reply<AdoptReport> {
    let request: AdoptRequest = json_or_default(body)?;
    Ok(Json(context.backend.adopt(&name, request).await?))
}

async fn host_key<B: Backend>(
    State(context): Daemon<B>,
    Named(name): Named,
) -> Reply<HostKeyShown> {
    Ok(Json(context.backend.host_key(&name).await?))
}

async fn trust<B: Backend>(
    State(context): Daemon<B>,
    Named(name): Named,
    body: Body,
) -> Reply<HostKeyShown> {
    let request: TrustRequest = json(body)?;
    Ok(Json(context.backend.trust(&name, request).await?))
}

async fn reconnect<B: Backend>(
    State(context): Daemon<B>,
    Named(name): Named,
) -> Result<StatusCode, ApiError> {
    context.backend.reconnect(&name).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn attention<B: Backend>(State(context): Daemon<B>) -> Reply<Vec<QuestionView>> {
    Ok(Json(context.backend.attention().await?))
}

async fn answer<B: Backend>(
    State(context): Daemon<B>,
    Named(id): Named,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let request: AnswerRequest = json(body)?;
    // What is no id is no question either.
    let id = id.parse().map_err(|_| RequestError::from(AnswerError::NotOpen))?;
    context.backend.answer(id, request).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn detect_agents<B: Backend>(
    State(context): Daemon<B>,
    Named(name): Named,
) -> Reply<Inventory> {
    Ok(Json(context.backend.detect_agents(&name).await?))
}

async fn agents<B: Backend>(State(context): Daemon<B>) -> Reply<Vec<AgentView>> {
    Ok(Json(context.backend.agents().await?))
}

async fn reload<B: Backend>(State(context): Daemon<B>) -> Reply<ConfigView> {
    Ok(Json(context.backend.reload().await?))
}

async fn stop<B: Backend>(State(context): Daemon<B>) -> Result<StatusCode, ApiError> {
    context.backend.shutdown().await?;
    Ok(StatusCode::ACCEPTED)
}

async fn version() -> Json<VersionView> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Json(VersionView { version, pid: std::process::id() })
}

async fn no_such_route(uri: axum::http::Uri) -> ApiError {
    let message = format!("no route {}", uri.path());
    ApiError::request(StatusCode::NOT_FOUND, "no-such-route", message)
}

async fn no_such_method(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    let message = format!("{} does not take {method}", uri.path());
    ApiError::request(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", message)
}
