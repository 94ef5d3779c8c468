//! One method per route.

use std::path::{Path, PathBuf};

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ClientError;
use super::http::{self, Payload, segment};
use super::streams::{self, AllProgress, Check, Feed, Pulses};
use crate::api::types::{
    AdoptReport, AdoptRequest, AgentView, AnswerRequest, ConfigView, DoctorReport, GcRequest,
    GcView, HostKeyShown, InputOffer, InputTaken, Inventory, KillRequest, QuestionId, QuestionView,
    RemoteView, RunRequest, SessionView, StatusView, Stream, TestReport, TestRequest, TrustRequest,
    VersionView,
};
use crate::domain::secret::Secret;

/// The daemon behind a socket.
///
/// Every call opens a connection of its own, and has to be made inside a tokio
/// runtime with its IO enabled.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

/// Which part of a session's output to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputQuery {
    /// The stream.
    pub stream: Stream,
    /// The first byte.
    pub offset: u64,
    /// How many bytes at most; `None` for all.
    pub limit: Option<u64>,
    /// Go on until the session has ended.
    pub follow: bool,
}

/// Every method fails with a [`ClientError`] that says whether there is a
/// daemon, whether the connection broke, or why the daemon said no.
impl Client {
    /// A client of the daemon that listens on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<T, ClientError> {
        http::answer(http::send(&self.socket, method, path, payload).await?, path).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, Payload::Empty).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let json = serde_json::to_vec(body)
            .map_err(|source| ClientError::Json { asked: path.to_owned(), source })?;
        self.call(Method::POST, path, Payload::Json(json)).await
    }

    /// A request whose answer has no body.
    async fn order(&self, method: Method, path: &str) -> Result<(), ClientError> {
        http::send(&self.socket, method, path, Payload::Empty).await.map(drop)
    }

    /// Asks for a session. `POST /v1/sessions`.
    pub async fn run(&self, request: &RunRequest) -> Result<SessionView, ClientError> {
        self.post("/v1/sessions", request).await
    }

    /// The live sessions, or all. `GET /v1/sessions`.
    pub async fn sessions(&self, all: bool) -> Result<Vec<SessionView>, ClientError> {
        self.get(if all { "/v1/sessions?all=1" } else { "/v1/sessions" }).await
    }

    /// One session. `GET /v1/sessions/{id}`.
    pub async fn session(&self, id: &str) -> Result<SessionView, ClientError> {
        self.get(&format!("/v1/sessions/{}", segment(id))).await
    }

    /// All attempts that a session is one of, the first first.
    /// `GET /v1/sessions/{id}/attempts`.
    pub async fn attempts(&self, id: &str) -> Result<Vec<SessionView>, ClientError> {
        self.get(&format!("/v1/sessions/{}/attempts", segment(id))).await
    }

    /// A stream's bytes. `GET /v1/sessions/{id}/output`.
    pub async fn output(
        &self,
        id: &str,
        query: OutputQuery,
    ) -> Result<streams::Bytes, ClientError> {
        let mut path = format!(
            "/v1/sessions/{}/output?stream={}&offset={}",
            segment(id),
            query.stream.as_str(),
            query.offset
        );
        if let Some(limit) = query.limit {
            path.push_str(&format!("&limit={limit}"));
        }
        if query.follow {
            path.push_str("&follow=1");
        }
        let response = http::send(&self.socket, Method::GET, &path, Payload::Empty).await?;
        Ok(streams::Bytes::new(response))
    }

    /// A session's pulse, until its last. `GET /v1/sessions/{id}/watch`.
    pub async fn watch(&self, id: &str) -> Result<Pulses, ClientError> {
        let path = format!("/v1/sessions/{}/watch", segment(id));
        let response = http::send(&self.socket, Method::GET, &path, Payload::Empty).await?;
        Ok(Pulses::new(response, path))
    }

    /// How far all live sessions are, as they come on. `GET /v1/watch`.
    pub async fn watch_all(&self) -> Result<AllProgress, ClientError> {
        let path = "/v1/watch";
        let response = http::send(&self.socket, Method::GET, path, Payload::Empty).await?;
        Ok(AllProgress::new(response, path.to_owned()))
    }

    /// Adds to a session's standard input; at most 1 MiB.
    /// `POST /v1/sessions/{id}/input`.
    pub async fn input(&self, id: &str, offer: InputOffer) -> Result<InputTaken, ClientError> {
        let InputOffer { bytes, offset, again, eof, wait_s } = offer;
        let (again, eof) = (u8::from(again), u8::from(eof));
        let mut path =
            format!("/v1/sessions/{}/input?again={again}&eof={eof}&wait={wait_s}", segment(id));
        if let Some(offset) = offset {
            path.push_str(&format!("&offset={offset}"));
        }
        self.call(Method::POST, &path, Payload::Raw(bytes)).await
    }

    /// Signals or stops a session. `POST /v1/sessions/{id}/kill`.
    pub async fn kill(&self, id: &str, request: &KillRequest) -> Result<SessionView, ClientError> {
        self.post(&format!("/v1/sessions/{}/kill", segment(id)), request).await
    }

    /// Removes an ended session; `force` stops one that runs before.
    /// `DELETE /v1/sessions/{id}`.
    pub async fn remove(&self, id: &str, force: bool) -> Result<(), ClientError> {
        let force = if force { "?force=1" } else { "" };
        self.order(Method::DELETE, &format!("/v1/sessions/{}{force}", segment(id))).await
    }

    /// Removes what need not be kept, or only says what that is.
    /// `POST /v1/gc`.
    pub async fn gc(&self, request: &GcRequest) -> Result<GcView, ClientError> {
        self.post("/v1/gc", request).await
    }

    /// Events after `since`, or from now or the oldest kept; and the ones to
    /// come if `follow`. `GET /v1/events`.
    pub async fn events(&self, since: Option<u64>, follow: bool) -> Result<Feed, ClientError> {
        let mut path = format!("/v1/events?follow={}", u8::from(follow));
        if let Some(since) = since {
            path.push_str(&format!("&since={since}"));
        }
        let response = http::send(&self.socket, Method::GET, &path, Payload::Empty).await?;
        Ok(Feed::new(response, path))
    }

    /// Everything at a glance. `GET /v1/status`.
    pub async fn status(&self) -> Result<StatusView, ClientError> {
        self.get("/v1/status").await
    }

    /// All remotes. `GET /v1/remotes`.
    pub async fn remotes(&self) -> Result<Vec<RemoteView>, ClientError> {
        self.get("/v1/remotes").await
    }

    /// Tests a remote. `POST /v1/remotes/{name}/test`.
    pub async fn test_remote(
        &self,
        name: &str,
        request: &TestRequest,
    ) -> Result<TestReport, ClientError> {
        self.post(&format!("/v1/remotes/{}/test", segment(name)), request).await
    }

    /// Tests a remote, and tells how far that has come.
    /// `POST /v1/remotes/{name}/test?follow=1`.
    pub async fn follow_test(
        &self,
        name: &str,
        request: &TestRequest,
    ) -> Result<Check<TestReport>, ClientError> {
        self.check(format!("/v1/remotes/{}/test?follow=1", segment(name)), request).await
    }

    /// Examines a remote. `POST /v1/remotes/{name}/doctor`.
    pub async fn doctor(&self, name: &str) -> Result<DoctorReport, ClientError> {
        let path = format!("/v1/remotes/{}/doctor", segment(name));
        self.call(Method::POST, &path, Payload::Empty).await
    }

    /// Examines a remote, and tells how far that has come.
    /// `POST /v1/remotes/{name}/doctor?follow=1`.
    pub async fn follow_doctor(&self, name: &str) -> Result<Check<DoctorReport>, ClientError> {
        self.check(format!("/v1/remotes/{}/doctor?follow=1", segment(name)), &()).await
    }

    async fn check<R: DeserializeOwned>(
        &self,
        path: String,
        body: &impl Serialize,
    ) -> Result<Check<R>, ClientError> {
        let json = serde_json::to_vec(body)
            .map_err(|source| ClientError::Json { asked: path.clone(), source })?;
        let response = http::send(&self.socket, Method::POST, &path, Payload::Json(json)).await?;
        Ok(Check::new(response, path))
    }

    /// Takes in the sessions on a remote that are not known here.
    /// `POST /v1/remotes/{name}/adopt`.
    pub async fn adopt(
        &self,
        name: &str,
        request: &AdoptRequest,
    ) -> Result<AdoptReport, ClientError> {
        self.post(&format!("/v1/remotes/{}/adopt", segment(name)), request).await
    }

    /// The host key that a remote shows. `GET /v1/remotes/{name}/host-key`.
    pub async fn host_key(&self, name: &str) -> Result<HostKeyShown, ClientError> {
        self.get(&format!("/v1/remotes/{}/host-key", segment(name))).await
    }

    /// Trusts a host key. `POST /v1/remotes/{name}/host-key`.
    pub async fn trust(
        &self,
        name: &str,
        request: &TrustRequest,
    ) -> Result<HostKeyShown, ClientError> {
        self.post(&format!("/v1/remotes/{}/host-key", segment(name)), request).await
    }

    /// Tries a remote's connection at once. `POST /v1/remotes/{name}/reconnect`.
    pub async fn reconnect(&self, name: &str) -> Result<(), ClientError> {
        self.order(Method::POST, &format!("/v1/remotes/{}/reconnect", segment(name))).await
    }

    /// What people are asked. `GET /v1/attention`.
    pub async fn attention(&self) -> Result<Vec<QuestionView>, ClientError> {
        self.get("/v1/attention").await
    }

    /// Answers a question. `POST /v1/attention/{id}`.
    pub async fn answer(&self, id: QuestionId, answer: Secret) -> Result<(), ClientError> {
        let path = format!("/v1/attention/{id}");
        let json = serde_json::to_vec(&AnswerRequest { answer })
            .map_err(|source| ClientError::Json { asked: path.clone(), source })?;
        http::send(&self.socket, Method::POST, &path, Payload::Json(json)).await.map(drop)
    }

    /// Which agents a machine has. `POST /v1/remotes/{name}/agents`.
    pub async fn detect_agents(&self, name: &str) -> Result<Inventory, ClientError> {
        let path = format!("/v1/remotes/{}/agents", segment(name));
        self.call(Method::POST, &path, Payload::Empty).await
    }

    /// All agents. `GET /v1/agents`.
    pub async fn agents(&self) -> Result<Vec<AgentView>, ClientError> {
        self.get("/v1/agents").await
    }

    /// Has the configuration read again. `POST /v1/config/reload`.
    pub async fn reload(&self) -> Result<ConfigView, ClientError> {
        self.call(Method::POST, "/v1/config/reload", Payload::Empty).await
    }

    /// Stops the daemon; sessions go on. `POST /v1/daemon/stop`.
    pub async fn stop(&self) -> Result<(), ClientError> {
        self.order(Method::POST, "/v1/daemon/stop").await
    }

    /// The daemon's version. `GET /v1/version`.
    pub async fn version(&self) -> Result<VersionView, ClientError> {
        self.get("/v1/version").await
    }
}
