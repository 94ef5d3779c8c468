//! What a request that came by TCP has to show before anything else of it is
//! looked at; its body is not read before that.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::error::ApiError;
use crate::domain::listen::{is_same_origin, names_this_machine};
use crate::domain::secret::Secret;

/// What a token is compared with.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    /// A digest, so that how long a comparison takes says nothing about the
    /// token: nobody can choose what a digest begins with.
    token: [u8; 32],
}

impl Guard {
    pub(super) fn new(token: &Secret) -> Self {
        Self { token: digest(token.expose().as_bytes()) }
    }

    /// Whether a request may go on, or why not.
    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next().map(|host| host.to_str()), hosts.next()) {
            (Some(Ok(host)), None) if names_this_machine(host) => host,
            _ => return Err(Refusal::Host),
        };
        // A target that is a whole address goes before the header (RFC 9112,
        // section 3.2.2).
        if uri.authority().is_some_and(|authority| !names_this_machine(authority.as_str())) {
            return Err(Refusal::Host);
        }
        let foreign = |origin: &header::HeaderValue| {
            !origin.to_str().is_ok_and(|origin| is_same_origin(origin, host))
        };
        if headers.get_all(header::ORIGIN).iter().any(foreign) {
            return Err(Refusal::Origin);
        }
        let mut words = headers.get_all(header::AUTHORIZATION).iter();
        match (words.next().and_then(|word| bearer(word.as_bytes())), words.next()) {
            (Some(token), None) if digest(token) == self.token => Ok(()),
            _ => Err(Refusal::Token),
        }
    }
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The token of an `Authorization` header (RFC 6750, section 2.1).
fn bearer(word: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = word.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Why a request is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Host,
    Origin,
    Token,
}

impl Refusal {
    fn response(self) -> Response {
        let error = |status, word, message: &str| {
            ApiError::request(status, word, message.to_owned()).into_response()
        };
        match self {
            Self::Host => error(
                StatusCode::MISDIRECTED_REQUEST,
                "wrong-host",
                "the Host header does not name this machine as localhost or by its address",
            ),
            Self::Origin => error(
                StatusCode::FORBIDDEN,
                "wrong-origin",
                "another site's page may not ask anything here",
            ),
            Self::Token => {
                let message = "what comes by TCP needs the token that is in the file `token` of \
                               the state directory, as Authorization: Bearer TOKEN";
                let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
                (challenge, error(StatusCode::UNAUTHORIZED, "wrong-token", message)).into_response()
            }
        }
    }
}

/// The layer before all routes of the TCP listener.
pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_request_needs_our_host_no_foreign_origin_and_the_token() {
        let guard = Guard::new(&Secret::new("0123"));
        let ours = ("host", "localhost:1");
        let token = ("authorization", "Bearer 0123");
        type Fields<'a> = &'a [(&'static str, &'static str)];
        let table: &[(&str, Fields<'_>, Result<(), Refusal>)] = &[
            ("/", &[ours, token], Ok(())),
            ("/", &[ours, ("authorization", "bearer 0123")], Ok(())),
            ("http://localhost:1/", &[ours, token], Ok(())),
            ("/", &[ours, token, ("origin", "http://localhost:1")], Ok(())),
            ("/", &[token], Err(Refusal::Host)),
            ("/", &[ours, ours, token], Err(Refusal::Host)),
            ("/", &[("host", "evil.example"), token], Err(Refusal::Host)),
            ("http://evil.example/", &[ours, token], Err(Refusal::Host)),
            ("/", &[ours, token, ("origin", "null")], Err(Refusal::Origin)),
            ("/", &[ours, token, ("origin", "http://localhost:2")], Err(Refusal::Origin)),
            (
                "/",
                &[ours, token, ("origin", "http://localhost:1"), ("origin", "null")],
                Err(Refusal::Origin),
            ),
            ("/", &[ours], Err(Refusal::Token)),
            ("/", &[ours, token, token], Err(Refusal::Token)),
            ("/", &[ours, ("authorization", "Bearer 0124")], Err(Refusal::Token)),
            ("/", &[ours, ("authorization", "Bearer 012")], Err(Refusal::Token)),
            ("/", &[ours, ("authorization", "Bearer ")], Err(Refusal::Token)),
            ("/", &[ours, ("authorization", "Basic 0123")], Err(Refusal::Token)),
            ("/", &[ours, ("authorization", "0123")], Err(Refusal::Token)),
        ];
        for (uri, fields, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in *fields {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(guard.check(&uri.parse().unwrap(), &headers), *expected, "{uri} {fields:?}");
        }
    }
}
