//! One request over one connection.
//!
//! A connection to a Unix socket costs some ten microseconds, which is less
//! than keeping a pool of them right.

use std::io::ErrorKind;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::error::ClientError;
use crate::api::types::ErrorBody;

/// The longest answer that is held as a whole.
const MAX_ANSWER: usize = 256 << 20;

/// What is sent along.
#[derive(Debug)]
pub(super) enum Payload {
    /// Nothing.
    Empty,
    /// JSON, encoded.
    Json(Vec<u8>),
    /// Bytes as they are.
    Raw(Bytes),
}

/// Sends a request and returns a good answer, its body still to come.
pub(super) async fn send(
    socket: &Path,
    method: Method,
    path: &str,
    payload: Payload,
) -> Result<Response<Incoming>, ClientError> {
    let stream = UnixStream::connect(socket).await.map_err(|source| {
        let socket = socket.to_owned();
        match source.kind() {
            // Reset: it closed its socket while we were in the queue.
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                ClientError::NotRunning { socket }
            }
            ErrorKind::PermissionDenied => ClientError::Refused { socket, source },
            _ => ClientError::Connect { socket, source },
        }
    })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends when the answer has been read or dropped. An error of the connection
    // reaches whoever reads the answer.
    tokio::spawn(connection);
    let (kind, body) = match payload {
        Payload::Empty => (None, Bytes::new()),
        Payload::Json(json) => (Some("application/json"), json.into()),
        Payload::Raw(bytes) => (Some("application/octet-stream"), bytes),
    };
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "longhaul");
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let response = sender.send_request(request.body(Full::new(body))?).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let bytes = whole(response, path).await?;
    Err(match serde_json::from_slice::<ErrorBody>(&bytes) {
        Ok(body) => ClientError::Api { status, body: Box::new(body) },
        Err(_) => ClientError::Protocol { asked: path.to_owned(), status },
    })
}

/// The whole of an answer's body.
async fn whole(response: Response<Incoming>, path: &str) -> Result<Bytes, ClientError> {
    let mut body = response.into_body();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if all.len() + data.len() > MAX_ANSWER {
                return Err(ClientError::TooLong { asked: path.to_owned() });
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}

/// The whole of an answer's body, as JSON.
pub(super) async fn answer<T: DeserializeOwned>(
    response: Response<Incoming>,
    path: &str,
) -> Result<T, ClientError> {
    let bytes = whole(response, path).await?;
    decode(&bytes, path)
}

/// A piece of JSON from the daemon.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8], path: &str) -> Result<T, ClientError> {
    serde_json::from_slice(bytes)
        .map_err(|source| ClientError::Json { asked: path.to_owned(), source })
}

/// A path's segment: what a person typed, with everything escaped that a path
/// or a query would trip over (RFC 3986, section 2.3).
pub(super) fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_segment_keeps_what_was_typed_together() {
        for (typed, sent) in [
            ("a1b2", "a1b2"),
            ("user@host:22", "user%40host%3A22"),
            ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"),
            ("é %", "%C3%A9%20%25"),
        ] {
            assert_eq!(segment(typed), sent, "{typed}");
        }
    }
}
